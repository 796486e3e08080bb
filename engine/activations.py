"""Activations: elementwise functions a = f(z) with their derivatives.

An activation stages itself over the array of its inputs: it returns where its values will be, a
`forward` that fills them, and a way to stage the backward pass. Neither allocates when it runs, and
neither writes into its input or into the gradient it is given.

Constants are arrays without axes: NumPy takes those twice as quickly as it takes numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import pi, sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]
Step = Callable[[], object]


def nothing() -> None:
    """The step of a part that has no work to do."""


class StagedActivation(NamedTuple):
    """`values` is where a will be after `forward()`. `backward(da)`, given the array of ∂loss/∂a,
    answers with the array of dz = ∂loss/∂z and the step that fills it."""

    values: Array
    forward: Step
    backward: Callable[[Array], tuple[Array, Step]]


class Activation(Part):
    """An elementwise function between a layer's weighted sum and its output."""

    family: ClassVar[str] = "activation"
    # Outputs that stand for no and yes where classes are learned as numbers; both can be reached.
    codes: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    # Plain text of the formula, for pictures: f(z) = …
    formula: ClassVar[str] = ""
    # Whether gradient descent can train through it.
    trainable: ClassVar[bool] = True

    def stage(self, z: Array) -> StagedActivation:
        """Bind to the array of z (any shape, C-contiguous, filled before `forward`)."""
        raise NotImplementedError


def _staged(a: Array, forward: Step, slope: Callable[[Array], Step]) -> StagedActivation:
    """An activation from its forward step and `slope(d)`, which stages filling d with da/dz."""

    def backward(da: Array) -> tuple[Array, Step]:
        dz = np.empty_like(a)
        fill, multiply = slope(dz), np.multiply

        def run() -> None:
            fill()
            multiply(dz, da, dz)

        return dz, run

    return StagedActivation(a, forward, backward)


def _stage_sigmoid(z: Array, a: Array) -> Step:
    """Fills a = 1 / (1 + exp(-z)) as ½ tanh(½z) + ½, which cannot overflow."""
    half = np.array(0.5, z.dtype)
    multiply, tanh, add = np.multiply, np.tanh, np.add

    def run() -> None:
        multiply(z, half, a)
        tanh(a, a)
        multiply(a, half, a)
        add(a, half, a)

    return run


class Linear(Activation):
    """a = z. Leaves the weighted sum as it is.

    For outputs: values of a regression, and the logits that cross-entropy wants.
    """

    kind: Literal["linear"] = "linear"
    formula: ClassVar[str] = "z"

    def stage(self, z: Array) -> StagedActivation:
        return StagedActivation(z, nothing, lambda da: (da, nothing))


class Heaviside(Activation):
    """a = 1 where z > 0, else 0. The neuron of the perceptron: it fires or it does not.

    Its slope is 0 wherever it has one, so gradient descent cannot train it; the perceptron rule can.

    Rosenblatt (1958), *The Perceptron*.
    """

    kind: Literal["step"] = "step"
    codes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    formula: ClassVar[str] = "1 if z > 0, else 0"
    trainable: ClassVar[bool] = False

    def stage(self, z: Array) -> StagedActivation:
        a = np.empty_like(z)
        zero = np.array(0, z.dtype)
        return StagedActivation(
            a, partial(np.heaviside, z, zero, a), lambda _: (np.zeros_like(z), nothing)
        )


class Sigmoid(Activation):
    """a = 1 / (1 + exp(-z)), between 0 and 1; da/dz = a (1 - a), at most ¼.

    The output reads as a probability. Slopes of ¼ and less, multiplied layer after layer, are how
    gradients vanish.

    Rumelhart, Hinton and Williams (1986), *Learning representations by back-propagating errors*.
    """

    kind: Literal["sigmoid"] = "sigmoid"
    codes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    formula: ClassVar[str] = "1 / (1 + exp(-z))"

    def stage(self, z: Array) -> StagedActivation:
        a = np.empty_like(z)
        one = np.array(1, z.dtype)

        def slope(d: Array) -> Step:
            def fill() -> None:
                np.subtract(one, a, d)
                np.multiply(d, a, d)

            return fill

        return _staged(a, _stage_sigmoid(z, a), slope)


class Tanh(Activation):
    """a = tanh(z), between -1 and 1; da/dz = 1 - a², at most 1.

    A sigmoid centred on 0, which layers behind it learn from more easily.

    LeCun, Bottou, Orr and Müller (1998), *Efficient BackProp*.
    """

    kind: Literal["tanh"] = "tanh"
    formula: ClassVar[str] = "tanh(z)"

    def stage(self, z: Array) -> StagedActivation:
        a = np.empty_like(z)
        one = np.array(1, z.dtype)

        def slope(d: Array) -> Step:
            def fill() -> None:
                np.multiply(a, a, d)
                np.subtract(one, d, d)

            return fill

        return _staged(a, partial(np.tanh, z, a), slope)


class ReLU(Activation):
    """a = max(0, z); da/dz = 1 where z > 0, else 0.

    Gradients pass an active neuron undiminished. A neuron that is active for no sample no longer
    learns: it is dead.

    Nair and Hinton (2010), *Rectified Linear Units Improve Restricted Boltzmann Machines*.
    """

    kind: Literal["relu"] = "relu"
    title: ClassVar[str] = "ReLU"
    codes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    formula: ClassVar[str] = "max(0, z)"

    def stage(self, z: Array) -> StagedActivation:
        a = np.empty_like(z)
        # An array of zeros is compared three times as quickly as a single 0.
        zeros = np.zeros_like(z)
        return _staged(a, partial(np.maximum, z, zeros, out=a), lambda d: partial(np.sign, a, d))


class LeakyReLU(Activation):
    """a = z where z > 0, else slope · z; da/dz = 1 or slope.

    A ReLU that keeps a small gradient where it is inactive, so that neurons do not die.

    Maas, Hannun and Ng (2013), *Rectifier Nonlinearities Improve Neural Network Acoustic Models*.
    """

    kind: Literal["leaky_relu"] = "leaky_relu"
    title: ClassVar[str] = "Leaky ReLU"
    formula: ClassVar[str] = "max(z, slope · z)"

    slope: float = setting(0.01, ge=0, lt=1, help="The slope for negative sums.")

    def stage(self, z: Array) -> StagedActivation:
        a = np.empty_like(z)
        low = np.array(self.slope, z.dtype)

        def forward() -> None:
            np.multiply(z, low, a)
            np.maximum(z, a, out=a)

        def slope(d: Array) -> Step:
            def fill() -> None:
                np.sign(z, d)
                np.maximum(d, low, out=d)

            return fill

        return _staged(a, forward, slope)


class ELU(Activation):
    """a = z where z > 0, else α (exp(z) - 1); da/dz = 1, or a + α.

    Like ReLU for positive sums; for negative ones it levels off smoothly at -α, which brings the
    mean of the activations nearer to 0.

    Clevert, Unterthiner and Hochreiter (2016), *Fast and Accurate Deep Network Learning by
    Exponential Linear Units*.
    """

    kind: Literal["elu"] = "elu"
    title: ClassVar[str] = "ELU"
    codes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    formula: ClassVar[str] = "z if z > 0, else α (exp(z) - 1)"

    alpha: float = setting(1.0, gt=0, le=10, title="α", help="How far below 0 it can go.")

    def stage(self, z: Array) -> StagedActivation:
        a, below = np.empty_like(z), np.empty_like(z)
        zeros = np.zeros_like(z)
        alpha, one = np.array(self.alpha, z.dtype), np.array(1, z.dtype)

        def forward() -> None:
            np.minimum(z, zeros, out=below)
            np.expm1(below, below)
            np.multiply(below, alpha, below)
            np.maximum(z, zeros, out=a)
            np.add(a, below, a)

        def slope(d: Array) -> Step:
            if self.alpha == 1:
                return partial(np.add, below, alpha, d)
            positive = np.empty(z.shape, bool)

            def fill() -> None:
                np.add(below, alpha, d)
                np.greater(z, zeros, positive)
                np.copyto(d, one, where=positive)

            return fill

        return _staged(a, forward, slope)


class GELU(Activation):
    """a = ½ z (1 + tanh(√(2/π) (z + 0.044715 z³))), close to z times the normal distribution's Φ(z).

    The tanh form of the paper, within 0.0005 of the exact z Φ(z); PyTorch's `approximate="tanh"`.

    Hendrycks and Gimpel (2016), *Gaussian Error Linear Units*.
    """

    kind: Literal["gelu"] = "gelu"
    title: ClassVar[str] = "GELU"
    codes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    formula: ClassVar[str] = "½ z (1 + tanh(√(2/π) (z + 0.044715 z³)))"

    def stage(self, z: Array) -> StagedActivation:
        a, share, square = np.empty_like(z), np.empty_like(z), np.empty_like(z)
        half, one = np.array(0.5, z.dtype), np.array(1, z.dtype)
        linear = np.array(sqrt(2 / pi), z.dtype)
        cubic = np.array(sqrt(2 / pi) * 0.044715, z.dtype)
        cubic3 = np.array(sqrt(2 / pi) * 0.044715 * 3, z.dtype)

        def forward() -> None:
            # share = ½ (1 + tanh(z (linear + cubic z²)))
            np.multiply(z, z, square)
            np.multiply(square, cubic, share)
            np.add(share, linear, share)
            np.multiply(share, z, share)
            np.tanh(share, share)
            np.multiply(share, half, share)
            np.add(share, half, share)
            np.multiply(share, z, a)

        def slope(d: Array) -> Step:
            work = np.empty_like(z)

            def fill() -> None:
                # share (1 + 2 z (1 - share) (linear + 3 cubic z²)), since 1 - tanh² = 4 share (1 - share)
                np.multiply(square, cubic3, d)
                np.add(d, linear, d)
                np.multiply(d, z, d)
                np.subtract(one, share, work)
                np.multiply(d, work, d)
                np.add(d, half, d)
                np.add(share, share, work)
                np.multiply(d, work, d)

            return fill

        return _staged(a, forward, slope)


class SiLU(Activation):
    """a = z σ(z) with σ(z) = 1 / (1 + exp(-z)); da/dz = σ(z) + a (1 - σ(z)). Also called swish.

    Elfwing, Uchibe and Doya (2018), *Sigmoid-Weighted Linear Units*; Ramachandran, Zoph and Le
    (2017), *Searching for Activation Functions*.
    """

    kind: Literal["silu"] = "silu"
    title: ClassVar[str] = "SiLU"
    codes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    formula: ClassVar[str] = "z / (1 + exp(-z))"

    def stage(self, z: Array) -> StagedActivation:
        a, gate = np.empty_like(z), np.empty_like(z)
        one = np.array(1, z.dtype)
        open_gate = _stage_sigmoid(z, gate)

        def forward() -> None:
            open_gate()
            np.multiply(z, gate, a)

        def slope(d: Array) -> Step:
            def fill() -> None:
                np.subtract(one, gate, d)
                np.multiply(d, a, d)
                np.add(d, gate, d)

            return fill

        return _staged(a, forward, slope)


class Softplus(Activation):
    """a = log(1 + exp(z)), always positive; da/dz = 1 / (1 + exp(-z)). A ReLU without its corner.

    Dugas et al. (2001), *Incorporating Second-Order Functional Knowledge for Better Option Pricing*.
    """

    kind: Literal["softplus"] = "softplus"
    codes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    formula: ClassVar[str] = "log(1 + exp(z))"

    def stage(self, z: Array) -> StagedActivation:
        a, rest = np.empty_like(z), np.empty_like(z)
        zeros = np.zeros_like(z)

        def forward() -> None:
            # max(0, z) + log(1 + exp(-|z|)): no overflow, and ten times as quick as logaddexp
            np.absolute(z, rest)
            np.negative(rest, rest)
            np.exp(rest, rest)
            np.log1p(rest, rest)
            np.maximum(z, zeros, out=a)
            np.add(a, rest, a)

        return _staged(a, forward, lambda d: _stage_sigmoid(z, d))


if TYPE_CHECKING:
    AnyActivation = Activation
else:
    AnyActivation = choice("activation")

__all__ = ["Activation", "AnyActivation", "StagedActivation", "nothing"]
