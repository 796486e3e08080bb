"""Parameters as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from engine.probe import Probe

if TYPE_CHECKING:
    from engine.trainer import Trainer

Array = npt.NDArray[Any]


class Weights(Probe):
    """Every parameter by its name, `network.node.parameter`."""

    kind: Literal["weights"] = "weights"

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        return trainer.parameters()
