"""Examples of every part, made from what its settings declare: the defaults, then one changed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import engine.describe
from engine.catalogue import Part, describe_part, parts, validate

FAMILIES = tuple(engine.describe.FAMILIES)


def every_part() -> list[type[Part]]:
    return [part for family in FAMILIES for part in parts(family).values()]


def name_of(part: type[Part] | Part) -> str:
    return f"{part.family}.{part.kind_name()}"


def examples(part: type[Part]) -> list[Any]:
    """The part with its defaults, and with each setting in turn at its other interesting values."""
    return [validate(part, settings) for settings in settings_of(part)]


def family_examples(family: str) -> list[Any]:
    return [example for part in parts(family).values() for example in examples(part)]


def label(example: Any) -> str:
    """A test's name for an example: its kind and what differs from the defaults."""
    if not isinstance(example, Part):
        return repr(example)
    changed = example.model_dump(mode="json", exclude_defaults=True)
    differences = (f"{k}={_short(v)}" for k, v in changed.items() if k not in example.structural)
    return " ".join([example.kind_name(), *differences])


def _short(value: Any) -> str:
    return str(value.get("kind", value) if isinstance(value, dict) else value)[:30]


def settings_of(part: type[Part]) -> Iterator[dict[str, Any]]:
    base: dict[str, Any] = {"kind": part.kind_name()}
    if "id" in part.model_fields:
        base["id"] = "node"
    properties = describe_part(part)["schema"]["properties"]
    for name, declared in properties.items():
        if "default" not in declared:
            base[name] = next(values_of(declared))
    yield base
    for name, declared in properties.items():
        for value in values_of(declared):
            if value != declared.get("default", base.get(name)):
                yield {**base, name: value}


def values_of(declared: dict[str, Any]) -> Iterator[Any]:
    """Values that a setting allows: all of a closed choice, both sides of a number's default."""
    if "family" in declared:
        yield from parts(declared["family"])
    elif "enum" in declared:
        yield from declared["enum"]
    elif declared.get("type") == "boolean":
        yield from (True, False)
    elif declared.get("type") in ("integer", "number"):
        yield from _numbers(declared)
    elif declared.get("type") == "string":
        yield "a" * max(1, declared.get("minLength", 1))
    elif declared.get("type") == "array" and "enum" in declared.get("items", {}):
        choices = declared["items"]["enum"]
        yield from (choices[:1], choices)
    if declared.get("nullable"):
        yield None


def _numbers(declared: dict[str, Any]) -> Iterator[float]:
    # Bounds may be missing; then another law says so, by the part's name.
    low = float(declared.get("minimum", declared.get("exclusiveMinimum", -100)))
    high = float(declared.get("maximum", declared.get("exclusiveMaximum", 100)))
    whole, middle = declared["type"] == "integer", declared.get("default")
    if middle is None:
        middle = int(low) if whole else (low + high) / 2
    if whole:
        yield from (round((middle + low) / 2), int(min(middle + 3, high)))
    else:
        yield from ((middle + low) / 2, min((middle + high) / 2, 2 * abs(middle) + 0.1))
