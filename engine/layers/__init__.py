"""Layers, one family a file. The folder is the registry: a new class is a new choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue import choice, scan
from engine.layer import Layer

scan(__name__, __path__)

if TYPE_CHECKING:
    AnyLayer = Layer
else:
    AnyLayer = choice("layer")

__all__ = ["AnyLayer", "Layer"]
