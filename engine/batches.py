"""The order in which samples are seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.randomness import set_state, state_of, stream

Array = npt.NDArray[Any]


class Batches:
    """Samples in a fresh order each epoch, cut into batches; the last may be smaller.

    `next()` answers with the row numbers of the next batch: a view, which stays valid until the
    epoch ends. The order is drawn from a stream of its own.
    """

    def __init__(self, count: int, size: int, seed: int) -> None:
        self.count, self.size = count, min(size, count)
        self.order: Array = np.arange(count)
        self.generator = stream(seed, "order")
        self.epochs = 0
        self._cut()
        self.cursor = len(self.pieces)  # the first `next` draws the first order

    def _cut(self) -> None:
        self.pieces = [self.order[a : a + self.size] for a in range(0, self.count, self.size)]

    @property
    def sizes(self) -> list[int]:
        """The sizes of batches that occur: the full one, and the remainder if there is one."""
        return sorted({len(piece) for piece in self.pieces}, reverse=True)

    @property
    def epoch(self) -> float:
        """Epochs done, with the part of the one that is under way."""
        if self.cursor == len(self.pieces):
            return float(self.epochs)
        return self.epochs + min(self.cursor * self.size, self.count) / self.count

    def next(self) -> Array:
        if self.cursor == len(self.pieces):
            self.generator.shuffle(self.order)
            self.cursor = 0
        piece = self.pieces[self.cursor]
        self.cursor += 1
        if self.cursor == len(self.pieces):
            self.epochs += 1
        return piece

    def take_over(self, old: Batches) -> None:
        """Go on where `old` was. With another batch size, the epoch under way goes on from the batch
        that holds the first sample it has not seen; with other data, it starts anew."""
        self.epochs = old.epochs
        if self.count != old.count:
            return
        self.order[...] = old.order
        set_state(self.generator, state_of(old.generator))
        if old.cursor < len(old.pieces):
            self.cursor = old.cursor * old.size // self.size

    def state(self) -> dict[str, Any]:
        return {"cursor": self.cursor, "epochs": self.epochs, "generator": state_of(self.generator)}

    def restore(self, order: Array, state: dict[str, Any]) -> None:
        self.order[...] = order
        self.cursor, self.epochs = int(state["cursor"]), int(state["epochs"])
        set_state(self.generator, state["generator"])
