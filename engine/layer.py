"""The contract of a layer.

A layer is a value: its settings. Its parameters live outside, in one flat vector. It says what shape
comes out, which parameters it needs, and *stages* itself over preallocated arrays: the result is a
forward and a backward step that write in place and allocate nothing. Shapes are per sample, without
the batch; time comes after the batch, images are height × width × channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.activations import Step, nothing
from engine.catalogue import Part, setting
from engine.errors import SpecError, problem
from engine.initializers import Initializer

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

INPUT = "input"


def need_axis(shape: Shape) -> None:
    """Refuse an input without axes, for layers that work on the last one. Raises `SpecError`."""
    if not shape:
        raise SpecError(
            problem(
                (),
                "no_axis",
                "takes a list of numbers, and gets a single one",
                "Put it after the input or another layer.",
            )
        )


class ParameterSpec(NamedTuple):
    """A parameter that a layer asks for. `decays`: L1, L2 and weight decay apply to it."""

    name: str
    shape: Shape
    initializer: Initializer
    fan_in: int
    fan_out: int
    decays: bool = True


class StateSpec(NamedTuple):
    """An array that a layer keeps between steps and that is not trained, such as a running mean."""

    name: str
    shape: Shape
    initial: float


@dataclass
class Site:
    """The place where a layer is staged: its arrays for one batch size.

    `inputs` (batch, *shape) are filled before `forward` runs. The layer must not write into them.
    `training` is False where predictions are made: dropout rests, batch norm uses its running means.
    `wants_input_gradient[i]` is False where ∂loss/∂inputs[i] has no use; its array may be empty then.
    """

    batch: int
    inputs: list[Array]
    parameters: dict[str, Array]
    gradients: dict[str, Array]
    state: dict[str, Array]
    random: np.random.Generator
    training: bool
    wants_input_gradient: list[bool]


class Staged(NamedTuple):
    """A layer over its arrays, all of them C-contiguous.

    `output` (batch, *shape) is filled by `forward()`; it may be a view of an input. `backward`, given
    the array that ∂loss/∂output will be in (never to be written into), answers with the arrays of
    ∂loss/∂input, one for each input (None where not wanted), and the step that fills them and the
    gradients of the parameters (overwriting: no zero-fill). `before` is the weighted sum in front of
    the activation, for pictures.
    """

    output: Array
    forward: Step
    backward: Callable[[Array], tuple[list[Array | None], Step]]
    before: Array | None = None


class Layer(Part):
    """One node of a network."""

    family: ClassVar[str] = "layer"
    structural: ClassVar[frozenset[str]] = frozenset({"kind", "id", "inputs", "frozen"})
    facts: ClassVar[tuple[str, ...]] = ("arity",)
    # How many inputs it takes: (least, most).
    arity: ClassVar[tuple[int, int]] = (1, 1)

    id: str = setting(
        ...,
        help="The name of this node.",
        min_length=1,
        max_length=40,
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
    )
    inputs: tuple[str, ...] | None = setting(
        None, help="The nodes it takes; none named: the one before.", min_length=1, max_length=16
    )
    frozen: bool = setting(False, help="Keep its parameters as they are.")

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The shape that comes out. Raises `SpecError` with paths relative to the node."""
        raise NotImplementedError

    def parameters(self, inputs: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """What is trained, in a fixed order."""
        return ()

    def state(self, inputs: Sequence[Shape]) -> tuple[StateSpec, ...]:
        return ()

    def multiply_adds(self, inputs: Sequence[Shape]) -> int:
        """Multiplications with addition for one sample."""
        return 0

    def stage(self, site: Site) -> Staged:
        raise NotImplementedError


__all__ = [
    "INPUT",
    "Array",
    "Layer",
    "ParameterSpec",
    "Shape",
    "Site",
    "Staged",
    "StateSpec",
    "Step",
    "field",
    "nothing",
]
