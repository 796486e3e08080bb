"""Documents: what is refused, where the problem is said to be, and the short form."""

import copy
import json
from typing import Any

import pytest

from engine.document import Experiment
from engine.errors import SpecError
from engine.examine import Limits, examine
from tests.engine.test_training import CIRCLE


def edited(path: list[str | int], value: Any) -> dict[str, Any]:
    """The document with one place replaced (or removed, by `...`)."""
    document = copy.deepcopy(CIRCLE)
    place: Any = document
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (["networks", "model", 0, "units"], 0, "greater_than_equal"),
        (["networks", "model", 0, "units"], 10**9, "less_than_equal"),
        (["networks", "model", 0, "units"], "many", "not_whole"),
        (["networks", "model", 0, "kind"], "dens", "unknown_kind_near"),
        (["networks", "model", 0, "activation"], "wobble", "unknown_kind"),
        (["networks", "model", 0, "colour"], "red", "unknown_key"),
        (["networks", "model", 0, "id"], "no spaces", "pattern"),
        (["networks", "model", 0, "id"], ..., "missing"),
        (["networks", "model", 4, "inputs"], ["h1", "h9"], "unknown_input"),
        (["networks", "model", 4, "inputs"], ["h1", "out"], "input_not_before"),
        (["networks", "model", 4, "inputs"], ["h1"], "too_few_inputs"),
        (["networks", "model", 3, "inputs"], ["h1", "norm"], "too_many_inputs"),
        (["networks", "model", 5, "id"], "h1", "duplicate_id"),
        (["networks", "model", 5, "units"], 3, "output_units"),
        (["networks", "model"], [], "empty_network"),
        (["networks", "other"], [], "unknown_network"),
        (["networks", "model"], ..., "missing_network"),
        (["optimizer", "rate"], 1e30, "less_than_equal"),
        (["optimizer", "rate"], float("inf"), "not_number"),
        (["optimizer", "rate"], 0, "greater_than"),
        (["training", "batch"], 1.5, "not_whole"),
        (["training", "stop", "loss"], -1, "greater_than_equal"),
        (["data", "kind"], "zzz", "unknown_kind"),
        (["seed"], -1, "greater_than_equal"),
        (["format"], 2, "unknown_kind"),
        (["more"], 1, "unknown_key"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(path: list[str | int], value: Any, code: str) -> None:
    found = examine(edited(path, value))["problems"]
    assert [p["code"] for p in found] == [code]
    where = found[0]["path"]
    if code in ("unknown_input", "input_not_before"):
        path = [*path, 1]
    if code == "empty_network" or (code == "unknown_kind" and path == ["data", "kind"]):
        assert where == path[: len(where)]
    elif code == "missing_network":
        assert where == ["networks"]
    elif path[-1] == "kind":
        assert where == path[:-1]
    else:
        assert where == path
    json.dumps(found)
    assert found[0]["message"]


def test_all_problems_at_once() -> None:
    document = edited(["networks", "model", 0, "units"], 0)
    document["optimizer"]["rate"] = -1
    document["nonsense"] = True
    assert len(examine(document)["problems"]) == 3


@pytest.mark.parametrize(
    "document", [None, 3, [], "x", {}, {"networks": 3}, {"networks": {"model": 5}}]
)
def test_anything_else_is_refused_calmly(document: Any) -> None:
    assert examine(document)["problems"]
    with pytest.raises(SpecError):
        Experiment.parse(document)


def test_what_can_be_known_is_still_there() -> None:
    answer = examine(edited(["networks", "model", 4, "inputs"], ["h1", "h9"]))
    nodes = answer["networks"]["model"]["nodes"]
    assert nodes[3]["output_shape"] == [6]
    assert nodes[4]["output_shape"] is None
    assert nodes[5]["output_shape"] is None


def test_shapes_counts_and_limits() -> None:
    answer = examine(CIRCLE)
    assert not answer["problems"]
    assert answer["parameters"] == 2 * 6 + 6 + 12 + 6 * 6 + 6 + 6 * 2 + 2
    large = edited(["networks", "model", 0, "units"], 4096)
    large["networks"]["model"][3]["units"] = 4096
    found = examine(large, limits=Limits(parameters=1_000_000, bytes=10_000_000))["problems"]
    assert {"too_many_parameters", "too_many_bytes"} <= {p["code"] for p in found}


def test_the_short_form_comes_back_the_same() -> None:
    experiment = Experiment.parse(CIRCLE)
    short = experiment.dump()
    assert short["networks"]["model"][0]["activation"] == "tanh"
    assert Experiment.parse(json.loads(json.dumps(short))) == experiment


def test_a_step_cannot_be_trained_by_descent() -> None:
    found = examine(edited(["networks", "model", 0, "activation"], "step"))["problems"]
    assert [p["code"] for p in found] == ["not_trainable"]


def test_a_regression_refuses_cross_entropy() -> None:
    found = examine(edited(["data"], {"kind": "plane"}))["problems"]
    assert found[0]["code"] == "loss_task"
    assert found[0]["path"] == ["loss"]
