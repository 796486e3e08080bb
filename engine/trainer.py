"""One run: a compiled document that can be stepped, measured, edited, saved and restored.

Everything here is deterministic: the same document and the same commands give the same numbers, and
a run restored from a snapshot goes on bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.data import Data, Tables, prepare
from engine.document import Experiment
from engine.errors import Diverged, Problem, SpecError, problem
from engine.plan import Memory, NetworkPlan, arrange
from engine.probe import NotMeasurable, Probe, plane_grid
from engine.recipe import Bench

Array = npt.NDArray[Any]

# Steps between two states to fall back to when training diverges.
ANCHOR_STEPS = 64
# Steps between two looks at whether all numbers are finite; the step that failed is found by going
# back and repeating, so the answer is exact all the same.
CHECKED_STEPS = 8
# Loss points that are kept before every second one is left out.
POINTS_AT_FIRST = 512


def is_due(step: int) -> bool:
    """Whether a loss point is taken at this step: each to 512, every 2nd to 1024, every 4th …"""
    return step == 0 or next_due(step - 1) == step


def next_due(step: int) -> int:
    """The first step after this one that has a loss point."""
    stride = 1 << max(0, step.bit_length() - POINTS_AT_FIRST.bit_length() + 1)
    return step + stride - step % stride


def load(experiment: Experiment, tables: Tables | None) -> Data:
    """The data of a document. Raises `SpecError` with paths from the document's root."""
    try:
        return prepare(experiment.data, tables or {})
    except SpecError as error:
        raise SpecError([p.under("data") for p in error.problems]) from None


def compile_experiment(experiment: Experiment, data: Data) -> dict[str, NetworkPlan]:
    """The networks of a document over its data. Raises `SpecError` with every problem."""
    recipe = experiment.recipe
    shapes = recipe.input_shapes(experiment, data)
    problems: list[Problem] = check_names(experiment)
    networks: dict[str, NetworkPlan] = {}
    for name in recipe.networks:
        if name in experiment.networks:
            networks[name], found = arrange(name, experiment.networks[name], shapes[name])
            problems += found
    if not problems:
        problems = recipe.check(experiment, data, networks)
    if problems:
        raise SpecError(problems)
    return networks


def check_names(experiment: Experiment) -> list[Problem]:
    """Whether the stacks are those that the recipe trains."""
    wanted = experiment.recipe.networks
    return [
        problem(
            ("networks",),
            "missing_network",
            "the network “{name}” is missing",
            "Add it.",
            name=name,
        )
        for name in wanted
        if name not in experiment.networks
    ] + [
        problem(
            ("networks", name),
            "unknown_network",
            "this recipe has no network “{name}”",
            "Its networks are: {expected}.",
            name=name,
            expected=", ".join(wanted),
        )
        for name in experiment.networks
        if name not in wanted
    ]


class Trainer:
    """A run in memory. Raises `SpecError` when the document cannot be trained."""

    def __init__(
        self,
        experiment: Experiment,
        tables: Tables | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.version = 0
        self._open(experiment, load(experiment, tables))
        self.memory.initialize(self.networks, experiment.seed)
        self._begin()

    # -- state ---------------------------------------------------------------------------------

    def _open(self, experiment: Experiment, data: Data) -> None:
        """Everything that follows from the document, apart from the numbers that training changes."""
        networks = compile_experiment(experiment, data)
        memory = Memory(networks, experiment.recipe.slots(experiment), self.dtype)
        session = experiment.recipe.open(Bench(experiment, data, networks, memory))
        self.experiment, self.data, self.networks = experiment, data, networks
        self.memory, self.session = memory, session
        self.bounds: Array = data.bounds() if data.train.inputs.ndim == 2 else np.zeros((0, 2))
        self._anchor: Array = np.empty_like(memory.flat)
        self._grids: dict[int, tuple[Array, Array]] = {}

    def _begin(self) -> None:
        self.step_number = 0
        self.best: dict[str, float] = {}
        self._set_anchor()

    @property
    def epoch(self) -> float:
        return self.session.epoch

    @property
    def parameter_count(self) -> int:
        return int(self.memory.gradient.size)

    def snapshot(self) -> tuple[dict[str, Array], dict[str, str]]:
        """Everything that a run needs to go on bit for bit: arrays, and text beside them."""
        arrays = {
            "memory": self.memory.flat.copy(),
            **{n: a.copy() for n, a in self.session.arrays().items()},
        }
        state = {"step": self.step_number, "best": self.best, "session": self.session.state()}
        return arrays, {"state": json.dumps(state)}

    def restore(self, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
        """Back to a snapshot of the same document. Raises `SpecError` when it is of another one."""
        state = json.loads(metadata["state"])
        if arrays["memory"].shape != self.memory.flat.shape:
            raise SpecError(
                problem(
                    (),
                    "snapshot_mismatch",
                    "the saved state belongs to another network",
                    "Reset the run.",
                )
            )
        self.memory.flat[...] = arrays["memory"]
        self.session.restore(arrays, state["session"])
        self.step_number, self.best = int(state["step"]), dict(state["best"])
        self._set_anchor()
        self.version += 1

    def _set_anchor(self) -> None:
        np.copyto(self._anchor, self.memory.flat)
        self._anchor_arrays = {n: a.copy() for n, a in self.session.arrays().items()}
        self._anchor_state = (self.step_number, dict(self.best), self.session.state())

    # -- training ------------------------------------------------------------------------------

    def advance(self, limit: int) -> int:
        """Train up to `limit` steps, ending early where a loss point is due. Answers how many.

        Raises `Diverged`, with the run back at its last finite step, when a number stops being
        finite.
        """
        done = 0
        update, finite = self.session.update, self._finite
        epochs, due = self.experiment.training.epochs, next_due(self.step_number)
        with np.errstate(all="ignore"):
            while done < limit:
                number = self.step_number + 1
                update(number)
                self.step_number = number
                done += 1
                last = number == due or (epochs is not None and self.session.epoch >= epochs)
                if last or done == limit or done % CHECKED_STEPS == 0:
                    if not finite():
                        raise Diverged(self._retreat(number))
                    if number - self._anchor_state[0] >= ANCHOR_STEPS:
                        self._set_anchor()
                if last:
                    break
        self.version += 1
        return done

    def _finite(self) -> bool:
        """One product tells whether any parameter, slot or running mean stopped being finite."""
        flat = self.memory.flat
        return bool(np.dot(flat, flat) < np.inf)

    def step(self) -> None:
        """One update. Raises `Diverged`."""
        self.advance(1)

    def due(self) -> bool:
        return is_due(self.step_number)

    def point(self) -> dict[str, Any]:
        """The loss point of this step."""
        with np.errstate(all="ignore"):
            values = self.session.values()
        return {"step": self.step_number, "epoch": self.epoch, "values": values}

    def ended(self) -> bool:
        epochs = self.experiment.training.epochs
        return epochs is not None and self.epoch >= epochs

    def stopped(self, point: Mapping[str, Any]) -> Problem | None:
        """Whether a stop condition holds at this loss point, and which."""
        training, values = self.experiment.training, point["values"]
        stop = training.stop
        if self.ended():
            return problem(
                ("training", "epochs"),
                "epochs_reached",
                "{epochs} epochs are done",
                "Raise the number of epochs to go on.",
                epochs=training.epochs,
            )
        loss = values.get("train_loss")
        if stop.loss is not None and loss is not None and loss <= stop.loss:
            return problem(
                ("training", "stop", "loss"),
                "loss_reached",
                "the training loss reached {limit}",
                "Lower the limit to go on.",
                limit=stop.loss,
            )
        accuracy = values.get("test_accuracy", values.get("train_accuracy"))
        if stop.accuracy is not None and accuracy is not None and accuracy >= stop.accuracy:
            return problem(
                ("training", "stop", "accuracy"),
                "accuracy_reached",
                "the accuracy reached {limit}",
                "Raise the limit to go on.",
                limit=stop.accuracy,
            )
        watched = values.get("test_loss", loss)
        if watched is not None:
            if watched < self.best.get("loss", np.inf):
                self.best = {"loss": watched, "epoch": self.epoch}
            elif stop.patience is not None and self.epoch - self.best["epoch"] >= stop.patience:
                return problem(
                    ("training", "stop", "patience"),
                    "no_progress",
                    "the loss has not fallen for {limit} epochs",
                    "Change a setting, or wait for longer.",
                    limit=stop.patience,
                )
        return None

    def _retreat(self, seen: int) -> Problem:
        """Find the step, `seen` at the latest, in which a number stopped being finite, and go back
        to the one before it."""
        self._return_to_anchor()
        while self._finite() and self.step_number < seen:
            self.step_number += 1
            self.session.update(self.step_number)
        failed = self.step_number
        culprit = self._culprit(failed)
        self._return_to_anchor()
        while self.step_number < failed - 1:
            self.step_number += 1
            self.session.update(self.step_number)
        self._set_anchor()
        self.version += 1
        return culprit

    def _return_to_anchor(self) -> None:
        self.step_number, best, state = self._anchor_state
        self.best = dict(best)
        np.copyto(self.memory.flat, self._anchor)
        self.session.restore(self._anchor_arrays, state)

    def _culprit(self, step: int) -> Problem:
        """The first array, in the order of the computation, that is not finite or has exploded."""
        hint = (
            "Lower the learning rate, scale the inputs, or clip the gradient; then reset or go on."
        )
        for name, network in self.session.circuits().items():
            for position, node in enumerate(network.plan.nodes):
                if not np.isfinite(network.outputs[node.layer.id]).all():
                    return problem(
                        ("networks", name, position),
                        "diverged_output",
                        "step {step}: the output of “{node}” is no longer finite",
                        hint,
                        step=step,
                        node=node.layer.id,
                    )
            for node in reversed(network.plan.nodes):
                gradient = network.output_gradients.get(node.layer.id)
                if gradient is not None and not np.isfinite(gradient).all():
                    return problem(
                        ("networks", name, node.position),
                        "diverged_gradient",
                        "step {step}: the gradient at “{node}” is no longer finite",
                        hint,
                        step=step,
                        node=node.layer.id,
                    )
        worst = max(self.memory.parameters.items(), key=lambda item: _size(item[1]), default=None)
        assert worst is not None
        name, node_id, parameter = worst[0].split(".", 2)
        plan = self.networks[name].node(node_id)
        return problem(
            ("networks", name, plan.position if plan else 0),
            "diverged_parameter",
            "step {step}: the {parameter} of “{node}” is no longer finite",
            hint,
            step=step,
            node=node_id,
            parameter=parameter,
        )

    # -- commands ------------------------------------------------------------------------------

    def edit(self, experiment: Experiment, tables: Tables | None = None) -> None:
        """Another document for the same run. Keeps every parameter whose node and shape stayed, the
        step, and, while the data stay, the order of samples. Raises `SpecError`, and then nothing
        has changed."""
        old_memory, old_session, old = self.memory, self.session, self.experiment
        data = self.data if experiment.data == old.data else load(experiment, tables)
        self._open(experiment, data)
        self.memory.initialize(self.networks, experiment.seed)
        self.memory.take_over(old_memory)
        self.session.take_over(old_session)
        self.best = {}
        self._set_anchor()
        self.version += 1

    def reset(self, seed: int | None = None, tables: Tables | None = None) -> None:
        """Back to step 0 with the same first weights, or with those of another seed."""
        experiment = (
            self.experiment if seed is None else self.experiment.model_copy(update={"seed": seed})
        )
        # The data stay as they are when only the weights are drawn anew.
        self._open(experiment, self.data)
        self.memory.initialize(self.networks, experiment.seed)
        self._begin()
        self.version += 1

    def set_parameter(self, name: str, index: Sequence[int], value: float) -> None:
        """Set one weight or bias, such as `model.h1.weight` at [0, 3]. Raises `SpecError`."""
        array = self.memory.parameters.get(name)
        if array is None:
            raise SpecError(
                problem(
                    ("parameter",),
                    "unknown_parameter",
                    "there is no parameter “{name}”",
                    "Choose one of: {expected}.",
                    name=name[:80],
                    expected=", ".join(list(self.memory.parameters)[:20]),
                )
            )
        if len(index) != array.ndim or any(
            not 0 <= i < n for i, n in zip(index, array.shape, strict=False)
        ):
            raise SpecError(
                problem(
                    ("index",),
                    "index_outside",
                    "the index {index} is outside the shape {shape}",
                    "Count from 0.",
                    index=list(index)[:8],
                    shape=list(array.shape),
                )
            )
        if not np.isfinite(value) or abs(value) > 1e6:
            raise SpecError(
                problem(
                    ("value",),
                    "value_outside",
                    "must be a number between -1,000,000 and 1,000,000",
                    "Choose a smaller number.",
                )
            )
        array[tuple(index)] = value
        self._set_anchor()
        self.version += 1

    # -- looking in ----------------------------------------------------------------------------

    def parameters(self) -> dict[str, Array]:
        """Views of every parameter by `network.node.parameter`."""
        return self.memory.parameters

    def encode(self, raw: Array) -> Array:
        return self.data.encode(raw).astype(self.dtype)

    def predict(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Answers for raw inputs: `outputs`, and for classes `probabilities` and `predictions`."""
        raw = self.data.rows(rows)
        with np.errstate(all="ignore"):
            outputs = self.model_output(self.encode(raw))
            shares = self.session.probabilities(outputs)
        if shares is None:
            values = self.data.unscaled(outputs.astype(np.float64))
            return {"outputs": outputs.tolist(), "predictions": values.tolist()}
        assert self.data.classes is not None
        return {
            "outputs": outputs.tolist(),
            "probabilities": shares.tolist(),
            "classes": list(self.data.classes),
            "predictions": [self.data.classes[k] for k in shares.argmax(axis=1)],
        }

    def model_output(self, inputs: Array) -> Array:
        """Outputs of the last node of the recipe's first network for network inputs."""
        return self.session.output(self.experiment.recipe.networks[0], inputs)

    def shown_output(self, inputs: Array) -> Array:
        """What a picture shows for network inputs: shares of classes, or values in the target's unit."""
        outputs = self.model_output(inputs)
        shares = self.session.probabilities(outputs)
        return shares if shares is not None else self.data.unscaled(outputs)

    def grid(self, size: int) -> tuple[Array, Array]:
        """Raw points over the plane or line, and the network inputs they are; kept by size."""
        if size not in self._grids:
            if len(self._grids) >= 4:
                self._grids.clear()
            raw = plane_grid(self, size)
            self._grids[size] = (raw, self.encode(raw))
        return self._grids[size]

    def measure(
        self, probes: Sequence[Probe]
    ) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
        """Every probe's arrays as `kind/name`, and for those that do not fit here the problem."""
        arrays: dict[str, Array] = {}
        missing: dict[str, dict[str, Any]] = {}
        with np.errstate(all="ignore"):
            for probe in probes:
                kind = probe.kind_name()
                try:
                    for name, array in probe.measure(self).items():
                        arrays[f"{kind}/{name}"] = np.ascontiguousarray(array)
                except NotMeasurable as reason:
                    missing[kind] = reason.problem.as_dict()
                except SpecError as error:
                    missing[kind] = error.problems[0].as_dict()
        return arrays, missing


def _size(array: Array) -> float:
    with np.errstate(all="ignore"):
        largest = float(np.abs(array).max(initial=0.0))
    return largest if largest == largest else float("inf")


__all__ = ["Trainer", "compile_experiment", "is_due", "load"]
