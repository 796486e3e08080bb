"""Real sets: as their sources describe them, and built from pinned packages only."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest

import build_datasets
import hatch_build
from engine.catalogue import parts
from engine.data import Dataset, prepare
from engine.datasets import packaged
from engine.datasets.packaged import Houses, Iris, Packaged, Penguins, Wine
from engine.errors import SpecError

ROOT = Path(build_datasets.__file__).parent
PACKAGED = [part for part in parts("dataset").values() if issubclass(part, Packaged)]


@pytest.mark.parametrize(
    ("dataset", "counts", "columns"),
    [
        (Iris(), {"setosa": 50, "versicolor": 50, "virginica": 50}, 4),
        (Wine(), {"grower 1": 59, "grower 2": 71, "grower 3": 48}, 13),
        (Penguins(), {"Adelie": 152, "Chinstrap": 68, "Gentoo": 124}, 6),
    ],
    ids=["iris", "wine", "penguins"],
)
def test_the_classes_are_those_of_the_source(
    dataset: Dataset, counts: dict[str, int], columns: int
) -> None:
    data = prepare(dataset, {})
    found = np.bincount(np.concatenate([data.train.targets, data.test.targets]))
    assert dict(zip(data.classes or (), found.tolist(), strict=True)) == counts
    assert len(data.columns) == columns
    for label in range(len(counts)):
        share = (data.test.targets == label).sum() / found[label]
        assert abs(share - 0.3) < 0.01


def test_houses_have_prices() -> None:
    data = prepare(Houses(), {})
    assert data.task == "regression"
    assert data.input_shape == (15,)
    prices = np.concatenate([data.train.targets, data.test.targets])
    assert prices.shape == (211, 1)
    assert 3 < prices.min() < 50 < prices.max() < 200


def test_penguins_say_what_is_missing() -> None:
    data = prepare(Penguins(), {})
    said = {(n.code, n.values["column"]): n.values["count"] for n in data.train.notes}
    assert said[("missing_numbers", "body mass (g)")] == 2
    assert said[("missing_categories", "sex")] == 11
    assert "sex=missing" in data.encoding.names
    assert np.isfinite(data.encode(data.test.inputs)).all()


@pytest.mark.parametrize("part", PACKAGED, ids=lambda part: part.kind_name())
def test_sets_are_standardized_by_their_training_part(part: type[Dataset]) -> None:
    data = prepare(part(), {})
    encoded = data.encode(data.train.inputs)
    numeric = [k for k, name in enumerate(data.encoding.names) if "=" not in name]
    assert np.abs(encoded[:, numeric].mean(axis=0)).max() < 1e-9
    assert np.abs(data.encode(data.test.inputs)[:, numeric].mean(axis=0)).max() > 1e-3


@pytest.mark.parametrize("part", PACKAGED, ids=lambda part: part.kind_name())
def test_source_and_licence_are_shown_and_pinned(part: type[Packaged]) -> None:
    source = prepare(part(), {}).describe()["source"]
    assert source["url"].startswith("https://")
    assert source["licence"]
    package = build_datasets.SETS[part.kind_name()].package
    assert source["title"].endswith(f"from {package.name} {package.version}")


def test_the_build_makes_every_set() -> None:
    outputs = {output for product in hatch_build.PRODUCTS for output in product.outputs}
    for part in PACKAGED:
        assert f"{build_datasets.FOLDER}/{part.kind_name()}.csv" in outputs
    assert set(build_datasets.SETS) == {part.kind_name() for part in PACKAGED}


def test_a_set_that_was_not_fetched_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packaged, "FILES", tmp_path)
    with pytest.raises(SpecError) as error:
        prepare(Iris(), {})
    assert error.value.problems[0].code == "data_not_built"


def test_a_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    genuine = build_datasets.PALMERPENGUINS
    forged = build_datasets.Package(genuine.name, genuine.version, "0" * 64)
    wheel = tmp_path / "wheels" / f"{genuine.name}-{genuine.version}-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"not what was pinned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(wheel.parent))
        with pytest.raises(RuntimeError, match=r"(?is)could not be fetched.*hash"):
            build_datasets.download({forged}, tmp_path)


def test_every_message_has_its_chinese() -> None:
    path = ROOT / "templates/zh/problems.d/datasets.json"
    chinese = json.loads(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for file in (ROOT / "engine/datasets").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = {"problem": 1, "refusal": 0, "Note": 0}.get(node.func.id)
                code = None if place is None else node.args[place]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
    assert found == set(chinese)
