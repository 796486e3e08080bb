"""Initializers: how the first weights are drawn.

A weight of a unit with `fan_in` inputs that feeds `fan_out` units. The variances are chosen so that
signals, or gradients, neither grow nor shrink from layer to layer.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]
Random = np.random.Generator


class Initializer(Part):
    """A rule for the first values of a parameter."""

    family: ClassVar[str] = "initializer"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        """Values (float64) of the shape, for a unit with so many inputs and outputs."""
        raise NotImplementedError


class Zeros(Initializer):
    """Every value 0. For biases: neurons whose weights start equal stay equal."""

    kind: Literal["zeros"] = "zeros"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return np.zeros(shape)


class Constant(Initializer):
    """Every value the same. For biases, such as a small positive one in front of a ReLU."""

    kind: Literal["constant"] = "constant"

    value: float = setting(0.1, ge=-100, le=100, help="The value of every parameter.")

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return np.full(shape, self.value)


class Uniform(Initializer):
    """Uniform between -limit and limit, whatever the size of the layer."""

    kind: Literal["uniform"] = "uniform"

    limit: float = setting(
        0.5, gt=0, le=100, scale="log", help="The largest value that can be drawn."
    )

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return random.uniform(-self.limit, self.limit, shape)


class Normal(Initializer):
    """Normally distributed around 0, whatever the size of the layer."""

    kind: Literal["normal"] = "normal"

    deviation: float = setting(
        0.1, gt=0, le=100, scale="log", title="Standard deviation",
        help="How far the values lie from 0: about two thirds are nearer than this.",
    )  # fmt: skip

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return random.normal(0.0, self.deviation, shape)


class GlorotUniform(Initializer):
    """Uniform within ±√(6 / (inputs + outputs)); for tanh and sigmoid. Also called Xavier.

    Glorot and Bengio (2010), *Understanding the difficulty of training deep feedforward neural
    networks*.
    """

    kind: Literal["glorot_uniform"] = "glorot_uniform"
    title: ClassVar[str] = "Glorot uniform"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        limit = sqrt(6 / max(fan_in + fan_out, 1))
        return random.uniform(-limit, limit, shape)


class GlorotNormal(Initializer):
    """Normal with standard deviation √(2 / (inputs + outputs)); for tanh and sigmoid.

    Glorot and Bengio (2010), *Understanding the difficulty of training deep feedforward neural
    networks*.
    """

    kind: Literal["glorot_normal"] = "glorot_normal"
    title: ClassVar[str] = "Glorot normal"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return random.normal(0.0, sqrt(2 / max(fan_in + fan_out, 1)), shape)


class HeUniform(Initializer):
    """Uniform within ±√(6 / inputs); for ReLU and its kin. Also called Kaiming.

    He, Zhang, Ren and Sun (2015), *Delving Deep into Rectifiers*.
    """

    kind: Literal["he_uniform"] = "he_uniform"
    title: ClassVar[str] = "He uniform"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        limit = sqrt(6 / max(fan_in, 1))
        return random.uniform(-limit, limit, shape)


class HeNormal(Initializer):
    """Normal with standard deviation √(2 / inputs); for ReLU and its kin. Also called Kaiming.

    He, Zhang, Ren and Sun (2015), *Delving Deep into Rectifiers*.
    """

    kind: Literal["he_normal"] = "he_normal"
    title: ClassVar[str] = "He normal"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return random.normal(0.0, sqrt(2 / max(fan_in, 1)), shape)


class LeCunUniform(Initializer):
    """Uniform within ±√(3 / inputs): weighted sums of unit variance from inputs of unit variance.

    LeCun, Bottou, Orr and Müller (1998), *Efficient BackProp*.
    """

    kind: Literal["lecun_uniform"] = "lecun_uniform"
    title: ClassVar[str] = "LeCun uniform"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        limit = sqrt(3 / max(fan_in, 1))
        return random.uniform(-limit, limit, shape)


class LeCunNormal(Initializer):
    """Normal with standard deviation √(1 / inputs): weighted sums of unit variance.

    LeCun, Bottou, Orr and Müller (1998), *Efficient BackProp*.
    """

    kind: Literal["lecun_normal"] = "lecun_normal"
    title: ClassVar[str] = "LeCun normal"

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return random.normal(0.0, sqrt(1 / max(fan_in, 1)), shape)


class Orthogonal(Initializer):
    """A random rotation, scaled by the gain: signals keep their length. For deep and recurrent nets.

    The columns (all axes but the last make the rows) are at right angles and of length `gain`; where
    there are more columns than rows, the rows are.

    Saxe, McClelland and Ganguli (2014), *Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks*.
    """

    kind: Literal["orthogonal"] = "orthogonal"

    gain: float = setting(
        1.0, gt=0, le=100, scale="log", help="The length of every row or column of weights."
    )

    def draw(self, random: Random, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        normal = random.standard_normal(shape).reshape(-1, shape[-1] if shape else 1)
        wide = normal.shape[0] < normal.shape[1]
        q, r = np.linalg.qr(normal.T if wide else normal)
        # The signs make every rotation equally likely (Mezzadri 2007).
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return self.gain * (q.T if wide else q).reshape(shape)


if TYPE_CHECKING:
    AnyInitializer = Initializer
else:
    AnyInitializer = choice("initializer")

__all__ = ["AnyInitializer", "Initializer"]
