"""What is kept: runs, loss points, checkpoints, uploaded tables and idempotency keys.

SQLite by default, PostgreSQL by URL. One connection does all the writing (SQLite before 3.51.3
can lose data when several connections write and checkpoint the log at once), in the order of the
calls; writes that wait for each other's disk are committed together. Every write is on disk when
it answers. Readers have connections of their own and never wait for the writer.
"""

import asyncio
import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    delete,
    event,
    func,
    insert,
    inspect,
    literal,
    select,
    update,
)  # fmt: skip
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.problems import ApiProblem, StorageBusy, StorageFull

log = logging.getLogger(__name__)
T = TypeVar("T")
Row = dict[str, Any]
Write = Callable[[AsyncConnection], Awaitable[Any]]

HEAD = "0001"
"""The newest migration; a test compares it with the folder."""

KEYS_KEPT = 24 * 3600.0
BUSY_SECONDS = 2.0
# How long a patient write waits for others, so that one commit does for all (seconds).
LINGER = 0.04
POINTS_READ = 5000

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created", String(32), nullable=False),
    Column("updated", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text),
    Column("revision", Integer, nullable=False),
    Column("curve", Integer, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("epoch", Float(53), nullable=False),
    Column("speed", Float(53)),
    Column("until", Text),
    Column("metrics", Text, nullable=False),
    Column("document", Text, nullable=False),
    Index("runs_by_age", "created"),
)
points = Table(
    "points",
    metadata,
    Column("run", String(32), primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Float(53), nullable=False),
    Column("metrics", Text, nullable=False),
    sqlite_with_rowid=False,
)
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("run", String(32), primary_key=True),
    Column("step", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
tables = Table(
    "tables",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created", String(32), nullable=False),
    Column("info", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
keys = Table(
    "keys",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("run", String(32), nullable=False),
    Column("used", Float(53), nullable=False),
    Index("keys_by_age", "used"),
)

_JSON = ("reason", "until", "metrics", "document")


class Store:
    """The data base, open. Made by `open_store`."""

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection) -> None:
        self._engine, self._connection = engine, connection
        self._queue: asyncio.Queue[tuple[Write, asyncio.Future[Any]]] = asyncio.Queue()
        self._hurry = asyncio.Event()

    # -- writing --------------------------------------------------------------------------------

    def write(self, *writes: Write, patient: bool = False) -> asyncio.Future[Any]:
        """Do these in one transaction, after all earlier ones. The answer, that of the last, comes
        when it is on disk; what is patient waits a little for company. Raises `StorageFull` or
        `StorageBusy`; then nothing was written."""

        async def together(connection: AsyncConnection) -> Any:
            answer = None
            for write in writes:
                answer = await write(connection)
            return answer

        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((together, future))
        if not patient:
            self._hurry.set()
        return future

    async def keep_writing(self) -> None:
        """Take what has queued up and commit it as one; where that fails, one by one."""
        while True:
            batch = [await self._queue.get()]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), LINGER)
            self._hurry.clear()
            while not self._queue.empty() and len(batch) < 64:
                batch.append(self._queue.get_nowait())
            if len(batch) == 1 or not await self._commit(batch, last=False):
                for item in batch:
                    await self._commit([item], last=True)

    async def _commit(self, batch: list[tuple[Write, asyncio.Future[Any]]], last: bool) -> bool:
        answers = []
        try:
            async with self._connection.begin():
                for write, _ in batch:
                    answers.append(await write(self._connection))
        except Exception as error:
            if last and not batch[0][1].done():
                batch[0][1].set_exception(storage_error(error))
            return False
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        return True

    # -- reading --------------------------------------------------------------------------------

    async def _rows(self, query: Any) -> list[Row]:
        try:
            async with self._engine.connect() as connection:
                result = await connection.execute(query)
                return [_loaded(dict(row)) for row in result.mappings()]
        except DBAPIError as error:
            raise storage_error(error) from error

    async def runs(self) -> list[Row]:
        """All runs, newest first."""
        return await self._rows(select(runs).order_by(runs.c.created.desc(), runs.c.id))

    async def run(self, run: str) -> Row | None:
        return _first(await self._rows(select(runs).where(runs.c.id == run)))

    async def points(self, run: str, after: int, limit: int = POINTS_READ) -> list[Row]:
        """Loss points in order, as the protocol's `Point`."""
        query = (
            select(points)
            .where(points.c.run == run, points.c.step > after)
            .order_by(points.c.step)
            .limit(limit)
        )
        return [
            {"step": row["step"], "epoch": row["epoch"], "values": row["metrics"]}
            for row in await self._rows(query)
        ]

    async def checkpoint(self, run: str) -> bytes | None:
        row = _first(await self._rows(select(checkpoints.c.data).where(checkpoints.c.run == run)))
        return row["data"] if row else None

    async def newest_steps(self, *wanted: str) -> dict[str, int]:
        """Step of the last loss point of these runs, or of all; -1 where there is none."""
        last = select(func.max(points.c.step)).where(points.c.run == runs.c.id).scalar_subquery()
        query = select(runs.c.id, last.label("last"))
        if wanted:
            query = query.where(runs.c.id.in_(wanted))
        rows = await self._rows(query)
        return {row["id"]: -1 if row["last"] is None else row["last"] for row in rows}

    async def tables(self) -> list[Row]:
        """What is known of all uploaded tables, newest first."""
        rows = await self._rows(select(tables.c.info).order_by(tables.c.created.desc()))
        return [json.loads(row["info"]) for row in rows]

    async def table(self, table: str) -> Row | None:
        row = _first(await self._rows(select(tables.c.info).where(tables.c.id == table)))
        return json.loads(row["info"]) if row else None

    async def table_data(self, table: str) -> bytes | None:
        row = _first(await self._rows(select(tables.c.data).where(tables.c.id == table)))
        return row["data"] if row else None

    async def key(self, key: str) -> Row | None:
        return _first(await self._rows(select(keys).where(keys.c.key == key)))


# -- the writes, to be handed to `Store.write` ----------------------------------------------------


def add_run(row: Row) -> Write:
    return lambda connection: connection.execute(insert(runs), _dumped(row))


def change_run(run: str, **values: Any) -> Write:
    row = {**_dumped(values), "changed": run}
    return lambda connection: connection.execute(_CHANGE_RUN, row)


_CHANGE_RUN = update(runs).where(runs.c.id == bindparam("changed"))


def remove_run(run: str) -> Write:
    async def write(connection: AsyncConnection) -> None:
        for table, column in ((runs, runs.c.id), (points, points.c.run)):
            await connection.execute(delete(table).where(column == run))
        await connection.execute(delete(checkpoints).where(checkpoints.c.run == run))

    return write


def add_points(run: str, new: Iterable[Row]) -> Write:
    """Points that are there already stay: after a recovery they come again, the same bit for bit."""
    rows = [
        {"run": run, "step": p["step"], "epoch": p["epoch"], "metrics": json.dumps(p["values"])}
        for p in new
    ]

    async def write(connection: AsyncConnection) -> None:
        if rows:
            await connection.execute(_upsert(connection, points).on_conflict_do_nothing(), rows)

    return write


def cut_points(run: str, after: int) -> Write:
    """Remove the points behind a step; answers how many there were."""

    async def write(connection: AsyncConnection) -> int:
        query = delete(points).where(points.c.run == run, points.c.step > after)
        return (await connection.execute(query)).rowcount

    return write


def copy_points(source: str, run: str, up_to: int) -> Write:
    columns = (points.c.step, points.c.epoch, points.c.metrics)
    chosen = select(literal(run), *columns).where(points.c.run == source, points.c.step <= up_to)
    query = insert(points).from_select(["run", "step", "epoch", "metrics"], chosen)
    return lambda connection: connection.execute(query)


def set_checkpoint(run: str, step: int, data: bytes) -> Write:
    async def write(connection: AsyncConnection) -> None:
        new = {"step": step, "data": data}
        query = _upsert(connection, checkpoints).values(run=run, **new)
        await connection.execute(query.on_conflict_do_update(index_elements=["run"], set_=new))

    return write


def add_table(info: Row, created: str, data: bytes) -> Write:
    row = {"id": info["id"], "created": created, "info": json.dumps(info), "data": data}
    return lambda connection: connection.execute(insert(tables), row)


def remove_table(table: str) -> Write:
    query = delete(tables).where(tables.c.id == table)
    return lambda connection: connection.execute(query)


def use_key(key: str, request: str, run: str) -> Write:
    row = {"key": key, "request": request, "run": run, "used": time.time()}
    return lambda connection: connection.execute(insert(keys), row)


def forget_keys() -> Write:
    query = delete(keys).where(keys.c.used < time.time() - KEYS_KEPT)
    return lambda connection: connection.execute(query)


def _upsert(connection: AsyncConnection, table: Table) -> sqlite.Insert:
    """An insert that may say what happens on conflict; both dialects say it alike."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return cast(sqlite.Insert, postgresql.insert(table))
    return sqlite.insert(table)


def _dumped(row: Row) -> Row:
    return {
        name: json.dumps(value) if name in _JSON and value is not None else value
        for name, value in row.items()
    }


def _loaded(row: Row) -> Row:
    for name in _JSON:
        if row.get(name) is not None:
            row[name] = json.loads(row[name])
    return row


def _first(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None


# -- opening ----------------------------------------------------------------------------------------


def storage_error(error: BaseException) -> Exception:
    """What a failure of the data base means to who asked."""
    if isinstance(error, ApiProblem):
        return error
    cause = getattr(error, "orig", error)
    name = getattr(cause, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageBusy()
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
        log.error("The data base cannot be written: %s", cause)
        return StorageFull()
    return error if isinstance(error, Exception) else RuntimeError(str(error))


@contextlib.asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the data base, bring its schema to `HEAD`, and write until the block is left."""
    engine = create_async_engine(url, pool_size=4, max_overflow=8)
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    try:
        connection = await engine.connect()
        await connection.run_sync(migrate)
        store = Store(engine, connection)
        writer = asyncio.create_task(store.keep_writing())
        try:
            await store.write(forget_keys())
            yield store
        finally:
            with contextlib.suppress(Exception):
                await store.write(forget_keys())
            writer.cancel()
            await connection.close()
    finally:
        await engine.dispose()


def _tune_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def tune(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: what was acknowledged survives a power cut, not only a crash.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()


def migrate(connection: Connection) -> None:
    """Bring the schema to `HEAD`. Alembic takes a while to import: only where there is something
    to migrate. A test compares the tables of a new file with those that migrations lead to."""
    versions = Table("alembic_version", MetaData(), Column("version_num", String(32)))
    known = inspect(connection).get_table_names()
    if not known:
        metadata.create_all(connection)
        versions.create(connection)
        connection.execute(insert(versions), {"version_num": HEAD})
    elif "alembic_version" not in known or connection.scalar(select(versions)) != HEAD:
        upgrade(connection)
    connection.commit()


def upgrade(connection: Connection) -> None:
    """Run all migrations that have not been run."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def damage(file: Path) -> str | None:
    """What is wrong with an SQLite file, if anything can be seen at a glance. Changes nothing."""
    if not file.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
            return None
    except sqlite3.DatabaseError as error:
        return str(error)
