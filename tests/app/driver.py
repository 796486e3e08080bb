"""A real server in a process of its own, and what tests do with it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from websockets.sync.client import ClientConnection, connect

Json = dict[str, Any]


class ServerProcess:
    """A server that can be started, killed and started again on the same data and port."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {"GLASSNET_WORKERS": "1", "GLASSNET_HOST": "127.0.0.1", **environment}
        self.port = 0
        self.url = self.token = ""
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "app.cli", "serve"]
        command += ["--port", str(self.port), "--data-dir", str(self.folder)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **self.environment}
        )
        assert self.process.stdout is not None
        with self.process.stdout as output:
            line = output.readline()
        found = re.search(r"http://[^ ]*:(\d+)/(?:\?token=(\S+))?", line)
        assert found, f"no address in {line!r}"
        self.port, self.token = int(found[1]), found[2] or ""
        self.url = f"http://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, **options)

    @contextmanager
    def socket(self, run: str, language: str = "en", **options: Any) -> Iterator[ClientConnection]:
        options = {"origin": self.url, "max_size": None, "compression": None, **options}
        address = f"ws://127.0.0.1:{self.port}/api/runs/{run}/live?language={language}"
        with connect(address, **options) as socket:
            yield socket

    def workers(self) -> list[psutil.Process]:
        """Its training processes, the desk among them."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "app.worker" in " ".join(child.cmdline())]

    def training_workers(self) -> list[psutil.Process]:
        """Those that train give way to the server; the desk does not."""
        return [worker for worker in self.workers() if worker.nice() > 0]

    def resident(self) -> int:
        """Memory of the server alone (bytes)."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def open_files(self) -> int:
        return int(psutil.Process(self.process.pid).num_fds())

    def kill(self) -> None:
        """As if the power had gone, for the server alone."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def create(client: httpx.Client, document: Json, start: bool = False) -> Json:
    """A new run; its state."""
    answer = client.post("/api/runs", json={"document": document, "start": start})
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def command(client: httpx.Client, run: str, type: str, **fields: Any) -> Json:
    """A command that must be carried out; the state after it."""
    answer = client.post(f"/api/runs/{run}/commands", json={"type": type, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def until(client: httpx.Client, run: str, seen: Callable[[Json], bool], within: float = 10) -> Json:
    """The first state of a run in which something is seen."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        state: Json = client.get(f"/api/runs/{run}").json()
        if seen(state):
            return state
        time.sleep(0.02)
    raise AssertionError(f"never seen; last: {state['status']} at step {state['step']}")


def all_points(client: httpx.Client, run: str) -> list[Json]:
    return client.get(f"/api/runs/{run}/metrics").json()["points"]  # type: ignore[no-any-return]
