"""The command line and the client."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from app.cli import cli
from app.client import Client, ServerProblem
from app.settings import Settings
from tests.app.driver import Json, ServerProcess

runner = CliRunner()


@pytest.fixture
def file(tmp_path: Path, document: Json) -> Path:
    document["training"]["epochs"] = 3
    path = tmp_path / "document.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_version() -> None:
    assert runner.invoke(cli, ["--version"]).output == f"glassnet {version('glassnet')}\n"


def test_every_setting_is_listed_with_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNET_TOKEN", "never-to-be-shown")
    monkeypatch.setenv("COLUMNS", "200")
    output = runner.invoke(cli, ["settings"]).output
    for name, field in Settings.model_fields.items():
        assert f"GLASSNET_{name.upper()}" in output
        assert field.description
    assert "never-to-be-shown" not in output


def test_training_without_a_server(file: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    answer = runner.invoke(cli, ["train", str(file), "--epochs", "5", "--weights", str(weights)])
    assert answer.exit_code == 0, answer.output
    assert "train_loss" in answer.output
    assert "5 epochs are done" in answer.output
    assert load_file(weights)["model.h1.weight"].shape == (2, 4)


def test_training_on_a_server_gives_the_same(
    file: Path, tmp_path: Path, shared_server: ServerProcess
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    runner.invoke(cli, ["train", str(file), "--weights", str(here)])
    answer = runner.invoke(
        cli, ["train", str(file), "--server", shared_server.url, "--weights", str(there)]
    )
    assert answer.exit_code == 0, answer.output
    assert here.read_bytes() == there.read_bytes()


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_wrong_document_is_said_with_its_place(
    file: Path, document: Json, shared_server: ServerProcess, where: str
) -> None:
    document["networks"]["model"][0]["units"] = 0
    file.write_text(json.dumps(document), encoding="utf-8")
    options = ["--server", shared_server.url] if where == "there" else []
    answer = runner.invoke(cli, ["train", str(file), *options])
    assert answer.exit_code == 2
    assert "networks.model.0.units: must be at least 1" in answer.output


def test_what_is_no_file_or_no_server(tmp_path: Path, file: Path) -> None:
    assert runner.invoke(cli, ["train", str(tmp_path / "nothing.json")]).exit_code == 2
    (tmp_path / "broken.json").write_text("{")
    assert runner.invoke(cli, ["train", str(tmp_path / "broken.json")]).exit_code == 2
    answer = runner.invoke(cli, ["train", str(file), "--server", "http://127.0.0.1:9"])
    assert answer.exit_code == 1


def test_the_client_controls_a_run(shared_server: ServerProcess, document: Json) -> None:
    with Client(shared_server.url) as client:
        assert client.compile(document)["problems"] == []
        run = client.create(document)["id"]
        assert client.command(run, "step", count=4)["step"] == 4
        assert [point["step"] for point in client.points(run, after=2)] == [3, 4]
        assert len(client.predict(run, [[1.0, 2.0], [0.0, 0.0]])["predictions"]) == 2
        with pytest.raises(ServerProblem, match="count") as refused:
            client.command(run, "step", count=0)
        assert refused.value.status == 422


def test_the_client_asks_again_when_the_connection_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def flaky(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["idempotency-key"])
        if len(asked) == 1:
            raise httpx.ReadError("broken")
        if len(asked) == 2:
            return httpx.Response(503, json={"title": "later", "problems": []})
        return httpx.Response(200, json={"step": 1})

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    client = Client("http://server")
    client._http = httpx.Client(base_url="http://server", transport=httpx.MockTransport(flaky))
    with client:
        assert client.command("r_1", "step")["step"] == 1
    assert len(asked) == 3
    assert len(set(asked)) == 1, "the same key, so that it takes effect once"


def test_a_port_that_is_taken_is_said(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start_server()
    answer = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", str(server.port)],
        capture_output=True, text=True, timeout=20, check=False,
        env={**os.environ, "GLASSNET_DATA_DIR": str(tmp_path / "other")},
    )  # fmt: skip
    assert answer.returncode == 1
    assert "Cannot listen" in answer.stderr


def test_a_worker_carries_no_web_server() -> None:
    script = (
        "import app.worker, sys; bad = {'fastapi', 'starlette', 'uvicorn', 'sqlalchemy'};"
        "sys.exit(', '.join(bad & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
