"""The messages, and the TypeScript types made of them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from app import protocol
from app.protocol_types import TARGET, render

commands: TypeAdapter[protocol.Command] = TypeAdapter(protocol.Command)


def test_the_committed_types_are_those_of_the_protocol() -> None:
    written = TARGET.read_text(encoding="utf-8")
    assert written == render(), "run: python -m app.protocol_types"


@pytest.mark.parametrize(
    "command",
    [
        {"type": "run", "faster": True},
        {"type": "walk"},
        {"type": "step", "count": "1"},
        {"type": "step", "count": 0},
        {"type": "speed", "steps_per_second": float("inf")},
        {"type": "speed", "steps_per_second": 0.0},
        {"type": "set", "path": [], "value": 1},
        {
            "type": "set_parameter",
            "parameter": "model.h1.bias",
            "index": [0],
            "value": float("nan"),
        },
    ],
)
def test_a_wrong_command_is_refused(command: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        commands.validate_python(command)


def test_a_command_is_read() -> None:
    step = commands.validate_json('{"type": "step", "count": 3, "unit": "epoch", "revision": 2}')
    assert step == protocol.StepCommand(type="step", count=3, unit="epoch", revision=2)
