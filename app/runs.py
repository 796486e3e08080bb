"""Runs and the table of runs: made, looked at, commanded, deleted.

The promise kept here: what was answered is on disk.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from app import store as stored
from app.frames import Feed
from app.pipe import Header
from app.placement import STRIKES, Placement
from app.problems import ApiProblem, WorkerLost, no_run, problem_of, refusal
from app.protocol import RunState
from app.run import Batch, Run, columns, new_row, now, resumable
from app.settings import Settings
from app.store import Store, Write


class Runs:
    """All runs of this server. Made by `open_runs`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.runs: dict[str, Run] = {}
        self.placement = Placement(settings, store, self.runs)
        self.ledger = self.placement.ledger
        self.catalogues: dict[str, bytes] = {}
        self._key_locks: dict[str, asyncio.Lock] = {}

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
            header, frame = await self.placement.ask(run, message)
            return header["version"], frame

        return measure

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
                made = self._create(document, start, source, key)
                return await self.placement.whole(made)
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
        row = new_row(document)
        run = Run(row)
        checkpoint = None
        commands: list[dict[str, Any]] = []
        copied: list[Write] = []
        if source is not None:
            original = self.get(source)
            async with original.lock:
                checkpoint = await self.placement.newest_checkpoint(original)
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
            row.update(columns(header))
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
            state = resumable(row) if checkpoint is not None else None
            written = await self.placement.open(run, checkpoint, take, commands, state)
            await written
        except BaseException:
            self.runs.pop(run.id, None)
            self.placement.unload(run)
            raise
        return run

    async def rename(self, run: Run, name: str) -> None:
        """Give a run another name; its training does not notice."""
        await self.placement.whole(self._rename(run, name))

    async def _rename(self, run: Run, name: str) -> None:
        async with run.lock:
            if run.gone:
                raise no_run(run.id)
            values = {
                "document": {**run.row["document"], "name": name},
                "revision": run.row["revision"] + 1,
                "updated": now(),
            }
            await self.store.write(stored.change_run(run.id, **values))
            run.row.update(values)
            run.changed()

    async def delete(self, run: Run) -> None:
        """Remove a run and all that is stored of it, also while it trains."""
        await self.placement.whole(self._delete(run))

    async def _delete(self, run: Run) -> None:
        async with run.lock:
            if run.gone:
                raise no_run(run.id)
            self.placement.unload(run)
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
        return await self.placement.whole(self._command(run, command, key))

    async def _command(
        self, run: Run, command: Mapping[str, Any], key: tuple[str, str] | None
    ) -> RunState:
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
                    await self.placement.load(run)
                    await self._order(run, command, key)
                    return run.state()
                if run.row["status"] == "failed":
                    raise ApiProblem(500, [run.row["reason"]], run=run.state())
            raise WorkerLost

    async def _order(
        self, run: Run, command: Mapping[str, Any], key: tuple[str, str] | None
    ) -> None:
        """Give a command to the worker, and wait until what came of it is stored."""
        edited = command.get("document") or run.row["document"]
        tables = await self.ledger.tables_of(edited, command.get("value"))
        revision = run.row["revision"] + 1

        def take(header: Header, payload: bytes) -> asyncio.Future[Any]:
            if command["type"] != "edit" and command.get("path", [""])[0] != "name":
                # The worker does not know of renamings.
                header["document"]["name"] = run.row["document"]["name"]
            header["state"]["revision"] = revision
            return self.ledger.answer(run, header, payload, key)

        assert run.worker is not None
        message = {"type": "command", "run": run.id, "command": command, "revision": revision}
        await (await run.worker.ask(message, tables, take))

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

    async def read(self) -> None:
        """Take up the stored runs."""
        newest = await self.store.newest_steps()
        for row in await self.store.runs():
            self.runs[row["id"]] = Run(row, newest[row["id"]])


@contextlib.asynccontextmanager
async def open_runs(settings: Settings, store: Store) -> AsyncIterator[Runs]:
    """The table of runs at work, until the block is left."""
    runs = Runs(settings, store)
    await runs.read()
    runs.placement.start()
    try:
        yield runs
    finally:
        await runs.placement.stop()


def fingerprint(*parts: bytes) -> str:
    """What tells two requests with the same idempotency key apart."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
