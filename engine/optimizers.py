"""Optimizers: from a gradient to an update, written for one flat array of parameters.

The rules are PyTorch's, to the rounding. A rate, or a factor made from it, changes from step to step:
it is put into an array without axes, which NumPy takes more quickly than a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part, choice, setting

Array = npt.NDArray[Any]
Update = Callable[[float, int], object]


class Optimizer(Part):
    """A rule that turns gradients g into updates of the parameters w."""

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
        step, now = np.empty_like(weights), np.empty((), weights.dtype)

        def update(rate: float, number: int) -> None:
            now[()] = rate
            np.multiply(gradient, now, step)
            np.subtract(weights, step, weights)

        return update


class Momentum(Optimizer):
    """A ball that rolls downhill: v ← momentum · v + g; w ← w - rate · v.

    Polyak (1964), *Some methods of speeding up the convergence of iteration methods*.
    """

    kind: Literal["momentum"] = "momentum"
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    momentum: float = setting(0.9, ge=0, lt=1, help="How much of the velocity is kept each step.")

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        velocity = slots["velocity"]
        step, now = np.empty_like(weights), np.empty((), weights.dtype)
        keep = np.array(self.momentum, weights.dtype)

        def update(rate: float, number: int) -> None:
            now[()] = rate
            np.multiply(velocity, keep, velocity)
            np.add(velocity, gradient, velocity)
            np.multiply(velocity, now, step)
            np.subtract(weights, step, weights)

        return update


class Nesterov(Optimizer):
    """Momentum that looks ahead: v ← momentum · v + g; w ← w - rate · (g + momentum · v).

    Nesterov (1983), *A method of solving a convex programming problem with convergence rate
    O(1/k²)*; in the form of Sutskever et al. (2013), *On the importance of initialization and
    momentum in deep learning*.
    """

    kind: Literal["nesterov"] = "nesterov"
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    momentum: float = setting(0.9, gt=0, lt=1, help="How much of the velocity is kept each step.")

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        velocity = slots["velocity"]
        step, now = np.empty_like(weights), np.empty((), weights.dtype)
        keep = np.array(self.momentum, weights.dtype)

        def update(rate: float, number: int) -> None:
            now[()] = rate
            np.multiply(velocity, keep, velocity)
            np.add(velocity, gradient, velocity)
            np.multiply(velocity, keep, step)
            np.add(step, gradient, step)
            np.multiply(step, now, step)
            np.subtract(weights, step, weights)

        return update


class RMSProp(Optimizer):
    """Each parameter at its own pace: s ← keep · s + (1 - keep) · g²; w ← w - rate · g / (√s + ε).

    Tieleman and Hinton (2012), *Neural Networks for Machine Learning*, lecture 6.5.
    """

    kind: Literal["rmsprop"] = "rmsprop"
    title: ClassVar[str] = "RMSProp"
    slots: ClassVar[tuple[str, ...]] = ("square",)

    keep: float = setting(
        0.99, ge=0, lt=1, help="How much of the mean squared gradient is kept each step."
    )
    epsilon: float = setting(
        1e-8, gt=0, le=1, scale="log", title="ε", help="Keeps the division away from 0."
    )

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        square = slots["square"]
        step, now = np.empty_like(weights), np.empty((), weights.dtype)
        keep, take = np.array(self.keep, weights.dtype), np.array(1 - self.keep, weights.dtype)
        epsilon = np.array(self.epsilon, weights.dtype)

        def update(rate: float, number: int) -> None:
            now[()] = rate
            np.multiply(square, keep, square)
            np.multiply(gradient, gradient, step)
            np.multiply(step, take, step)
            np.add(square, step, square)
            np.sqrt(square, step)
            np.add(step, epsilon, step)
            np.divide(gradient, step, step)
            np.multiply(step, now, step)
            np.subtract(weights, step, weights)

        return update


class Adagrad(Optimizer):
    """Paces that only ever slow down: s ← s + g²; w ← w - rate · g / (√s + ε).

    Duchi, Hazan and Singer (2011), *Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization*.
    """

    kind: Literal["adagrad"] = "adagrad"
    slots: ClassVar[tuple[str, ...]] = ("square",)

    epsilon: float = setting(
        1e-10, gt=0, le=1, scale="log", title="ε", help="Keeps the division away from 0."
    )

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        square = slots["square"]
        step, now = np.empty_like(weights), np.empty((), weights.dtype)
        epsilon = np.array(self.epsilon, weights.dtype)

        def update(rate: float, number: int) -> None:
            now[()] = rate
            np.multiply(gradient, gradient, step)
            np.add(square, step, square)
            np.sqrt(square, step)
            np.add(step, epsilon, step)
            np.divide(gradient, step, step)
            np.multiply(step, now, step)
            np.subtract(weights, step, weights)

        return update


class Adam(Optimizer):
    """Adaptive moments: w ← w - rate · m̂ / (√v̂ + ε), with m and v running means of g and g².

    m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g²; m̂ = m / (1 - β₁ⁿ) and v̂ = v / (1 - β₂ⁿ) make up
    for their start at 0 (n counts the updates).

    Kingma and Ba (2015), *Adam: A Method for Stochastic Optimization*.
    """

    kind: Literal["adam"] = "adam"
    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    beta1: float = setting(
        0.9, ge=0, lt=1, title="β₁", help="How much of the mean gradient is kept each step."
    )
    beta2: float = setting(
        0.999,
        ge=0,
        lt=1,
        title="β₂",
        help="How much of the mean squared gradient is kept each step.",
    )
    epsilon: float = setting(
        1e-8, gt=0, le=1, scale="log", title="ε", help="Keeps the division away from 0."
    )

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        mean, square, dtype = slots["mean"], slots["square"], weights.dtype
        step, now, floor = np.empty_like(weights), np.empty((), dtype), np.empty((), dtype)
        beta1, beta2, epsilon = self.beta1, self.beta2, self.epsilon
        keep1, take1 = np.array(beta1, dtype), np.array(1 - beta1, dtype)
        keep2, take2 = np.array(beta2, dtype), np.array(1 - beta2, dtype)

        def update(rate: float, number: int) -> None:
            # The corrections are numbers, not arrays: √(1 - β₂ⁿ) moves from v̂ into the rate and ε.
            correction = (1 - beta2**number) ** 0.5
            now[()] = rate * correction / (1 - beta1**number)
            floor[()] = epsilon * correction
            np.multiply(mean, keep1, mean)
            np.multiply(gradient, take1, step)
            np.add(mean, step, mean)
            np.multiply(square, keep2, square)
            np.multiply(gradient, gradient, step)
            np.multiply(step, take2, step)
            np.add(square, step, square)
            np.sqrt(square, step)
            np.add(step, floor, step)
            np.divide(mean, step, step)
            np.multiply(step, now, step)
            np.subtract(weights, step, weights)

        return update


class AdamW(Adam):
    """Adam with weight decay of its own: first w ← w - rate · decay · w, then Adam's update.

    Unlike an L2 penalty, the decay does not go through the adaptive paces. Biases do not decay.

    Loshchilov and Hutter (2019), *Decoupled Weight Decay Regularization*.
    """

    kind: Literal["adamw"] = "adamw"  # type: ignore[assignment]
    title: ClassVar[str] = "AdamW"

    decay: float = setting(
        0.01, ge=0, le=10, scale="log", title="Weight decay",
        help="The share of each weight, times the rate, that every step takes away.",
    )  # fmt: skip

    def stage(
        self, weights: Array, gradient: Array, slots: dict[str, Array], decays: Array
    ) -> Update:
        adam = super().stage(weights, gradient, slots, decays)
        shares, step = decays * decays.dtype.type(self.decay), np.empty_like(weights)
        now = np.empty((), weights.dtype)

        def update(rate: float, number: int) -> None:
            now[()] = rate
            np.multiply(weights, shares, step)
            np.multiply(step, now, step)
            np.subtract(weights, step, weights)
            adam(rate, number)

        return update


if TYPE_CHECKING:
    AnyOptimizer = Optimizer
else:
    AnyOptimizer = choice("optimizer")

__all__ = ["AnyOptimizer", "Optimizer", "Update"]
