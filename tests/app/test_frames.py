"""Viewers who wait for the same probes share one measurement."""

import asyncio

import pytest

from app.frames import Feed

PROBES = [{"kind": "weights"}]


class Source:
    """Something to measure, whose version a test moves on."""

    def __init__(self) -> None:
        self.version = 1
        self.measured = 0
        self.asked: list[int | None] = []
        self.moved = asyncio.Condition()
        self.feeds: dict[str, Feed] = {}

    async def measure(self, after: int | None) -> tuple[int, bytes]:
        self.asked.append(after)
        async with self.moved:
            await self.moved.wait_for(lambda: self.version != after)
        self.measured += 1
        return self.version, b"frame %d" % self.version

    async def move(self) -> None:
        async with self.moved:
            self.version += 1
            self.moved.notify_all()

    def next(self, after: int | None) -> asyncio.Task[bytes]:
        return asyncio.create_task(Feed.of(self.feeds, PROBES, self.measure).next(after))


async def rest() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def source() -> Source:
    return Source()


async def test_those_who_wait_for_the_same_are_answered_together(source: Source) -> None:
    viewers = [source.next(1) for _ in range(50)]
    await rest()
    assert source.measured == 0
    await source.move()
    assert await asyncio.gather(*viewers) == [b"frame 2"] * 50
    assert (source.measured, source.feeds) == (1, {})


async def test_who_comes_late_gets_what_the_others_have(source: Source) -> None:
    assert await source.next(None) == b"frame 1"
    waiting = source.next(1)
    await rest()
    assert await source.next(None) == b"frame 1"
    assert await source.next(None) == b"frame 1", "now it is known: not measured again"
    assert source.measured <= 2
    assert not waiting.done()
    await source.move()
    assert await waiting == b"frame 2"


async def test_who_has_the_newest_waits_on_when_others_are_answered(source: Source) -> None:
    old = source.next(0)
    new = source.next(1)
    assert await old == b"frame 1"
    await rest()
    assert not new.done()
    await source.move()
    assert await new == b"frame 2"


async def test_who_leaves_leaves_nothing_behind(source: Source) -> None:
    leaving = source.next(1)
    await rest()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await rest()
    assert source.feeds == {}
    assert len(asyncio.all_tasks()) == 1


async def test_a_failure_reaches_all_who_wait(source: Source) -> None:
    async def broken(after: int | None) -> tuple[int, bytes]:
        raise ValueError("no such probe")

    viewers = [
        asyncio.create_task(Feed.of(source.feeds, PROBES, broken).next(after)) for after in (1, 1)
    ]
    answers = await asyncio.gather(*viewers, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["no such probe"] * 2


async def test_closing_tells_all_who_wait(source: Source) -> None:
    viewer = source.next(1)
    await rest()
    next(iter(source.feeds.values())).close(LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        await viewer
