"""One run inside a training process: its trainer, whether it trains, how fast and how far.

Works without processes, sockets or stored data: commands go in, and points, states and
checkpoints come out. `app.worker` gives it time.
"""

import json
import time
from collections.abc import Mapping
from math import floor, isfinite
from typing import Any

from safetensors.numpy import load, save

from engine.data import Data
from engine.document import Experiment
from engine.errors import Diverged, SpecError, problem
from engine.examine import Limits, check_limits
from engine.probe import Probe
from engine.trainer import Trainer, compile_experiment
from engine.trainer import load as load_data

# A step command answers with its result when it takes no longer than this (seconds).
PROMPT = 0.05
# Least time between two batches of loss points (seconds).
POINTS_EVERY = 0.25
# What one run may write for its checkpoints: large networks save less frequently.
BYTES_PER_SECOND = 1_000_000
# Training may run ahead of its speed by so much after it was held up (seconds).
CATCH_UP = 0.05

Document = dict[str, Any]


def dump_state(trainer: Trainer) -> bytes:
    """A checkpoint as safetensors."""
    arrays, metadata = trainer.snapshot()
    return save(arrays, metadata)


def load_state(trainer: Trainer, checkpoint: bytes) -> None:
    """Back to a checkpoint. Raises `SpecError` when it belongs to another document."""
    length = int.from_bytes(checkpoint[:8], "little")
    metadata = json.loads(checkpoint[8 : 8 + length])["__metadata__"]
    trainer.restore(load(checkpoint), metadata)


class Training:
    """A run in memory. Raises `SpecError` when the document cannot be trained.

    `base` is added to the trainer's version, so that frames of before and after a restart are
    told apart. `tables` are the uploads that the document refers to.
    """

    def __init__(
        self,
        run: str,
        document: Document,
        tables: Mapping[str, bytes],
        limits: Limits,
        base: int,
        checkpoint: bytes | None = None,
    ) -> None:
        self.run, self.limits, self.base = run, limits, base
        experiment = Experiment.parse(document)
        self._check(experiment, load_data(experiment, tables))
        self.trainer = Trainer(experiment, tables)
        self.status = "created"
        self.reason: dict[str, Any] | None = None
        self.revision = 0
        self.speed: float | None = None
        self.until: dict[str, float] | None = None
        self.metrics: dict[str, float | None] = {}
        # For the worker: time used so far (seconds), and when it may be measured again.
        self.used = self.rested = 0.0
        self.points: list[dict[str, Any]] = []
        self.changed = False
        self._sent = self._saved = 0.0
        self._step_seconds = 1e-3
        self._rate = 0.0
        self._rate_mark = (0, 0.0)
        self._credit, self._credit_at = 0.0, 0.0
        self._checkpoint_bytes = 0
        if checkpoint:
            load_state(self.trainer, checkpoint)
        else:
            self._take_point()

    def _check(self, experiment: Experiment, data: Data) -> None:
        """Refuse what is above the limits, before anything large is allocated."""
        networks = compile_experiment(experiment, data)
        problems = check_limits(experiment, data, networks, self.limits)
        if problems:
            raise SpecError(problems)

    # -- what the server learns -----------------------------------------------------------------

    @property
    def version(self) -> int:
        return self.base + self.trainer.version

    def state(self) -> dict[str, Any]:
        """What changes while training."""
        return {
            "status": self.status,
            "reason": self.reason,
            "step": self.trainer.step_number,
            "epoch": self.trainer.epoch,
            "metrics": self.metrics,
            "speed": self.speed,
            "until": self.until,
            "steps_per_second": self._rate if self.status == "running" else 0.0,
        }

    def document(self) -> Document:
        return self.trainer.experiment.dump()

    def checkpoint(self, now: float) -> bytes:
        """Everything that is needed to go on bit for bit."""
        data = dump_state(self.trainer)
        self._saved, self._checkpoint_bytes = now, len(data)
        return data

    def checkpoint_due(self, now: float, interval: float) -> bool:
        wait = max(interval, self._checkpoint_bytes / BYTES_PER_SECOND)
        return self.status == "running" and now - self._saved >= wait

    def take_points(self, now: float) -> list[dict[str, Any]] | None:
        """The loss points since the last time, when it is time to send them or the status
        changed; otherwise None."""
        if not self.changed and (now - self._sent < POINTS_EVERY or self.status != "running"):
            return None
        points, self.points = self.points, []
        self.changed, self._sent = False, now
        return points

    # -- training -------------------------------------------------------------------------------

    def wait(self, now: float) -> float:
        """Seconds until this run may train again; 0: now."""
        if self.speed is None:
            return 0.0
        self._credit = min(
            self._credit + (now - self._credit_at) * self.speed, max(1.0, self.speed * CATCH_UP)
        )
        self._credit_at = now
        return max(0.0, (1.0 - self._credit) / self.speed)

    def train(self, seconds: float) -> None:
        """Train for about so long, or to the end, a stop condition or divergence."""
        now = time.perf_counter()
        end = now + seconds
        while self.status == "running":
            limit = self._allowance(end - now)
            try:
                done = self.trainer.advance(limit)
            except Diverged as divergence:
                self._finish("diverged", divergence.problem.as_dict())
                return
            after = time.perf_counter()
            if done:
                # A moving average: one slow step must not shorten all the slices after it.
                self._step_seconds += 0.25 * ((after - now) / done - self._step_seconds)
            self._credit -= done
            self._look()
            now = time.perf_counter()
            if now >= end or (self.speed is not None and self._credit < 1):
                return

    def _allowance(self, seconds: float) -> int:
        limit = max(1, int(seconds / max(self._step_seconds, 1e-7)))
        if self.speed is not None:
            limit = min(limit, max(1, int(self._credit)))
        if self.until and "step" in self.until:
            limit = min(limit, int(self.until["step"]) - self.trainer.step_number)
        elif self.until:
            # Epochs end at steps that only the trainer knows.
            limit = 1
        return max(1, limit)

    def _look(self) -> None:
        """Take the loss point that is due, and stop where the run is to stop."""
        trainer = self.trainer
        self._measure_rate()
        if trainer.due() or trainer.ended():
            stopped = trainer.stopped(self._take_point())
            if stopped is not None:
                self._finish("finished", stopped.as_dict())
                return
        if self.until and self._reached():
            self._finish("paused", None)

    def _reached(self) -> bool:
        assert self.until is not None
        if "step" in self.until:
            return self.trainer.step_number >= self.until["step"]
        return self.trainer.epoch >= self.until["epoch"] - 1e-9

    def _measure_rate(self) -> None:
        step, since = self._rate_mark
        now = time.monotonic()
        if now - since >= 0.5:
            done = self.trainer.step_number - step
            self._rate = done / (now - since) if done >= 0 and since else 0.0
            self._rate_mark = (self.trainer.step_number, now)

    def _take_point(self) -> dict[str, Any]:
        point = self.trainer.point()
        self.metrics = finite(point["values"])
        self.points.append({**point, "values": self.metrics})
        return point

    def _finish(self, status: str, reason: dict[str, Any] | None) -> None:
        self.status, self.reason, self.until, self.changed = status, reason, None, True
        if status != "diverged":
            self.metrics = finite(self.trainer.point()["values"])

    def fail(self) -> None:
        """Training met a fault that is not the user's."""
        reason = problem(
            (),
            "training_fault",
            "something went wrong while training",
            "Press Run to go on from the last checkpoint; the log of the server says more.",
        )
        self.status, self.reason, self.until, self.changed = "failed", reason.as_dict(), None, True

    # -- commands -------------------------------------------------------------------------------

    def command(self, command: Mapping[str, Any], tables: Mapping[str, bytes]) -> bool:
        """Carry out a command of the protocol; answers whether the curve starts afresh.

        Raises `SpecError`, and then nothing has changed.
        """
        match command["type"]:
            case "run":
                self._start(None)
            case "pause":
                if self.status == "running":
                    self.status, self.until = "paused", None
            case "step":
                self._step(command["count"], command["unit"])
            case "reset":
                seed = (self.trainer.experiment.seed + 1) % 2**32 if command["new_seed"] else None
                self.trainer.reset(seed, tables)
                self.status, self.reason, self.until = "created", None, None
                self.points = []
                self._take_point()
                return True
            case "edit":
                self._edit(command["document"], tables)
            case "set":
                self._edit(replaced(self.document(), command["path"], command["value"]), tables)
            case "set_parameter":
                self.trainer.set_parameter(command["parameter"], command["index"], command["value"])
                self._settle()
            case "speed":
                self.speed = command["steps_per_second"]
                self._credit, self._credit_at = 1.0, time.monotonic()
        return False

    def _start(self, until: dict[str, float] | None) -> None:
        self.status, self.reason, self.until = "running", None, until
        self._credit, self._credit_at = 1.0, time.monotonic()
        self._rate, self._rate_mark = 0.0, (self.trainer.step_number, time.monotonic())
        if self.trainer.ended():
            stopped = self.trainer.stopped(self.trainer.point())
            self._finish("finished", stopped.as_dict() if stopped else None)

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take up what was told by `state` before a restart."""
        self.speed, self.metrics = state["speed"], state["metrics"]
        self.status, self.reason = state["status"], state["reason"]
        if self.status == "running":
            self._start(state["until"])

    def _step(self, count: int, unit: str) -> None:
        step, epoch = self.trainer.step_number, self.trainer.epoch
        self._start({"step": step + count} if unit == "step" else {"epoch": floor(epoch) + count})
        # One step asked for is one step now, whatever the speed.
        speed, self.speed = self.speed, None
        self.train(PROMPT)
        self.speed = speed

    def _edit(self, document: Document, tables: Mapping[str, bytes]) -> None:
        experiment = Experiment.parse(document)
        same_data = experiment.data == self.trainer.experiment.data
        self._check(experiment, self.trainer.data if same_data else load_data(experiment, tables))
        self.trainer.edit(experiment, tables)
        self._settle()

    def _settle(self) -> None:
        """After a change from outside: fresh metrics; an end that was reached no longer holds."""
        self.metrics = finite(self.trainer.point()["values"])
        if self.status in ("finished", "diverged", "failed"):
            self.status, self.reason = "paused", None

    # -- looking in -----------------------------------------------------------------------------

    def frame(self, probes: list[Probe], asked: list[dict[str, Any]]) -> bytes:
        """One measurement as safetensors, with the contract's metadata."""
        arrays, missing = self.trainer.measure(probes)
        metadata = {
            "run": self.run,
            "step": str(self.trainer.step_number),
            "epoch": str(self.trainer.epoch),
            "version": str(self.version),
            "revision": str(self.revision),
            "probes": json.dumps(asked),
            "missing": json.dumps(missing),
        }
        return save(arrays, metadata)

    def weights(self) -> bytes:
        """Every parameter by name as safetensors."""
        return save({name: array.copy() for name, array in self.trainer.parameters().items()})


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers that JSON can carry: what is not finite is null."""
    return {name: value if isfinite(value) else None for name, value in values.items()}


def replaced(document: Document, path: list[str | int], value: Any) -> Document:
    """The document with another value at one place. A bare kind on the way stands for its part,
    and a setting that is not written has its default. Raises `SpecError`."""
    result = json.loads(json.dumps(document))
    place: Any = result
    for depth, key in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(place, dict) and isinstance(key, str):
            child = place.get(key)
        elif isinstance(place, list) and type(key) is int and 0 <= key < len(place):
            child = place[key]
        else:
            raise SpecError(
                problem(
                    path[: depth + 1],
                    "no_such_place",
                    "the document has no place “{name}” here",
                    "Check the path.",
                    name=str(key)[:80],
                )
            )
        if last:
            place[key] = value
        else:
            if isinstance(child, str):
                child = {"kind": child}
            place[key] = place = {} if child is None else child
    return result  # type: ignore[no-any-return]
