"""What is kept, and what is answered when it cannot be."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from app import store as stored
from app.problems import StorageBusy, StorageFull
from app.store import HEAD, Store, damage, metadata, migrate, open_store, upgrade

RUN = "r_0123456789abcdef"


def row(run: str = RUN, **values: Any) -> dict[str, Any]:
    return {
        "id": run, "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z",
        "status": "created", "reason": None, "revision": 1, "curve": 0, "step": 0, "epoch": 0.0,
        "speed": None, "until": None, "metrics": {"train_loss": 0.5, "test_loss": None},
        "document": {"name": "圆", "networks": {}}, **values,
    }  # fmt: skip


def point(step: int, loss: float = 0.25) -> dict[str, Any]:
    return {"step": step, "epoch": step / 10, "values": {"train_loss": loss}}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}") as store:
        yield store


async def test_a_run_comes_back_as_it_was_put(store: Store) -> None:
    await store.write(stored.add_run(row()), stored.set_checkpoint(RUN, 0, b"abc"))
    assert await store.run(RUN) == row()
    await store.write(
        stored.change_run(RUN, status="finished", reason={"code": "c"}, step=2**40),
        stored.set_checkpoint(RUN, 2**40, b"def"),
    )
    changed = await store.run(RUN)
    assert changed == row(status="finished", reason={"code": "c"}, step=2**40)
    assert await store.checkpoint(RUN) == b"def"


async def test_points_are_kept_once_in_order_and_can_be_cut(store: Store) -> None:
    await store.write(stored.add_points(RUN, [point(k) for k in range(6)]))
    # After a recovery they come again.
    await store.write(stored.add_points(RUN, [point(k, loss=9.0) for k in range(4, 9)]))
    found = await store.points(RUN, 2)
    assert [p["step"] for p in found] == [3, 4, 5, 6, 7, 8]
    assert found[1] == point(4)
    await store.write(stored.copy_points(RUN, "r_copy", 5))
    await store.write(stored.cut_points(RUN, 3))
    assert [p["step"] for p in await store.points("r_copy", -1)] == [0, 1, 2, 3, 4, 5]
    await store.write(stored.add_run(row()), stored.add_run(row("r_new")))
    assert await store.newest_steps() == {RUN: 3, "r_new": -1}
    assert await store.newest_steps(RUN) == {RUN: 3}
    assert await store.points(RUN, -1, limit=2) == [point(0), point(1)]


async def test_a_removed_run_leaves_nothing(store: Store) -> None:
    await store.write(
        stored.add_run(row()),
        stored.add_points(RUN, [point(0)]),
        stored.set_checkpoint(RUN, 0, b"abc"),
    )
    await store.write(stored.remove_run(RUN))
    assert await store.runs() == []
    assert await store.points(RUN, -1) == []
    assert await store.checkpoint(RUN) is None


async def test_a_transaction_is_written_whole_or_not_at_all(store: Store) -> None:
    await store.write(stored.add_run(row()))
    with pytest.raises(Exception, match="UNIQUE"):
        await store.write(stored.change_run(RUN, status="paused"), stored.add_run(row()))
    assert (await store.run(RUN) or {})["status"] == "created"


async def test_one_failing_write_does_not_harm_those_beside_it(store: Store) -> None:
    others = [row(f"r_{k}") for k in range(10)]
    await store.write(stored.add_run(row()))
    writes = [store.write(stored.add_run(other)) for other in others[:5]]
    failing = store.write(stored.add_run(row()))
    writes += [store.write(stored.add_run(other)) for other in others[5:]]
    await asyncio.gather(*writes)
    with pytest.raises(Exception, match="UNIQUE"):
        await failing
    assert len(await store.runs()) == 11


async def test_writes_are_done_in_the_order_of_their_calls(store: Store) -> None:
    await store.write(stored.add_run(row()))
    writes = [store.write(stored.change_run(RUN, step=k)) for k in range(200)]
    await writes[-1]
    assert all(write.done() for write in writes)
    assert (await store.run(RUN) or {})["step"] == 199


async def test_what_was_answered_is_on_disk(store: Store, tmp_path: Path) -> None:
    await store.write(stored.add_run(row()))
    with sqlite3.connect(tmp_path / "test.db") as other:
        assert other.execute("SELECT id FROM runs").fetchall() == [(RUN,)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


async def test_keys_are_forgotten_after_a_day(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(stored.use_key("old", "request", RUN))
    monkeypatch.setattr(stored, "KEYS_KEPT", -1.0)
    await store.write(stored.forget_keys())
    assert await store.key("old") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SQLITE_FULL", StorageFull),
        ("SQLITE_IOERR_WRITE", StorageFull),
        ("SQLITE_READONLY", StorageFull),
        ("SQLITE_BUSY", StorageBusy),
        ("SQLITE_LOCKED", StorageBusy),
    ],
)
def test_what_a_failure_means(name: str, expected: type[Exception]) -> None:
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorname = name
    assert type(stored.storage_error(error)) is expected


async def test_migrations_lead_to_the_tables_of_today(tmp_path: Path) -> None:
    for name, prepare in (("new", migrate), ("migrated", upgrade)):
        engine = create_engine(f"sqlite:///{tmp_path / name}.db")
        with engine.connect() as connection:
            prepare(connection)
            connection.commit()
            context = MigrationContext.configure(connection)
            assert context.get_current_revision() == HEAD
            assert compare_metadata(context, metadata) == []
        engine.dispose()
    config = Config()
    config.set_main_option("script_location", "app/migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_an_older_file_is_migrated_and_a_new_one_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated: list[str] = []
    monkeypatch.setattr(stored, "upgrade", lambda connection: migrated.append("once"))
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    for _ in range(2):
        async with open_store(url) as store:
            assert await store.runs() == []
    assert migrated == []
    monkeypatch.setattr(stored, "HEAD", "0002")
    async with open_store(url):
        pass
    assert migrated == ["once"]


def test_damage_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    assert damage(file) is None
    file.write_bytes(b"nonsense" * 500)
    assert "not a database" in (damage(file) or "")
