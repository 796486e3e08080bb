"""Runs and the table of runs: life cycle, placement on workers, storage and recovery.

The promise kept here: what was answered is on disk. A command is carried out by the worker, its
state, points and checkpoint are stored in one transaction, and only then it is acknowledged.
"""

import asyncio
import contextlib
import hashlib
import logging
import secrets
import string
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app import store as stored
from app.frames import Feed
from app.pipe import Header
from app.pool import Take, Worker
from app.problems import (
    ApiProblem,
    Language,
    StorageFull,
    WorkerLost,
    no_run,
    problem_of,
    refusal,
    run_json,
)
from app.protocol import Problem, RunState
from app.settings import Settings
from app.store import Store, Write

log = logging.getLogger(__name__)

STRIKES = 3
"""Deaths of a worker with a run, without progress between them, after which the run has failed."""

RECENT_BATCHES = 32
SHUTDOWN_SECONDS = 5.0
NICE = 5
"""Training gives way to the server and the browser on the same machine."""

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


class Runs:
    """All runs of this server, and the workers they train on. Made by `open_runs`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.runs: dict[str, Run] = {}
        self.workers = [
            Worker(settings, self._progress, self._lost, NICE) for _ in range(settings.workers)
        ]
        self.desk = Worker(settings, lambda *_: None, lambda *_: None, 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self.catalogues: dict[str, bytes] = {}
        self._key_locks: dict[str, asyncio.Lock] = {}
        self._base = secrets.randbelow(2**20)

    # -- looking --------------------------------------------------------------------------------

    def get(self, identifier: str) -> Run:
        """A run by id; `latest` is the newest. Raises 404."""
        if identifier == "latest" and self.runs:
            return self.newest_first()[0]
        run = self.runs.get(identifier)
        if run is None:
            raise no_run(identifier)
        run.touched = time.monotonic()
        return run

    def newest_first(self) -> list[Run]:
        return sorted(self.runs.values(), key=lambda run: str(run.row["created"]), reverse=True)

    async def points(self, run: Run, after: int) -> Batch:
        """Stored loss points after a step, from memory where possible. Not more than some
        thousand at once; `last` is where the next call goes on."""
        if run.batches and after >= run.batches[-1].last:
            return Batch(after, after, [])
        for batch in run.batches:
            if batch.after == after:
                return batch
        found = await self.store.points(run.id, after)
        return Batch(after, found[-1]["step"] if found else after, found)

    async def frame(self, run: Run, probes: list[dict[str, Any]], after: int | None) -> bytes:
        """A frame of another version than `after`, shared with all who want the same."""
        return await Feed.of(run.feeds, probes, self._measurer(run, probes)).next(after)

    def _measurer(self, run: Run, probes: list[dict[str, Any]]) -> Any:
        async def measure(after: int | None) -> tuple[int, bytes]:
            message = {"type": "frame", "probes": probes, "after": after}
            header, frame = await self.ask(run, message)
            return header["version"], frame

        return measure

    async def ask(self, run: Run, message: Mapping[str, Any]) -> tuple[Header, bytes]:
        """Ask the worker of a run something that changes nothing; asks anew if the worker dies."""
        for _ in range(STRIKES):
            with contextlib.suppress(WorkerLost):
                if run.worker is None:
                    async with run.lock:
                        await self._load(run)
                assert run.worker is not None
                answer: tuple[Header, bytes] = await run.worker.ask({**message, "run": run.id})
                return answer
            await asyncio.sleep(0.05)
        raise WorkerLost

    async def consult(
        self, message: Mapping[str, Any], parts: Mapping[str, bytes] | None = None
    ) -> tuple[Header, bytes]:
        """Ask the process that answers questions without a run; anew, if it dies over it."""
        for last in (False, True):
            try:
                await self.desk.ready.wait()
                answer: tuple[Header, bytes] = await self.desk.ask(message, parts)
                return answer
            except WorkerLost:
                if last:
                    raise
        raise AssertionError  # the last attempt returns or raises

    async def tables_of(self, data: Any) -> dict[str, bytes]:
        """The uploaded tables that a data setting refers to."""
        found = {}
        for value in data.values() if isinstance(data, dict) else ():
            if isinstance(value, str) and value.startswith("t_"):
                table = await self.store.table_data(value[:32])
                if table is not None:
                    found[value] = table
        return found

    # -- making and removing --------------------------------------------------------------------

    async def create(
        self,
        document: dict[str, Any] | None,
        start: bool,
        source: str | None,
        key: tuple[str, str] | None,
    ) -> Run:
        """A new run, stored. `key`: idempotency key and fingerprint of the request.

        Raises `ApiProblem` when the document cannot be trained or a limit is reached.
        """
        lock = self._key_locks.setdefault(key[0], asyncio.Lock()) if key else asyncio.Lock()
        try:
            async with lock:
                if key and (run := await self._seen(*key)):
                    return run
                return await self._create(document, start, source, key)
        finally:
            if key and not lock.locked():
                self._key_locks.pop(key[0], None)

    async def _create(
        self,
        document: dict[str, Any] | None,
        start: bool,
        source: str | None,
        key: tuple[str, str] | None,
    ) -> Run:
        if len(self.runs) >= self.settings.max_runs:
            raise refusal(
                429, "too_many_runs", "{limit} runs are kept already", "Delete some.",
                limit=self.settings.max_runs,
            )  # fmt: skip
        if start:
            self._check_running()
        moment = now()
        row: dict[str, Any] = {
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
        run = Run(row)
        checkpoint = None
        commands: list[dict[str, Any]] = []
        copied: list[Write] = []
        if source is not None:
            original = self.get(source)
            async with original.lock:
                checkpoint = await self._newest_checkpoint(original)
                row.update(
                    {name: original.row[name] for name in ("step", "epoch", "speed", "metrics")},
                    status="paused" if original.row["step"] else "created",
                    document=original.row["document"],
                )
                # Queued behind the points that came with the checkpoint.
                copied = [stored.copy_points(original.id, run.id, row["step"])]
            if document is not None:
                commands.append({"type": "edit", "document": document})
        if start:
            commands.append({"type": "run"})

        def take(header: Header, payload: bytes) -> asyncio.Future[Any]:
            row.update(_columns(header))
            run.newest = row["step"]
            # From here on the worker's news of the run are heard.
            self.runs[run.id] = run
            return self.store.write(
                stored.add_run(row),
                *copied,
                stored.add_points(run.id, header["points"]),
                stored.set_checkpoint(run.id, row["step"], payload),
                *([stored.use_key(*key, run.id)] if key else []),
            )

        try:
            state = _resumable(row) if checkpoint is not None else None
            await (await self._open(run, checkpoint, take, commands, state))
        except BaseException:
            self.runs.pop(run.id, None)
            self._unload(run)
            raise
        return run

    async def rename(self, run: Run, name: str) -> Run:
        async with run.lock:
            document = {**run.row["document"], "name": name}
            values = {
                "document": document, "revision": run.row["revision"] + 1, "updated": now(),
            }  # fmt: skip
            await self.store.write(stored.change_run(run.id, **values))
            run.row.update(values)
            run.changed()
            return run

    async def delete(self, run: Run) -> None:
        """Remove a run and all that is stored of it, also while it trains."""
        async with run.lock:
            if run.gone:
                raise no_run(run.id)
            self._unload(run)
            await self.store.write(stored.remove_run(run.id))
            self.runs.pop(run.id, None)
            run.gone = True
            for feed in list(run.feeds.values()):
                feed.close(no_run(run.id))
            run.changed()

    # -- commands -------------------------------------------------------------------------------

    async def command(
        self, run: Run, command: Mapping[str, Any], key: tuple[str, str] | None = None
    ) -> RunState:
        """Carry out a command and store what came of it; the answer is the state after it.

        Raises `ApiProblem`: 409 with the state when the revision is stale, 422 when the command
        cannot be carried out; then nothing has changed.
        """
        async with run.lock:
            if run.gone:
                raise no_run(run.id)
            if key and await self._seen(*key):
                return run.state()
            revision = command.get("revision")
            if revision is not None and revision != run.row["revision"]:
                stale = problem_of(
                    "stale_revision", "the run is at revision {current}, not at {given}",
                    "Look at the run as it is now, then try again.",
                    path=("revision",), current=run.row["revision"], given=revision,
                )  # fmt: skip
                raise ApiProblem(409, [stale], run=run.state())
            if command["type"] in ("run", "step") and not run.running:
                self._check_running()
            run.touched = time.monotonic()
            if run.row["status"] == "failed":
                run.strikes = 0
            for _ in range(STRIKES):
                with contextlib.suppress(WorkerLost):
                    await self._load(run)
                    await self._order(run, command, key)
                    return run.state()
                if run.row["status"] == "failed":
                    raise ApiProblem(500, [run.row["reason"]], run=run.state())
            raise WorkerLost

    async def _order(
        self, run: Run, command: Mapping[str, Any], key: tuple[str, str] | None
    ) -> None:
        """Give a command to the worker, and wait until what came of it is stored."""
        document = command.get("document") or run.row["document"]
        tables = await self.tables_of({**_part(document.get("data")), "": command.get("value")})
        revision = run.row["revision"] + 1

        def take(header: Header, payload: bytes) -> asyncio.Future[Any]:
            if command["type"] != "edit" and command.get("path", [""])[0] != "name":
                # The worker does not know of renamings.
                header["document"]["name"] = run.row["document"]["name"]
            header["state"]["revision"] = revision
            return self._store_answer(run, header, payload, key)

        assert run.worker is not None
        message = {"type": "command", "run": run.id, "command": command, "revision": revision}
        await (await run.worker.ask(message, tables, take))

    def _store_answer(
        self, run: Run, header: Header, checkpoint: bytes, key: tuple[str, str] | None
    ) -> asyncio.Future[Any]:
        """Store a worker's answer to a command; the run is changed when it is on disk."""
        state, afresh = _columns(header), header["afresh"]
        # After a recovery points may be known that the run has not come to again. They would come
        # out the same, but for this command.
        cut = afresh or run.newest > state["step"]
        if cut:
            run.newest = -1 if afresh else state["step"]
        values = {**state, "curve": run.row["curve"] + cut, "updated": now()}
        before, points = self._new_points(run, header)
        writes = [
            *([stored.cut_points(run.id, before)] if cut else []),
            stored.add_points(run.id, points),
            stored.set_checkpoint(run.id, state["step"], checkpoint),
            stored.change_run(run.id, **values),
            *([stored.use_key(*key, run.id)] if key else []),
        ]

        def then() -> None:
            if cut:
                run.batches.clear()
            run.row.update(values)
            self._publish(run, before, points)

        return self._commit(run, writes, then)

    def _check_running(self) -> None:
        if sum(run.running for run in self.runs.values()) >= self.settings.max_running:
            raise refusal(
                429, "too_many_running", "{limit} runs are training already", "Pause one of them.",
                limit=self.settings.max_running,
            )  # fmt: skip

    async def _seen(self, key: str, request: str) -> Run | None:
        """The run of an idempotency key that was used before, for the same request."""
        found = await self.store.key(key)
        if found is None:
            return None
        if found["request"] != request:
            raise refusal(
                422, "key_reused", "this idempotency key was used for another request",
                "Make a new key for each request.",
            )  # fmt: skip
        return self.get(found["run"])

    # -- news from workers ----------------------------------------------------------------------

    def _progress(self, worker: Worker, header: Header, checkpoint: bytes) -> None:
        """Store what a run did since the last time, then show it."""
        run = self.runs.get(header["run"])
        if run is None or run.worker is not worker:
            return
        state = _columns(header)
        before, points = self._new_points(run, header)
        writes = [stored.add_points(run.id, points), stored.change_run(run.id, **state)]
        if checkpoint:
            run.strikes = 0
            writes.append(stored.set_checkpoint(run.id, state["step"], checkpoint))

        def then() -> None:
            run.row.update(state)
            run.steps_per_second = header["state"]["steps_per_second"]
            self._publish(run, before, points)

        self._commit(run, writes, then)
        if state["status"] == "failed":
            # What is in its memory is not to be trusted.
            self._unload(run)

    def _new_points(self, run: Run, header: Header) -> tuple[int, list[dict[str, Any]]]:
        """Points that were not heard of before (after a recovery they come again, the same bit for
        bit), and the step of the point before them."""
        before = run.newest
        points = [point for point in header["points"] if point["step"] > before]
        if points:
            run.newest = points[-1]["step"]
        return before, points

    def _publish(self, run: Run, before: int, points: list[dict[str, Any]]) -> None:
        if points:
            run.batches.append(Batch(before, points[-1]["step"], points))
        run.changed()

    def _commit(
        self, run: Run, writes: list[Write], then: Callable[[], None]
    ) -> asyncio.Future[Any]:
        """Write, then change what is shown. If the disk refuses, what the worker did since the
        last commit is given up: the run is paused, and goes on from its last checkpoint."""
        era = run.era

        async def unless_given_up(_connection: object) -> None:
            if run.era != era:
                raise StorageFull

        def done(future: asyncio.Future[Any]) -> None:
            error = future.exception()
            if error is None:
                then()
            elif run.era == era and not run.gone:
                self._give_up(run, error)

        future = self.store.write(unless_given_up, *writes)
        future.add_done_callback(done)
        return future

    def _give_up(self, run: Run, error: BaseException) -> None:
        log.error("Run %s could not be stored: %s", run.id, error)
        run.era += 1
        self._unload(run)
        reason = error.problems[0] if isinstance(error, ApiProblem) else None
        run.row.update(status="paused", reason=reason)
        self._spawn(self._reread(run))

    async def _reread(self, run: Run) -> None:
        """What is on disk is what holds."""
        with contextlib.suppress(ApiProblem):
            run.newest = (await self.store.newest_steps(run.id)).get(run.id, -1)
            run.batches.clear()
            row = await self.store.run(run.id)
            if row is not None:
                run.row.update(row, status=run.row["status"], reason=run.row["reason"])
        run.changed()

    # -- placement and recovery -----------------------------------------------------------------

    async def _load(self, run: Run) -> None:
        """Have the run in the memory of a worker, as it was stored. The caller holds its lock."""
        if run.gone:
            raise no_run(run.id)
        if run.worker is not None:
            return
        checkpoint = await self.store.checkpoint(run.id)
        row = run.row

        def take(header: Header, _payload: bytes) -> None:
            found = _columns(header)
            ended = found["status"] != row["status"]
            row.update(step=found["step"], epoch=found["epoch"])
            if ended:
                self._commit(run, [stored.change_run(run.id, **found)], lambda: row.update(found))

        await self._open(run, checkpoint, take, state=_resumable(row))
        run.recovering = False
        run.changed()

    async def _open(
        self,
        run: Run,
        checkpoint: bytes | None,
        take: Take,
        commands: list[dict[str, Any]] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> Any:
        """Give a run to the worker with the least to do; answers what `take` makes of it."""
        worker = min(self.workers, key=self._burden)
        worker.load.add(run.id)
        try:
            parts = {}
            for document in (run.row["document"], *(c.get("document") for c in commands or ())):
                parts.update(await self.tables_of(_part(_part(document).get("data"))))
            if checkpoint is not None:
                parts["checkpoint"] = checkpoint
            self._base += 1
            message = {
                "type": "open",
                "run": run.id,
                "document": run.row["document"],
                "base": self._base << 32,
                "revision": run.row["revision"],
                "state": state,
                "commands": commands or [],
            }

            def taken(header: Header, payload: bytes) -> Any:
                run.worker = worker
                return take(header, payload)

            await worker.ready.wait()
            return await worker.ask(message, parts, taken)
        finally:
            if run.worker is not worker:
                worker.load.discard(run.id)

    def _burden(self, worker: Worker) -> tuple[int, int]:
        """Runs that train there, and runs in memory. A run that is just being made counts."""
        running = sum(
            1 for name in worker.load if (run := self.runs.get(name)) is None or run.running
        )
        return running, len(worker.load)

    def _unload(self, run: Run) -> None:
        worker, run.worker = run.worker, None
        if worker is not None:
            worker.forget(run.id)

    async def _newest_checkpoint(self, run: Run) -> bytes | None:
        """A checkpoint of the run as it is now, which is then stored as well."""
        if run.worker is None:
            return await self.store.checkpoint(run.id)

        def take(header: Header, payload: bytes) -> tuple[bytes, asyncio.Future[Any]]:
            state = _columns(header)
            writes = [
                stored.set_checkpoint(run.id, state["step"], payload),
                stored.change_run(run.id, **state),
            ]
            return payload, self._commit(run, writes, lambda: run.row.update(state))

        payload, written = await run.worker.ask({"type": "checkpoint", "run": run.id}, take=take)
        await written
        return bytes(payload)

    def _lost(self, worker: Worker, blamed: str) -> None:
        """A worker died: its running runs recover, and the one it was busy with has a strike."""
        names = set(worker.load)
        worker.load.clear()
        if (culprit := self.runs.get(blamed)) is not None:
            culprit.strikes += 1
            if culprit.strikes >= STRIKES:
                self._fail(culprit)
        for name in names:
            run = self.runs.get(name)
            if run is None or run.worker is not worker:
                continue
            run.worker = None
            if run.running:
                run.recovering = True
                self._spawn(self._recover(run))
            run.changed()

    def _fail(self, run: Run) -> None:
        reason = problem_of(
            "worker_died", "the training process died {times} times while it worked on this run",
            "Make the network or the batch smaller, then press Run to try again.", times=STRIKES,
        )  # fmt: skip
        run.recovering = False
        self._end(run, "failed", reason)

    def _end(self, run: Run, status: str, reason: dict[str, Any]) -> None:
        values = {"status": status, "reason": reason, "until": None, "updated": now()}
        run.row.update(values)
        self._commit(run, [stored.change_run(run.id, **values)], run.changed)

    async def _recover(self, run: Run) -> None:
        """Let a run go on from its last checkpoint."""
        while run.recovering and not run.gone:
            try:
                async with run.lock:
                    if run.recovering:
                        await self._load(run)
                return
            except WorkerLost:
                await asyncio.sleep(0.05)
            except ApiProblem as problem:
                run.recovering = False
                if not run.gone:
                    self._end(run, "failed", problem.problems[0])
                    run.changed()

    # -- opening and closing --------------------------------------------------------------------

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def start(self) -> None:
        """Take up the stored runs: those that were training go on."""
        newest = await self.store.newest_steps()
        for row in await self.store.runs():
            self.runs[row["id"]] = Run(row, newest[row["id"]])
        for worker in (self.desk, *self.workers):
            self._spawn(worker.keep())
        for run in self.runs.values():
            if run.running:
                run.recovering = True
                self._spawn(self._recover(run))
        self._spawn(self._tidy())

    async def _tidy(self) -> None:
        """Let go of runs that nobody looks at."""
        while True:
            await asyncio.sleep(min(30.0, self.settings.idle_seconds / 2))
            for run in list(self.runs.values()):
                idle = time.monotonic() - run.touched > self.settings.idle_seconds
                if idle and run.worker and not (run.running or run.watchers or run.lock.locked()):
                    self._unload(run)

    async def stop(self) -> None:
        """Store where every run is, then end the workers."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await asyncio.gather(
                    *(
                        self._newest_checkpoint(run)
                        for run in self.runs.values()
                        if run.running and run.worker is not None
                    ),
                    return_exceptions=True,
                )
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def open_runs(settings: Settings, store: Store) -> AsyncIterator[Runs]:
    """The table of runs at work, until the block is left."""
    runs = Runs(settings, store)
    await runs.start()
    try:
        yield runs
    finally:
        await runs.stop()


def fingerprint(*parts: bytes) -> str:
    """What tells two requests with the same idempotency key apart."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _columns(header: Header) -> dict[str, Any]:
    """What a worker's message says about the run, as columns of the store."""
    state = {name: value for name, value in header["state"].items() if name != "steps_per_second"}
    if "document" in header:
        state["document"] = header["document"]
    return state


def _resumable(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker needs besides document and checkpoint to take up a run."""
    return {name: row[name] for name in ("status", "reason", "speed", "until", "metrics")}


def _part(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def letters() -> str:
    alphabet = string.digits + string.ascii_lowercase
    return "".join(secrets.choice(alphabet) for _ in range(16))
