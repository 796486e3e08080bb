"""Every word of the catalogue is there in Chinese, and no word that is left over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.describe import describe

PATH = Path(__file__).parents[2] / "templates" / "zh" / "catalogue.json"
WORDS: dict[str, str] = json.loads(PATH.read_text(encoding="utf-8"))


def english() -> dict[str, str]:
    """The English words by the keys that they are translated under."""
    described = describe()
    words: dict[str, str] = {}
    for family, kinds in described["families"].items():
        for kind in kinds:
            prefix = f"{family}.{kind['kind']}"
            words |= {f"{prefix}.{w}": kind[w] for w in ("title", "summary", "description")}
            words |= settings(prefix, kind["schema"])
    for section in ("document", "training", "stop"):
        words |= settings(section, described[section])
    return words


def settings(prefix: str, schema: dict[str, Any]) -> dict[str, str]:
    def keys() -> Iterator[tuple[str, str]]:
        for name, declared in schema["properties"].items():
            for field, last in (("title", "title"), ("description", "help"), ("unit", "unit")):
                if field in declared:
                    yield f"{prefix}.{name}.{last}", declared[field]
            for value, label in declared.get("labels", {}).items():
                yield f"{prefix}.{name}.labels.{value}", label

    return dict(keys())


def test_no_word_is_missing_or_left_over() -> None:
    wanted = english()
    assert [key for key in wanted if key not in WORDS] == [], "missing in Chinese"
    assert [key for key in WORDS if key not in wanted] == [], "left over in Chinese"


def test_sentences_are_chinese() -> None:
    """Titles and labels may be names (ReLU, sin x); sentences may not."""
    for key, text in WORDS.items():
        assert text.strip() == text != "", key
        if key.rsplit(".", 1)[-1] in ("summary", "description", "help", "unit"):
            assert re.search(r"[\u4e00-\u9fff]", text), key


def test_descriptions_begin_with_their_summary() -> None:
    for key, text in WORDS.items():
        if key.endswith(".summary"):
            assert WORDS[key.removesuffix("summary") + "description"].startswith(text), key


def test_formulas_and_years_are_the_same_in_both_languages() -> None:
    """Numbers are what a translation gets wrong unseen."""
    for key, text in english().items():
        if key.endswith(".description") and not key.startswith("probe."):
            assert _numbers(text) == _numbers(WORDS[key]), key


def _numbers(text: str) -> list[str]:
    """Numbers of three digits and more, and fractions: years, constants, counts of samples."""
    return sorted(re.findall(r"\d{3,}|\d+\.\d+", text))
