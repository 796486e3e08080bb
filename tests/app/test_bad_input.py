"""Everything wrong that can come in over REST is refused with its place, and harms nobody."""

import copy
from typing import Any

import httpx
import pytest

from tests.app.driver import Json, command, create

JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}


def refused(answer: httpx.Response, status: int = 422) -> list[Json]:
    """The problems of an answer that must be a refusal in the one form there is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["problems"]
    for problem in body["problems"]:
        assert set(problem) == {"path", "code", "message", "hint", "values"}
    return body["problems"]  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _still_alive(client: httpx.Client, document: Json) -> Any:
    """After each of these the server works as before, with the same processes."""
    sound = copy.deepcopy(document)
    yield
    assert client.post("/api/compile", json={"document": sound}).json()["problems"] == []


def units(document: Json, number: Any) -> None:
    document["networks"]["model"][0]["units"] = number


@pytest.mark.parametrize(
    ("break_it", "path", "code"),
    [
        (lambda d: d.update(colour="red"), ["colour"], "unknown_key"),
        (lambda d: d["optimizer"].update(kind="adamm"), ["optimizer"], "unknown_kind_near"),
        (
            lambda d: d["networks"]["model"][0].update(kind="convolve"),
            ["networks", "model", 0],
            "unknown_kind",
        ),
        (lambda d: units(d, 0), ["networks", "model", 0, "units"], "greater_than_equal"),
        (lambda d: units(d, 10**9), ["networks", "model", 0, "units"], "less_than_equal"),
        (lambda d: units(d, "many"), ["networks", "model", 0, "units"], "not_whole"),
        (lambda d: units(d, 2.5), ["networks", "model", 0, "units"], "not_whole"),
        (lambda d: units(d, None), ["networks", "model", 0, "units"], None),
        (lambda d: d["optimizer"].update(rate=1e30), ["optimizer", "rate"], "less_than_equal"),
        (lambda d: d["networks"].update(model=[]), ["networks", "model"], "empty_network"),
        (
            lambda d: d["networks"]["model"][1].update(units=5),
            ["networks", "model", 1, "units"],
            "output_units",
        ),
        (
            lambda d: d["networks"]["model"][1].update(inputs=["nobody"]),
            ["networks", "model", 1, "inputs", 0],
            "unknown_input",
        ),
        (lambda d: d.pop("networks"), ["networks"], "missing"),
        (lambda d: d.update(data={"kind": "table", "table": "t_0"}), None, "unknown_table"),
        (lambda d: d.update(data=7), ["data"], None),
    ],
)
def test_a_wrong_document(
    client: httpx.Client, document: Json, break_it: Any, path: list[Any] | None, code: str | None
) -> None:
    break_it(document)
    problems = refused(client.post("/api/runs", json={"document": document}))
    found = [(p["path"], p["code"]) for p in problems]
    assert any(
        (path is None or where == path) and (code is None or what == code) for where, what in found
    ), found
    # Compiling says the same, without refusing.
    compiled = client.post("/api/compile", json={"document": document})
    assert compiled.status_code == 200
    assert compiled.json()["problems"] == problems


def test_all_problems_come_at_once(client: httpx.Client, document: Json) -> None:
    units(document, 0)
    document["optimizer"]["rate"] = -1
    document["seed"] = "seven"
    problems = refused(client.post("/api/runs", json={"document": document}))
    assert len(problems) == 3


def test_a_network_too_large_is_refused_with_the_estimate(
    client: httpx.Client, document: Json
) -> None:
    document["networks"]["model"] = [
        {"id": f"h{k}", "kind": "dense", "units": 4096} for k in range(60)
    ] + [{"id": "out", "kind": "dense", "units": 2}]
    (problem, *_) = refused(client.post("/api/runs", json={"document": document}))
    assert problem["code"] == "too_many_parameters"
    assert problem["values"]["given"] > 900_000_000


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"NaN",
        b'{"document": Infinity}',
        b'{"document": {"seed": 1e999}}',
        b'{"document": "\xff\xfe"}',
        b'{"document": "\\ud800"}',
        b'{"document": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"document": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_json(client: httpx.Client, text: bytes) -> None:
    answer = client.post("/api/runs", content=text, headers=JSON)
    refused(answer, 422 if not text else 400)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        7,
        None,
        {"document": []},
        {"document": None},
        {"document": {}, "start": "yes"},
        {"document": {}, "go": True},
        {"from_run": 7},
    ],
)
def test_what_is_no_request_for_a_run(client: httpx.Client, body: Any) -> None:
    refused(client.post("/api/runs", json=body))


def test_a_source_that_is_not_there(client: httpx.Client) -> None:
    refused(client.post("/api/runs", json={"from_run": "r_0000000000000000"}), 404)


@pytest.mark.parametrize(
    "order",
    [
        {"type": "fly"},
        {"type": "step", "count": -1},
        {"type": "step", "count": 10**12},
        {"type": "step", "unit": "year"},
        {"type": "edit"},
        {"type": "edit", "document": {}},
        {"type": "set", "path": ["optimizer", "kind"], "value": "magic"},
        {"type": "set", "path": ["networks", "model", 9, "units"], "value": 1},
        {"type": "set", "path": ["networks", "model", "h1", "units"], "value": 1},
        {"type": "set", "path": ["optimizer", "rate", "x"], "value": 1},
        {"type": "set", "path": ["__class__", "x"], "value": 1},
        {"type": "set_parameter", "parameter": "model.h9.weight", "index": [0, 0], "value": 1},
        {"type": "set_parameter", "parameter": "model.h1.weight", "index": [-1, 0], "value": 1},
        {"type": "set_parameter", "parameter": "model.h1.weight", "index": [0], "value": 1},
        {"type": "set_parameter", "parameter": "model.h1.weight", "index": [0, 0], "value": 1e300},
        {"type": "speed", "steps_per_second": -5},
        {"type": "pause", "revision": "first"},
        {},
    ],
)
def test_a_wrong_command_changes_nothing(client: httpx.Client, document: Json, order: Json) -> None:
    run = create(client, document)
    before = command(client, run["id"], "step")
    refused(client.post(f"/api/runs/{run['id']}/commands", json=order))
    assert client.get(f"/api/runs/{run['id']}").json() == before
    client.delete(f"/api/runs/{run['id']}")


@pytest.mark.parametrize(
    "inputs",
    [[], [[]], [[1]], [[1, 2, 3]], [["a", "b"]], [[1, None]], "1,2", [[1, 2]] * 10_001, [[1, [2]]]],
)
def test_wrong_inputs_for_a_prediction(client: httpx.Client, document: Json, inputs: Any) -> None:
    run = create(client, document)["id"]
    refused(client.post(f"/api/runs/{run}/predict", json={"inputs": inputs}))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", None),
        (b"\xff\xfe\x00x", None),
        (b"a,b\n\xe9t\xe9,1\n", None),
        (b"a,b\n", "no_rows"),
        (b"a" * 10_000_000, None),
        (b"a," * 5_000_000, None),
        (b"\x00" * 1000, None),
        (b'a,b\n"' + b"x" * 2_000_000, None),
    ],
)
def test_what_is_no_table(client: httpx.Client, content: bytes, code: str | None) -> None:
    problems = refused(client.post("/api/tables", content=content, headers=CSV))
    assert code is None or problems[0]["code"] == code


def table(client: httpx.Client, text: str) -> str:
    answer = client.post("/api/tables", content=text.encode(), headers=CSV)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("cell", ["NaN", "inf", "-Infinity", "1e999"])
def test_nan_in_a_table(client: httpx.Client, cell: str) -> None:
    rows = "\n".join(f"{k},{k % 3}" for k in range(20))
    text = f"x,y\n{rows}\n{cell},1\n"
    (problem,) = refused(client.post("/api/tables", content=text, headers=CSV))
    assert problem["code"] == "number_not_finite"
    assert problem["values"] == {"row": 21, "column": "x", "cell": cell}


def test_text_as_target_of_a_regression(client: httpx.Client, document: Json) -> None:
    rows = "\n".join(f"{k},{k * 2},word{k}" for k in range(20))
    name = table(client, f"x,y,text\n{rows}\n")
    document["data"] = {"kind": "table", "table": name, "target": "text", "task": "regression"}
    problems = refused(client.post("/api/runs", json={"document": document}))
    assert problems[0]["path"][0] == "data"


def test_a_wrong_content_type(client: httpx.Client, document: Json) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = client.post("/api/runs", content=b"{}", headers={"content-type": kind})
        assert refused(answer, 415)[0]["code"] == "content_type"
    answer = client.post("/api/tables", content=b"{}", headers=JSON)
    refused(answer, 415)


def test_a_request_that_is_too_large(client: httpx.Client) -> None:
    large = b'{"document": "' + b"x" * (5 * 1024 * 1024) + b'"}'
    for content in (large, iter([large])):  # announced, and not
        answer = client.post("/api/compile", content=content, headers=JSON)
        assert refused(answer, 413)[0]["code"] == "too_large"
    answer = client.post("/api/tables", content=b"a," * (20 * 1024 * 1024), headers=CSV)
    refused(answer, 413)


@pytest.mark.parametrize(
    "identifier",
    [
        "nobody",
        "..%2f..%2fetc%2fpasswd",
        "%252e%252e",
        "r_;drop",
        "%00",
        "\\..\\x",
        "r_" + "a" * 999,
    ],
)
def test_ids_are_names_not_paths(client: httpx.Client, identifier: str) -> None:
    for address in (
        f"/api/runs/{identifier}",
        f"/api/tables/{identifier}",
        f"/assets/{identifier}",
    ):
        refused(client.get(address), 404)


def test_an_unknown_address_and_a_wrong_method(client: httpx.Client) -> None:
    refused(client.get("/api/nothing"), 404)
    refused(client.put("/api/runs", json={}), 405)


def test_a_file_that_is_missing_in_a_form(client: httpx.Client) -> None:
    refused(client.post("/api/tables", files={"other": ("a.csv", "a\n1\n")}))


@pytest.mark.parametrize("probes", ["", "weights,," , "[", "[7]", '{"kind":"weights"}', '[{"size":3}]',
    '[{"kind":"surface","size":100000}]', "weights," * 600])  # fmt: skip
def test_wrong_probes(client: httpx.Client, document: Json, probes: str) -> None:
    run = create(client, document)["id"]
    answer = client.get(f"/api/runs/{run}/frame", params={"probes": probes})
    refused(answer, 400 if probes == "[" else 422)
