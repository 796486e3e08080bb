"""What each neuron answers all over the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from engine.catalogue import setting
from engine.probe import Probe

if TYPE_CHECKING:
    from engine.trainer import Trainer

Array = npt.NDArray[Any]


class Responses(Probe):
    """Each neuron's activation over the plane (units, size, size), row 0 at the top, or over the line
    (units, size); signed bytes, to be read as byte / 127 · scale of that unit."""

    kind: Literal["responses"] = "responses"
    size: int = setting(32, ge=4, le=128, unit="points", help="Points along each side.")

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        _, inputs = trainer.grid(self.size)
        name = trainer.experiment.recipe.networks[0]
        nodes = {"input": inputs, **trainer.session.outputs(name, inputs)}
        sides = (self.size,) if trainer.data.line else (self.size, self.size)
        arrays: dict[str, Array] = {}
        for node, values in nodes.items():
            if node.endswith(".before") or values.ndim != 2:
                continue
            # A copy even where the transpose is a view: the inputs are the trainer's own grid.
            maps = np.array(values.T, order="C")
            scale = np.maximum(maps.max(axis=1), -maps.min(axis=1))
            factor = 127.0 / np.where(scale > 0, scale, 1)
            label = "input" if node == "input" else f"{name}.{node}"
            np.multiply(maps, factor[:, None], maps)
            arrays[label] = np.rint(maps, maps).astype(np.int8).reshape(-1, *sides)
            arrays[f"{label}.scale"] = scale.astype(np.float32)
        return arrays
