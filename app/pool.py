"""The training processes as the server sees them: started, asked, watched, and replaced.

A `Worker` is a place that always has a process in it, or soon will: when its process dies or falls
silent it is killed and another one started. What was asked of the dead one fails with `WorkerLost`.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from app.files import ROOT
from app.pipe import NAME_BYTES, PREFIX, THREADS, Header, join, pack
from app.problems import ApiProblem, WorkerLost, problem_of
from app.settings import Settings

log = logging.getLogger(__name__)

# How much of a large frame is read at once.
BUFFER = 4 * 1024 * 1024
# Time for a process to import NumPy and the engine (seconds); generous, for slow disks.
START_SECONDS = 60.0
# A process that dies sooner than this is not started again at once (seconds).
SHORT_LIFE = 1.0


Take = Callable[[Header, bytes], Any]


class Worker:
    """One place for a training process. `load` is what placement looks at.

    `on_progress(worker, header, payload)` is called for news of a run, `on_loss(worker, blamed)` when the
    process died, with the run that it was busy with at that moment, or "".
    """

    def __init__(
        self,
        settings: Settings,
        on_progress: Callable[["Worker", Header, bytes], None],
        on_loss: Callable[["Worker", str], None],
        nice: int,
    ) -> None:
        self.settings, self.on_progress, self.on_loss, self.nice = (
            settings, on_progress, on_loss, nice,
        )  # fmt: skip
        self.load: set[str] = set()
        self.ready = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[asyncio.Future[Any], Take]] = {}
        self._heard = self._allowed = 0.0
        handle, path = tempfile.mkstemp(prefix="glassnet-")
        os.write(handle, bytes(NAME_BYTES))
        os.close(handle)
        self._blame = Path(path)

    async def keep(self) -> None:
        """Keep a process in this place until cancelled."""
        try:
            while True:
                started = time.monotonic()
                try:
                    await self._live()
                except Exception:
                    # No memory for a process, say: it may come back.
                    log.exception("A worker could not be kept")
                if time.monotonic() - started < SHORT_LIFE:
                    await asyncio.sleep(SHORT_LIFE)
        finally:
            self._blame.unlink(missing_ok=True)

    async def _live(self) -> None:
        """The life of one process, from start to end."""
        self._blame.write_bytes(bytes(NAME_BYTES))
        command = (
            sys.executable, "-m", "app.worker", "--blame", str(self._blame),
            "--parameters", str(self.settings.max_parameters),
            "--bytes", str(self.settings.max_run_bytes),
            "--checkpoint", str(self.settings.checkpoint_seconds),
            "--nice", str(self.nice),
        )  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": _path()},
            limit=BUFFER,
        )
        self._heard, self._allowed = time.monotonic(), START_SECONDS
        watch = asyncio.create_task(self._watch(self.process))
        try:
            await self._listen(self.process)
        finally:
            watch.cancel()
            self.ready.clear()
            await _end(self.process)
            self._fail()
        blamed = self._blame.read_bytes().rstrip(b"\0")
        run = blamed.decode(errors="replace") if blamed[:1] not in (b"", b"\0") else ""
        log.error("Worker %s ended (%s)", self.process.pid, self.process.returncode)
        self.on_loss(self, run)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Hand on what the process says, until it says no more."""
        assert process.stdout is not None
        read = process.stdout.readexactly
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header_size, payload_size = PREFIX.unpack(await read(PREFIX.size))
                header: Header = json.loads(await read(header_size))
                payload = await read(payload_size) if payload_size else b""
                self._heard = time.monotonic()
                self._hear(header, payload)

    def _hear(self, header: Header, payload: bytes) -> None:
        if "re" in header:
            self._settle(header, payload)
        elif header["event"] == "beat":
            self._allowed = header["allow"]
        elif header["event"] == "ready":
            self._allowed = 0.0
            self.ready.set()
        else:
            self.on_progress(self, header, payload)

    def _settle(self, header: Header, payload: bytes) -> None:
        """Pass an answer on to who asked, before anything that the process said after it."""
        future, take = self._asked.pop(header["re"], (None, None))
        if future is None or take is None or future.done():
            return
        if "status" in header:
            problems = header["problems"] or [_unexplained()]
            future.set_exception(ApiProblem(header["status"], problems))
            return
        try:
            future.set_result(take(header, payload))
        except Exception as error:
            future.set_exception(error)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill a process that has been silent for too long, though it could have spoken.

        Only the time counts in which both of us had the processor: on a machine that is paused or
        overloaded, being late is no sign of being hung.
        """
        limit = self.settings.silence_seconds
        tick = limit / 12
        silent, heard, used = 0.0, self._heard, _processor_time(process.pid)
        while True:
            started = time.monotonic()
            await asyncio.sleep(tick)
            on_time = time.monotonic() - started < 2 * tick
            now_used = _processor_time(process.pid)
            starved = now_used.ready and now_used.seconds - used.seconds < tick / 2
            used = now_used
            if self._heard != heard:
                silent, heard = 0.0, self._heard
            elif on_time and not starved:
                silent += tick
            if silent > max(limit, self._allowed):
                log.error("Worker %s is silent", process.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                return

    def _fail(self) -> None:
        asked, self._asked = self._asked, {}
        for future, _ in asked.values():
            if not future.done():
                future.set_exception(WorkerLost())

    # -- asking ---------------------------------------------------------------------------------

    async def ask(
        self,
        header: Mapping[str, Any],
        parts: Mapping[str, bytes] | None = None,
        take: Take = lambda header, payload: (header, payload),
    ) -> Any:
        """Send a message and wait for what `take` makes of the answer, the header and the payload
        by default. `take` is called at the moment when the answer is read, so that what it does
        comes before all that the worker says later.

        Raises `ApiProblem` when the worker refuses, `WorkerLost` when it dies first. When the
        waiting is cancelled, a request for a frame is taken back.
        """
        number = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        sizes, payload = join(parts or {})
        self._send({**header, "id": number, "parts": sizes}, payload)
        self._asked[number] = future, take
        try:
            return await future
        except asyncio.CancelledError:
            if header["type"] == "frame" and self._asked.pop(number, None):
                with contextlib.suppress(WorkerLost):
                    self._send({"type": "cancel", "request": number})
            raise

    async def wait(self) -> None:
        """Until there is a process that listens. Raises `WorkerLost` when none comes."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.ready.wait()
        except TimeoutError:
            raise WorkerLost from None

    def forget(self, run: str) -> None:
        """Let go of a run."""
        self.load.discard(run)
        with contextlib.suppress(WorkerLost):
            self._send({"type": "close", "run": run})

    def _send(self, header: Mapping[str, Any], payload: bytes = b"") -> None:
        if not self.ready.is_set() or self.process is None or self.process.stdin is None:
            raise WorkerLost
        self.process.stdin.write(pack(header, payload))


class _ProcessorTime(NamedTuple):
    ready: bool  # it has something to do, and waits for its turn or has it
    seconds: float


def _processor_time(pid: int) -> _ProcessorTime:
    """What a process has used so far; unknown, it counts as having nothing to do."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return _ProcessorTime(fields[0] == "R", ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return _ProcessorTime(False, 0.0)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Make sure that a process is gone. `Process.kill` looks whether it has ended, and so takes
    the exit code from asyncio, which waits for it too: hence the signal by hand."""
    assert process.stdin is not None
    process.stdin.close()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()


def _unexplained() -> dict[str, Any]:
    return problem_of(
        "internal", "something went wrong while answering",
        "Try again; if it stays, the log of the server says more.",
    )  # fmt: skip


def _path() -> str:
    """The import path for the process: that of the server, wherever it was started from."""
    given = os.environ.get("PYTHONPATH")
    return f"{ROOT}{os.pathsep}{given}" if given else str(ROOT)
