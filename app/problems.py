"""What the server refuses, and the words for it in both languages.

    ApiProblem   an answer that is a problem: status, title and the list of problems
    StorageFull  the data base cannot take more (507)
    StorageBusy  the data base is locked (503)
    WorkerLost   the training process died before it answered (503)

Messages are English where they are made; `translated` says the same in Chinese from the code and
the values (`templates/zh/problems.d`).
"""

import json
from functools import cache
from typing import Any, Literal

from starlette.exceptions import HTTPException

from app.files import shipped
from app.protocol import Problem, RunState

Language = Literal["en", "zh"]

TITLES = {
    400: "The request cannot be read",
    401: "A token is needed",
    403: "Not allowed from there",
    404: "There is no such thing here",
    405: "This address does not take that method",
    409: "The run has changed since",
    413: "The request is too large",
    415: "The content type is not understood",
    422: "There are problems",
    429: "There are too many",
    500: "Something went wrong in the server",
    503: "Not possible just now",
    507: "The disk is full",
}


class ApiProblem(HTTPException):
    """A refusal, from wherever in the server. `problems` are dictionaries in the form of `protocol.Problem`, in English."""

    def __init__(
        self,
        status: int,
        problems: list[dict[str, Any]],
        run: RunState | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status, self.problems, self.run = status, problems, run
        super().__init__(status, "; ".join(str(p["message"]) for p in problems), headers)

    def body(self, language: Language) -> dict[str, Any]:
        """RFC 9457 in a language."""
        problems = [translated(problem, language) for problem in self.problems]
        return {
            "type": "about:blank",
            "title": title(self.status, language),
            "status": self.status,
            "problems": problems,
            "run": None if self.run is None else run_json(self.run, language),
        }


def refusal(
    status: int, code: str, message: str, hint: str = "", *, path: tuple[str | int, ...] = (),
    headers: dict[str, str] | None = None, **values: Any,
) -> ApiProblem:  # fmt: skip
    """An `ApiProblem` with one problem, whose message and hint are templates for `values`."""
    problem = problem_of(code, message, hint, path=path, **values)
    return ApiProblem(status, [problem], headers=headers)


def problem_of(
    code: str, message: str, hint: str = "", *, path: tuple[str | int, ...] = (), **values: Any
) -> dict[str, Any]:
    """A problem as a dictionary."""
    return {
        "path": list(path),
        "code": code,
        "message": message.format(**values),
        "hint": hint.format(**values),
        "values": values,
    }


class StorageFull(ApiProblem):
    """The data base cannot take more: the disk is full, or cannot be written."""

    def __init__(self) -> None:
        super().__init__(507, [storage_problem()], headers={"Retry-After": "10"})


class StorageBusy(ApiProblem):
    """Another program holds the data base."""

    def __init__(self) -> None:
        busy = problem_of("storage_busy", "the data base is locked", "Try again in a moment.")
        super().__init__(503, [busy], headers={"Retry-After": "1"})


class WorkerLost(ApiProblem):
    """The training process died before it answered; trying again is safe."""

    def __init__(self) -> None:
        lost = problem_of(
            "worker_lost", "the training process stopped and is being restarted",
            "Try again in a moment.",
        )  # fmt: skip
        super().__init__(503, [lost], headers={"Retry-After": "1"})


def storage_problem() -> dict[str, Any]:
    return problem_of(
        "storage_full", "the disk is full or cannot be written",
        "Free some space, then press Run: the run goes on from its last checkpoint.",
    )  # fmt: skip


def no_run(identifier: str) -> ApiProblem:
    return refusal(
        404, "unknown_run", "there is no run “{name}”", "It may have been deleted.",
        name=identifier[:40],
    )  # fmt: skip


@cache
def _chinese() -> dict[str, dict[str, str]]:
    """Chinese message and hint by code."""
    texts: dict[str, dict[str, str]] = {}
    for path in sorted((shipped("templates") / "zh" / "problems.d").glob("*.json")):
        texts.update(json.loads(path.read_text(encoding="utf-8")))
    return texts


@cache
def _chinese_titles() -> dict[str, str]:
    path = shipped("templates") / "zh" / "titles.json"
    titles: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return titles


def title(status: int, language: Language) -> str:
    english = TITLES.get(status, TITLES[500] if status >= 500 else TITLES[400])
    return _chinese_titles().get(english, english) if language == "zh" else english


def translated(problem: dict[str, Any], language: Language) -> dict[str, Any]:
    """The problem in a language; without a text for its code it stays English."""
    texts = _chinese().get(problem["code"]) if language == "zh" else None
    if texts is None:
        return problem
    values = {**problem.get("values", {})}
    try:
        return {
            **problem,
            "message": texts["message"].format(**values),
            "hint": texts.get("hint", "").format(**values),
        }
    except (KeyError, IndexError, ValueError):
        return problem


def run_json(run: RunState, language: Language) -> dict[str, Any]:
    """A run's state in a language."""
    state = run.model_dump(mode="json")
    if state["reason"] is not None:
        state["reason"] = Problem.model_validate(translated(state["reason"], language)).model_dump(
            mode="json"
        )
    return state
