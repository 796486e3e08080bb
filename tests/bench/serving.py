"""The server from outside: how soon it answers, and how it shares two workers among many runs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import httpx

from tests.app.driver import Json, ServerProcess, command, create
from tests.bench.engine import network
from tests.bench.measure import Row, seconds

RUNS = 20
SECONDS = 10.0
STARTS = 5


@contextmanager
def server(workers: int = 2) -> Iterator[ServerProcess]:
    """A server on a free port and an empty folder; gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        process = ServerProcess(Path(folder), GLASSNET_WORKERS=str(workers))
        try:
            yield process
        finally:
            process.close()


def document(sizes: list[int], seed: int = 1, features: list[str] | None = None) -> Json:
    """A network that trains on the circle without end."""
    return {
        "format": 1,
        "name": "Bench",
        "seed": seed,
        "data": {
            "kind": "circle",
            "samples": 500,
            "features": features or ["x", "y"],
        },
        "recipe": "supervised",
        "networks": {"model": network(sizes, "tanh", "linear")},
        "loss": "cross_entropy",
        "optimizer": {"kind": "sgd", "rate": 0.01},
        "training": {"batch": 10},
    }


def seconds_to_first_answer() -> float:
    """From starting the process to the first answer, in an empty folder."""
    started = time.perf_counter()
    with server() as running, running.client() as client:
        client.get("/api/health").raise_for_status()
        return time.perf_counter() - started


def jain(shares: list[float]) -> float:
    """Jain's index of fairness: 1 when all are equal, 1/n when one has everything."""
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares))


def steps(client: httpx.Client) -> dict[str, int]:
    return {run["id"]: run["step"] for run in client.get("/api/runs").json()}


def asked(client: httpx.Client, run: str, rate: float) -> list[Callable[[], object]]:
    """What a page and a program ask of a run that trains."""
    address = f"/api/runs/{run}"
    return [
        lambda: client.get(address),
        lambda: client.get(f"{address}/metrics?after=1024"),
        lambda: command(client, run, "set", path=["optimizer", "rate"], value=rate),
        lambda: client.post(f"{address}/predict", json={"inputs": [[0.5, 1.0]]}),
    ]


def crowd() -> tuple[float, list[float]]:
    """Fairness of the steps that equal runs make on two workers, and how long answers took
    meanwhile (seconds)."""
    took: list[float] = []
    with server() as running, running.client() as client:
        ids = [create(client, document([4, 2, 1], seed), start=True)["id"] for seed in range(RUNS)]
        time.sleep(1)
        before, end = steps(client), time.perf_counter() + SECONDS
        for turn, run in enumerate(cycle(ids)):
            if time.perf_counter() > end:
                break
            took += map(seconds, asked(client, run, rate=0.03 if turn // RUNS % 2 else 0.01))
        after = steps(client)
    return jain([after[run] - before[run] for run in ids]), took


def rows() -> Iterator[Row]:
    starts = [seconds_to_first_answer() for _ in range(STARTS)]
    yield Row(
        "server start to first answer, median", statistics.median(starts), "s", 1.5, at_least=False,
        note=f"slowest {max(starts):.2f} s",
    )  # fmt: skip
    fairness, took = crowd()
    yield Row(f"{RUNS} runs at once on two workers, Jain fairness of steps", fairness, "", 0.95)
    percentiles = statistics.quantiles(took, n=100)
    yield Row(
        f"{RUNS} runs at once on two workers, API answers, p99", percentiles[98] * 1e3, "ms", 200,
        at_least=False, note=f"median {percentiles[49] * 1e3:.0f} ms of {len(took)} answers",
    )  # fmt: skip
