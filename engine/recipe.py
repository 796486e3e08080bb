"""The contract of a recipe: how named networks are wired and trained.

A recipe says which networks it needs and what goes into each, checks that they fit the data, and
stages one update. The trainer owns everything else: memory, snapshots, divergence, history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part
from engine.data import Data
from engine.errors import Problem
from engine.layer import Shape
from engine.plan import Memory, NetworkPlan, StagedNetwork

if TYPE_CHECKING:
    from engine.document import Experiment

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Bench:
    """What a recipe works on: the compiled document and its memory."""

    experiment: Experiment
    data: Data
    networks: Mapping[str, NetworkPlan]
    memory: Memory


class Session:
    """A recipe at work on a bench. Subclasses fill in the methods; the trainer calls them."""

    # The generators whose state belongs to a snapshot, by name.
    generators: dict[str, np.random.Generator]

    @property
    def epoch(self) -> float:
        raise NotImplementedError

    def update(self, number: int) -> None:
        """One update of the parameters; `number` counts from 1. Allocates no arrays."""
        raise NotImplementedError

    def values(self) -> dict[str, float]:
        """What a loss point records, measured on fixed rows."""
        raise NotImplementedError

    def outputs(self, network: str, inputs: Array) -> dict[str, Array]:
        """Outputs of every node for network inputs (rows, *shape), by node id. Nodes' weighted sums are there as `id.before`."""
        raise NotImplementedError

    def output(self, network: str, inputs: Array) -> Array:
        """Outputs (rows, *shape) of the last node for network inputs (rows, *shape)."""
        raise NotImplementedError

    def probabilities(self, outputs: Array) -> Array | None:
        """Outputs of the model as shares of the classes; None where there are none."""
        return None

    def gradients(self) -> None:
        """Fill the gradients of the memory with those of a fixed batch, for pictures."""

    def arrays(self) -> dict[str, Array]:
        """Arrays of a snapshot besides the memory, such as the order of the samples."""
        return {}

    def state(self) -> dict[str, Any]:
        """The rest of a snapshot, as JSON."""
        return {}

    def restore(self, arrays: Mapping[str, Array], state: Mapping[str, Any]) -> None:
        """Back to what `arrays` and `state` gave."""

    def take_over(self, old: Session) -> None:
        """After an edit: go on where `old` was, as far as the data and nodes are still the same."""

    def circuits(self) -> Mapping[str, StagedNetwork]:
        """The networks as last trained, for finding where a number stopped being finite."""
        return {}


class Recipe(Part):
    """A way to wire and train networks."""

    family: ClassVar[str] = "recipe"
    facts: ClassVar[tuple[str, ...]] = ("networks", "uses")
    # The stacks that it trains, in the order of a picture.
    networks: ClassVar[tuple[str, ...]] = ("model",)
    # The parts of a document that it reads besides data and networks.
    uses: ClassVar[frozenset[str]] = frozenset({"loss", "optimizer", "batch"})

    def input_shapes(self, experiment: Experiment, data: Data) -> dict[str, Shape]:
        """What goes into each network."""
        return {"model": data.input_shape}

    def check(
        self, experiment: Experiment, data: Data, networks: Mapping[str, NetworkPlan]
    ) -> list[Problem]:
        """All that does not fit between data, networks and loss."""
        return []

    def slots(self, experiment: Experiment) -> dict[str, tuple[str, ...]]:
        """The optimizer's arrays for each network."""
        return {"model": type(experiment.optimizer).slots}

    def open(self, bench: Bench) -> Session:
        raise NotImplementedError
