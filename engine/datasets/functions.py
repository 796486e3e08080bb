"""Functions of one variable to fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np

from engine.catalogue import setting
from engine.data import Array, Dataset, Samples, Tables
from engine.randomness import stream

Name = Literal["sine", "line", "step", "absolute", "polynomial", "sinc", "sawtooth", "chirp"]

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sine": np.sin,
    "line": lambda x: x / 6,
    "step": lambda x: np.where(x >= 0, 1.0, -1.0),
    "absolute": lambda x: np.abs(x) / 3 - 1,
    # The Chebyshev polynomial T₃ over the window.
    "polynomial": lambda x: 4 * (x / 6) ** 3 - 3 * (x / 6),
    "sinc": lambda x: np.sinc(2 * x / np.pi),
    "sawtooth": lambda x: 2 * np.mod(x / 4, 1) - 1,
    "chirp": lambda x: np.sin(x * x / 3),
}


class Function(Dataset):
    """A curve y = f(x) to fit, from points on it.

    x is uniform in ±6, y lies between -1 and 1 and is moved by a normal with standard deviation
    noise.
    """

    kind: Literal["function"] = "function"
    title: ClassVar[str] = "Curve"
    group: ClassVar[str] = "line"
    line: ClassVar[bool] = True

    function: Name = setting(
        "sine",
        title="Function",
        help="The curve that the points are taken from.",
        labels={
            "sine": "sin x",
            "line": "x / 6",
            "step": "sign x",
            "absolute": "|x| / 3 − 1",
            "polynomial": "4u³ − 3u, u = x / 6",
            "sinc": "sin 2x / 2x",
            "sawtooth": "sawtooth, period 4",
            "chirp": "sin (x² / 3)",
        },
    )
    samples: int = setting(
        500, ge=10, le=20_000, scale="log", unit="points", title="Samples",
        help="How many points there are, for training and testing together.",
    )  # fmt: skip
    noise: float = setting(
        0.1, ge=0.0, le=0.5, title="Noise",
        help="The standard deviation of what chance adds to y.",
    )  # fmt: skip

    def make(self, seed: int, tables: Tables) -> Samples:
        x = stream(seed, "data", "place").uniform(-6, 6, self.samples)
        disturbance = stream(seed, "data", "noise").standard_normal(self.samples)
        y = FUNCTIONS[self.function](x) + self.noise * disturbance
        return Samples(x[:, None], y[:, None], "regression", ("x",))
