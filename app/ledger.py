"""What workers tell of runs, written down before it counts.

A command's state, points and checkpoint are stored in one transaction, and only then is the run
changed for all who watch. What cannot be written did not happen.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from app import store as stored
from app.pipe import Header
from app.problems import ApiProblem, StorageFull
from app.run import Batch, Run, columns, now
from app.store import Store, Write

log = logging.getLogger(__name__)


class Ledger:
    """Writes runs down. `let_go(run)` is called when a run's worker went on from something that
    could not be stored."""

    def __init__(self, store: Store, let_go: Callable[[Run], None]) -> None:
        self.store, self._let_go = store, let_go
        self._rereading: set[asyncio.Task[None]] = set()

    def progress(self, run: Run, header: Header, checkpoint: bytes) -> None:
        """What a run did since the last time; `checkpoint` may be empty."""
        state = columns(header)
        before, points = _new_points(run, header)
        writes = [stored.add_points(run.id, points), stored.change_run(run.id, **state)]
        if checkpoint:
            run.strikes = 0
            writes.append(stored.set_checkpoint(run.id, state["step"], checkpoint))

        def then() -> None:
            run.row.update(state)
            run.steps_per_second = header["state"]["steps_per_second"]
            _publish(run, before, points)

        # News are read by many and awaited by nobody.
        self.commit(run, writes, then, patient=state["status"] == "running")

    def answer(
        self, run: Run, header: Header, checkpoint: bytes, key: tuple[str, str] | None
    ) -> asyncio.Future[Any]:
        """What came of a command; done when it is on disk. `key`: idempotency key and fingerprint
        of the request, which are used up with it."""
        state, afresh = columns(header), header["afresh"]
        # After a recovery points may be known that the run has not come to again. They would come
        # out the same, but for this command.
        cut = afresh or run.newest > state["step"]
        if cut:
            run.newest = -1 if afresh else state["step"]
        values = {**state, "curve": run.row["curve"] + cut, "updated": now()}
        before, points = _new_points(run, header)
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
            _publish(run, before, points)

        return self.commit(run, writes, then)

    def checkpoint(self, run: Run, header: Header, data: bytes) -> asyncio.Future[Any]:
        """Where a run is now."""
        state = columns(header)
        writes = [
            stored.set_checkpoint(run.id, state["step"], data),
            stored.change_run(run.id, **state),
        ]
        return self.commit(run, writes, lambda: run.row.update(state))

    def end(self, run: Run, status: str, reason: dict[str, Any]) -> None:
        """A run goes no further, for a reason that its worker does not know."""
        values = {"status": status, "reason": reason, "until": None, "updated": now()}
        run.row.update(values)
        self.commit(run, [stored.change_run(run.id, **values)], run.changed)

    def commit(
        self, run: Run, writes: list[Write], then: Callable[[], None], patient: bool = False
    ) -> asyncio.Future[Any]:
        """Write, then change what is shown. If the disk refuses, what the worker did since the
        last commit is given up: the run is paused, and goes on from its last checkpoint."""
        era = run.era

        async def unless_given_up(_connection: object) -> None:
            if run.era != era:
                raise StorageFull

        def done(future: asyncio.Future[Any]) -> None:
            error = None if future.cancelled() else future.exception()
            if error is None:
                then()
            elif run.era == era and not run.gone:
                self._give_up(run, error)

        future = self.store.write(unless_given_up, *writes, patient=patient)
        future.add_done_callback(done)
        return future

    def _give_up(self, run: Run, error: BaseException) -> None:
        log.error("Run %s could not be stored: %s", run.id, error)
        run.era += 1
        self._let_go(run)
        reason = error.problems[0] if isinstance(error, ApiProblem) else None
        run.row.update(status="paused", reason=reason)
        task = asyncio.create_task(self._reread(run))
        self._rereading.add(task)
        task.add_done_callback(self._rereading.discard)

    async def _reread(self, run: Run) -> None:
        """What is on disk is what holds."""
        with contextlib.suppress(ApiProblem):
            run.newest = (await self.store.newest_steps(run.id)).get(run.id, -1)
            run.batches.clear()
            row = await self.store.run(run.id)
            if row is not None:
                run.row.update(row, status=run.row["status"], reason=run.row["reason"])
        run.changed()

    async def tables_of(self, *values: Any) -> dict[str, bytes]:
        """The uploaded tables that data settings, or the documents around them, refer to."""
        found: dict[str, bytes] = {}
        for value in values:
            if isinstance(value, dict):
                data = value["data"] if isinstance(value.get("data"), dict) else value
                found.update(await self.tables_of(*data.values()))
            elif isinstance(value, str) and value.startswith("t_"):
                table = await self.store.table_data(value[:32])
                if table is not None:
                    found[value] = table
        return found


def _new_points(run: Run, header: Header) -> tuple[int, list[dict[str, Any]]]:
    """Points that were not heard of before (after a recovery they come again, the same bit for
    bit), and the step of the point before them."""
    before = run.newest
    points = [point for point in header["points"] if point["step"] > before]
    if points:
        run.newest = points[-1]["step"]
    return before, points


def _publish(run: Run, before: int, points: list[dict[str, Any]]) -> None:
    if points:
        run.batches.append(Batch(before, points[-1]["step"], points))
    run.changed()
