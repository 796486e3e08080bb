"""What can go wrong in the engine.

EngineError
├── SpecError   a document, setting or input that cannot be used; carries every problem
└── Diverged    training produced a number that is not finite; carries one problem
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is, and what to do about it.

    `path` leads to the field in the document. `code` names the kind of problem and never changes;
    with `values` it is enough to say the same in another language.
    """

    path: Path
    code: str
    message: str
    hint: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": list(self.path),
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "values": self.values,
        }

    def under(self, *prefix: str | int) -> Problem:
        """The same problem, seen from a document that holds this one at `prefix`."""
        return Problem((*prefix, *self.path), self.code, self.message, self.hint, self.values)


def problem(
    path: Iterable[str | int], code: str, message: str, hint: str = "", **values: Any
) -> Problem:
    """A `Problem` whose message and hint are templates filled in with `values`."""
    return Problem(tuple(path), code, message.format(**values), hint.format(**values), values)


class EngineError(Exception):
    """Base of every error that the engine raises on purpose."""


class SpecError(EngineError):
    """A document, setting or input that cannot be used. `problems` holds all that was found."""

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__(
            "; ".join(f"{'.'.join(map(str, p.path))}: {p.message}" for p in self.problems)
        )


class Diverged(EngineError):
    """Training reached NaN or infinity. The trainer is back at its last finite state."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)
