"""Probes, one measurement a file. The folder is the registry: a new class is a new choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue import choice, scan
from engine.probe import Probe

scan(__name__, __path__)

if TYPE_CHECKING:
    AnyProbe = Probe
else:
    AnyProbe = choice("probe")

__all__ = ["AnyProbe", "Probe"]
