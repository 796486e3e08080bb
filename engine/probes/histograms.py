"""How numbers are spread."""

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


SAMPLE_ROWS = 256


class Histograms(Probe):
    """Counts (bins) and edges (bins + 1) of each node's parameters, their gradients, and its
    activations over a fixed sample of the training part."""

    kind: Literal["histograms"] = "histograms"
    bins: int = setting(40, ge=4, le=200, help="How many bars.")

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        arrays: dict[str, Array] = {}
        for name, values in trainer.parameters().items():
            self._count(arrays, name, values)
            self._count(arrays, f"{name}.gradient", trainer.memory.gradients[name])
        network = trainer.experiment.recipe.networks[0]
        inputs = trainer.encode(trainer.data.train.inputs[:SAMPLE_ROWS])
        for node, values in trainer.session.outputs(network, inputs).items():
            if not node.endswith(".before"):
                self._count(arrays, f"{network}.{node}.activation", values)
        return arrays

    def _count(self, arrays: dict[str, Array], name: str, values: Array) -> None:
        # In float32 a narrow range far from zero could not be cut into bins.
        finite = values[np.isfinite(values)].astype(np.float64)
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        if high - low < 1e-9:
            margin = max(0.5, 1e-3 * abs(low))
            low, high = low - margin, high + margin
        # What np.histogram does, without the checks that cost it most of its time on few values.
        places = ((finite - low) * (self.bins / (high - low))).astype(np.intp)
        np.minimum(places, self.bins - 1, out=places)
        arrays[f"{name}.counts"] = np.bincount(places, minlength=self.bins).astype(np.int32)
        arrays[f"{name}.edges"] = np.linspace(low, high, self.bins + 1, dtype=np.float32)
