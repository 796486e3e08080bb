"""The training process: many runs, in fair slices of time; `python -m app.worker`.

The server starts it and speaks to it over its standard input and output (`app.pipe`). A thread
reads commands into a queue; the main loop drains it, trains every run for a few milliseconds in
turn, answers requests for frames, and beats a heart. It survives nothing on purpose: when the pipe
closes it is gone at once, and its runs are restored elsewhere from their last checkpoints.
"""

import argparse
import json
import mmap
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from app.pipe import NAME_BYTES, PREFIX, Header, pack, split
from app.training import Training
from engine.catalogue import validate
from engine.datasets import AnyDataset, load
from engine.datasets.table import inspect as inspect_table
from engine.describe import describe
from engine.errors import EngineError, SpecError
from engine.examine import Limits, examine
from engine.probes import AnyProbe

# How long one run trains before the next has its turn (seconds).
SLICE = 0.008
BEAT_EVERY = 0.25
# Compiling a document or reading a table may take this long before the process is taken for hung.
PATIENCE = 60.0
# So much of a run's time may go into measuring it for pictures while it trains.
MEASURING_SHARE = 0.06


class Worker:
    """The main loop and what it answers."""

    def __init__(self, output: BinaryIO, blame: Path, limits: Limits, checkpoint: float) -> None:
        self.output, self.limits, self.checkpoint_seconds = output, limits, checkpoint
        self.inbox: queue.SimpleQueue[tuple[Header, bytes]] = queue.SimpleQueue()
        self.runs: dict[str, Training] = {}
        self.waiting: dict[int, Header] = {}
        self._beaten = 0.0
        self._parsed: dict[str, list[Any]] = {}
        self._questions = {
            "examine": self._examine,
            "data": self._data,
            "csv": self._csv,
            "inspect": self._inspect,
            "catalogue": self._catalogue,
        }
        self._blame = mmap.mmap(os.open(blame, os.O_RDWR), NAME_BYTES)

    # -- the pipe -------------------------------------------------------------------------------

    def read(self, source: BinaryIO) -> None:
        """Body of the reading thread: messages into the queue until the server is gone."""
        while prefix := source.read(PREFIX.size):
            header_size, payload_size = PREFIX.unpack(prefix)
            header = json.loads(source.read(header_size))
            self.inbox.put((header, source.read(payload_size)))
        os._exit(0)

    def send(self, header: Header, payload: bytes = b"") -> None:
        self.output.write(pack(header, payload))
        self.output.flush()

    def beat(self, allow: float = 0.0) -> None:
        """Tell the server that the loop turns; `allow`: and that the next turn may take so long."""
        self._beaten = time.monotonic()
        self.send({"event": "beat", "allow": allow})

    @contextmanager
    def blaming(self, run: str) -> Iterator[None]:
        """Should the process die in here, it was for this run: the name is in shared memory."""
        self._blame[:] = run.encode()[:NAME_BYTES].ljust(NAME_BYTES, b"\0")
        yield
        self._blame[:1] = b"\0"

    # -- the loop -------------------------------------------------------------------------------

    def loop(self) -> None:
        self.send({"event": "ready"})
        while True:
            self.turn()

    def turn(self) -> None:
        """Drain the commands, let the run with the least time train, answer what can be."""
        now = time.monotonic()
        if now - self._beaten >= BEAT_EVERY:
            self.beat()
        waits = {run: run.wait(now) for run in self.runs.values() if run.status == "running"}
        ready = [run for run, wait in waits.items() if wait <= 0]
        try:
            if ready:
                header, payload = self.inbox.get_nowait()
            else:
                wait = min([BEAT_EVERY, *waits.values()])
                header, payload = self.inbox.get(timeout=wait)
        except queue.Empty:
            pass
        else:
            self.handle(header, payload)
            return
        if ready:
            run = min(ready, key=lambda run: run.used)
            started = time.perf_counter()
            with self.blaming(run.run):
                try:
                    run.train(SLICE)
                except Exception:
                    # A fault of ours: this run goes no further, the others do.
                    traceback.print_exc()
                    run.fail()
                self._report(run)
                self._show(run)
            run.used += time.perf_counter() - started

    def handle(self, header: Header, payload: bytes) -> None:
        """Answer one message; whatever goes wrong in the engine is an answer as well."""
        parts = split(header.get("parts", {}), payload)
        try:
            with self.blaming(header.get("run", "")):
                self._handle(header, parts)
        except SpecError as error:
            self._refuse(header, [p.as_dict() for p in error.problems])
        except EngineError as error:
            problem = getattr(error, "problem", None)
            self._refuse(header, [problem.as_dict()] if problem else [])
        except Exception:
            # A fault of ours: the run is unharmed, the asker is told, and the log has the rest.
            traceback.print_exc()
            self._refuse(header, [], status=500)

    def _refuse(self, header: Header, problems: list[dict[str, Any]], status: int = 422) -> None:
        if "id" in header:
            self.send({"re": header["id"], "status": status, "problems": problems})

    def _handle(self, header: Header, parts: dict[str, bytes]) -> None:
        kind = header["type"]
        if kind in self._questions:
            self.beat(PATIENCE)
            answer, payload = self._questions[kind](header, parts)
            self.beat()
            self.send({"re": header["id"], **answer}, payload)
        elif kind == "open":
            self._open(header, parts)
        elif kind == "cancel":
            self.waiting.pop(header["request"], None)
        elif (run := self.runs.get(header["run"])) is None:
            self._refuse(header, [], status=404)
        elif kind == "command":
            self._command(run, header, parts)
        elif kind == "close":
            del self.runs[run.run]
            self.waiting = {
                request: frame for request, frame in self.waiting.items() if frame["run"] != run.run
            }
        elif kind == "frame":
            header["parsed"] = self._probes(header["probes"])
            self.waiting[header["id"]] = header
            self._show(run)
        elif kind == "checkpoint":
            self._flush(run)
            checkpoint = run.checkpoint(time.monotonic())
            self.send({"re": header["id"], "state": run.state()}, checkpoint)
        elif kind == "predict":
            self.send({"re": header["id"], "answer": _plain(run.trainer.predict(header["inputs"]))})
        elif kind == "weights":
            self.send({"re": header["id"]}, run.weights())

    # -- runs -----------------------------------------------------------------------------------

    def _open(self, header: Header, parts: dict[str, bytes]) -> None:
        checkpoint = parts.pop("checkpoint", None)
        self.beat(PATIENCE)
        run = Training(
            header["run"], header["document"], parts, self.limits, header["base"], checkpoint
        )
        run.revision = header["revision"]
        if state := header.get("state"):
            run.resume(state)
        for command in header.get("commands", ()):
            run.command(command, parts)
        # A newcomer has no claim to the time that the others had before it came.
        run.used = min((r.used for r in self.runs.values() if r.status == "running"), default=0.0)
        self.runs[run.run] = run
        self.beat()
        self._answer(run, header)

    def _command(self, run: Training, header: Header, parts: dict[str, bytes]) -> None:
        was_running = run.status == "running"
        self.beat(PATIENCE)
        # What was trained before the command is told before it.
        self._flush(run)
        afresh = run.command(header["command"], parts)
        run.revision = header["revision"]
        if run.status == "running" and not was_running:
            others = (r.used for r in self.runs.values() if r.status == "running" and r is not run)
            run.used = max(run.used, min(others, default=0.0))
        self.beat()
        self._answer(run, header, afresh=afresh)
        self._show(run)

    def _answer(self, run: Training, header: Header, **more: Any) -> None:
        """State, points and checkpoint in one message: the server stores them together."""
        points, run.points, run.changed = run.points, [], False
        self.send(
            {
                "re": header["id"],
                "state": run.state(),
                "document": run.document(),
                "points": points,
                **more,
            },
            run.checkpoint(time.monotonic()),
        )

    def _report(self, run: Training) -> None:
        """Points, a change of status, and checkpoints, each in its time."""
        now = time.monotonic()
        # What failed is not to be trusted: the checkpoint before it stays.
        ended = run.status not in ("running", "failed")
        due = run.checkpoint_due(now, self.checkpoint_seconds)
        points = run.take_points(now)
        if points is None and not due:
            return
        if points is None:
            points, run.points = run.points, []
        checkpoint = run.checkpoint(now) if due or ended else b""
        self.send(
            {"event": "progress", "run": run.run, "points": points, "state": run.state()},
            checkpoint,
        )

    def _flush(self, run: Training) -> None:
        if run.points:
            points, run.points = run.points, []
            self.send({"event": "progress", "run": run.run, "points": points, "state": run.state()})

    # -- frames ---------------------------------------------------------------------------------

    def _show(self, run: Training) -> None:
        """Answer the requests for frames that have something newer to show.

        While a run trains flat out, measuring takes no more than a share of its time.
        """
        for request, header in list(self.waiting.items()):
            if header["run"] != run.run or header["after"] == run.version:
                continue
            now = time.monotonic()
            busy = run.status == "running" and run.speed is None
            if busy and header["after"] is not None and now < run.rested:
                continue
            del self.waiting[request]
            try:
                frame = run.frame(header["parsed"], header["probes"])
            except Exception:
                traceback.print_exc()
                self._refuse(header, [], status=500)
                continue
            took = time.monotonic() - now
            run.rested = now + took / MEASURING_SHARE
            self.send({"re": request, "version": run.version}, frame)

    def _probes(self, asked: list[Any]) -> list[Any]:
        """Probes as parts; viewers ask for the same ones again and again."""
        key = json.dumps(asked)
        if key not in self._parsed:
            if len(self._parsed) >= 64:
                self._parsed.clear()
            self._parsed[key] = validate(list[AnyProbe], asked)
        return self._parsed[key]

    # -- questions without a run ----------------------------------------------------------------

    def _examine(self, header: Header, parts: dict[str, bytes]) -> tuple[Header, bytes]:
        return {"answer": _plain(examine(header["document"], parts, self.limits))}, b""

    def _data(self, header: Header, parts: dict[str, bytes]) -> tuple[Header, bytes]:
        data = load(validate(AnyDataset, header["data"]), parts)
        return {"answer": _plain(data.describe())}, b""

    def _csv(self, header: Header, parts: dict[str, bytes]) -> tuple[Header, bytes]:
        return {}, load(validate(AnyDataset, header["data"]), parts).csv().encode()

    def _inspect(self, _header: Header, parts: dict[str, bytes]) -> tuple[Header, bytes]:
        return {"answer": _plain(inspect_table(parts["table"]))}, b""

    def _catalogue(self, _header: Header, _parts: dict[str, bytes]) -> tuple[Header, bytes]:
        return {"answer": describe()}, b""


def widen(pipe: BinaryIO) -> None:
    """Let a whole frame fit into the pipe where the system allows it, so that training goes on
    while the server fetches it."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)


def _plain(value: Any) -> Any:
    """JSON that can be read everywhere: NaN and infinity become null."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def main() -> None:
    """Take over standard input and output, then work until the server is gone."""
    arguments = argparse.ArgumentParser(description="A training process of Glassnet.")
    arguments.add_argument("--blame", type=Path, required=True)
    arguments.add_argument("--parameters", type=int, required=True)
    arguments.add_argument("--bytes", type=int, required=True)
    arguments.add_argument("--checkpoint", type=float, required=True)
    arguments.add_argument("--nice", type=int, default=0)
    given = arguments.parse_args()
    # The server decides about the end: Ctrl-C and a service manager's TERM reach us as well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(given.nice)
    # A stray print must not end up between two messages.
    output = os.fdopen(os.dup(1), "wb")
    widen(output)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    worker = Worker(output, given.blame, Limits(given.parameters, given.bytes), given.checkpoint)
    threading.Thread(target=worker.read, args=(sys.stdin.buffer,), daemon=True).start()
    try:
        worker.loop()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
