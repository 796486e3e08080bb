"""Schedules: how the learning rate changes while training goes on."""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING, ClassVar, Literal

from engine.catalogue import Part, choice, setting


class Schedule(Part):
    """A factor on the learning rate, by the number of the step."""

    family: ClassVar[str] = "schedule"

    def factor(self, step: int) -> float:
        """The factor for the step with this number, counted from 0."""
        raise NotImplementedError


class Constant(Schedule):
    """The same rate throughout: factor = 1."""

    kind: Literal["constant"] = "constant"

    def factor(self, step: int) -> float:
        return 1.0


class StepDecay(Schedule):
    """The rate falls at once after every so many steps: factor = decay^⌊step / every⌋.

    He, Zhang, Ren and Sun (2016), *Deep Residual Learning for Image Recognition*, trained so.
    """

    kind: Literal["step"] = "step"
    title: ClassVar[str] = "Steps"

    decay: float = setting(0.5, gt=0, le=1, help="What the rate is multiplied by at each fall.")
    every: int = setting(
        1000, ge=1, le=10_000_000, scale="log", unit="steps", help="Steps between two falls."
    )

    def factor(self, step: int) -> float:
        return float(self.decay ** (step // self.every))


class Exponential(Schedule):
    """The rate falls by the same share each step: factor = decay^(step / every)."""

    kind: Literal["exponential"] = "exponential"

    decay: float = setting(0.5, gt=0, le=1, help="The factor that is reached after “every” steps.")
    every: int = setting(
        1000, ge=1, le=10_000_000, scale="log", unit="steps",
        help="Steps until the rate has been multiplied by “decay”.",
    )  # fmt: skip

    def factor(self, step: int) -> float:
        return float(self.decay ** (step / self.every))


class Cosine(Schedule):
    """The rate falls along half a cosine wave, from 1 to the floor, and stays there.

    factor = floor + (1 - floor) · ½ (1 + cos(π step / steps)).

    Loshchilov and Hutter (2017), *SGDR: Stochastic Gradient Descent with Warm Restarts* (without
    the restarts).
    """

    kind: Literal["cosine"] = "cosine"

    steps: int = setting(
        10_000,
        ge=1,
        le=10_000_000,
        scale="log",
        unit="steps",
        help="Steps until the floor is reached.",
    )
    floor: float = setting(0.0, ge=0, le=1, help="The factor at the end.")

    def factor(self, step: int) -> float:
        return self.floor + (1 - self.floor) * 0.5 * (1 + cos(pi * min(step / self.steps, 1)))


class WarmUp(Schedule):
    """The rate rises in a straight line to its full value, and stays there.

    factor = start + (1 - start) · step / steps. Large first updates from random weights do harm that
    later ones have to mend.

    Goyal et al. (2017), *Accurate, Large Minibatch SGD*.
    """

    kind: Literal["warm_up"] = "warm_up"
    title: ClassVar[str] = "Warm-up"

    start: float = setting(0.1, gt=0, le=1, help="The factor of the first step.")
    steps: int = setting(
        500,
        ge=1,
        le=10_000_000,
        scale="log",
        unit="steps",
        help="Steps until the full rate is reached.",
    )

    def factor(self, step: int) -> float:
        return self.start + (1 - self.start) * min(step / self.steps, 1)


if TYPE_CHECKING:
    AnySchedule = Schedule
else:
    AnySchedule = choice("schedule")

__all__ = ["AnySchedule", "Schedule"]
