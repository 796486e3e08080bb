"""The only place where the parts of the server are put together."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from app import api, live, pages
from app.incoming import problems_of
from app.problems import ApiProblem, problem_of
from app.protocol import ProblemDetails
from app.runs import open_runs
from app.security import Guard, language_of
from app.settings import Settings
from app.store import open_store
from app.tables import Tables

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None, token: str | None = None) -> FastAPI:
    """The server as an ASGI application. `token`: what every request must bring, if anything."""
    settings = settings or Settings()
    token = token or settings.token

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if settings.database_url is None:
            await asyncio.to_thread(settings.data_dir.mkdir, parents=True, exist_ok=True)
        async with open_store(settings.url) as store, open_runs(settings, store) as runs:
            app.state.runs, app.state.tables = runs, Tables(runs)
            app.state.viewers = set()
            yield

    app = FastAPI(
        title="Glassnet",
        summary="Neural networks you can see through.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(api.router)
    app.include_router(live.router)
    app.include_router(pages.router)
    app.add_middleware(Guard, settings=settings, token=token)

    def answer(request: Request, problem: ApiProblem) -> Response:
        language = language_of(request.scope, settings)
        return api.Json(
            problem.body(language),
            status_code=problem.status,
            media_type="application/problem+json",
            headers=problem.headers,
        )

    @app.exception_handler(ApiProblem)
    async def refused(request: Request, problem: ApiProblem) -> Response:
        return answer(request, problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, _as_problem(error))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        code = {404: "unknown_page", 405: "method"}.get(error.status_code, "request")
        what = problem_of(code, str(error.detail).replace("{", "(").replace("}", ")"))
        headers = dict(error.headers or {})
        return answer(request, ApiProblem(error.status_code, [what], headers=headers))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        log.error("Request failed", exc_info=error)
        what = problem_of(
            "internal", "something went wrong while answering",
            "Try again; if it stays, the log of the server says more.",
        )  # fmt: skip
        return answer(request, ApiProblem(500, [what]))

    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _as_problem(error: RequestValidationError) -> ApiProblem:
    """What FastAPI found wrong, with paths inside the body or the name of the parameter."""
    found: list[Any] = list(error.errors())
    in_body = [{**item, "loc": item["loc"][1:]} for item in found if item["loc"][0] == "body"]
    elsewhere = [item for item in found if item["loc"][0] != "body"]
    problems = problems_of(in_body, error.body) + [
        {**problem, "path": [str(part) for part in item["loc"][1:]]}
        for item in elsewhere
        for problem in problems_of([item], None)
    ]
    return ApiProblem(422, problems)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the API, without FastAPI's own form of errors, which is not used."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version="1", summary=app.summary, routes=app.routes)
        known = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            known.pop(name, None)
        _, problems = models_json_schema(
            [(ProblemDetails, "serialization")], ref_template="#/components/schemas/{model}"
        )
        known.update(problems["$defs"])
        app.openapi_schema = schema
    return app.openapi_schema
