"""`python -m tests.laws.write_catalogue`: write `tests/catalogue.json` anew.

The file is what the catalogue says. It is generated so that a review shows what a change adds.
"""

from __future__ import annotations

import json
from pathlib import Path

from engine.describe import describe

PATH = Path(__file__).parents[1] / "catalogue.json"


def text() -> str:
    return json.dumps(describe(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
