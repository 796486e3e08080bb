"""The REST calls; docs/architecture.md is the contract."""

import csv
import io
import json
import re
from collections.abc import Callable, Coroutine
from functools import cache
from importlib.metadata import version
from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request, Response
from fastapi.routing import APIRoute

from app import protocol
from app.examples import PREDICTION, SPIRAL
from app.incoming import read_json
from app.pages import catalogue_in, gallery
from app.problems import Language, refusal, translated
from app.protocol import Command, RunState
from app.run import Run
from app.runs import Runs, fingerprint
from app.security import language_of
from app.tables import Tables

DISPOSITION = "content-disposition"


class StrictRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json


class StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


class Json(Response):
    """JSON that was made of plain values and needs no second look."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(
            content, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()


def _runs(request: Request) -> Runs:
    return cast(Runs, request.app.state.runs)


def _tables(request: Request) -> Tables:
    return cast(Tables, request.app.state.tables)


def _language(
    request: Request,
    language: Annotated[str | None, Query(description="en or zh; else Accept-Language.")] = None,
) -> Language:
    return language_of(request.scope, request.app.state.runs.settings)


def _run(
    runs: Annotated[Runs, Depends(_runs)],
    run: Annotated[
        str, Path(description="Id of the run; `latest`: the newest.", examples=["latest"])
    ],
) -> Run:
    return runs.get(run)


async def _key(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=100,
            description="Of several requests with the same key only the first has an effect.",
        ),
    ] = None,
) -> tuple[str, str] | None:
    if key is None:
        return None
    return key, fingerprint(request.url.path.encode(), await request.body())


Of = Annotated[Run, Depends(_run)]
In = Annotated[Language, Depends(_language)]
All = Annotated[Runs, Depends(_runs)]
Uploads = Annotated[Tables, Depends(_tables)]
Key = Annotated[tuple[str, str] | None, Depends(_key)]

# A reference instead of the model: FastAPI would make a validator of it for every route.
PROBLEM = {
    "description": "RFC 9457: all problems at once.",
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    },
}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return dict.fromkeys((400, 401, 403, 413, 415, 422, *statuses), PROBLEM)


router = APIRouter(prefix="/api", route_class=StrictRoute, responses=_problems())
about = {"response_class": Json}


def _file(content: bytes | str, media_type: str, name: str) -> Response:
    headers = {DISPOSITION: f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def _binary(media_type: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string", "format": "binary"}
    return {200: {"content": {media_type: {"schema": schema}}}}


# --- the server and what it knows --------------------------------------------------------------


@router.get("/health", response_model=protocol.Health, tags=["server"])
async def health(runs: All) -> Response:
    """Whether the server is alive, its version, and how many workers are ready."""
    ready = sum(worker.ready.is_set() for worker in runs.placement.workers)
    return Json({"status": "ok", "version": _version(), "workers": ready})


@cache
def _version() -> str:
    return version("glassnet")


@router.get("/catalogue", response_model=protocol.Catalogue, tags=["server"])
async def catalogue(runs: All, language: In) -> Response:
    """Every part that can be chosen, with the schema of its settings."""
    return Response(await catalogue_in(runs, language), media_type="application/json")


@router.get("/examples", response_model=list[protocol.Example], tags=["server"])
async def examples(language: In) -> Response:
    """The gallery: documents ready to run."""
    return Json(gallery(language))


@router.post("/compile", response_model=protocol.Compiled, tags=["documents"])
async def compile_document(
    runs: All,
    language: In,
    body: Annotated[protocol.Compile, Body(examples=[{"document": SPIRAL}])],
) -> Response:
    """Shapes, counts, sizes and problems of a document, without running it."""
    tables = await runs.ledger.tables_of(body.document)
    answer, _ = await runs.placement.consult({"type": "examine", "document": body.document}, tables)
    compiled = answer["answer"]
    compiled["problems"] = [translated(problem, language) for problem in compiled["problems"]]
    return Json(compiled)


# --- runs --------------------------------------------------------------------------------------


@router.post(
    "/runs", status_code=201, response_model=RunState, responses=_problems(404, 429, 507),
    tags=["runs"],
)  # fmt: skip
async def create_run(
    runs: All,
    language: In,
    key: Key,
    body: Annotated[protocol.CreateRun, Body(examples=[{"document": SPIRAL, "start": True}])],
) -> Response:
    """Make a run of a document, or the copy of a run with its weights and history."""
    if body.document is None and body.from_run is None:
        raise refusal(
            422, "missing", "{name} is missing", "Add {name}.", path=("document",),
            name="document",
        )  # fmt: skip
    run = await runs.create(body.document, body.start, body.from_run, key)
    headers = {"location": f"/api/runs/{run.id}"}
    return Json(run.json(language), status_code=201, headers=headers)


@router.get("/runs", response_model=list[RunState], tags=["runs"])
async def list_runs(runs: All, language: In) -> Response:
    """All runs, newest first."""
    return Json([run.json(language) for run in runs.newest_first()])


@router.get("/runs/{run}", response_model=RunState, responses=_problems(404), tags=["runs"])
async def get_run(run: Of, language: In) -> Response:
    """The state of a run."""
    return Json(run.json(language))


@router.patch("/runs/{run}", response_model=RunState, responses=_problems(404), tags=["runs"])
async def rename_run(
    runs: All,
    run: Of,
    language: In,
    body: Annotated[protocol.Rename, Body(examples=[{"name": "My spiral"}])],
) -> Response:
    """Give a run another name."""
    await runs.rename(run, body.name)
    return Json(run.json(language))


@router.delete("/runs/{run}", status_code=204, responses=_problems(404), tags=["runs"])
async def delete_run(runs: All, run: Of) -> None:
    """Delete a run and all that is stored of it."""
    await runs.delete(run)


@router.post(
    "/runs/{run}/commands", response_model=RunState, responses=_problems(404, 409, 429, 507),
    tags=["runs"],
)  # fmt: skip
async def command_run(
    runs: All,
    run: Of,
    language: In,
    key: Key,
    command: Annotated[Command, Body(examples=[{"type": "step", "count": 1}, {"type": "pause"}])],
) -> Response:
    """Control a run. What is answered is stored."""
    await runs.command(run, protocol.plain(command), key)
    return Json(run.json(language))


@router.get(
    "/runs/{run}/metrics", response_model=protocol.Points, tags=["results"],
    responses={**_problems(404), 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def metrics(
    runs: All,
    run: Of,
    request: Request,
    after: Annotated[int, Query(ge=-1, description="Only points after this step.")] = -1,
    format: Annotated[str | None, Query(pattern="^(json|csv)$")] = None,
) -> Response:
    """The loss points, as JSON or CSV."""
    points: list[dict[str, Any]] = []
    while (batch := await runs.points(run, points[-1]["step"] if points else after)).points:
        points += batch.points
    accepted = request.headers.get("accept", "")
    if format == "csv" or (format is None and accepted.startswith("text/csv")):
        return _file(_points_csv(points), "text/csv; charset=utf-8", f"{run.id}-metrics.csv")
    return Json({"points": points})


def _points_csv(points: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for point in points for name in point["values"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "epoch", *names])
    for point in points:
        values = (point["values"].get(name) for name in names)
        writer.writerow([point["step"], point["epoch"], *values])
    return text.getvalue()


@router.post(
    "/runs/{run}/predict", response_model=protocol.Prediction, responses=_problems(404),
    tags=["results"],
)  # fmt: skip
async def predict(
    runs: All, run: Of, body: Annotated[protocol.Predict, Body(examples=[PREDICTION])]
) -> Response:
    """What the network answers to raw inputs, as it is now."""
    answer, _ = await runs.placement.ask(run, {"type": "predict", "inputs": body.inputs})
    return Json(answer["answer"])


@router.get(
    "/runs/{run}/weights", response_class=Response, tags=["results"],
    responses={**_problems(404), **_binary("application/octet-stream")},
)  # fmt: skip
async def weights(runs: All, run: Of) -> Response:
    """All weights and biases as safetensors, named `network.node.parameter`."""
    _, content = await runs.placement.ask(run, {"type": "weights"})
    return _file(content, "application/octet-stream", f"{run.id}.safetensors")


@router.get(
    "/runs/{run}/frame", response_class=Response, tags=["results"],
    responses={**_problems(404), **_binary("application/octet-stream")},
)  # fmt: skip
async def frame(
    runs: All,
    run: Of,
    probes: Annotated[
        str,
        Query(
            description="Kinds with commas between them, or a JSON list of probes.",
            examples=["weights,surface"],
            max_length=4000,
        ),
    ],
) -> Response:
    """One measurement as safetensors."""
    content = await runs.frame(run, _probes(probes), None)
    return _file(content, "application/octet-stream", f"{run.id}-frame.safetensors")


def _probes(text: str) -> list[dict[str, Any]]:
    if not text.lstrip().startswith("["):
        return [{"kind": kind.strip()} for kind in text.split(",")][:32]
    value = read_json(text)
    if len(value) > 32 or not all(isinstance(probe, dict | str) for probe in value):
        raise refusal(
            422, "probes", "the probes are not a list of at most {limit} parts",
            "Write [{{\"kind\": \"weights\"}}].", path=("probes",), limit=32,
        )  # fmt: skip
    return [{"kind": probe} if isinstance(probe, str) else probe for probe in value]


# --- data --------------------------------------------------------------------------------------


async def _data(runs: Runs, kind: str, part: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    return await runs.placement.consult(
        {"type": kind, "data": part}, await runs.ledger.tables_of(part)
    )


@router.get(
    "/runs/{run}/data", response_model=protocol.Data, responses=_problems(404), tags=["data"]
)
async def run_data(runs: All, run: Of, language: In) -> Response:
    """The data of a run, in raw units."""
    answer, _ = await _data(runs, "data", run.row["document"]["data"])
    return Json(_worded(answer["answer"], language))


@router.get(
    "/runs/{run}/data.csv", response_class=Response, tags=["data"],
    responses={**_problems(404), **_binary("text/csv")},
)  # fmt: skip
async def run_data_csv(runs: All, run: Of) -> Response:
    """The whole data set of a run as CSV."""
    _, content = await _data(runs, "csv", run.row["document"]["data"])
    return _file(content, "text/csv; charset=utf-8", f"{run.id}-data.csv")


def _worded(data: dict[str, Any], language: Language) -> dict[str, Any]:
    """The data with their notes in a language."""
    for note in data["notes"]:
        note["message"] = translated(note, language)["message"]
    return data


DataBody = Annotated[protocol.DataRequest, Body(examples=[{"data": SPIRAL["data"]}])]


@router.post("/data", response_model=protocol.Data, tags=["data"])
async def preview_data(runs: All, language: In, body: DataBody) -> Response:
    """The data that a data setting makes, without a run."""
    answer, _ = await _data(runs, "data", body.data)
    return Json(_worded(answer["answer"], language))


@router.post("/data.csv", response_class=Response, responses=_binary("text/csv"), tags=["data"])
async def preview_data_csv(runs: All, body: DataBody) -> Response:
    """The whole set that a data setting makes, as CSV."""
    _, content = await _data(runs, "csv", body.data)
    return _file(content, "text/csv; charset=utf-8", "data.csv")


@router.post(
    "/tables", status_code=201, response_model=protocol.Table, responses=_problems(429, 507),
    tags=["data"],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": "x,y,colour\n1,2,red\n2,1,blue\n2,2,red\n"},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "string", "format": "binary"}},
                        "required": ["file"],
                    }
                },
            },
        }
    },
)  # fmt: skip
async def upload_table(
    request: Request,
    tables: Uploads,
    name: Annotated[str, Query(max_length=200, description="Name of pasted text.")] = "table.csv",
) -> Response:
    """Keep a CSV file, and say what is in it."""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        async with request.form(max_files=1, max_fields=4) as form:
            file = form.get("file")
            if file is None or isinstance(file, str):
                raise refusal(
                    422, "missing", "{name} is missing", "Add {name}.", path=("file",), name="file"
                )
            name, content = file.filename or name, await file.read()
    else:
        content = await request.body()
    clean = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[\\/]", name)[-1])[:100] or "table.csv"
    return Json(await tables.add(clean, content), status_code=201)


@router.get("/tables", response_model=list[protocol.Table], tags=["data"])
async def list_tables(tables: Uploads) -> Response:
    """All uploaded tables, newest first."""
    return Json(await tables.list())


@router.get(
    "/tables/{table}", response_model=protocol.Table, responses=_problems(404), tags=["data"]
)
async def get_table(tables: Uploads, table: str) -> Response:
    """What is in an uploaded table."""
    return Json(await tables.get(table))


@router.delete("/tables/{table}", status_code=204, responses=_problems(404, 409), tags=["data"])
async def delete_table(tables: Uploads, table: str) -> None:
    """Delete an uploaded table that no run uses."""
    await tables.remove(table)
