"""The whole catalogue as JSON: every part of every family, and the schema of the document."""

from __future__ import annotations

from typing import Any

from engine import catalogue
from engine.document import Experiment, Stop, Training
from engine.probes import AnyProbe

FAMILIES = (
    "layer",
    "activation",
    "initializer",
    "loss",
    "optimizer",
    "schedule",
    "dataset",
    "recipe",
    "probe",
)


def describe() -> dict[str, Any]:
    """The contract's catalogue, in English: `families`, and the settings of `training` and `stop`."""
    return {
        "families": {
            family: [catalogue.describe_part(part) for part in catalogue.parts(family).values()]
            for family in FAMILIES
        },
        "training": {"properties": catalogue.properties(Training, without={"stop"})},
        "stop": {"properties": catalogue.properties(Stop)},
        "document": {
            "properties": catalogue.properties(Experiment, without={"networks", "training"})
        },
    }


__all__ = ["AnyProbe", "describe"]
