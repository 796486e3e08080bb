"""Activations: elementwise functions a = f(z) with their derivatives.

An activation stages itself over the array of its inputs: it returns where its values will be, a
`forward` that fills them, and a way to stage the backward pass. Neither allocates when it runs, and
neither writes into its input or into the gradient it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]
Step = Callable[[], object]


def nothing() -> None:
    """The step of a part that has no work to do."""


class StagedActivation(NamedTuple):
    """`values` is where a is after `forward()`. `backward(da)` answers with dz and the step that fills it."""

    values: Array
    forward: Step
    backward: Callable[[Array], tuple[Array, Step]]


class Activation(Part):
    """An elementwise function between a layer's weighted sum and its output."""

    family: ClassVar[str] = "activation"
    # How to read the output of a single unit: the numbers that stand for the two classes.
    codes: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    # Plain text of the formula, for pictures: f(z) = …
    formula: ClassVar[str] = ""
    # The gain that keeps the variance of activations steady (He et al. 2015, Klambauer et al. 2017).
    trainable: ClassVar[bool] = True

    def stage(self, z: Array) -> StagedActivation:
        raise NotImplementedError


class Linear(Activation):
    """a = z. Leaves the weighted sum as it is."""

    kind: Literal["linear"] = "linear"
    formula: ClassVar[str] = "z"

    def stage(self, z: Array) -> StagedActivation:
        return StagedActivation(z, nothing, lambda da: (da, nothing))


class Tanh(Activation):
    """a = tanh(z), between -1 and 1; da/dz = 1 - a².

    LeCun et al. (1998), *Efficient BackProp*.
    """

    kind: Literal["tanh"] = "tanh"
    title: ClassVar[str] = "Tanh"
    formula: ClassVar[str] = "tanh(z)"

    def stage(self, z: Array) -> StagedActivation:
        a = np.empty_like(z)
        one = z.dtype.type(1)

        def forward() -> None:
            np.tanh(z, a)

        def backward(da: Array) -> tuple[Array, Step]:
            dz = np.empty_like(z)

            def run() -> None:
                np.multiply(a, a, dz)
                np.subtract(one, dz, dz)
                np.multiply(dz, da, dz)

            return dz, run

        return StagedActivation(a, forward, backward)


class ReLU(Activation):
    """a = max(0, z); da/dz = 1 where z > 0, else 0.

    Nair and Hinton (2010), *Rectified Linear Units Improve Restricted Boltzmann Machines*.
    """

    kind: Literal["relu"] = "relu"
    title: ClassVar[str] = "ReLU"
    formula: ClassVar[str] = "max(0, z)"

    def stage(self, z: Array) -> StagedActivation:
        a = np.empty_like(z)
        zero = z.dtype.type(0)

        def forward() -> None:
            np.maximum(z, zero, a)

        def backward(da: Array) -> tuple[Array, Step]:
            dz = np.empty_like(z)
            positive = np.empty(z.shape, dtype=bool)

            def run() -> None:
                np.greater(z, zero, positive)
                np.multiply(da, positive, dz)

            return dz, run

        return StagedActivation(a, forward, backward)


if TYPE_CHECKING:
    AnyActivation = Activation
else:
    AnyActivation = choice("activation")

__all__ = ["Activation", "AnyActivation", "StagedActivation", "nothing", "setting"]
