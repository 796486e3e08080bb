"""What can be said of a document without running it: shapes, counts, sizes, and every problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from engine.data import Data, Tables
from engine.document import Experiment
from engine.errors import Problem, SpecError, problem
from engine.plan import NetworkPlan, arrange
from engine.trainer import check_names, load


@dataclass(frozen=True)
class Limits:
    """How large a run may be."""

    parameters: int = 5_000_000
    bytes: int = 1_000_000_000


def estimate_bytes(experiment: Experiment, data: Data, networks: Mapping[str, NetworkPlan]) -> int:
    """Bytes that a run of this document holds, to within a small factor: parameters with gradients,
    slots and a state to fall back to; activations and their gradients for a batch; the data."""
    slots = experiment.recipe.slots(experiment)
    total = 0
    for name, plan in networks.items():
        count = sum(node.parameter_count for node in plan.nodes)
        activations = sum(prod(node.output_shape or ()) for node in plan.nodes)
        total += 4 * count * (4 + 2 * len(slots.get(name, ())))
        total += 4 * 4 * activations * (experiment.training.batch + 1024)
    rows = len(data.train.inputs) + len(data.test.inputs)
    return total + rows * (4 * prod(data.input_shape) + 8 * prod(data.train.inputs.shape[1:]))


def check_limits(
    experiment: Experiment, data: Data, networks: Mapping[str, NetworkPlan], limits: Limits
) -> list[Problem]:
    count = sum(node.parameter_count for plan in networks.values() for node in plan.nodes)
    size = estimate_bytes(experiment, data, networks)
    problems = []
    if count > limits.parameters:
        problems.append(
            problem(
                ("networks",),
                "too_many_parameters",
                "the networks have {given} parameters, and at most {limit} are allowed",
                "Use fewer units or layers.",
                given=count,
                limit=limits.parameters,
            )
        )
    if size > limits.bytes:
        problems.append(
            problem(
                ("networks",),
                "too_many_bytes",
                "the run would need about {given} bytes, and at most {limit} are allowed",
                "Use fewer units, or a smaller batch.",
                given=size,
                limit=limits.bytes,
            )
        )
    return problems


def examine(
    document: Any, tables: Tables | None = None, limits: Limits = Limits()
) -> dict[str, Any]:
    """The contract's `Compiled`. Never raises for a bad document: it lists what is wrong, and works
    out what it can of the rest."""
    answer: dict[str, Any] = {
        "problems": [],
        "networks": {},
        "parameters": 0,
        "bytes": 0,
        "data": None,
    }
    try:
        experiment = Experiment.parse(document)
    except SpecError as error:
        answer["problems"] = [p.as_dict() for p in error.problems]
        return answer
    problems = check_names(experiment)
    data: Data | None = None
    try:
        data = load(experiment, tables)
        shapes = experiment.recipe.input_shapes(experiment, data)
        answer["data"] = {
            "task": data.task,
            "input_shape": list(data.input_shape),
            "columns": list(data.columns),
            "classes": list(data.classes) if data.classes else None,
            "plane": data.plane,
            "line": data.line,
            "train": len(data.train.inputs),
            "test": len(data.test.inputs),
        }
    except SpecError as error:
        problems += error.problems
        shapes = {}
    networks: dict[str, NetworkPlan] = {}
    for name in experiment.recipe.networks:
        if name in experiment.networks:
            networks[name], found = arrange(name, experiment.networks[name], shapes.get(name))
            problems += found
    if data is not None:
        if not problems:
            problems += experiment.recipe.check(experiment, data, networks)
        problems += check_limits(experiment, data, networks, limits)
        answer["bytes"] = estimate_bytes(experiment, data, networks)
    answer["networks"] = {name: plan.describe() for name, plan in networks.items()}
    answer["parameters"] = sum(
        node.parameter_count for plan in networks.values() for node in plan.nodes
    )
    answer["problems"] = [p.as_dict() for p in problems]
    return answer
