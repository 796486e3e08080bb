"""Which run is on which worker, and what happens when a worker dies."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from app import store as stored
from app.ledger import Ledger
from app.pipe import Header
from app.pool import Take, Worker
from app.problems import ApiProblem, WorkerLost, no_run, problem_of
from app.run import Run, columns, resumable
from app.settings import Settings
from app.store import Store

T = TypeVar("T")

STRIKES = 3
"""Deaths of a worker with a run, without progress between them, after which the run has failed."""

SHUTDOWN_SECONDS = 5.0
NICE = 5
"""Training gives way to the server and the browser on the same machine."""


class Placement:
    """The workers, and the runs on them. The desk is a worker without runs, for questions."""

    def __init__(self, settings: Settings, store: Store, runs: dict[str, Run]) -> None:
        self.settings, self.store, self.runs = settings, store, runs
        self.ledger = Ledger(store, self.unload)
        self.workers = [
            Worker(settings, self._progress, self._lost, NICE) for _ in range(settings.workers)
        ]
        self.desk = Worker(settings, lambda *_: None, lambda *_: None, 0)
        self._tasks: set[asyncio.Task[Any]] = set()
        # Frames of before and after a restart, of a run or of the server, differ in version.
        self._base = secrets.randbelow(2**20)

    # -- asking ---------------------------------------------------------------------------------

    async def ask(self, run: Run, message: Mapping[str, Any]) -> tuple[Header, bytes]:
        """Ask the worker of a run something that changes nothing; asks anew if the worker dies."""
        for _ in range(STRIKES):
            with contextlib.suppress(WorkerLost):
                if run.worker is None:
                    async with run.lock:
                        await self.load(run)
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
                await self.desk.wait()
                answer: tuple[Header, bytes] = await self.desk.ask(message, parts)
                return answer
            except WorkerLost:
                if last:
                    raise
        raise AssertionError  # the last attempt returns or raises

    # -- placing --------------------------------------------------------------------------------

    async def load(self, run: Run) -> None:
        """Have the run in the memory of a worker, as it was stored. The caller holds its lock."""
        if run.gone:
            raise no_run(run.id)
        if run.worker is not None:
            return
        # What its last worker told may still be on the way to the disk.
        await self.store.write()
        checkpoint = await self.store.checkpoint(run.id)
        row = run.row

        def take(header: Header, _payload: bytes) -> None:
            found = columns(header)
            ended = found["status"] != row["status"]
            row.update(step=found["step"], epoch=found["epoch"])
            if ended:
                writes = [stored.change_run(run.id, **found)]
                self.ledger.commit(run, writes, lambda: row.update(found))

        await self.open(run, checkpoint, take, state=resumable(row))
        run.recovering = False
        run.changed()

    async def open(
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
            edited = [command.get("document") for command in commands or ()]
            parts = await self.ledger.tables_of(run.row["document"], *edited)
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

            await worker.wait()
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

    def unload(self, run: Run) -> None:
        """Let the worker forget the run; what was not stored is lost."""
        worker, run.worker = run.worker, None
        if worker is not None:
            worker.forget(run.id)

    async def newest_checkpoint(self, run: Run) -> bytes | None:
        """A checkpoint of the run as it is now, which is then stored as well."""
        if run.worker is None:
            return await self.store.checkpoint(run.id)

        def take(header: Header, payload: bytes) -> tuple[bytes, asyncio.Future[Any]]:
            return payload, self.ledger.checkpoint(run, header, payload)

        payload, written = await run.worker.ask({"type": "checkpoint", "run": run.id}, take=take)
        await written
        return bytes(payload)

    def _progress(self, worker: Worker, header: Header, checkpoint: bytes) -> None:
        run = self.runs.get(header["run"])
        if run is None or run.worker is not worker:
            return
        self.ledger.progress(run, header, checkpoint)
        if header["state"]["status"] == "failed":
            # What is in its memory is not to be trusted.
            self.unload(run)

    # -- recovery -------------------------------------------------------------------------------

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
        self.ledger.end(run, "failed", reason)

    async def _recover(self, run: Run) -> None:
        """Let a run go on from its last checkpoint."""
        while run.recovering and not run.gone:
            try:
                async with run.lock:
                    if run.recovering:
                        await self.load(run)
                return
            except WorkerLost:
                await asyncio.sleep(0.05)
            except ApiProblem as problem:
                run.recovering = False
                if not run.gone:
                    self.ledger.end(run, "failed", problem.problems[0])
                    run.changed()

    # -- opening and closing --------------------------------------------------------------------

    async def whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this to its end, also when who asked for it has left meanwhile."""
        return await asyncio.shield(self._spawn(work))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it

    def start(self) -> None:
        """Start the workers; the runs that were training go on."""
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
                    self.unload(run)

    async def stop(self) -> None:
        """Store where every run is, then end the workers."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await asyncio.gather(
                    *(
                        self.newest_checkpoint(run)
                        for run in self.runs.values()
                        if run.running and run.worker is not None
                    ),
                    return_exceptions=True,
                )
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
