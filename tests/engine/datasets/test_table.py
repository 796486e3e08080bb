"""Tables: types, targets, missing values, and what the network sees of them."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from engine.catalogue import validate
from engine.data import Data, prepare
from engine.datasets import AnyDataset
from engine.datasets.table import Table, inspect
from engine.errors import SpecError

PETS = """name,animal,weight,legs,price
Rex,dog,30,4,100
Tom,cat,5,4,50
Mia,cat,,4,60
Kim,bird,0.5,2,
Ada,,3,4,40
Bob,dog,25,4,90
Eve,bird,0.3,2,20
Zoe,cat,4,4,55
"""


def load(text: str, **choices: Any) -> Data:
    return prepare(Table(table="t", **choices), {"t": text.encode()})


def problems(text: str, **choices: Any) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(SpecError) as error:
        load(text, **choices)
    assert all(problem.hint for problem in error.value.problems)
    return [(problem.path, problem.code) for problem in error.value.problems]


def notes(data: Data) -> dict[str, dict[str, Any]]:
    return {n.code: n.values for n in (*data.train.notes, *data.encoding.notes)}


def test_a_file_is_described_before_it_is_used() -> None:
    found = inspect(PETS.encode())
    assert found["rows"] == 8
    assert found["columns"][2] == {
        "name": "weight", "type": "number", "missing": 1, "distinct": 7, "example": "30",
    }  # fmt: skip
    assert found["columns"][1]["type"] == "category"
    assert found["suggestion"] == {"target": "price", "task": "regression"}
    assert found["preview"][2] == ["Mia", "cat", "", "4", "60"]


def test_a_regression_with_missing_values() -> None:
    data = load(PETS, test_share=0.0, columns={"name": "ignore"})
    assert data.task == "regression"
    assert data.columns == ("animal", "weight", "legs")
    assert len(data.train.inputs) == 7
    said = notes(data)
    assert said["rows_without_target"] == {"count": 1, "column": "price"}
    assert said["missing_numbers"] == {"count": 1, "column": "weight"}
    assert said["missing_categories"] == {"count": 1, "column": "animal"}
    assert said["columns_ignored"] == {"columns": "name"}
    assert data.encoding.names == (
        "weight", "legs", "animal=bird", "animal=cat", "animal=dog", "animal=missing",
    )  # fmt: skip
    weight = np.array([30, 5, 3, 25, 0.3, 4])
    encoded = data.encode(data.rows([["dog", 30, 4], ["cat", None, 4], [None, 5, 2]]))
    assert_allclose(encoded[0, 0], (30 - weight.mean()) / weight.std())
    assert encoded[:, 2:].tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    assert encoded[1, 0] == 0.0  # the mean
    scaled = data.scaled_targets(data.train)
    assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-12)
    assert_allclose(data.unscaled(scaled), data.train.targets)
    described = data.describe()
    assert ["cat", None, 4.0] in described["train"]["inputs"]
    assert all(note["message"] for note in described["notes"])


def numbered(rows: int, seed: int = 0) -> tuple[str, np.ndarray[Any, Any]]:
    values = np.random.default_rng(seed).normal(50, 10, (rows, 2)).round(3)
    lines = [f"{a},{b},{'pq'[k % 2]}" for k, (a, b) in enumerate(values)]
    return "a,b,label\n" + "\n".join(lines) + "\n", values


def test_standardization_sees_the_training_part_only() -> None:
    text, _ = numbered(40)
    data = load(text, test_share=0.5, seed=3)
    mean, scale = data.train.inputs.mean(axis=0), data.train.inputs.std(axis=0)
    assert_allclose(data.encode(data.train.inputs), (data.train.inputs - mean) / scale)
    assert_allclose(data.encode(data.test.inputs), (data.test.inputs - mean) / scale)
    # The same rows with absurd values in the test part: nothing that is trained on may change.
    lines = text.splitlines()
    shown = {tuple(row) for row in data.test.inputs.tolist()}
    for index, line in enumerate(lines[1:], 1):
        a, b, label = line.split(",")
        if (float(a), float(b)) in shown:
            lines[index] = f"{float(a) * 1e6},{float(b) - 1e6},{label}"
    spoilt = load("\n".join(lines), test_share=0.5, seed=3)
    assert np.array_equal(spoilt.train.inputs, data.train.inputs)
    assert np.abs(spoilt.test.inputs).min() > 1e5
    assert np.array_equal(spoilt.encode(data.train.inputs), data.encode(data.train.inputs))


def test_a_regressions_target_is_scaled_by_the_training_part_only() -> None:
    text, _ = numbered(40)
    data = load(text, target="b", test_share=0.5)
    assert data.task == "regression"
    assert_allclose(data.encoding.target_mean, data.train.targets.mean(axis=0))
    assert_allclose(data.encoding.target_scale, data.train.targets.std(axis=0))


def test_levels_that_training_never_saw_are_no_input() -> None:
    text = "c,v,y\n" + "\n".join(f"{'rare' if k == 0 else 'ab'[k % 2]},{k},{k}" for k in range(40))
    for seed in range(20):
        data = load(text, target="y", columns={"v": "number"}, seed=seed)
        rare = data.encode(data.rows([["rare", 1]]))[0]
        if not (data.train.inputs[:, 0] == 2).any():
            assert data.encoding.names == ("v", "c=a", "c=b")
            assert rare[1:].tolist() == [0, 0]
            break
    else:
        raise AssertionError("the rare level was never in the test part alone")


def test_rare_levels_are_merged_and_it_is_said() -> None:
    lines = [f"{k % 40 if k < 400 else 0},{k % 7}" for k in range(500)]
    data = load("c,y\n" + "\n".join(lines), columns={"c": "category"}, task="regression")
    assert len(data.encoding.names) == 31
    assert data.encoding.names[-1] == "c=other"
    assert notes(data)["levels_merged"] == {"column": "c", "limit": 30}
    assert_allclose(data.encode(data.train.inputs).sum(axis=1), 1)


@pytest.mark.parametrize("code", [0.4, 1.6, 7.0, -3.0, 1e18])
def test_a_code_that_is_no_level_is_no_error(code: float) -> None:
    data = load("c,y\na,1\nb,2\na,3\nb,5\n", test_share=0.0)
    assert data.encode(np.array([[code]])).sum() in (0, 1)


def test_numbers_can_be_classes() -> None:
    text = "a,y\n" + "\n".join(f"{k},{(-1) ** k}.0" for k in range(20))
    data = load(text)
    assert data.task == "classification"
    assert data.classes == ("-1", "1")
    assert {row.split(",")[1] for row in data.csv().splitlines()[1:]} == {"-1", "1"}
    split = load(text, test_share=0.3)
    assert np.bincount(split.train.targets).tolist() == [7, 7]
    assert np.bincount(split.test.targets).tolist() == [3, 3]


def test_a_column_can_be_corrected() -> None:
    text = "zip,size,price\n" + "\n".join(f"{k % 3},{k},{k * 1.5}" for k in range(12))
    assert load(text).encoding.names == ("zip", "size")
    corrected = load(text, columns={"zip": "category", "size": "ignore"})
    assert corrected.encoding.names == ("zip=0", "zip=1", "zip=2")
    classes = load(text, target="zip", columns={"zip": "category"})
    assert classes.classes == ("0", "1", "2")


def test_a_constant_column_stays_finite() -> None:
    data = load("a,b,y\n0.1,1,1.5\n0.1,2,2.5\n0.1,3,2.75\n", test_share=0.0)
    assert np.isfinite(data.encode(data.train.inputs)).all()
    assert notes(data)["column_constant"] == {"column": "a"}


@pytest.mark.parametrize(
    ("choices", "path", "code"),
    [
        ({"target": "name", "task": "regression"}, ("target",), "target_not_number"),
        ({"target": "legs", "columns": {"legs": "category"}, "task": "regression"},
         ("target",), "target_not_number"),
        ({"target": "colour"}, ("target",), "unknown_column"),
        ({"columns": {"colour": "number"}}, ("columns", "colour"), "unknown_column"),
        ({"columns": {"animal": "number"}}, ("columns", "animal"), "text_in_number_column"),
        ({"columns": dict.fromkeys(["name", "animal", "weight", "legs"], "ignore")},
         ("columns",), "no_inputs"),
    ],
)  # fmt: skip
def test_a_choice_that_does_not_fit_is_explained(
    choices: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    assert problems(PETS, **choices) == [(path, code)]


def test_targets_that_cannot_be_learned() -> None:
    rows = range(60)
    same = "a,y\n" + "\n".join(f"{k},7" for k in rows)
    assert problems(same)[0][1] == "one_class"
    assert problems(same, task="regression")[0][1] == "target_constant"
    assert problems("a,y\n" + "\n".join(f"{k},b" for k in rows))[0][1] == "one_class"
    many = "a,y\n" + "\n".join(f"{k},{k}.5" for k in rows)
    assert problems(many, task="classification")[0][1] == "too_many_classes"
    assert problems("a,y\n1,\n2,\n", target="y")[0][1] == "target_empty"


def test_a_table_that_would_not_fit_in_memory_is_refused() -> None:
    text = "\n".join(",".join(f"v{(k * 7 + c) % 40}" for c in range(50)) for k in range(15_000))
    header = ",".join(f"c{c}" for c in range(50))
    assert problems(f"{header}\n{text}") == [(("columns",), "encoded_too_large")]
    unique = "a,b,y\n" + "\n".join(f"t{k},{k % 7},{k % 2}" for k in range(1001))
    assert problems(unique, columns={"a": "category"}) == [(("columns", "a"), "too_many_levels")]


def test_a_table_has_to_be_there() -> None:
    with pytest.raises(SpecError) as error:
        prepare(Table(), {})
    assert error.value.problems[0].code == "no_table"
    with pytest.raises(SpecError) as error:
        prepare(Table(table="gone"), {})
    assert error.value.problems[0].code == "unknown_table"


def test_settings_of_a_table_are_checked_at_their_place() -> None:
    for bad, path in (
        ({"columns": {"a": "text"}}, ("columns", "a")),
        ({"task": "guess"}, ("task",)),
        ({"table": 3}, ("table",)),
        ({"file": "/etc/passwd"}, ("file",)),
    ):
        with pytest.raises(SpecError) as error:
            validate(AnyDataset, {"kind": "table", **bad})
        assert error.value.problems[0].path == path


def test_export_defuses_formulas() -> None:
    dangerous = ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "plain"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["=name", "n", "y"])
    writer.writerows([[dangerous[k % 5], -k - 1.5, dangerous[k % 4]] for k in range(40)])
    exported = load(text.getvalue()).csv()
    cells = [cell for row in csv.reader(io.StringIO(exported)) for cell in row]
    assert {"'=1+1", "'+cmd", "'-cmd", "'@SUM(A1)", "plain", "'=name", "-1.5"} <= set(cells)
    for cell in cells:
        try:
            float(cell)
        except ValueError:
            assert cell[:1] not in "=+-@\t\r"
