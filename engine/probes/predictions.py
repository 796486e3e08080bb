"""What the network answers for the samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from engine.data import ROWS_SHOWN, Samples
from engine.probe import NotMeasurable, Probe

if TYPE_CHECKING:
    from engine.trainer import Trainer

Array = npt.NDArray[Any]


def shown(trainer: Trainer, samples: Samples) -> Array:
    """Answers (rows, outputs) for the rows of `samples` that a picture shows."""
    return trainer.shown_output(trainer.encode(samples.inputs[:ROWS_SHOWN])).astype(np.float32)


class Predictions(Probe):
    """Answers for the samples of both parts (rows, outputs): shares of the classes, or values."""

    kind: Literal["predictions"] = "predictions"

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        data = trainer.data
        parts = {"train": data.train, "test": data.test}
        return {name: shown(trainer, part) for name, part in parts.items() if len(part.inputs)}


class Confusion(Probe):
    """How often each class (row) was taken for each class (column), for both parts."""

    kind: Literal["confusion"] = "confusion"

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        data = trainer.data
        if not data.classes:
            raise NotMeasurable("not_classes", "the data have no classes")
        count = len(data.classes)
        found: dict[str, Array] = {}
        for name, part in (("train", data.train), ("test", data.test)):
            if len(part.inputs):
                guesses = shown(trainer, part).argmax(axis=1)
                cells = part.targets[:ROWS_SHOWN] * count + guesses
                found[name] = (
                    np.bincount(cells, minlength=count * count)
                    .astype(np.int32)
                    .reshape(count, count)
                )
        return found
