"""The gallery's documents, as tests use them."""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "templates" / "examples"


def examples() -> dict[str, dict[str, Any]]:
    """Every example by its id."""
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    return {example["id"]: example for example in found}


def document(name: str) -> dict[str, Any]:
    return dict(examples()[name]["document"])


every_example = pytest.mark.parametrize("name", sorted(examples()))
