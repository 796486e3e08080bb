"""The REST calls against the contract, on a real server."""

import json
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import TypeAdapter
from safetensors.numpy import load

from app import protocol
from tests.app.driver import Json, all_points, command, create, until

CSV = "height,weight,kind\n1.5,50,cat\n1.6,60,dog\n1.7,,cat\n1.8,80,dog\n1.9,90,cat\n2.0,95,dog\n"


def fits(model: Any, value: Any) -> None:
    """The answer is what the contract says: nothing missing, nothing more."""
    TypeAdapter(model).validate_python(value)


def test_health(client: httpx.Client) -> None:
    fits(protocol.Health, client.get("/api/health").json())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_catalogue_has_every_family_with_words(client: httpx.Client, language: str) -> None:
    answer = client.get("/api/catalogue", params={"language": language}).json()
    fits(protocol.Catalogue, answer)
    dense = next(kind for kind in answer["families"]["layer"] if kind["kind"] == "dense")
    assert dense["schema"]["properties"]["units"]["type"] == "integer"
    assert answer["limits"]["parameters"] == 5_000_000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_example_compiles(client: httpx.Client, language: str) -> None:
    gallery = client.get("/api/examples", params={"language": language}).json()
    fits(list[protocol.Example], gallery)
    assert len(gallery) >= 10
    for example in gallery:
        compiled = client.post("/api/compile", json={"document": example["document"]}).json()
        fits(protocol.Compiled, compiled)
        fits(protocol.Document, example["document"])
        # One example asks its reader for a table.
        asked = ["no_table"] if example["document"]["data"]["kind"] == "table" else []
        assert [problem["code"] for problem in compiled["problems"]] == asked, example["id"]


def test_compile_works_out_what_it_can_of_a_wrong_network(
    client: httpx.Client, document: Json
) -> None:
    document["networks"]["model"][1]["units"] = 3
    answer = client.post("/api/compile", json={"document": document})
    assert answer.status_code == 200
    compiled = answer.json()
    fits(protocol.Compiled, compiled)
    assert compiled["problems"][0]["path"] == ["networks", "model", 1, "units"]
    assert compiled["networks"]["model"]["nodes"][0]["output_shape"] == [4]
    assert compiled["parameters"] == 2 * 4 + 4 + 4 * 3 + 3


def test_a_run_from_making_to_deleting(client: httpx.Client, document: Json) -> None:
    answer = client.post("/api/runs", json={"document": document})
    run = answer.json()
    fits(protocol.RunState, run)
    assert (run["status"], run["step"], run["revision"]) == ("created", 0, 1)
    here = answer.headers["location"]
    assert here == f"/api/runs/{run['id']}"
    assert client.get("/api/runs/latest").json()["id"] == run["id"]
    assert run["id"] in [item["id"] for item in client.get("/api/runs").json()]

    state = command(client, run["id"], "step", count=6)
    assert (state["status"], state["step"], state["revision"]) == ("paused", 6, 2)
    assert state["metrics"]["train_loss"] != run["metrics"]["train_loss"]
    points = all_points(client, run["id"])
    fits(list[protocol.Point], points)
    assert [point["step"] for point in points] == list(range(7))
    assert points[6]["values"] == state["metrics"]

    renamed = client.patch(here, json={"name": "Ring"}).json()
    assert (renamed["name"], renamed["document"]["name"]) == ("Ring", "Ring")
    assert command(client, run["id"], "step")["name"] == "Ring"
    assert client.delete(here).status_code == 204
    assert client.get(here).status_code == 404
    assert client.delete(here).status_code == 404


def test_run_and_pause(client: httpx.Client, document: Json) -> None:
    run = create(client, document, start=True)["id"]
    until(client, run, lambda state: state["step"] > 50 and state["steps_per_second"] > 0)
    state = command(client, run, "pause")
    assert (state["status"], state["steps_per_second"]) == ("paused", 0)
    assert client.get(f"/api/runs/{run}").json() == state
    client.delete(f"/api/runs/{run}")


def test_an_epoch_ends_where_the_data_do(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    command(client, run, "step")
    state = command(client, run, "step", unit="epoch")
    assert state["epoch"] == 1.0
    assert command(client, run, "step", unit="epoch", count=2)["epoch"] == 3.0


def test_reset_brings_the_same_weights_back_and_a_new_seed_others(
    client: httpx.Client, document: Json
) -> None:
    run = create(client, document)["id"]

    def weights() -> dict[str, Any]:
        return load(client.get(f"/api/runs/{run}/weights").content)

    first = weights()
    command(client, run, "step", count=20)
    state = command(client, run, "reset")
    assert (state["status"], state["step"], state["curve"]) == ("created", 0, 1)
    assert all((weights()[name] == first[name]).all() for name in first)
    assert [point["step"] for point in all_points(client, run)] == [0]
    state = command(client, run, "reset", new_seed=True)
    assert state["document"]["seed"] == document["seed"] + 1
    assert (weights()["model.h1.weight"] != first["model.h1.weight"]).any()


def test_an_edit_keeps_the_weights_of_what_stayed(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    command(client, run, "step", count=20)
    before = load(client.get(f"/api/runs/{run}/weights").content)
    document["networks"]["model"].insert(
        1, {"id": "h2", "kind": "dense", "units": 4, "activation": "relu"}
    )
    state = command(client, run, "edit", document=document)
    assert (state["step"], state["status"]) == (20, "paused")
    after = load(client.get(f"/api/runs/{run}/weights").content)
    assert (after["model.h1.weight"] == before["model.h1.weight"]).all()
    assert "model.h2.weight" in after
    state = command(client, run, "set", path=["optimizer", "rate"], value=0.25)
    assert state["document"]["optimizer"] == {"kind": "adam", "rate": 0.25}
    state = command(client, run, "set", path=["training", "stop", "accuracy"], value=0.9)
    assert state["document"]["training"]["stop"] == {"accuracy": 0.9}
    state = command(client, run, "set", path=["name"], value="Other")
    assert state["name"] == "Other"


def test_one_weight_can_be_set(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    command(client, run, "set_parameter", parameter="model.h1.weight", index=[1, 2], value=0.5)
    weights = load(client.get(f"/api/runs/{run}/weights").content)
    assert weights["model.h1.weight"][1, 2] == 0.5
    answer = client.post(
        f"/api/runs/{run}/commands",
        json={"type": "set_parameter", "parameter": "model.h1.weight", "index": [9, 9], "value": 1},
    )
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["path"] == ["index"]


def test_speed_is_kept(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    assert command(client, run, "speed", steps_per_second=20.0)["speed"] == 20.0
    first = command(client, run, "run")["step"]
    until(client, run, lambda state: state["step"] >= first + 4)
    state = command(client, run, "pause")
    assert state["step"] < 200, "20 steps a second, not thousands"
    client.delete(f"/api/runs/{run}")


def test_the_end_and_its_reason(client: httpx.Client, document: Json) -> None:
    document["training"]["epochs"] = 2
    run = create(client, document, start=True)["id"]
    state = until(client, run, lambda state: state["status"] == "finished")
    assert state["epoch"] == 2.0
    assert state["reason"]["code"] == "epochs_reached"
    chinese = client.get(f"/api/runs/{run}", headers={"accept-language": "zh-CN"}).json()
    assert chinese["reason"]["message"] != state["reason"]["message"]
    assert chinese["reason"]["values"] == state["reason"]["values"]
    # More epochs: it goes on from there.
    state = command(client, run, "set", path=["training", "epochs"], value=3)
    assert (state["status"], state["reason"]) == ("paused", None)
    command(client, run, "run")
    assert until(client, run, lambda state: state["status"] == "finished")["epoch"] == 3.0


def test_a_rate_of_1e30_diverges_and_leaves_finite_weights(
    client: httpx.Client, document: Json
) -> None:
    document["optimizer"] = {"kind": "sgd", "rate": 10.0}
    document["loss"] = "mse"
    document["data"] = {"kind": "multi_gauss", "samples": 60}
    document["networks"]["model"] = [
        {"id": "h1", "kind": "dense", "units": 4, "activation": "relu"},
        {"id": "out", "kind": "dense", "units": 1},
    ]
    refused = client.post(
        "/api/runs", json={"document": {**document, "optimizer": {"kind": "sgd", "rate": 1e30}}}
    )
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["path"] == ["optimizer", "rate"]

    answer = client.post("/api/runs", json={"document": document, "start": True})
    assert answer.status_code == 201, answer.text
    run = answer.json()["id"]
    state = until(client, run, lambda state: state["status"] == "diverged")
    assert state["reason"]["path"][:2] == ["networks", "model"]
    assert all(
        np.isfinite(weight).all()
        for weight in load(client.get(f"/api/runs/{run}/weights").content).values()
    )
    # The JSON is valid: no NaN, no Infinity.
    text = client.get(f"/api/runs/{run}/metrics").text
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert command(client, run, "reset")["status"] == "created"


def test_metrics_after_a_step_and_as_csv(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    command(client, run, "step", count=5)
    points = client.get(f"/api/runs/{run}/metrics", params={"after": 3}).json()["points"]
    assert [point["step"] for point in points] == [4, 5]
    answers = (
        client.get(f"/api/runs/{run}/metrics?format=csv"),
        client.get(f"/api/runs/{run}/metrics", headers={"accept": "text/csv"}),
    )
    for answer in answers:
        assert answer.headers["content-type"].startswith("text/csv")
        lines = answer.text.splitlines()
        assert lines[0].startswith("step,epoch,train_loss")
        assert len(lines) == 1 + 6


def test_predictions_are_those_of_the_network(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    answer = client.post(f"/api/runs/{run}/predict", json={"inputs": [[1.0, 2.0]]}).json()
    fits(protocol.Prediction, {"probabilities": None, "classes": None, **answer})
    weights = load(client.get(f"/api/runs/{run}/weights").content)
    hidden = np.tanh(
        np.array([1.0, 2.0], np.float32) @ weights["model.h1.weight"] + weights["model.h1.bias"]
    )
    expected = hidden @ weights["model.out.weight"] + weights["model.out.bias"]
    assert answer["outputs"][0] == pytest.approx(expected.tolist(), rel=1e-5)
    assert sum(answer["probabilities"][0]) == pytest.approx(1)


def test_a_frame_is_safetensors(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    for probes in ("weights,surface", '[{"kind":"weights"},{"kind":"surface","size":16}]'):
        frame = client.get(f"/api/runs/{run}/frame", params={"probes": probes})
        assert frame.status_code == 200
        arrays = load(frame.content)
        assert arrays["weights/model.h1.weight"].shape == (2, 4)
        length = int.from_bytes(frame.content[:8], "little")
        metadata = json.loads(frame.content[8 : 8 + length])["__metadata__"]
        assert metadata["run"] == run
        assert {"step", "epoch", "version", "revision", "probes", "missing"} <= set(metadata)
    assert arrays["surface/output"].shape == (16, 16, 2)
    unknown = client.get(f"/api/runs/{run}/frame", params={"probes": "x-ray"})
    assert unknown.status_code == 422


def test_data_of_a_run_and_of_a_setting(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    data = client.get(f"/api/runs/{run}/data").json()
    fits(protocol.Data, data)
    assert data["counts"] == {"train": 30, "test": 30}
    assert client.post("/api/data", json={"data": document["data"]}).json() == data
    text = client.get(f"/api/runs/{run}/data.csv")
    assert text.headers["content-type"].startswith("text/csv")
    assert len(text.text.splitlines()) == 61
    assert client.post("/api/data.csv", json={"data": document["data"]}).text == text.text


def test_a_table_is_kept_and_trained_on(client: httpx.Client, document: Json) -> None:
    uploaded = client.post("/api/tables", files={"file": ("..\\pets.csv", CSV, "text/csv")})
    assert uploaded.status_code == 201, uploaded.text
    table = uploaded.json()
    fits(protocol.Table, table)
    assert (table["name"], table["rows"]) == ("pets.csv", 6)
    pasted = client.post("/api/tables", content=CSV, headers={"content-type": "text/csv"})
    assert pasted.status_code == 201
    assert [t["id"] for t in client.get("/api/tables").json()][:2] == [
        pasted.json()["id"],
        table["id"],
    ]
    document["data"] = {"kind": "table", "table": table["id"], "target": "kind"}
    run = create(client, document)["id"]
    assert command(client, run, "step", count=3)["step"] == 3
    data = client.get(f"/api/runs/{run}/data").json()
    fits(protocol.Data, data)
    assert data["classes"] == ["cat", "dog"]
    in_use = client.delete(f"/api/tables/{table['id']}")
    assert in_use.status_code == 409
    client.delete(f"/api/runs/{run}")
    assert client.delete(f"/api/tables/{table['id']}").status_code == 204
    assert client.get(f"/api/tables/{table['id']}").status_code == 404
    missing = client.post("/api/runs", json={"document": document})
    assert missing.status_code == 422


def test_a_copy_has_weights_and_history(client: httpx.Client, document: Json) -> None:
    run = create(client, document)["id"]
    command(client, run, "step", count=10)
    copy = client.post("/api/runs", json={"from_run": run}).json()
    assert (copy["step"], copy["status"], copy["metrics"]) == (
        10, "paused", client.get(f"/api/runs/{run}").json()["metrics"],
    )  # fmt: skip
    assert all_points(client, copy["id"]) == all_points(client, run)
    # Both go on alike.
    assert command(client, copy["id"], "step")["metrics"] == command(client, run, "step")["metrics"]
    changed = {**document, "optimizer": "sgd"}
    other = client.post("/api/runs", json={"from_run": run, "document": changed}).json()
    assert other["document"]["optimizer"]["kind"] == "sgd"
    assert other["step"] == 11


def test_a_key_makes_a_request_take_effect_once(client: httpx.Client, document: Json) -> None:
    key = {"idempotency-key": "once"}
    first = client.post("/api/runs", json={"document": document}, headers=key)
    again = client.post("/api/runs", json={"document": document}, headers=key)
    assert first.json() == again.json()
    assert again.status_code == 201
    other = client.post("/api/runs", json={"document": document, "start": True}, headers=key)
    assert other.json()["problems"][0]["code"] == "key_reused"

    commands = f"/api/runs/{first.json()['id']}/commands"
    key = {"idempotency-key": "step-once"}
    for _ in range(3):
        state = client.post(commands, json={"type": "step"}, headers=key).json()
        assert state["step"] == 1


def test_the_second_of_two_commands_for_one_revision_is_refused(
    client: httpx.Client, document: Json
) -> None:
    run = create(client, document)
    command(client, run["id"], "step", revision=run["revision"])
    answer = client.post(
        f"/api/runs/{run['id']}/commands", json={"type": "step", "revision": run["revision"]}
    )
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    fits(protocol.ProblemDetails, problem)
    assert problem["run"]["step"] == 1


def test_limits_are_told_in_both_languages(start_server: Any, document: Json) -> None:
    server = start_server(
        GLASSNET_MAX_RUNS="1", GLASSNET_MAX_PARAMETERS="100", GLASSNET_MAX_TABLES="1"
    )
    with server.client() as client:
        document["networks"]["model"][0]["units"] = 4096
        large = client.post("/api/runs", json={"document": document})
        assert large.json()["problems"][0]["code"] == "too_many_parameters"
        document["networks"]["model"][0]["units"] = 4
        create(client, document)
        second = client.post("/api/runs?language=zh", json={"document": document})
        assert second.status_code == 429
        assert second.json()["problems"][0]["values"] == {"limit": 1}
        assert "1" in second.json()["problems"][0]["message"]
        assert not second.json()["problems"][0]["message"].isascii()


def test_what_openapi_shows_runs_as_it_stands(client: httpx.Client, document: Json) -> None:
    create(client, document)
    described = client.get("/openapi.json").json()
    tried = 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {})
            for kind, content in body.items():
                for example in _examples(described, content):
                    is_json = kind == "application/json"
                    options: dict[str, Any] = (
                        {"json": example}
                        if is_json
                        else {"content": example, "headers": {"content-type": kind}}
                    )
                    answer = client.request(method, path.replace("{run}", "latest"), **options)
                    assert answer.status_code < 300, (path, answer.text)
                    tried += 1
    assert tried >= 8


def _examples(described: Json, content: Json) -> list[Any]:
    if "example" in content:
        return [content["example"]]
    schema = content["schema"]
    return list(schema.get("examples", []))
