"""Optimizers: from a gradient to an update, written for one flat array of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]
Update = Callable[[float, int], object]


class Optimizer(Part):
    """A rule that turns gradients into updates of the parameters."""

    family: ClassVar[str] = "optimizer"
    # The names of the arrays it keeps, each as long as the parameters, all 0 at first.
    slots: ClassVar[tuple[str, ...]] = ()

    rate: float = setting(
        0.03, gt=0, le=1e3, scale="log", title="Learning rate",
        help="How far each update goes along the gradient.",
    )  # fmt: skip

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        """The update of `weights` (n,) from `gradient` (n,): a function of the rate and of the number
        of this update, counted from 1. `slots` are the arrays named in the class; `decays` (n,) is 1
        where weight decay applies. It allocates nothing when it runs."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w - rate · g.

    Robbins and Monro (1951), *A Stochastic Approximation Method*.
    """

    kind: Literal["sgd"] = "sgd"
    title: ClassVar[str] = "SGD"

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        step = np.empty_like(weights)

        def update(rate: float, number: int) -> None:
            np.multiply(gradient, rate, step)
            np.subtract(weights, step, weights)

        return update


class Adam(Optimizer):
    """Adaptive moments: w ← w - rate · m̂ / (√v̂ + ε), with m and v running means of g and g².

    Kingma and Ba (2015), *Adam: A Method for Stochastic Optimization*.
    """

    kind: Literal["adam"] = "adam"
    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    beta1: float = setting(
        0.9, ge=0, lt=1, title="β₁", help="How much of the mean gradient is kept each step."
    )
    beta2: float = setting(
        0.999, ge=0, lt=1, title="β₂", help="How much of the mean squared gradient is kept."
    )
    epsilon: float = setting(
        1e-8, gt=0, le=1, scale="log", title="ε", help="Keeps the division away from 0."
    )

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        mean, square = slots["mean"], slots["square"]
        step = np.empty_like(weights)
        kind = weights.dtype.type
        keep1, take1 = kind(self.beta1), kind(1 - self.beta1)
        keep2, take2 = kind(self.beta2), kind(1 - self.beta2)

        def update(rate: float, number: int) -> None:
            np.multiply(mean, keep1, mean)
            np.multiply(gradient, take1, step)
            np.add(mean, step, mean)
            np.multiply(square, keep2, square)
            np.multiply(gradient, gradient, step)
            np.multiply(step, take2, step)
            np.add(square, step, square)
            # The corrections of the bias are scalars: √(1 - β₂ⁿ) moves from v̂ into rate and ε.
            correction = (1 - self.beta2**number) ** 0.5
            np.sqrt(square, step)
            np.add(step, self.epsilon * correction, step)
            np.divide(mean, step, step)
            np.multiply(step, rate * correction / (1 - self.beta1**number), step)
            np.subtract(weights, step, weights)

        return update


if TYPE_CHECKING:
    AnyOptimizer = Optimizer
else:
    AnyOptimizer = choice("optimizer")

__all__ = ["AnyOptimizer", "Optimizer", "Update"]
