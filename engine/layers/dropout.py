"""Noise that keeps a network from relying on single neurons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from engine.catalogue import setting
from engine.layer import Array, Layer, Shape, Site, Staged, Step, nothing


class Dropout(Layer):
    """While training, drops a random share of its inputs: a = x · m / (1 - rate), m = 0 or 1.

    Each number is dropped (m = 0) with probability `rate`, anew at every step; the rest are made
    larger, so that sums keep their size. Predictions are made without it. Same shape.

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), *Dropout: A Simple Way to
    Prevent Neural Networks from Overfitting*.
    """

    kind: Literal["dropout"] = "dropout"
    group: ClassVar[str] = "regularization"

    rate: float = setting(0.2, ge=0, le=0.95, help="The share of the inputs that is dropped.")

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        return inputs[0]

    def stage(self, site: Site) -> Staged:
        x = site.inputs[0]
        if not site.training or self.rate == 0:
            return Staged(x, nothing, lambda gradient: ([gradient], nothing))
        output, mask, dtype = np.empty_like(x), np.empty_like(x), x.dtype
        rate, scale = np.array(self.rate, dtype), np.array(1 / (1 - self.rate), dtype)
        draw = site.random.random

        def forward() -> None:
            draw(None, dtype, mask)
            # 1 where the number drawn from [0, 1) is above the rate
            np.subtract(mask, rate, mask)
            np.ceil(mask, mask)
            np.multiply(mask, scale, mask)
            np.multiply(x, mask, output)

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            dx = np.empty_like(x)

            def run() -> None:
                np.multiply(output_gradient, mask, dx)

            return [dx], run

        return Staged(output, forward, backward)
