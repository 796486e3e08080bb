"""Real servers, each a process of its own with its workers, on free ports and empty folders."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.driver import Json, ServerProcess


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests that leave it as it is."""
    server = ServerProcess(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server of the test's own."""
    started: list[ServerProcess] = []

    def start(**environment: str) -> ServerProcess:
        started.append(ServerProcess(tmp_path / f"data{len(started)}", **environment))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def client(shared_server: ServerProcess) -> Iterator[httpx.Client]:
    with shared_server.client() as client:
        yield client


@pytest.fixture
def document() -> Json:
    """A small network that trains without end."""
    return {
        "format": 1,
        "name": "Circle",
        "seed": 3,
        "data": {"kind": "circle", "samples": 60, "noise": 0.1},
        "recipe": "supervised",
        "networks": {
            "model": [
                {"id": "h1", "kind": "dense", "units": 4, "activation": "tanh"},
                {"id": "out", "kind": "dense", "units": 2},
            ]
        },
        "loss": "cross_entropy",
        "optimizer": {"kind": "adam", "rate": 0.01},
        "training": {"batch": 10},
    }
