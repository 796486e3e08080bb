"""Data sets, one family a file. The folder is the registry: a new class is a new choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue import choice, scan
from engine.data import Dataset, prepare

scan(__name__, __path__)

if TYPE_CHECKING:
    AnyDataset = Dataset
else:
    AnyDataset = choice("dataset")

load = prepare

__all__ = ["AnyDataset", "Dataset", "load"]
