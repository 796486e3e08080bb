"""What survives when processes die: everything that was acknowledged, and every loss point once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosedError

from app.training import Training
from engine.examine import Limits
from tests.app.driver import Json, ServerProcess, all_points, command, create, until

Start = Callable[..., ServerProcess]

EPOCHS = 3000
PACE = 3000.0


@pytest.fixture
def long(document: Json) -> Json:
    """About three seconds of training at `PACE`, with an end."""
    return {**document, "training": {"batch": 10, "epochs": EPOCHS}}


def paced(client: httpx.Client, document: Json) -> str:
    """A run that trains neither too fast nor too slowly to be interrupted."""
    run: str = create(client, document)["id"]
    command(client, run, "speed", steps_per_second=PACE)
    command(client, run, "run")
    return run


def uninterrupted(document: Json, steps: int) -> dict[int, dict[str, float]]:
    """Loss points of the same document, trained without a server."""
    training = Training("r_here", document, {}, Limits(), 0)
    training.command({"type": "run"}, {})
    while training.status == "running" and training.trainer.step_number < steps:
        training.train(1.0)
    return {point["step"]: point["values"] for point in training.points}


def assert_whole(points: list[Json], document: Json) -> None:
    """Every point is there once, in order, the same as without any interruption."""
    expected = uninterrupted(document, points[-1]["step"])
    steps = [point["step"] for point in points]
    assert steps == sorted(step for step in expected if step <= steps[-1])
    assert all(point["values"] == expected[point["step"]] for point in points)


def test_a_killed_worker_is_replaced_and_the_run_goes_on_bit_for_bit(
    start_server: Start, long: Json
) -> None:
    server = start_server(GLASSNET_CHECKPOINT_SECONDS="0.3")
    with server.client() as client:
        run = paced(client, long)
        with server.socket(run) as socket:
            socket.send(json.dumps({"type": "points"}))
            seen: list[Json] = []
            until(client, run, lambda state: state["step"] > 3000)
            (worker,) = server.training_workers()
            worker.kill()
            killed = time.monotonic()
            recovering = advanced = None
            last = client.get(f"/api/runs/{run}").json()["step"]
            status = ""
            while status != "finished":
                message = json.loads(socket.recv(timeout=20))
                if message["type"] == "points":
                    seen = message["points"] if message["restart"] else seen + message["points"]
                elif message["type"] == "run":
                    status = message["run"]["status"]
                    if status == "recovering" and recovering is None:
                        recovering = time.monotonic() - killed
                    if recovering and advanced is None and message["run"]["step"] > last:
                        advanced = time.monotonic() - killed
            assert recovering is not None
            assert recovering < 1.0
            assert advanced is not None
            # Loading Python anew takes most of it; ten times the usual on a busy machine.
            assert advanced < 8.0
        points = all_points(client, run)
        assert points[-1]["epoch"] == EPOCHS
        assert_whole(points, long)
        # Who watched has every point once as well.
        assert [point["step"] for point in seen] == [point["step"] for point in points]


def test_a_killed_server_takes_its_workers_with_it_and_goes_on_where_it_was(
    start_server: Start, long: Json, document: Json
) -> None:
    server = start_server(GLASSNET_CHECKPOINT_SECONDS="0.3")
    with server.client() as client:
        paused = create(client, document)["id"]
        command(client, paused, "step", count=100)
        state = command(client, paused, "set", path=["optimizer", "rate"], value=0.5)
        running = paced(client, long)
        until(client, running, lambda state: state["step"] > 2000)
        orphans = server.workers()
        weights = client.get(f"/api/runs/{paused}/weights").content
        server.kill()
    _, alive = psutil.wait_procs(orphans, timeout=5)
    assert not alive

    server.start()
    with server.client() as client:
        again = client.get(f"/api/runs/{paused}").json()
        assert again == {**state, "steps_per_second": 0.0}
        assert client.get(f"/api/runs/{paused}/weights").content == weights
        until(client, running, lambda state: state["status"] == "finished", within=30)
        assert_whole(all_points(client, running), long)


def test_a_worker_that_hangs_is_killed_and_its_run_goes_on(
    start_server: Start, document: Json
) -> None:
    server = start_server(GLASSNET_SILENCE_SECONDS="0.8")
    with server.client() as client:
        run = create(client, document, start=True)["id"]
        step = until(client, run, lambda state: state["step"] > 100)["step"]
        (worker,) = server.training_workers()
        worker.suspend()
        until(client, run, lambda state: state["status"] == "recovering")
        # Commands that come meanwhile are carried out afterwards.
        state = command(client, run, "pause")
        assert state["status"] == "paused"
        assert not worker.is_running()
        assert_whole(all_points(client, run), document)
        command(client, run, "run")
        until(client, run, lambda state: state["step"] > step)


def test_a_run_that_kills_its_worker_three_times_has_failed(
    start_server: Start, document: Json
) -> None:
    server = start_server(GLASSNET_CHECKPOINT_SECONDS="60")
    with server.client() as client:
        innocent = create(client, document)["id"]
        run = create(client, document, start=True)["id"]
        for _ in range(3):
            until(client, run, lambda state: state["status"] == "running")
            # Once more has been trained than at the last time, it is busy with the run.
            time.sleep(0.3)
            (worker,) = server.training_workers()
            worker.kill()
            until(client, run, lambda state: state["status"] != "running")
        state = until(client, run, lambda state: state["status"] == "failed")
        assert state["reason"]["code"] == "worker_died"
        assert client.get(f"/api/runs/{innocent}").json()["status"] == "created"
        # It can be tried again.
        assert command(client, run, "pause")["status"] == "failed"
        assert command(client, run, "run")["status"] == "running"


def test_term_stores_where_every_run_is_and_ends_in_time(
    start_server: Start, document: Json
) -> None:
    server = start_server(GLASSNET_CHECKPOINT_SECONDS="60")
    with server.client() as client:
        run = create(client, document, start=True)["id"]
        until(client, run, lambda state: state["step"] > 1000)
        workers = server.workers()
        with server.socket(run) as socket:
            started = time.monotonic()
            server.stop()
            assert time.monotonic() - started < 10
            with pytest.raises(ConnectionClosedError, match="1012"):
                deque(socket, maxlen=0)
    assert not any(worker.is_running() for worker in workers)
    server.start()
    with server.client() as client:
        # The checkpoint was not due for a minute: it is the one of the end.
        assert client.get(f"/api/runs/{run}").json()["step"] > 1000
        until(client, run, lambda state: state["status"] == "running")
        command(client, run, "pause")
        assert_whole(all_points(client, run), document)


def test_two_servers_do_not_share_a_folder(start_server: Start) -> None:
    server = start_server()
    second = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--data-dir", server.folder],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert "Another Glassnet" in second.stderr


def test_a_file_that_is_no_data_base_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "glassnet.db"
    file.write_bytes(b"not a data base " * 1000)
    before = file.read_bytes()
    answer = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--data-dir", tmp_path],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert answer.returncode == 1
    assert str(file) in answer.stderr
    assert "Traceback" not in answer.stderr
    assert file.read_bytes() == before


def test_a_full_disk_pauses_training_and_loses_nothing_that_was_acknowledged(
    start_server: Start, document: Json
) -> None:
    # The limit on the size of a file stands for the full disk: SQLite cannot tell them apart.
    import resource

    server = start_server(GLASSNET_CHECKPOINT_SECONDS="0.2")
    with server.client() as client:
        run = create(client, document, start=True)["id"]
        acknowledged = command(client, run, "speed", steps_per_second=None)
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (100_000, hard))
        state = until(client, run, lambda state: state["status"] == "paused", within=20)
        assert state["reason"]["code"] == "storage_full"
        refused = client.post(f"/api/runs/{run}/commands", json={"type": "step"})
        assert refused.status_code == 507
        # Reading works.
        points = all_points(client, run)
        assert points[-1]["step"] >= acknowledged["step"] - 1
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        step = command(client, run, "run")["step"]
        until(client, run, lambda state: state["step"] > step)
        command(client, run, "pause")
        assert_whole(all_points(client, run), document)


def test_a_locked_data_base_is_busy_not_stuck(start_server: Start, document: Json) -> None:
    import sqlite3

    server = start_server()
    with server.client() as client, httpx.Client(base_url=server.url, timeout=5) as other:
        run = create(client, document)["id"]
        lock = sqlite3.connect(server.folder / "glassnet.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        try:
            started = time.monotonic()
            answers: list[Any] = []
            import threading

            thread = threading.Thread(
                target=lambda: answers.append(
                    client.post(f"/api/runs/{run}/commands", json={"type": "step"})
                )
            )
            thread.start()
            time.sleep(0.3)
            # Meanwhile the server answers others.
            asked = time.monotonic()
            assert other.get("/api/health").status_code == 200
            assert time.monotonic() - asked < 1
            thread.join()
            assert answers[0].status_code == 503
            assert answers[0].headers["retry-after"] == "1"
            assert time.monotonic() - started < 10
        finally:
            lock.execute("ROLLBACK")
            lock.close()
        assert command(client, run, "step")["step"] == 1


def test_a_worker_that_lost_its_server_is_gone() -> None:
    """Without end of input it would wait for ever; with it, it must not outlive the server."""
    note = Path("/tmp") / f"glassnet-test-{os.getpid()}"
    note.write_bytes(bytes(64))
    options = ["--blame", str(note), "--parameters", "10", "--bytes", "10", "--checkpoint", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "app.worker", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as worker:  # fmt: skip
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert b"ready" in worker.stdout.read(30)
        worker.send_signal(signal.SIGINT)
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert worker.poll() is None, "signals to the group are for the server"
        worker.stdin.close()
        assert worker.wait(timeout=5) == 0
    note.unlink()
