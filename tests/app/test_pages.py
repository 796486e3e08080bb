"""The pages besides the API."""

import re
from pathlib import Path

import httpx
import pytest

from app import pages
from app.files import shipped
from app.main import create_app
from app.pages import in_words
from app.settings import Settings
from tests.app.driver import Json


def test_the_documentation_of_the_api_needs_no_other_server(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert not re.search(r"<script>|\son\w+=|https?://", page.text), "no inline script, no CDN"
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        answer = client.get(path)
        assert answer.status_code == 200, path
    assert client.get("/docs/nothing.js").status_code == 404
    described = client.get("/openapi.json").json()
    assert described["paths"]["/api/runs"]["post"]["requestBody"]


async def test_without_the_front_end_the_page_says_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shipped
    monkeypatch.setattr(
        pages, "shipped", lambda name: tmp_path if name == "static/dist" else real(name)
    )
    app = create_app(Settings(data_dir=tmp_path, workers=1))
    transport = httpx.ASGITransport(app)
    app.state.runs = type("Runs", (), {"settings": Settings(data_dir=tmp_path)})
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        page = await client.get("/")
        assert page.status_code == 503
        assert "make run" in page.text
        chinese = await client.get("/", headers={"accept-language": "zh"})
        assert "构建" in chinese.text
        (tmp_path / "index.html").write_text("<p>built")
        (tmp_path / "assets").mkdir()
        (tmp_path / "assets" / "app-1a2b.js").write_text("1")
        (tmp_path / "secret.txt").write_text("2")
        page = await client.get("/")
        assert (page.status_code, page.text) == (200, "<p>built")
        assert page.headers["cache-control"] == "no-cache"
        asset = await client.get("/assets/app-1a2b.js")
        assert "immutable" in asset.headers["cache-control"]
        for path in ("/assets/..%2fsecret.txt", "/assets/%2e%2e/secret.txt", "/assets/nothing.js"):
            assert (await client.get(path)).status_code == 404


def test_the_catalogue_takes_other_words_where_there_are_any() -> None:
    units = {"type": "integer", "title": "Units", "description": "How many.", "unit": "neurons"}
    mode = {"enum": ["a", "b"], "labels": {"a": "First", "b": "Second"}}
    described: Json = {
        "families": {
            "layer": [
                {
                    "kind": "dense", "title": "Dense", "summary": "All.", "description": "All of it.",
                    "schema": {"properties": {"units": units, "mode": mode}},
                }
            ]
        },
        "document": {"properties": {}},
        "training": {"properties": {"batch": {"title": "Batch"}}},
        "stop": {"properties": {}},
    }  # fmt: skip
    words = {
        "layer.dense.title": "全连接",
        "layer.dense.units.help": "多少个。",
        "layer.dense.mode.labels.b": "第二",
        "training.batch.title": "批量",
    }
    answer = in_words(described, words)
    dense = answer["families"]["layer"][0]
    assert (dense["title"], dense["summary"]) == ("全连接", "All.")
    assert dense["schema"]["properties"]["units"] == {**units, "description": "多少个。"}
    assert dense["schema"]["properties"]["mode"]["labels"] == {"a": "First", "b": "第二"}
    assert answer["training"]["properties"]["batch"]["title"] == "批量"
    assert described["families"]["layer"][0]["title"] == "Dense", "the original stays"
