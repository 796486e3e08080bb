"""What is served besides the API: the workbench, its assets, the API's documentation, and the
words of catalogue and gallery in both languages."""

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from app.files import shipped
from app.problems import Language, refusal
from app.runs import Runs
from app.security import POLICY, language_of

FOR_EVER = "public, max-age=31536000, immutable"
# Swagger UI styles its elements from its own script.
DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

router = APIRouter(include_in_schema=False)


@router.get("/")
async def workbench(request: Request) -> Response:
    """The page; how to build it where that was not done."""
    index = shipped("static/dist") / "index.html"
    if index.is_file():
        return FileResponse(index, media_type="text/html", headers={"cache-control": "no-cache"})
    language = language_of(request.scope, request.app.state.runs.settings)
    return HTMLResponse(_page("unbuilt.html", language=language), status_code=503)


@router.get("/assets/{name}")
async def asset(name: str) -> Response:
    """A file whose name carries a hash of its content."""
    return _static(shipped("static/dist") / "assets", name, FOR_EVER)


@router.get("/docs")
async def docs() -> Response:
    """The API, to be tried out."""
    return HTMLResponse(_page("docs.html"), headers={"content-security-policy": DOCS_POLICY})


@router.get("/docs/{name}")
async def docs_file(name: str) -> Response:
    if name == "start.js":
        return _static(shipped("templates"), "docs.js", "no-cache")
    with resources.as_file(resources.files("fastapi_swagger") / "resources") as folder:
        return _static(folder, name, "public, max-age=86400")


@router.get("/{name}")
async def root_file(name: str) -> Response:
    """Files beside the page, such as its icon."""
    return _static(shipped("static/dist"), name, "no-cache")


def _static(folder: Path, name: str, caching: str) -> Response:
    """A file of a folder, by its bare name: nothing that comes in is ever used as a path."""
    if name not in _names(folder):
        raise refusal(404, "unknown_page", "there is no page “{name}”", name=name[:80])
    return FileResponse(folder / name, headers={"cache-control": caching})


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()


@cache
def _page(name: str, **values: str) -> str:
    # Only two pages in a blue moon are made here: the start need not wait for Jinja.
    from jinja2 import Environment, FileSystemLoader

    templates = Environment(loader=FileSystemLoader(shipped("templates")), autoescape=True)
    return templates.get_template(name).render(**values)


# --- words ---------------------------------------------------------------------------------------


async def catalogue_in(runs: Runs, language: Language) -> bytes:
    """The catalogue in a language, as JSON; made once."""
    known: dict[str, bytes] = runs.catalogues
    if language not in known:
        answer, _ = await runs.placement.consult({"type": "catalogue"})
        described = {**answer["answer"], "limits": runs.settings.limits()}
        words = _words("catalogue.json") if language == "zh" else {}
        known[language] = json.dumps(in_words(described, words), ensure_ascii=False).encode()
    return known[language]


def in_words(catalogue: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """The catalogue with other words, by keys such as `layer.dense.units.help`; what has none
    keeps its own."""

    def settings(prefix: str, schema: dict[str, Any]) -> dict[str, Any]:
        properties = {}
        for name, setting in schema["properties"].items():
            key = f"{prefix}.{name}"
            new = {**setting}
            for field, last in (("title", "title"), ("description", "help"), ("unit", "unit")):
                if f"{key}.{last}" in words:
                    new[field] = words[f"{key}.{last}"]
            if "labels" in setting:
                new["labels"] = {
                    value: words.get(f"{key}.labels.{value}", label)
                    for value, label in setting["labels"].items()
                }
            properties[name] = new
        return {**schema, "properties": properties}

    def kind(prefix: str, described: dict[str, Any]) -> dict[str, Any]:
        given = {
            field: words[f"{prefix}.{field}"]
            for field in ("title", "summary", "description")
            if f"{prefix}.{field}" in words
        }
        return {**described, **given, "schema": settings(prefix, described["schema"])}

    families = {
        family: [kind(f"{family}.{described['kind']}", described) for described in kinds]
        for family, kinds in catalogue["families"].items()
    }
    rest = {name: settings(name, catalogue[name]) for name in ("document", "training", "stop")}
    return {**catalogue, "families": families, **rest}


@cache
def _words(name: str) -> dict[str, str]:
    path = shipped("templates") / "zh" / name
    words: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return words


@cache
def gallery(language: Language) -> list[dict[str, Any]]:
    """The examples in their order, in a language."""
    entries = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((shipped("templates") / "examples").glob("*.json"))
    ]
    return [
        {
            "id": entry["id"],
            "title": entry["title"][language],
            "notice": entry["notice"][language],
            "group": entry["group"],
            "document": entry["document"],
        }
        for entry in sorted(entries, key=lambda entry: entry["order"])
    ]
