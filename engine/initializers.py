"""Initializers: how the first weights are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]


class Initializer(Part):
    """A rule for the first values of a parameter."""

    family: ClassVar[str] = "initializer"

    def draw(
        self, random: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        """Values (float64) of the shape, for a unit with so many inputs and outputs."""
        raise NotImplementedError


class Zeros(Initializer):
    """Every value 0. For biases; weights that start equal stay equal."""

    kind: Literal["zeros"] = "zeros"

    def draw(
        self, random: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        return np.zeros(shape)


class Constant(Initializer):
    """Every value the same."""

    kind: Literal["constant"] = "constant"
    value: float = setting(0.1, ge=-100, le=100, help="The value of every parameter.")

    def draw(
        self, random: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        return np.full(shape, self.value)


class GlorotUniform(Initializer):
    """Uniform within ±√(6 / (inputs + outputs)); for tanh and sigmoid.

    Glorot and Bengio (2010), *Understanding the difficulty of training deep feedforward networks*.
    """

    kind: Literal["glorot_uniform"] = "glorot_uniform"
    title: ClassVar[str] = "Glorot uniform"

    def draw(
        self, random: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        limit = np.sqrt(6.0 / max(fan_in + fan_out, 1))
        return random.uniform(-limit, limit, shape)


if TYPE_CHECKING:
    AnyInitializer = Initializer
else:
    AnyInitializer = choice("initializer")

__all__ = ["AnyInitializer", "Initializer"]
