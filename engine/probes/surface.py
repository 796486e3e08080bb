"""What the network answers all over the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from engine.catalogue import setting
from engine.probe import NotMeasurable, Probe

if TYPE_CHECKING:
    from engine.trainer import Trainer

Array = npt.NDArray[Any]


class Surface(Probe):
    """The output over the plane (size, size, outputs), row 0 at the top, or over the line (size,
    outputs): shares of the classes, or values in the unit of the target; float16."""

    kind: Literal["surface"] = "surface"
    size: int = setting(100, ge=4, le=256, unit="points", help="Points along each side.")

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        _, inputs = trainer.grid(self.size)
        shown = trainer.shown_output(inputs)
        sides = (self.size,) if trainer.data.line else (self.size, self.size)
        return {
            "output": shown.astype(np.float16 if trainer.data.classes else np.float32).reshape(
                *sides, -1
            )
        }


class Slice(Probe):
    """The output over a plane through two chosen columns, the others at their mean."""

    kind: Literal["slice"] = "slice"
    size: int = setting(64, ge=4, le=256, unit="points", help="Points along each side.")
    x: int = setting(0, ge=0, le=10_000, help="The column from left to right, counted from 0.")
    y: int = setting(1, ge=0, le=10_000, help="The column from bottom to top, counted from 0.")

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        data = trainer.data
        columns = len(data.columns)
        if data.train.inputs.ndim != 2 or max(self.x, self.y) >= columns or self.x == self.y:
            raise NotMeasurable("no_such_columns", "these data do not have these two columns")
        rows = np.empty((self.size * self.size, columns))
        levels = data.train.levels or (None,) * columns
        for column in range(columns):
            values = data.train.inputs[:, column]
            present = values[~np.isnan(values)]
            # The usual value: the mean of a number, the commonest level of a category.
            rows[:, column] = (
                np.bincount(present.astype(int)).argmax() if levels[column] else present.mean()
            )
        x = np.linspace(trainer.bounds[self.x, 0], trainer.bounds[self.x, 1], self.size)
        y = np.linspace(trainer.bounds[self.y, 1], trainer.bounds[self.y, 0], self.size)
        for column, values in ((self.x, np.tile(x, self.size)), (self.y, np.repeat(y, self.size))):
            names = levels[column]
            rows[:, column] = np.clip(np.rint(values), 0, len(names) - 1) if names else values
        shown = trainer.shown_output(trainer.encode(rows))
        return {
            "output": shown.astype(np.float16 if data.classes else np.float32).reshape(
                self.size, self.size, -1
            )
        }
