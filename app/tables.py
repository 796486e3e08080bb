"""Uploaded tables: looked into by the desk, kept in the store."""

from typing import Any

from app import store as stored
from app.problems import ApiProblem, refusal
from app.run import letters, now
from app.runs import Runs


class Tables:
    """The tables that users brought."""

    def __init__(self, runs: Runs) -> None:
        self._runs, self._store = runs, runs.store

    async def add(self, name: str, content: bytes) -> dict[str, Any]:
        """Keep a CSV file; answers the contract's `Table`. Raises `ApiProblem` when it cannot be
        read as a table, or when there are too many already."""
        limit = self._runs.settings.max_tables
        if len(await self._store.tables()) >= limit:
            raise refusal(
                429, "too_many_tables", "{limit} tables are kept already", "Delete some.",
                limit=limit,
            )  # fmt: skip
        answer, _ = await self._runs.placement.consult({"type": "inspect"}, {"table": content})
        info = {"id": "t_" + letters(), "name": name, **answer["answer"]}
        await self._store.write(stored.add_table(info, now(), content))
        return info

    async def list(self) -> list[dict[str, Any]]:
        return await self._store.tables()

    async def get(self, table: str) -> dict[str, Any]:
        info = await self._store.table(table)
        if info is None:
            raise _unknown(table)
        return info

    async def remove(self, table: str) -> None:
        """Delete a table. Raises 409 while a run uses it."""
        await self.get(table)
        for run in self._runs.newest_first():
            if table in run.row["document"]["data"].values():
                raise refusal(
                    409, "table_in_use", "the run “{name}” uses this table",
                    "Delete the run first.", name=run.row["document"]["name"],
                )  # fmt: skip
        await self._store.write(stored.remove_table(table))


def _unknown(table: str) -> ApiProblem:
    return refusal(
        404, "unknown_table", "there is no table “{table}”", "It may have been deleted.",
        table=table[:40],
    )  # fmt: skip
