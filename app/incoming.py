"""Reading what clients send: strict JSON, and messages with every problem named."""

import json
import math
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from app.problems import ApiProblem, refusal
from engine.catalogue import as_problem

T = TypeVar("T")


def read_json(text: bytes | str) -> Any:
    """JSON without NaN, infinity (also as 1e999), half characters, or nesting without end.

    Raises `ApiProblem` (400).
    """
    try:
        value = from_json(text, allow_inf_nan=False)
        if not _is_finite(value):
            raise ValueError("a number is too large")
    except ValueError as error:
        raise refusal(
            400, "invalid_json", "this is not valid JSON: {reason}",
            "Send JSON as in RFC 8259; it has no NaN and no Infinity.", reason=str(error)[:120],
        ) from None  # fmt: skip
    return value


def _is_finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def read_message(adapter: TypeAdapter[T], value: Any) -> T:
    """The value as a message. Raises `ApiProblem` (422) with every problem."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ApiProblem(422, problems_of(error.errors(include_url=False), value)) from None


def problems_of(errors: Iterable[Any], value: Any) -> list[dict[str, Any]]:
    """Pydantic's errors about a value in the words of the engine."""
    return [_harmless(as_problem(dict(error), value).as_dict()) for error in errors]


def _harmless(problem: dict[str, Any]) -> dict[str, Any]:
    """What a client sent may come back in a problem: nothing there that JSON cannot carry."""
    values = {
        name: value if not isinstance(value, float) or math.isfinite(value) else str(value)
        for name, value in problem["values"].items()
    }
    return {**problem, "values": values}
