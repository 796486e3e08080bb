"""The contract of a probe: one measurement of a network in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part
from engine.errors import EngineError, problem

if TYPE_CHECKING:
    from engine.trainer import Trainer

Array = npt.NDArray[Any]


class NotMeasurable(EngineError):
    """This network or data set has nothing for this probe to measure."""

    def __init__(self, code: str, message: str) -> None:
        self.problem = problem((), code, message)
        super().__init__(message)


class Probe(Part):
    """One measurement: named arrays that a picture is drawn from. It changes nothing."""

    family: ClassVar[str] = "probe"

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        """Arrays by name, without the probe's own prefix. Raises `NotMeasurable`."""
        raise NotImplementedError


def plane_grid(trainer: Trainer, size: int) -> Array:
    """Raw points (size * size, 2) over the bounds of the plane, row 0 at the top, or (size, 1) over
    the line."""
    data = trainer.data
    bounds = trainer.bounds
    if data.line:
        return np.linspace(bounds[0, 0], bounds[0, 1], size)[:, None]
    if not data.plane:
        raise NotMeasurable("not_plane", "the inputs are not points of a plane or a line")
    x, y = (
        np.linspace(bounds[0, 0], bounds[0, 1], size),
        np.linspace(bounds[1, 1], bounds[1, 0], size),
    )
    return np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1).reshape(-1, 2)
