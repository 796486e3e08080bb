"""The live socket: frames on request, points without gap, and viewers that harm nobody."""

import contextlib
import json
import socket as raw_socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from safetensors.numpy import load
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from app import protocol
from tests.app.driver import Json, ServerProcess, all_points, command, create, until

messages: TypeAdapter[protocol.ServerMessage] = TypeAdapter(protocol.ServerMessage)

WEIGHTS = [{"kind": "weights"}]


def ask(socket: ClientConnection, type: str, **fields: Any) -> None:
    socket.send(json.dumps({"type": type, **fields}))


def receive(socket: ClientConnection, within: float = 5) -> Json:
    """The next message; a frame as `{"type": "frame", …metadata, "arrays": …}`."""
    raw = socket.recv(timeout=within)
    if isinstance(raw, bytes):
        length = int.from_bytes(raw[:8], "little")
        metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
        return {"type": "frame", **metadata, "arrays": load(raw)}
    message: Json = json.loads(raw)
    messages.validate_python(message)
    return message


def wait_for(
    socket: ClientConnection, type: str, seen: Callable[[Json], bool] = lambda message: True
) -> Json:
    """The next message of a type in which something is seen; others are left out."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        message = receive(socket)
        if message["type"] == type and seen(message):
            return message
    raise AssertionError(f"no {type}")


@pytest.fixture
def run(client: httpx.Client, document: Json) -> Any:
    run = create(client, document)["id"]
    yield run
    client.delete(f"/api/runs/{run}")


@pytest.fixture
def socket(shared_server: ServerProcess, run: str) -> Any:
    with shared_server.socket(run) as socket:
        yield socket


def test_it_greets_with_the_state(socket: ClientConnection, run: str) -> None:
    hello = receive(socket)
    assert (hello["type"], hello["protocol"], hello["run"]["id"]) == ("hello", 1, run)


def test_a_paused_run_shows_one_frame_and_then_waits(
    socket: ClientConnection, client: httpx.Client, run: str
) -> None:
    ask(socket, "frame", probes=WEIGHTS)
    first = wait_for(socket, "frame")
    assert (first["run"], first["step"]) == (run, "0")
    ask(socket, "frame", probes=WEIGHTS, after=int(first["version"]))
    with pytest.raises(TimeoutError):
        wait_for(socket, "frame") if receive(socket, within=0.3) else None
    command(client, run, "step")
    second = wait_for(socket, "frame")
    assert second["step"] == "1"
    assert second["version"] != first["version"]


def test_a_later_request_for_a_frame_replaces_the_earlier(
    socket: ClientConnection, run: str
) -> None:
    ask(socket, "frame", probes=WEIGHTS)
    version = int(wait_for(socket, "frame")["version"])
    ask(socket, "frame", probes=WEIGHTS, after=version)
    ask(socket, "frame", probes=[{"kind": "surface", "size": 8}], after=None)
    frame = wait_for(socket, "frame")
    assert list(frame["arrays"]) == ["surface/output"]


def test_frames_follow_the_training(
    socket: ClientConnection, client: httpx.Client, run: str
) -> None:
    command(client, run, "run")
    steps = [-1]
    version = None
    for _ in range(20):
        ask(socket, "frame", probes=WEIGHTS, after=version)
        frame = wait_for(socket, "frame")
        version = int(frame["version"])
        steps.append(int(frame["step"]))
    assert steps == sorted(set(steps)), "each frame is newer than the one before"


def test_what_a_probe_cannot_measure_is_named(socket: ClientConnection) -> None:
    ask(socket, "frame", probes=[{"kind": "weights"}, {"kind": "trace"}])
    missing = json.loads(wait_for(socket, "frame")["missing"])
    assert missing["trace"]["code"] == "no_input"


def test_points_come_in_order_without_gap_and_are_caught_up(
    socket: ClientConnection, shared_server: ServerProcess, client: httpx.Client, run: str
) -> None:
    ask(socket, "points")
    first = wait_for(socket, "points")
    assert (first["restart"], [point["step"] for point in first["points"]]) == (True, [0])
    command(client, run, "run")
    seen = list(first["points"])
    while len(seen) < 700:
        message = wait_for(socket, "points")
        assert not message["restart"]
        seen += message["points"]
    half = seen[400]["step"]
    command(client, run, "pause")
    stored = all_points(client, run)
    while seen[-1]["step"] < stored[-1]["step"]:
        seen += wait_for(socket, "points")["points"]
    assert seen == stored
    # Another viewer comes back with what it had.
    with shared_server.socket(run) as other:
        ask(other, "points", after=half, curve=first["curve"])
        caught_up = wait_for(other, "points")
        assert not caught_up["restart"]
        assert caught_up["points"] == [point for point in stored if point["step"] > half]


def test_after_a_reset_the_curve_starts_afresh_also_for_who_was_away(
    socket: ClientConnection, shared_server: ServerProcess, client: httpx.Client, run: str
) -> None:
    command(client, run, "step", count=20)
    ask(socket, "points")
    curve = wait_for(socket, "points")["curve"]
    command(client, run, "reset")
    again = wait_for(socket, "points")
    assert again["restart"]
    assert [point["step"] for point in again["points"]] == [0]
    command(client, run, "step", count=30)
    with shared_server.socket(run) as other:
        ask(other, "points", after=20, curve=curve)
        anew = wait_for(other, "points")
        assert anew["restart"]
        points = anew["points"]
        while len(points) < 31:
            points += wait_for(other, "points", lambda message: not message["restart"])["points"]
        assert [point["step"] for point in points] == list(range(31))


def test_two_tabs_command_one_run(
    socket: ClientConnection, shared_server: ServerProcess, run: str
) -> None:
    with shared_server.socket(run) as other:
        revision = receive(socket)["run"]["revision"]
        order = {"type": "step", "revision": revision}
        ask(socket, "command", key="mine", command=order)
        ack = wait_for(socket, "ack")
        assert (ack["key"], ack["run"]["step"]) == ("mine", 1)
        # The other tab learns of it, and its late command is refused with the state.
        wait_for(other, "run", lambda message: message["run"]["step"] == 1)
        ask(other, "command", key="theirs", command=order)
        problem = wait_for(other, "problem")
        assert (problem["key"], problem["status"]) == ("theirs", 409)
        assert problem["run"]["revision"] == revision + 1


def test_a_command_sent_again_takes_effect_once(socket: ClientConnection) -> None:
    for _ in range(3):
        ask(socket, "command", key="the same", command={"type": "step", "count": 2})
        assert wait_for(socket, "ack")["run"]["step"] == 2


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("{nonsense", 400),
        ('{"type": "frame", "probes": [], "after": NaN}', 400),
        ('{"type": "dance"}', 422),
        ('{"type": "frame", "probes": [{"kind": "x-ray"}]}', 422),
        ('{"type": "command", "key": "k", "command": {"type": "step", "count": 0}}', 422),
        ("[]", 422),
    ],
)
def test_a_wrong_message_is_answered_and_nothing_breaks(
    socket: ClientConnection, text: str, status: int
) -> None:
    socket.send(text)
    problem = wait_for(socket, "problem")
    assert (problem["status"], bool(problem["problems"])) == (status, True)
    assert problem["key"] == ("k" if '"k"' in text else None)
    ask(socket, "frame", probes=WEIGHTS)
    wait_for(socket, "frame")


def test_a_problem_speaks_the_language_of_the_viewer(
    shared_server: ServerProcess, run: str
) -> None:
    with shared_server.socket(run, language="zh") as socket:
        socket.send("{")
        assert not wait_for(socket, "problem")["title"].isascii()


def test_a_message_that_is_too_long_closes_the_socket(socket: ClientConnection) -> None:
    receive(socket)
    socket.send("x" * 70_000)
    with pytest.raises(ConnectionClosed, match="1009"):
        wait_for(socket, "never")


def test_a_run_deleted_while_it_trains_says_so(
    shared_server: ServerProcess, client: httpx.Client, document: Json
) -> None:
    run = create(client, document, start=True)["id"]
    with shared_server.socket(run) as socket:
        ask(socket, "points")
        wait_for(socket, "points")
        ask(socket, "frame", probes=WEIGHTS)
        assert client.delete(f"/api/runs/{run}").status_code == 204
        wait_for(socket, "gone")
        with pytest.raises(ConnectionClosed, match="4404"):
            receive(socket)
    with shared_server.socket(run) as socket:
        assert receive(socket)["type"] == "gone"
    assert client.get("/api/health").json()["workers"] == 1


def test_a_viewer_that_never_reads_holds_up_nobody(
    shared_server: ServerProcess, client: httpx.Client, run: str
) -> None:
    command(client, run, "run")
    large = [{"kind": "surface", "size": 128}]
    # Its buffers are small, and it asks on and on without reading an answer.
    with shared_server.socket(run, max_queue=1, close_timeout=0.2) as stalled:
        with contextlib.suppress(ConnectionClosed):
            for k in range(150):
                ask(stalled, "frame", probes=large, after=k)
        memory = shared_server.resident()
        with shared_server.socket(run) as lively:
            waits = []
            for k in range(40):
                started = time.monotonic()
                ask(lively, "frame", probes=WEIGHTS, after=k)
                wait_for(lively, "frame")
                waits.append(time.monotonic() - started)
        assert sorted(waits)[20] < 0.5
        assert shared_server.resident() - memory < 20_000_000


def test_one_measurement_serves_all_who_wait_for_the_same(
    socket: ClientConnection, shared_server: ServerProcess, client: httpx.Client, run: str
) -> None:
    with shared_server.socket(run) as other:
        for viewer in (socket, other):
            ask(viewer, "frame", probes=WEIGHTS)
        first = [int(wait_for(viewer, "frame")["version"]) for viewer in (socket, other)]
        assert first[0] == first[1]
        for viewer in (socket, other):
            ask(viewer, "frame", probes=WEIGHTS, after=first[0])
        command(client, run, "step")
        assert [wait_for(viewer, "frame")["step"] for viewer in (socket, other)] == ["1", "1"]
        # Who comes later gets what the others have, at once.
        ask(socket, "frame", probes=WEIGHTS, after=int(first[0]))
        assert wait_for(socket, "frame")["step"] == "1"


def test_sockets_that_come_and_go_leave_nothing(
    shared_server: ServerProcess, client: httpx.Client, run: str
) -> None:
    def visit() -> None:
        with shared_server.socket(run) as socket:
            ask(socket, "points")
            ask(socket, "frame", probes=WEIGHTS)
            wait_for(socket, "frame")
            ask(socket, "frame", probes=WEIGHTS, after=0)

    visit()
    before = shared_server.open_files()
    for _ in range(30):
        visit()
    end = time.monotonic() + 5
    while shared_server.open_files() > before and time.monotonic() < end:
        time.sleep(0.05)
    assert shared_server.open_files() <= before
    assert until(client, run, lambda state: state["status"] == "created")


def test_a_viewer_that_fell_silent_is_let_go(
    start_server: Callable[..., ServerProcess], document: Json
) -> None:
    server = start_server(GLASSNET_PING_SECONDS="0.4")
    with server.client() as client:
        run = create(client, document, start=True)["id"]
        before = server.open_files()
        with raw_socket.create_connection(("127.0.0.1", server.port)) as silent:
            # A browser that opens a socket, asks for everything, and is cut off.
            silent.sendall(
                f"GET /api/runs/{run}/live HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                f"Origin: {server.url}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert b"101" in silent.recv(100)
            assert server.open_files() == before + 1
            end = time.monotonic() + 4
            while server.open_files() > before and time.monotonic() < end:
                time.sleep(0.05)
            assert server.open_files() == before


def test_an_idle_run_leaves_memory_and_comes_back(
    start_server: Callable[..., ServerProcess], document: Json
) -> None:
    server = start_server(GLASSNET_IDLE_SECONDS="0.3")
    with server.client() as client:
        run = create(client, document)["id"]
        command(client, run, "step", count=5)

        def version() -> int:
            frame = client.get(f"/api/runs/{run}/frame", params={"probes": "weights"}).content
            length = int.from_bytes(frame[:8], "little")
            return int(json.loads(frame[8 : 8 + length])["__metadata__"]["version"])

        first = version()
        assert version() == first
        time.sleep(1)
        # It was read anew from its checkpoint, and is the same.
        assert version() != first
        assert command(client, run, "step")["step"] == 6


def test_a_command_is_carried_out_whole_also_when_its_sender_leaves(
    shared_server: ServerProcess, client: httpx.Client, run: str
) -> None:
    for k in range(10):
        with shared_server.socket(run) as socket:
            ask(socket, "command", key=f"leaving-{k}", command={"type": "step"})
    # Sent again, those that were heard of count once, the others now.
    for k in range(10):
        with shared_server.socket(run) as socket:
            ask(socket, "command", key=f"leaving-{k}", command={"type": "step"})
            state = wait_for(socket, "ack")["run"]
    assert state["step"] == 10
    assert [point["step"] for point in all_points(client, run)] == list(range(11))
    assert state["revision"] == 11
