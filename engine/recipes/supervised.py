"""Supervised learning: inputs with known answers, a loss, and gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from engine.activations import Step
from engine.batches import Batches
from engine.data import Data, Samples
from engine.errors import Problem, problem
from engine.evaluation import MEASURED_ROWS, Evaluator
from engine.losses import Loss, StagedLoss
from engine.plan import NetworkPlan, StagedNetwork
from engine.randomness import set_state, state_of
from engine.recipe import Bench, Recipe, Session

if TYPE_CHECKING:
    from engine.document import Experiment

Array = npt.NDArray[Any]


class Supervised(Recipe):
    """One network learns to answer as the data do.

    For each batch: forward, loss, backward, and an update of the parameters.
    """

    kind: Literal["supervised"] = "supervised"

    def check(
        self, experiment: Experiment, data: Data, networks: Mapping[str, NetworkPlan]
    ) -> list[Problem]:
        model = networks["model"]
        problems = [
            problem(
                ("networks", "model", node.position, "activation"),
                "not_trainable",
                "a step has no slope, so gradient descent cannot train it",
                "Use tanh or sigmoid, or train with the perceptron rule.",
            )
            for node in model.nodes
            if not node.activation.trainable
        ]
        problems += check_task(experiment.loss, data)
        if not problems and model.output_shape is not None:
            problems += check_output(
                model,
                experiment.loss.units(len(data.classes)) if data.classes else (data.outputs,),
            )
        return problems

    def open(self, bench: Bench) -> Session:
        return SupervisedSession(bench)


def check_task(loss: Loss, data: Data) -> list[Problem]:
    if data.task in loss.tasks:
        return []
    return [
        problem(
            ("loss",),
            "loss_task",
            "this loss is for {expected}, and the data ask for {given}",
            "Choose mean squared error for numbers, cross-entropy for classes.",
            expected=" / ".join(sorted(loss.tasks)),
            given=data.task,
        )
    ]


def check_output(model: NetworkPlan, units: tuple[int, ...]) -> list[Problem]:
    """Whether the last node gives as many numbers as the task needs."""
    last, shape = model.nodes[-1], model.output_shape or ()
    here = ("networks", model.name, last.position)
    if len(shape) == 1 and shape[0] in units:
        return []
    if len(shape) != 1:
        return [
            problem(
                here,
                "output_shape",
                "the network must end in a list of numbers, and ends in the shape {given}",
                "Add a flatten layer and a dense layer.",
                given=list(shape),
            )
        ]
    wanted = " / ".join(str(u) for u in units)
    path = (*here, "units") if hasattr(last.layer, "units") else here
    return [
        problem(
            path,
            "output_units",
            "the last layer gives {given} numbers, and this task needs {expected}",
            "Set its units to {expected}.",
            given=shape[0],
            expected=wanted,
        )
    ]


def encode_targets(data: Data, samples: Samples, model: NetworkPlan, loss: Loss) -> Array:
    """Targets (rows, units) as the loss wants them."""
    assert model.output_shape is not None
    if data.classes:
        return loss.encode(
            samples.targets,
            len(data.classes),
            model.output_shape[0],
            model.nodes[-1].activation.codes,
        )
    return data.scaled_targets(samples)


class Portion:
    """One part of the data, encoded, with the loss and accuracy of a model on it."""

    def __init__(self, bench: Bench, evaluator: Evaluator, samples: Samples, loss: Loss) -> None:
        model, dtype = bench.networks["model"], bench.memory.flat.dtype
        self.inputs: Array = bench.data.encode(samples.inputs).astype(dtype)
        self.targets: Array = encode_targets(bench.data, samples, model, loss).astype(dtype)
        self.labels = samples.targets[:MEASURED_ROWS] if bench.data.classes else None
        self.evaluator, self.loss = evaluator, loss
        self.codes = model.nodes[-1].activation.codes
        rows = min(len(self.inputs), MEASURED_ROWS)
        self.outputs: Array = np.empty((rows, *self.targets.shape[1:]), dtype)
        self.measured = loss.stage(self.outputs, self.targets[:rows]) if rows else None

    def values(self, prefix: str) -> dict[str, float]:
        """Loss and, for classes, accuracy (0…1) on the first rows."""
        if self.measured is None:
            return {}
        outputs = self.outputs

        def visit(rows: slice, network: StagedNetwork) -> None:
            outputs[rows] = network.output

        self.evaluator.each(self.inputs[: len(outputs)], visit)
        found = {f"{prefix}_loss": self.measured.value()}
        if self.labels is not None:
            found[f"{prefix}_accuracy"] = float(
                (self.loss.classify(outputs, self.codes) == self.labels).mean()
            )
        return found


class Circuit:
    """The network staged for one batch size, with its loss and targets."""

    def __init__(
        self,
        bench: Bench,
        rows: int,
        units: tuple[int, ...],
        generators: Mapping[str, np.random.Generator],
    ) -> None:
        experiment, dtype = bench.experiment, bench.memory.flat.dtype
        self.network = StagedNetwork(
            bench.networks["model"],
            rows,
            bench.memory,
            experiment.seed,
            training=True,
            generators=generators,
        )
        self.targets: Array = np.empty((rows, *units), dtype)
        self.loss: StagedLoss = experiment.loss.stage(self.network.output, self.targets)
        self.network.stage_backward(self.loss.gradient)
        self.steps: list[Step] = [
            *self.network.forward_steps,
            self.loss.differentiate,
            *self.network.backward_steps,
        ]


class SupervisedSession(Session):
    """A supervised run: batches, circuits by batch size, evaluation."""

    def __init__(self, bench: Bench) -> None:
        experiment, memory = bench.experiment, bench.memory
        self.bench = bench
        self.model = bench.networks["model"]
        self.evaluator = Evaluator(self.model, memory, experiment.seed)
        self.train = Portion(bench, self.evaluator, bench.data.train, experiment.loss)
        self.test = Portion(bench, self.evaluator, bench.data.test, experiment.loss)
        self.batches = Batches(len(self.train.inputs), experiment.training.batch, experiment.seed)
        units = self.train.targets.shape[1:]
        self.generators = {}
        self._circuits: dict[int, Circuit] = {}
        for rows in self.batches.sizes:
            self._circuits[rows] = Circuit(bench, rows, units, self.generators)
            self.generators = self._circuits[rows].network.generators
        weights, gradient = memory.trainable["model"], memory.trainable_gradient["model"]
        decays = memory.decays["model"]
        self._update = experiment.optimizer.stage(weights, gradient, memory.slots["model"], decays)
        self._adjust = stage_adjustments(experiment, weights, gradient, decays)
        self._rate, self._factor = experiment.optimizer.rate, experiment.training.schedule.factor
        self._last = next(iter(self._circuits.values()))

    @property
    def epoch(self) -> float:
        return self.batches.epoch

    def _load(self, rows: Array) -> Circuit:
        circuit = self._circuits[len(rows)]
        self.train.inputs.take(rows, 0, circuit.network.input, "clip")
        self.train.targets.take(rows, 0, circuit.targets, "clip")
        return circuit

    def update(self, number: int) -> None:
        circuit = self._last = self._load(self.batches.next())
        for step in circuit.steps:
            step()
        for step in self._adjust:
            step()
        self._update(self._rate * self._factor(number - 1), number)

    def values(self) -> dict[str, float]:
        return {**self.train.values("train"), **self.test.values("test")}

    def gradients(self) -> None:
        """Gradients of the first samples at the present weights. Noise is put back as it was."""
        circuit = next(iter(self._circuits.values()))
        states = {name: state_of(generator) for name, generator in self.generators.items()}
        running = {name: array.copy() for name, array in self.bench.memory.state.items()}
        rows = np.arange(len(circuit.targets))
        for step in self._load(rows).steps:
            step()
        for name, state in states.items():
            set_state(self.generators[name], state)
        for name, array in running.items():
            self.bench.memory.state[name][...] = array

    def outputs(self, network: str, inputs: Array) -> dict[str, Array]:
        return dict(self.evaluator.outputs(inputs))

    def output(self, network: str, inputs: Array) -> Array:
        return self.evaluator.output(inputs)

    def probabilities(self, outputs: Array) -> Array | None:
        if not self.bench.data.classes:
            return None
        return self.bench.experiment.loss.probabilities(
            outputs, self.model.nodes[-1].activation.codes
        )

    def arrays(self) -> dict[str, Array]:
        return {"order": self.batches.order}

    def state(self) -> dict[str, Any]:
        return {
            "batches": self.batches.state(),
            "noise": {n: state_of(g) for n, g in self.generators.items()},
        }

    def restore(self, arrays: Mapping[str, Array], state: Mapping[str, Any]) -> None:
        self.batches.restore(arrays["order"], state["batches"])
        for name, noise in state["noise"].items():
            if name in self.generators:
                set_state(self.generators[name], noise)

    def take_over(self, old: Session) -> None:
        if isinstance(old, SupervisedSession):
            self.batches.take_over(old.batches)
            for name, generator in self.generators.items():
                if name in old.generators:
                    set_state(generator, state_of(old.generators[name]))

    def circuits(self) -> Mapping[str, StagedNetwork]:
        return {"model": self._last.network}


def stage_adjustments(
    experiment: Experiment, weights: Array, gradient: Array, decays: Array
) -> list[Step]:
    """What happens to the gradient before the update: L1 and L2 penalties, and clipping by norm.

    The penalties are l1 Σ|w| and l2/2 Σw², over weights but not biases.
    """
    training, kind = experiment.training, weights.dtype.type
    steps: list[Step] = []
    work = np.empty_like(weights)
    if training.l1:
        l1 = kind(training.l1) * decays

        def lasso() -> None:
            np.sign(weights, work)
            np.multiply(work, l1, work)
            np.add(gradient, work, gradient)

        steps.append(lasso)
    if training.l2:
        l2 = kind(training.l2) * decays

        def ridge() -> None:
            np.multiply(weights, l2, work)
            np.add(gradient, work, gradient)

        steps.append(ridge)
    if training.clip_norm is not None:
        limit = training.clip_norm

        def clip() -> None:
            norm = float(np.dot(gradient, gradient)) ** 0.5
            if norm > limit:
                np.multiply(gradient, kind(limit / norm), gradient)

        steps.append(clip)
    return steps
