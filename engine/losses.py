"""Losses: one number for how wrong the outputs are, and its gradient.

A loss stages itself over the arrays of outputs and targets. Values are means over the batch, as in
PyTorch. Targets are coded for the loss by `encode`, once for a data set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.activations import Step
from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]


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
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})

    def units(self, classes: int) -> tuple[int, ...]:
        """The numbers of output units that fit a classification with so many classes."""
        return (1, 2) if classes == 2 else (classes,)

    def encode(self, labels: Array, classes: int, units: int, codes: tuple[float, float]) -> Array:
        """Class numbers (rows,) → targets (rows, units). `codes` stand for no and yes of one unit."""
        no, yes = codes
        if units == 1:
            return np.where(labels == 1, yes, no)[:, None]
        return np.where(labels[:, None] == np.arange(classes), yes, no)

    def probabilities(self, outputs: Array, codes: tuple[float, float]) -> Array:
        """Outputs (rows, units) → shares of the classes (rows, classes) that sum to 1."""
        no, yes = codes
        share = np.clip((outputs - no) / (yes - no), 0.0, 1.0)
        if outputs.shape[1] == 1:
            return np.concatenate([1.0 - share, share], axis=1)
        total = share.sum(axis=1, keepdims=True)
        return np.where(total > 0, share / np.where(total > 0, total, 1), 1.0 / outputs.shape[1])

    def classify(self, outputs: Array, codes: tuple[float, float]) -> Array:
        """Outputs (rows, units) → class numbers (rows,)."""
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > (codes[0] + codes[1]) / 2).astype(np.int64)
        return outputs.argmax(axis=1)

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        raise NotImplementedError


class MeanSquaredError(Loss):
    """Mean of (output - target)² over samples and outputs; gradient 2 (output - target) / n."""

    kind: Literal["mse"] = "mse"
    title: ClassVar[str] = "Mean squared error"

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, difference = np.empty_like(outputs), np.empty_like(outputs)
        flat = difference.reshape(-1)
        scale = outputs.dtype.type(2.0 / outputs.size)

        def value() -> float:
            np.subtract(outputs, targets, difference)
            return float(np.dot(flat, flat)) / outputs.size

        def differentiate() -> None:
            np.subtract(outputs, targets, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)


class CrossEntropy(Loss):
    """-log of the probability given to the true class, averaged over the samples.

    One output unit z is read through the sigmoid (two classes), several through the softmax
    p_k = exp(z_k) / Σ exp(z_j): the network ends in logits, and the gradient is (p - target) / n.
    """

    kind: Literal["cross_entropy"] = "cross_entropy"
    title: ClassVar[str] = "Cross-entropy"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def encode(self, labels: Array, classes: int, units: int, codes: tuple[float, float]) -> Array:
        return super().encode(labels, classes, units, (0.0, 1.0))

    def probabilities(self, outputs: Array, codes: tuple[float, float]) -> Array:
        if outputs.shape[1] == 1:
            # 0.5 (1 + tanh(z/2)) is the sigmoid without overflow.
            yes = 0.5 * (1.0 + np.tanh(0.5 * outputs))
            return np.concatenate([1.0 - yes, yes], axis=1)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]

    def classify(self, outputs: Array, codes: tuple[float, float]) -> Array:
        return (
            (outputs[:, 0] > 0).astype(np.int64)
            if outputs.shape[1] == 1
            else outputs.argmax(axis=1)
        )

    def stage(self, outputs: Array, targets: Array) -> StagedLoss:
        return (self._sigmoid if outputs.shape[1] == 1 else self._softmax)(outputs, targets)

    def _sigmoid(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, work = np.empty_like(outputs), np.empty_like(outputs)
        rows = len(outputs)
        half, scale = outputs.dtype.type(0.5), outputs.dtype.type(1.0 / rows)
        centred = targets - half
        zero = outputs.dtype.type(0)

        def value() -> float:
            # log(1 + exp(z)) - target z, with the exponential never above 1.
            np.logaddexp(zero, outputs, work)
            total = float(work.sum())
            return (total - float(np.dot(targets.reshape(-1), outputs.reshape(-1)))) / rows

        def differentiate() -> None:
            np.multiply(outputs, half, gradient)
            np.tanh(gradient, gradient)
            np.multiply(gradient, half, gradient)
            np.subtract(targets, half, centred)
            np.subtract(gradient, centred, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)

    def _softmax(self, outputs: Array, targets: Array) -> StagedLoss:
        gradient, work = np.empty_like(outputs), np.empty_like(outputs)
        rows = len(outputs)
        column = np.empty((rows, 1), outputs.dtype)
        scale = outputs.dtype.type(1.0 / rows)

        def value() -> float:
            np.maximum.reduce(outputs, axis=1, out=column, keepdims=True)
            np.subtract(outputs, column, work)
            picked = float(np.dot(work.reshape(-1), targets.reshape(-1)))
            np.exp(work, work)
            np.add.reduce(work, axis=1, out=column, keepdims=True)
            np.log(column, column)
            return (float(column.sum()) - picked) / rows

        def differentiate() -> None:
            np.maximum.reduce(outputs, axis=1, out=column, keepdims=True)
            np.subtract(outputs, column, gradient)
            np.exp(gradient, gradient)
            np.add.reduce(gradient, axis=1, out=column, keepdims=True)
            np.divide(gradient, column, gradient)
            np.subtract(gradient, targets, gradient)
            np.multiply(gradient, scale, gradient)

        return StagedLoss(gradient, value, differentiate)


if TYPE_CHECKING:
    AnyLoss = Loss
else:
    AnyLoss = choice("loss")

__all__ = ["AnyLoss", "Loss", "StagedLoss", "setting"]
