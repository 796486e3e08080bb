"""Random streams, one a purpose, so that one choice does not disturb another."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """A generator that depends on the seed and on what it is for, and on nothing else.

    Adding a dropout layer, say, takes nothing from the stream that draws the initial weights.
    """
    words = [zlib.crc32(str(p).encode()) for p in purpose]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def state_of(generator: np.random.Generator) -> dict[str, Any]:
    """The state of a generator as JSON (its integers are wider than JSON numbers, so as text)."""
    state = generator.bit_generator.state
    return {
        "state": str(state["state"]["state"]),
        "inc": str(state["state"]["inc"]),
        "has_uint32": state["has_uint32"],
        "uinteger": state["uinteger"],
    }


def set_state(generator: np.random.Generator, state: dict[str, Any]) -> None:
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": int(state["state"]), "inc": int(state["inc"])},
        "has_uint32": int(state["has_uint32"]),
        "uinteger": int(state["uinteger"]),
    }
