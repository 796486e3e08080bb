"""Frames for many viewers: those who wait for the same probes of a run share one measurement."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

Measure = Callable[[int | None], Awaitable[tuple[int, bytes]]]
"""`await measure(after)`: a frame of another version than `after`, and its version."""


class Feed:
    """The viewers of one run that wait for the same probes. It lives while somebody waits."""

    def __init__(self, feeds: dict[str, "Feed"], key: str, measure: Measure) -> None:
        self._feeds, self._key, self._measure = feeds, key, measure
        self._waiting: dict[asyncio.Future[bytes], int | None] = {}
        self._asked: int | None = None
        self._last: tuple[int, bytes] | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, feeds: dict[str, "Feed"], probes: list[dict[str, Any]], measure: Measure) -> "Feed":
        """The feed for these probes among `feeds`, made when there is none."""
        key = json.dumps(probes, sort_keys=True)
        if key not in feeds:
            feeds[key] = cls(feeds, key, measure)
        return feeds[key]

    async def next(self, after: int | None) -> bytes:
        """The next frame that is not of version `after` (None: the newest, at once)."""
        if self._waits_elsewhere(after):
            if self._last is not None and self._last[0] == self._asked:
                # The worker has nothing newer than this, or it would have answered.
                return self._last[1]
            self._stop()
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[future] = after
        if self._task is None:
            self._task = asyncio.create_task(self._serve())
        try:
            return await future
        finally:
            self._waiting.pop(future, None)
            if not self._waiting:
                self._stop()
                if self._feeds.get(self._key) is self:
                    del self._feeds[self._key]

    def _waits_elsewhere(self, after: int | None) -> bool:
        """Whether the question on its way may stay open while this viewer could be answered."""
        return self._task is not None and self._asked is not None and self._asked != after

    async def _serve(self) -> None:
        try:
            while self._waiting:
                wanted = set(self._waiting.values())
                self._asked = wanted.pop() if len(wanted) == 1 else None
                version, frame = await self._measure(self._asked)
                self._last = version, frame
                for future, after in list(self._waiting.items()):
                    if after != version and not future.done():
                        future.set_result(frame)
                        del self._waiting[future]
        except Exception as error:
            for future in self._waiting:
                if not future.done():
                    future.set_exception(error)
            self._waiting = {}
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def close(self, error: Exception) -> None:
        """Nobody will be answered any more."""
        self._stop()
        for future in self._waiting:
            if not future.done():
                future.set_exception(error)
