"""The gallery's documents, as tests use them."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.document import Experiment
from engine.trainer import Trainer

FOLDER = Path(__file__).parents[2] / "templates" / "examples"


def examples() -> dict[str, dict[str, Any]]:
    """Every example by its id."""
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    return {example["id"]: example for example in found}


# What the example that asks for the reader's own table is given.
TABLES = {
    "own": b"colour,height,width,kind\n"
    + b"".join(
        b"%s,%d,%d,%s\n"
        % ((b"red", b"blue", b"")[k % 3], k % 7, k * k % 11, b"abc"[k % 3 : k % 3 + 1])
        for k in range(60)
    )
}


def document(name: str) -> dict[str, Any]:
    found = dict(examples()[name]["document"])
    if found["data"]["kind"] == "table":
        found["data"] = {**found["data"], "table": "own", "target": "kind"}
    return found


def trainer(name: str, **options: Any) -> Trainer:
    """A run of the example."""
    return Trainer(Experiment.parse(document(name)), TABLES, **options)


every_example = pytest.mark.parametrize("name", sorted(examples()))
