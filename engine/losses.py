"""Losses: one number for how wrong the outputs are, and its gradient.

A loss stages itself over the arrays of outputs and targets. Values are means over the batch, as in
PyTorch. Targets of a classification are coded for the loss by `encode`, once for a data set; what
they are coded as is the loss's own affair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.activations import Step
from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]
Codes = tuple[float, float]


class StagedLoss(NamedTuple):
    """`value()` is the mean loss of the batch; `differentiate()` fills `gradient` = ∂loss/∂outputs.

    Each works from the outputs alone, so that a step that nobody measures never computes the value.
    """

    gradient: Array
    value: Callable[[], float]
    differentiate: Step


class Loss(Part):
    """How wrong the outputs are."""

    family: ClassVar[str] = "loss"
    facts: ClassVar[tuple[str, ...]] = ("tasks",)
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})

    def units(self, classes: int) -> tuple[int, ...]:
        """The numbers of output units that fit a classification with so many classes."""
        return (1, 2) if classes == 2 else (classes,)

    def encode(self, labels: Array, classes: int, units: int, codes: Codes) -> Array:
        """Class numbers (rows,) → targets (rows, units). `codes` stand for no and yes of one unit."""
        no, yes = codes
        if units == 1:
            return np.where(labels == 1, yes, no)[:, None]
        return np.where(labels[:, None] == np.arange(classes), yes, no)

    def probabilities(self, outputs: Array, codes: Codes) -> Array:
        """Outputs (rows, units) → shares of the classes (rows, classes) that sum to 1.

        The largest share is that of the class that `classify` names.
        """
        no, yes = codes
        share = (outputs - no) / (yes - no)
        if outputs.shape[1] == 1:
            share = share.clip(0, 1)
            return np.concatenate([1 - share, share], axis=1)
        share -= np.minimum(share.min(axis=1, keepdims=True), 0)
        total = share.sum(axis=1, keepdims=True)
        shares: Array = np.where(
            total > 0, share / np.where(total > 0, total, 1), 1 / outputs.shape[1]
        )
        return shares

    def classify(self, outputs: Array, codes: Codes) -> Array:
        """Outputs (rows, units) → class numbers (rows,)."""
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > (codes[0] + codes[1]) / 2).astype(np.int64)
        winners: Array = outputs.argmax(axis=1)
        return winners

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        """Bind to the arrays of outputs and targets, both (rows, units)."""
        raise NotImplementedError


class MeanSquaredError(Loss):
    """Mean of (output - target)² over samples and outputs; gradient 2 (output - target) / n.

    Classes are learned as numbers: -1 and 1, or 0 and 1 where the output activation does not reach
    -1.
    """

    kind: Literal["mse"] = "mse"
    title: ClassVar[str] = "Mean squared error"

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, difference = np.empty_like(outputs), np.empty_like(outputs)
        flat = difference.reshape(-1)
        scale = np.array(2 / outputs.size, outputs.dtype)

        def value() -> float:
            np.subtract(outputs, targets, difference)
            return float(np.dot(flat, flat)) / outputs.size

        def differentiate() -> None:
            np.subtract(outputs, targets, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)


class MeanAbsoluteError(Loss):
    """Mean of |output - target| over samples and outputs; gradient ±1 / n.

    Large errors count no more than their size, so outliers pull less than under the squared error;
    the gradient does not shrink near the target.
    """

    kind: Literal["mae"] = "mae"
    title: ClassVar[str] = "Mean absolute error"

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, difference = np.empty_like(outputs), np.empty_like(outputs)
        scale = np.array(1 / outputs.size, outputs.dtype)

        def value() -> float:
            np.subtract(outputs, targets, difference)
            np.absolute(difference, difference)
            return float(np.add.reduce(difference, axis=None)) / outputs.size

        def differentiate() -> None:
            np.subtract(outputs, targets, gradient)
            np.sign(gradient, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)


class Huber(Loss):
    """Squared for small errors, straight for large ones: ½ d² where |d| ≤ δ, else δ (|d| - ½ δ).

    d = output - target; the mean is over samples and outputs, the gradient is d, cut off at ±δ, / n.

    Huber (1964), *Robust Estimation of a Location Parameter*.
    """

    kind: Literal["huber"] = "huber"

    delta: float = setting(
        1.0, gt=0, le=1e3, scale="log", title="δ", help="The error from which the loss is straight."
    )

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient = np.empty_like(outputs)
        difference, cut = np.empty_like(outputs), np.empty_like(outputs)
        high, low = np.array(self.delta, outputs.dtype), np.array(-self.delta, outputs.dtype)
        scale = np.array(1 / outputs.size, outputs.dtype)

        def value() -> float:
            # With c = d cut off at ±δ, both cases are c (d - ½ c).
            np.subtract(outputs, targets, difference)
            np.minimum(difference, high, out=cut)
            np.maximum(cut, low, out=cut)
            c = cut.reshape(-1)
            whole = float(np.dot(c, difference.reshape(-1)))
            return (whole - 0.5 * float(np.dot(c, c))) / outputs.size

        def differentiate() -> None:
            np.subtract(outputs, targets, gradient)
            np.minimum(gradient, high, out=gradient)
            np.maximum(gradient, low, out=gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)


class CrossEntropy(Loss):
    """-log of the probability given to the true class, averaged over the samples.

    One output unit z is read through the sigmoid p = 1 / (1 + exp(-z)) (two classes), several through
    the softmax p_k = exp(z_k) / Σ exp(z_j): the network ends in logits, and the gradient is
    (p - target) / n.

    Bishop (2006), *Pattern Recognition and Machine Learning*, section 4.3.
    """

    kind: Literal["cross_entropy"] = "cross_entropy"
    title: ClassVar[str] = "Cross-entropy"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def encode(self, labels: Array, classes: int, units: int, codes: Codes) -> Array:
        """One unit: -1 and 1, which saves two steps of the gradient. Several: 0 and 1."""
        return super().encode(labels, classes, units, (-1.0, 1.0) if units == 1 else (0.0, 1.0))

    def probabilities(self, outputs: Array, codes: Codes) -> Array:
        if outputs.shape[1] == 1:
            yes = 0.5 + 0.5 * np.tanh(0.5 * outputs)
            return np.concatenate([1 - yes, yes], axis=1)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]

    def classify(self, outputs: Array, codes: Codes) -> Array:
        return super().classify(outputs, (-1.0, 1.0))

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        return (self._sigmoid if outputs.shape[1] == 1 else self._softmax)(outputs, targets)

    def _sigmoid(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, work = np.empty_like(outputs), np.empty_like(outputs)
        rows, dtype = len(outputs), outputs.dtype
        zero, half = np.array(0, dtype), np.array(0.5, dtype)
        scale = np.array(0.5 / rows, dtype)

        def value() -> float:
            # -log σ(s z) = log(1 + exp(-s z)), for s = ±1
            np.multiply(outputs, targets, work)
            np.negative(work, work)
            np.logaddexp(work, zero, work)
            return float(np.add.reduce(work, axis=None)) / rows

        def differentiate() -> None:
            # σ(z) - ½ (1 + s) = ½ (tanh(½ z) - s)
            np.multiply(outputs, half, gradient)
            np.tanh(gradient, gradient)
            np.subtract(gradient, targets, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)

    def _softmax(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, work = np.empty_like(outputs), np.empty_like(outputs)
        rows, dtype = len(outputs), outputs.dtype
        highest, total = np.empty(rows, dtype), np.empty(rows, dtype)
        highest_column, total_column = highest[:, None], total[:, None]
        ones, scale = np.ones(outputs.shape[1], dtype), np.array(1 / rows, dtype)
        work_flat, targets_flat = work.reshape(-1), targets.reshape(-1)

        def value() -> float:
            # z less the highest one: the exponentials cannot overflow.
            np.maximum.reduce(outputs, axis=1, out=highest)
            np.subtract(outputs, highest_column, work)
            true = float(np.dot(work_flat, targets_flat))
            np.exp(work, work)
            np.dot(work, ones, total)
            np.log(total, total)
            return (float(np.add.reduce(total)) - true) / rows

        def differentiate() -> None:
            np.maximum.reduce(outputs, axis=1, out=highest)
            np.subtract(outputs, highest_column, gradient)
            np.exp(gradient, gradient)
            np.dot(gradient, ones, total)
            np.divide(gradient, total_column, gradient)
            np.subtract(gradient, targets, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)


class Hinge(Loss):
    """How far the true class is from winning by a margin of 1, averaged over the samples.

    One output unit: max(0, 1 - s z) with s = ±1 (two classes). Several: max(0, 1 + max_{j≠k} z_j - z_k)
    for the true class k. The output should be linear, so that it can reach the margin.

    Cortes and Vapnik (1995), *Support-Vector Networks*; Crammer and Singer (2001), *On the
    Algorithmic Implementation of Multiclass Kernel-based Vector Machines*.
    """

    kind: Literal["hinge"] = "hinge"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def encode(self, labels: Array, classes: int, units: int, codes: Codes) -> Array:
        """-1 and 1."""
        return super().encode(labels, classes, units, (-1.0, 1.0))

    def probabilities(self, outputs: Array, codes: Codes) -> Array:
        return super().probabilities(outputs, (-1.0, 1.0))

    def classify(self, outputs: Array, codes: Codes) -> Array:
        return super().classify(outputs, (-1.0, 1.0))

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        return (self._binary if outputs.shape[1] == 1 else self._multiclass)(outputs, targets)

    def _binary(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, missing = np.empty_like(outputs), np.empty_like(outputs)
        rows, dtype = len(outputs), outputs.dtype
        zero, one, scale = np.array(0, dtype), np.array(1, dtype), np.array(-1 / rows, dtype)

        def measure() -> None:
            np.multiply(outputs, targets, missing)
            np.subtract(one, missing, missing)
            np.maximum(missing, zero, out=missing)

        def value() -> float:
            measure()
            return float(np.add.reduce(missing, axis=None)) / rows

        def differentiate() -> None:
            measure()
            np.sign(missing, gradient)
            np.multiply(gradient, targets, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)

    def _multiclass(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, raised = np.empty_like(outputs), np.empty_like(outputs)
        rows, dtype = len(outputs), outputs.dtype
        half, one = np.array(0.5, dtype), np.array(1, dtype)
        scale = np.array(0.5 / rows, dtype)
        highest, winner = np.empty(rows, dtype), np.empty(rows, np.intp)
        winner_column, classes = winner[:, None], np.arange(outputs.shape[1])
        true, own, ones = (
            np.empty_like(outputs),
            np.empty(rows, dtype),
            np.ones(len(classes), dtype),
        )

        def measure() -> None:
            # The true class is handicapped by ½ and the others are helped by ½.
            np.multiply(targets, half, raised)
            np.subtract(outputs, raised, raised)

        def value() -> float:
            measure()
            np.maximum.reduce(raised, axis=1, out=highest)
            # ½ (s + 1) is 1 for the true class and 0 for the others.
            np.add(targets, one, true)
            np.multiply(true, half, true)
            np.multiply(true, raised, true)
            np.dot(true, ones, own)
            np.subtract(highest, own, highest)
            return float(np.add.reduce(highest)) / rows

        def differentiate() -> None:
            # 1 for the winner, -1 for the true class: they cancel where it wins by the margin.
            measure()
            raised.argmax(1, winner)
            np.equal(winner_column, classes, out=gradient, casting="unsafe")
            np.add(gradient, gradient, gradient)
            np.subtract(gradient, one, gradient)
            np.subtract(gradient, targets, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)


if TYPE_CHECKING:
    AnyLoss = Loss
else:
    AnyLoss = choice("loss")

__all__ = ["AnyLoss", "Loss", "StagedLoss"]
