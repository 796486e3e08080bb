"""Rosenblatt's perceptron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.batches import Batches
from engine.catalogue import setting
from engine.data import Data, Samples
from engine.errors import Problem, problem
from engine.evaluation import MEASURED_ROWS, Evaluator
from engine.plan import NetworkPlan, StagedNetwork
from engine.recipe import Bench, Recipe, Session

if TYPE_CHECKING:
    from engine.document import Experiment

Array = npt.NDArray[Any]


class Perceptron(Recipe):
    """The perceptron learning rule, one sample a step: w ← w + rate · (target - output) · x.

    Nothing changes where the answer is right. On separable data it makes at most (R/γ)² mistakes
    from zero weights. Rosenblatt (1958), *The Perceptron*; Novikoff (1962), *On Convergence Proofs
    on Perceptrons*.
    """

    kind: Literal["perceptron"] = "perceptron"
    title: ClassVar[str] = "Perceptron rule"
    uses: ClassVar[frozenset[str]] = frozenset()

    rate: float = setting(
        1.0,
        gt=0,
        le=1e3,
        scale="log",
        title="Learning rate",
        help="How far a mistake moves the weights.",
    )

    def check(
        self, experiment: Experiment, data: Data, networks: Mapping[str, NetworkPlan]
    ) -> list[Problem]:
        model = networks["model"]
        here = ("networks", "model")
        if len(data.classes or ()) != 2:
            return [
                problem(
                    ("data",),
                    "not_two_classes",
                    "the perceptron tells two classes apart, and these data are something else",
                    "Choose data with two classes, or the recipe “supervised”.",
                )
            ]
        node = model.nodes[-1]
        if (
            len(model.nodes) != 1
            or node.layer.kind_name() != "dense"
            or getattr(node.layer, "units", 0) != 1
        ):
            return [
                problem(
                    (*here, node.position),
                    "not_perceptron",
                    "the perceptron is a single dense layer with one unit",
                    "Remove the other layers, or choose the recipe “supervised”.",
                )
            ]
        if node.activation.kind_name() != "step":
            return [
                problem(
                    (*here, 0, "activation"),
                    "not_step",
                    "the perceptron answers with a step",
                    "Choose the activation “step”.",
                )
            ]
        return []

    def slots(self, experiment: Experiment) -> dict[str, tuple[str, ...]]:
        return {"model": ()}

    def open(self, bench: Bench) -> Session:
        return PerceptronSession(bench, self.rate)


class PerceptronSession(Session):
    """A perceptron at work: one sample a step, mistakes counted."""

    def __init__(self, bench: Bench, rate: float) -> None:
        self.bench, self.rate = bench, rate
        self.generators = {}
        plan, memory = bench.networks["model"], bench.memory
        self.evaluator = Evaluator(plan, memory, bench.experiment.seed)
        self.batches = Batches(len(bench.data.train.inputs), 1, bench.experiment.seed)
        self.network = StagedNetwork(plan, 1, memory, bench.experiment.seed, training=True)
        dtype = memory.flat.dtype
        self.inputs: Array = bench.data.encode(bench.data.train.inputs).astype(dtype)
        self.labels: list[float] = [float(label) for label in bench.data.train.targets]
        name = f"model.{plan.nodes[0].layer.id}"
        self.weight = memory.parameters[f"{name}.weight"][:, 0]
        self.bias = memory.parameters.get(f"{name}.bias")
        self.frozen = plan.nodes[0].layer.frozen
        self.mistakes = 0
        self._move = np.empty_like(self.weight)

    @property
    def epoch(self) -> float:
        return self.batches.epoch

    def update(self, number: int) -> None:
        row = self.batches.next()
        self.inputs.take(row, 0, self.network.input, "clip")
        self.network.forward()
        error = self.labels[row[0]] - float(self.network.output[0, 0])
        if error:
            self.mistakes += 1
            if not self.frozen:
                np.multiply(self.network.input[0], self.rate * error, self._move)
                np.add(self.weight, self._move, self.weight)
                if self.bias is not None:
                    self.bias += self.rate * error

    def _measure(self, samples: Samples, prefix: str) -> dict[str, float]:
        if not len(samples.inputs):
            return {}
        rows = self.bench.data.encode(samples.inputs[:MEASURED_ROWS]).astype(self.inputs.dtype)
        right = float((self.evaluator.output(rows)[:, 0] == samples.targets[:MEASURED_ROWS]).mean())
        return {f"{prefix}_loss": 1.0 - right, f"{prefix}_accuracy": right}

    def values(self) -> dict[str, float]:
        """The loss is the share of samples it gets wrong (0–1 loss)."""
        data = self.bench.data
        return {
            **self._measure(data.train, "train"),
            **self._measure(data.test, "test"),
            "mistakes": float(self.mistakes),
        }

    def outputs(self, network: str, inputs: Array) -> dict[str, Array]:
        return dict(self.evaluator.outputs(inputs))

    def output(self, network: str, inputs: Array) -> Array:
        return self.evaluator.output(inputs)

    def probabilities(self, outputs: Array) -> Array | None:
        return np.concatenate([1.0 - outputs, outputs], axis=1)

    def arrays(self) -> dict[str, Array]:
        return {"order": self.batches.order}

    def state(self) -> dict[str, Any]:
        return {"batches": self.batches.state(), "mistakes": self.mistakes}

    def restore(self, arrays: Mapping[str, Array], state: Mapping[str, Any]) -> None:
        self.batches.restore(arrays["order"], state["batches"])
        self.mistakes = int(state["mistakes"])

    def take_over(self, old: Session) -> None:
        if isinstance(old, PerceptronSession):
            self.batches.take_over(old.batches)
            self.mistakes = old.mistakes

    def circuits(self) -> Mapping[str, StagedNetwork]:
        return {"model": self.network}
