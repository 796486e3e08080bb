"""A client of the REST interface, for programs and for `glassnet train --server`.

with Client("http://127.0.0.1:8000") as client:
    run = client.create(document, start=True)
    run = client.wait(run["id"])
    answer = client.predict(run["id"], [[1.0, 2.0]])
"""

import time
import uuid
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]

# A request is sent again when the connection broke, or the server asked for it: with its
# idempotency key that is safe.
ATTEMPTS = 4
RESTING = frozenset({"created", "paused", "finished", "diverged", "failed"})


class ServerProblem(Exception):
    """The server refused; `status` and `problems` are those of its answer."""

    def __init__(self, status: int, title: str, problems: list[Json]) -> None:
        self.status, self.problems = status, problems
        super().__init__("; ".join([title, *(_sentence(problem) for problem in problems)]))


def _sentence(problem: Json) -> str:
    place = ".".join(str(step) for step in problem["path"])
    return f"{place}: {problem['message']}" if place else str(problem["message"])


class Client:
    """Calls to one server. Raises `ServerProblem` when it refuses, `httpx.HTTPError` when it
    cannot be reached."""

    def __init__(self, url: str, token: str | None = None, timeout: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; its answer, or `ServerProblem`."""
        if method == "POST":
            options.setdefault("headers", {})["Idempotency-Key"] = uuid.uuid4().hex
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                response = self._http.request(method, path, **options)
            except httpx.TransportError:
                if last:
                    raise
            else:
                if response.status_code != 503 or last:
                    return _checked(response)
            time.sleep(0.25 * 2**attempt)
        raise AssertionError  # the last attempt returns or raises

    def compile(self, document: Json) -> Json:
        return self._json("POST", "/api/compile", json={"document": document})

    def create(self, document: Json, start: bool = False) -> Json:
        """A new run; its state."""
        return self._json("POST", "/api/runs", json={"document": document, "start": start})

    def run(self, run: str) -> Json:
        return self._json("GET", f"/api/runs/{run}")

    def command(self, run: str, type: str, **fields: Any) -> Json:
        """Control a run: `client.command(run, "step", count=10)`."""
        return self._json("POST", f"/api/runs/{run}/commands", json={"type": type, **fields})

    def wait(self, run: str, every: float = 0.25, look: Callable[[Json], object] = bool) -> Json:
        """Wait until a run trains no more; `look` sees each state on the way."""
        while True:
            state = self.run(run)
            look(state)
            if state["status"] in RESTING:
                return state
            time.sleep(every)

    def points(self, run: str, after: int = -1) -> Iterator[Json]:
        yield from self._json("GET", f"/api/runs/{run}/metrics", params={"after": after})["points"]

    def predict(self, run: str, inputs: list[list[Any]]) -> Json:
        return self._json("POST", f"/api/runs/{run}/predict", json={"inputs": inputs})

    def weights(self, run: str) -> bytes:
        """Weights as safetensors."""
        return self.call("GET", f"/api/runs/{run}/weights").content

    def _json(self, method: str, path: str, **options: Any) -> Json:
        answer: Json = self.call(method, path, **options).json()
        return answer


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        body = response.json()
        raise ServerProblem(response.status_code, body["title"], body["problems"])
    except (ValueError, KeyError, TypeError):
        raise ServerProblem(response.status_code, response.reason_phrase, []) from None
