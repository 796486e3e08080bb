"""The live socket of a run: frames on request, loss points without gap, states, commands.

A viewer holds nothing that grows: the newest state, a place in the curve, one frame. Sending waits
for the viewer's connection, reading does not; so a slow viewer gets less, and nobody else notices.
"""

import asyncio
import json
from collections import deque
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import TypeAdapter

from app.incoming import read_json, read_message
from app.problems import ApiProblem, Language, refusal
from app.protocol import (
    PROTOCOL,
    BrowserMessage,
    CommandRequest,
    FrameRequest,
    PointsRequest,
    plain,
)
from app.run import Run
from app.runs import Runs, fingerprint
from app.security import language_of

GONE = 4404
# Commands of one socket that may wait; then reading stops until one is done.
COMMANDS_WAITING = 32
# Answers that may wait for a viewer that does not read; then nothing more is read from it.
REPLIES_WAITING = 64

router = APIRouter()
messages: TypeAdapter[BrowserMessage] = TypeAdapter(BrowserMessage)


@router.websocket("/api/runs/{run}/live")
async def live(socket: WebSocket, run: str) -> None:
    """The live protocol; see docs/architecture.md."""
    runs: Runs = socket.app.state.runs
    language = language_of(socket.scope, runs.settings)
    viewers: set[Viewer] = socket.app.state.viewers
    await socket.accept()
    try:
        if len(viewers) >= runs.settings.max_viewers:
            full = refusal(
                429, "too_many_viewers", "{limit} viewers are looking already",
                "Try again later.", limit=runs.settings.max_viewers,
            )  # fmt: skip
            await socket.send_text(_text({**_problem(full, None, language), "run": None}))
            await socket.close(1013)
            return
        try:
            viewer = Viewer(socket, runs, runs.get(run), language)
        except ApiProblem:
            await socket.send_text(_text({"type": "gone"}))
            await socket.close(GONE)
            return
        viewers.add(viewer)
        try:
            await viewer.serve()
        finally:
            viewers.discard(viewer)
    except WebSocketDisconnect:
        pass


class Viewer:
    """One browser tab, or program, that looks at a run."""

    def __init__(self, socket: WebSocket, runs: Runs, run: Run, language: Language) -> None:
        self.socket, self.runs, self.run, self.language = socket, runs, run, language
        self._wake = asyncio.Event()
        self._replies: deque[dict[str, Any]] = deque()
        self._heard = asyncio.Event()
        self._heard.set()
        self._commands: asyncio.Queue[CommandRequest] = asyncio.Queue(COMMANDS_WAITING)
        self._frame: bytes | None = None
        self._frame_task: asyncio.Task[None] | None = None
        self._shown = -1
        self._subscribed = self._restart = False
        self._curve, self._cursor = 0, -1

    async def serve(self) -> None:
        """Until the viewer leaves or the run is deleted."""
        self.run.watchers.add(self._wake.set)
        work = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._carry_out()),
        ]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.run.watchers.discard(self._wake.set)
            for task in (*work, *([self._frame_task] if self._frame_task else [])):
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    # -- coming in ------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            await self._heard.wait()
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            raw = message.get("text")
            value: Any = None
            try:
                value = read_json(raw if raw is not None else message.get("bytes") or b"")
                await self._handle(read_message(messages, value))
            except ApiProblem as problem:
                key = value.get("key") if isinstance(value, dict) else None
                self._reply(_problem(problem, key if isinstance(key, str) else None, self.language))

    async def _handle(self, message: BrowserMessage) -> None:
        match message:
            case FrameRequest():
                # A later request replaces an earlier one.
                if self._frame_task is not None:
                    self._frame_task.cancel()
                self._frame_task = asyncio.create_task(self._fetch(message))
            case PointsRequest():
                stale = message.curve is not None and message.curve != self.run.row["curve"]
                self._restart = message.after is None or stale
                self._cursor = -1 if self._restart or message.after is None else message.after
                self._curve = self.run.row["curve"]
                self._subscribed = True
                self._wake.set()
            case CommandRequest():
                await self._commands.put(message)

    async def _fetch(self, request: FrameRequest) -> None:
        try:
            self._frame = await self.runs.frame(self.run, request.probes, request.after)
            self._wake.set()
        except ApiProblem as problem:
            self._reply(_problem(problem, None, self.language))

    async def _carry_out(self) -> None:
        """Commands one after the other, in the order in which they came."""
        while True:
            request = await self._commands.get()
            command = plain(request.command)
            mark = fingerprint(self.run.id.encode(), json.dumps(command).encode())
            try:
                await self.runs.command(self.run, command, (request.key, mark))
                self._reply({"type": "ack", "key": request.key})
            except ApiProblem as problem:
                self._reply(_problem(problem, request.key, self.language))

    # -- going out ------------------------------------------------------------------------------

    def _reply(self, reply: dict[str, Any]) -> None:
        self._replies.append(reply)
        if len(self._replies) >= REPLIES_WAITING:
            self._heard.clear()
        self._wake.set()

    async def _write(self) -> None:
        await self._send({"type": "hello", "protocol": PROTOCOL})
        while True:
            while self._replies:
                await self._send(self._replies.popleft())
            self._heard.set()
            if self.run.gone:
                await self.socket.send_text(_text({"type": "gone"}))
                await self.socket.close(GONE)
                return
            if self._subscribed:
                await self._send_points()
            if self._shown != self.run.changes:
                await self._send({"type": "run"})
            if self._frame is not None:
                frame, self._frame = self._frame, None
                await self.socket.send_bytes(frame)
            if not self._replies:
                await self._wake.wait()
            self._wake.clear()

    async def _send(self, message: dict[str, Any]) -> None:
        """Send a message with the state of the run as it is now."""
        self._shown = self.run.changes
        await self.socket.send_text(_text({**message, "run": self.run.json(self.language)}))

    async def _send_points(self) -> None:
        """All points that the viewer does not have yet."""
        while True:
            curve = self.run.row["curve"]
            if curve != self._curve:
                self._curve, self._cursor, self._restart = curve, -1, True
            batch = await self.runs.points(self.run, self._cursor)
            if self.run.row["curve"] != curve:
                continue
            if not batch.points and not self._restart:
                return
            message = {"type": "points", "points": batch.points, "curve": curve}
            restart, self._restart, self._cursor = self._restart, False, batch.last
            await self.socket.send_text(_text({**message, "restart": restart}))


def _problem(problem: ApiProblem, key: str | None, language: Language) -> dict[str, Any]:
    body = problem.body(language)
    return {
        "type": "problem",
        "key": key,
        "status": problem.status,
        "title": body["title"],
        "problems": body["problems"],
    }


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
