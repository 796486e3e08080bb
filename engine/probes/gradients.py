"""Gradients of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from engine.probe import Probe

if TYPE_CHECKING:
    from engine.trainer import Trainer

Array = npt.NDArray[Any]


class Gradients(Probe):
    """∂loss/∂parameter of the last batch, by `network.node.parameter`."""

    kind: Literal["gradients"] = "gradients"

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        return trainer.memory.gradients
