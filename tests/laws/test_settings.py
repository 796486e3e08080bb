"""The laws of declarations: words, bounds, and the way to JSON and back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from engine.catalogue import Part, choice, describe_part, parts, shorten_settings, validate
from engine.errors import SpecError
from tests.laws.examples import FAMILIES, every_part, examples, name_of
from tests.laws.torch_twins import TWINS

every = pytest.mark.parametrize("part", every_part(), ids=name_of)


def test_every_family_has_parts() -> None:
    assert all(parts(family) for family in FAMILIES)


@pytest.mark.parametrize("family", TWINS)
def test_every_part_of_the_engine_has_a_twin(family: str) -> None:
    assert sorted(TWINS[family]) == sorted(parts(family))


@every
def test_part_is_documented(part: type[Part]) -> None:
    described = describe_part(part)
    assert described["title"]
    assert 10 <= len(described["summary"]) <= 200
    assert described["description"].endswith(".")
    assert part.__doc__ != part.__base__.__doc__
    if "formula" in vars(part):
        assert part.formula  # type: ignore[attr-defined]
    if part.family == "activation":
        assert "formula" in vars(part)


@every
def test_settings_are_documented_and_bounded(part: type[Part]) -> None:
    for name, declared in describe_part(part)["schema"]["properties"].items():
        assert re.search(r"[.?!…]$", declared.get("description", "")), f"{name} has no help"
        assert declared.get("title"), name
        assert declared.get("scale") in ("linear", "log"), name
        if declared.get("type") in ("integer", "number") and "enum" not in declared:
            low = declared.get("minimum", declared.get("exclusiveMinimum"))
            high = declared.get("maximum", declared.get("exclusiveMaximum"))
            assert low is not None, f"{name} has no lower bound"
            assert high is not None, f"{name} has no upper bound"
            assert low < high
            assert declared["scale"] == "linear" or low >= 0, name
            if declared.get("default") is not None:
                assert low <= declared["default"] <= high
        if "labels" in declared:
            values = declared.get("enum") or declared["items"]["enum"]
            assert sorted(declared["labels"]) == sorted(values), name
        if "family" in declared:
            assert parts(declared["family"])


@every
def test_goes_to_json_and_back(part: type[Part]) -> None:
    for example in examples(part):
        short = json.loads(json.dumps(shorten_settings(example)))
        assert validate(choice(part.family), short) == example
        full = json.loads(json.dumps(example.model_dump(mode="json")))
        assert validate(choice(part.family), full) == example


@every
def test_refuses_unknown_settings_and_numbers_out_of_bounds(part: type[Part]) -> None:
    base: dict[str, Any] = examples(part)[0].model_dump(mode="json")
    with pytest.raises(SpecError, match="no_such_setting"):
        validate(choice(part.family), {**base, "no_such_setting": 1})
    for name, declared in describe_part(part)["schema"]["properties"].items():
        if declared.get("type") in ("integer", "number") and "enum" not in declared:
            for bad in (-1e300, 1e300, float("nan"), float("inf"), "many"):
                with pytest.raises(SpecError) as refused:
                    validate(choice(part.family), {**base, name: bad})
                assert [p.path for p in refused.value.problems] == [(name,)]
