"""Schedules: how the learning rate changes while training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from engine.catalogue import Part, choice, setting


class Schedule(Part):
    """A factor on the learning rate, by the number of the step."""

    family: ClassVar[str] = "schedule"

    def factor(self, step: int) -> float:
        """The factor for the step with this number, counted from 0."""
        raise NotImplementedError


class Constant(Schedule):
    """The same rate throughout."""

    kind: Literal["constant"] = "constant"

    def factor(self, step: int) -> float:
        return 1.0


class Exponential(Schedule):
    """The rate falls by the same share each step: factor = decay^(step / every)."""

    kind: Literal["exponential"] = "exponential"
    decay: float = setting(0.5, gt=0, le=1, help="The factor that is reached after “every” steps.")
    every: int = setting(
        1000,
        ge=1,
        le=10_000_000,
        scale="log",
        unit="steps",
        help="Steps until the factor is applied once.",
    )

    def factor(self, step: int) -> float:
        return float(self.decay ** (step / self.every))


if TYPE_CHECKING:
    AnySchedule = Schedule
else:
    AnySchedule = choice("schedule")

__all__ = ["AnySchedule", "Schedule"]
