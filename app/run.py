"""One run as the server knows it: what is stored of it, where it is in memory, who watches."""

import asyncio
import secrets
import string
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.frames import Feed
from app.pipe import Header
from app.pool import Worker
from app.problems import Language, run_json
from app.protocol import Problem, RunState

RECENT_BATCHES = 32

Watcher = Callable[[], None]


@dataclass(frozen=True)
class Batch:
    """Loss points as viewers get them: those after step `after`, up to `last`."""

    after: int
    last: int
    points: list[dict[str, Any]]


@dataclass(eq=False)
class Run:
    """One run as the server knows it: what is stored, and where it is in memory."""

    row: dict[str, Any]
    newest: int = -1  # step of the last stored point
    worker: Worker | None = None
    recovering: bool = False
    gone: bool = False
    steps_per_second: float = 0.0
    strikes: int = 0
    era: int = 0  # counts the times that what the worker did was given up
    touched: float = field(default_factory=time.monotonic)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    watchers: set[Watcher] = field(default_factory=set)
    feeds: dict[str, Feed] = field(default_factory=dict)
    batches: deque[Batch] = field(default_factory=lambda: deque(maxlen=RECENT_BATCHES))
    changes: int = 0
    _texts: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def running(self) -> bool:
        return bool(self.row["status"] == "running")

    def state(self) -> RunState:
        row = self.row
        return RunState.model_construct(
            id=row["id"],
            name=row["document"]["name"],
            status="recovering" if self.recovering else row["status"],
            reason=Problem.model_construct(**row["reason"]) if row["reason"] else None,
            revision=row["revision"],
            curve=row["curve"],
            step=row["step"],
            epoch=row["epoch"],
            speed=row["speed"],
            document=row["document"],
            metrics=row["metrics"],
            created=row["created"],
            updated=row["updated"],
            steps_per_second=self.steps_per_second if self.running else 0.0,
        )

    def json(self, language: Language) -> dict[str, Any]:
        """The state in a language; made once for all who look."""
        known, answer = self._texts.get(language, (-1, {}))
        if known != self.changes:
            answer = run_json(self.state(), language)
            self._texts[language] = self.changes, answer
        return answer

    def changed(self) -> None:
        """Tell all who watch."""
        self.changes += 1
        for watcher in list(self.watchers):
            watcher()


def new_row(document: dict[str, Any] | None) -> dict[str, Any]:
    """What is stored of a run that has just been made."""
    moment = now()
    return {
        "id": "r_" + letters(),
        "created": moment,
        "updated": moment,
        "status": "created",
        "reason": None,
        "revision": 1,
        "curve": 0,
        "step": 0,
        "epoch": 0.0,
        "speed": None,
        "until": None,
        "metrics": {},
        "document": document,
    }


def columns(header: Header) -> dict[str, Any]:
    """What a worker's message says about the run, as columns of the store."""
    state = {name: value for name, value in header["state"].items() if name != "steps_per_second"}
    if "document" in header:
        state["document"] = header["document"]
    return state


def resumable(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker needs besides document and checkpoint to take up a run."""
    return {name: row[name] for name in ("status", "reason", "speed", "until", "metrics")}


def now() -> str:
    """The time as it is stored and sent."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def letters() -> str:
    """The part of an id that nobody can guess."""
    alphabet = string.digits + string.ascii_lowercase
    return "".join(secrets.choice(alphabet) for _ in range(16))
