"""Sets of the plane and the line against their formulas."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from engine.catalogue import parts, validate
from engine.data import Array, Dataset, prepare
from engine.datasets import AnyDataset
from engine.datasets.functions import FUNCTIONS, Function
from engine.datasets.planar import (
    FEATURES,
    Blobs,
    Circle,
    Gauss,
    Generated,
    Moons,
    MultiGauss,
    Plane,
    Separable,
    Spiral,
    Xor,
)
from engine.datasets.points import Points
from engine.errors import SpecError

GENERATED = [part for part in parts("dataset").values() if issubclass(part, Generated | Function)]


def every_row(dataset: Dataset) -> tuple[Array, Array]:
    samples = dataset.make(dataset.seed, {})
    return samples.inputs, samples.targets


def code_of(error: pytest.ExceptionInfo[SpecError]) -> str:
    return error.value.problems[0].code


@pytest.mark.parametrize("part", GENERATED, ids=lambda part: part.kind_name())
def test_the_seed_and_nothing_else_fixes_the_points(part: type[Dataset]) -> None:
    dataset = part.model_validate({"samples": 101, "seed": 5})
    other = part.model_validate({"samples": 101, "seed": 6})
    first, again, changed = (prepare(d, {}) for d in (dataset, dataset, other))
    assert np.array_equal(first.train.inputs, again.train.inputs)
    assert np.array_equal(first.test.targets, again.test.targets)
    assert not np.array_equal(first.train.inputs, changed.train.inputs)
    assert len(first.train.inputs) + len(first.test.inputs) == 101


@pytest.mark.parametrize("part", [Circle, Xor, Spiral, Moons, Blobs, Plane, MultiGauss, Function])
def test_noise_grows_around_the_same_draw(part: type[Dataset]) -> None:
    def drawn(noise: float) -> Array:
        inputs, targets = every_row(part.model_validate({"samples": 60, "noise": noise}))
        return np.concatenate([inputs, targets.reshape(60, -1)], axis=1)

    pure, little, more = drawn(0.0), drawn(0.1), drawn(0.2)
    if part in (Circle, Xor, Plane, MultiGauss):
        assert np.array_equal(pure[:, :2], more[:, :2])
    else:
        assert_allclose(more - pure, 2 * (little - pure), atol=1e-12)


@pytest.mark.parametrize("part", [Circle, Gauss, Spiral, Moons, Separable, Blobs])
def test_classes_are_balanced_in_both_parts(part: type[Dataset]) -> None:
    data = prepare(part.model_validate({"samples": 301, "test_share": 0.3}), {})
    assert data.classes is not None
    for samples, share in ((data.train, 0.7), (data.test, 0.3)):
        counts = np.bincount(samples.targets, minlength=len(data.classes))
        assert_allclose(counts, 301 * share / len(data.classes), atol=2)


def test_circle_is_a_disc_in_a_ring() -> None:
    points, label = every_row(Circle(samples=400))
    radius = np.hypot(*points.T)
    assert radius[label == 1].max() <= 2.5
    assert radius[label == 0].min() >= 3.5
    assert radius.max() <= 5
    # Radius, not area, is uniform, as in Playground.
    assert abs(radius[label == 1].mean() - 1.25) < 0.1


def test_xor_keeps_off_the_axes() -> None:
    points, label = every_row(Xor(samples=400))
    assert np.abs(points).min() >= 0.3
    assert np.abs(points).max() <= 5.3
    assert np.array_equal(label == 1, points.prod(axis=1) >= 0)


def test_gauss_has_playgrounds_variance() -> None:
    for noise, variance in ((0.0, 0.5), (0.25, 2.25), (0.5, 4.0)):
        points, label = every_row(Gauss(samples=20_000, noise=noise))
        for k, centre in ((1, 2.0), (0, -2.0)):
            assert_allclose(points[label == k].mean(axis=0), centre, atol=0.1)
            assert_allclose(points[label == k].var(axis=0), variance, rtol=0.06)


def test_spiral_is_playgrounds_with_two_classes() -> None:
    points, label = every_row(Spiral(samples=200))
    i = np.arange(100)
    for k, delta in ((1, 0.0), (0, np.pi)):
        t = 1.75 * i / 100 * 2 * np.pi + delta
        expected = np.stack([i / 100 * 5 * np.sin(t), i / 100 * 5 * np.cos(t)], axis=1)
        assert_allclose(points[label == k], expected, atol=1e-12)


def test_arms_of_a_spiral_are_turned_copies() -> None:
    points, label = every_row(Spiral(samples=600, classes=6))
    turn = np.pi / 3
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    assert_allclose(points[label == 5] @ rotation, points[label == 4], atol=1e-12)


def test_plane_and_hills_follow_playground() -> None:
    points, target = every_row(Plane(samples=300))
    assert_allclose(target[:, 0], (points[:, 0] + points[:, 1]) / 10)

    def height(x: float, y: float) -> float:
        best = 0.0
        for cx, cy, sign in (
            (-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1),
        ):  # fmt: skip
            value = sign * max(1 - float(np.hypot(x - cx, y - cy)) / 2, 0)
            if abs(value) > abs(best):
                best = value
        return best

    points, target = every_row(MultiGauss(samples=300))
    assert_allclose(target[:, 0], [height(x, y) for x, y in points], atol=1e-12)
    assert target.min() < -0.5
    assert target.max() > 0.5


@pytest.mark.parametrize("margin", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_separable_points_keep_their_margin(margin: float, seed: int) -> None:
    points, label = every_row(Separable(samples=200, margin=margin, seed=seed))
    # The widest strip between the two hulls, found by looking in all directions.
    angle = np.linspace(0, 2 * np.pi, 3601)
    along = points @ np.stack([np.cos(angle), np.sin(angle)])
    gap = along[label == 1].min(axis=0) - along[label == 0].max(axis=0)
    assert gap.max() >= 2 * margin - 0.02
    assert np.hypot(*points.T).max() <= 5


def test_features_are_what_their_names_say() -> None:
    data = prepare(Xor(samples=20, features=tuple(FEATURES)), {})  # type: ignore[arg-type]
    raw = np.array([[0.5, -2.0]])
    expected = [0.5, -2.0, 0.25, 4.0, -1.0, np.sin(0.5), np.sin(-2.0)]
    assert_allclose(data.encode(raw)[0], expected)
    assert data.encoding.names == ("x", "y", "x2", "y2", "xy", "sin_x", "sin_y")


def test_features_are_checked() -> None:
    for features, code in ((["x", "x"], "repeated_feature"), ([], "too_short")):
        with pytest.raises(SpecError) as error:
            validate(AnyDataset, {"kind": "xor", "features": features})
        assert code_of(error) == code
        assert error.value.problems[0].path == ("features",)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_fill_their_window(name: str) -> None:
    data = prepare(Function.model_validate({"function": name, "noise": 0.0}), {})
    x, y = data.train.inputs[:, 0], data.train.targets[:, 0]
    assert_allclose(y, FUNCTIONS[name](x))
    assert -1 - 1e-9 <= y.min() < y.max() <= 1 + 1e-9
    assert y.max() - y.min() > 1.1
    assert data.line
    assert not data.plane


def test_drawn_points_come_back_as_they_are() -> None:
    drawn = ((1.0, 2.0, 0.0), (-1.0, 0.5, 1.0), (0.0, 0.0, 1.0))
    data = prepare(Points(points=drawn, test_share=0.0), {})
    assert data.plane
    assert data.classes == ("0", "1")
    rows = np.column_stack([data.train.inputs, data.train.targets])
    assert {tuple(row) for row in rows.tolist()} == set(drawn)
    assert data.bounds().tolist() == [[-6, 6], [-6, 6]]  # the window holds still
    values = prepare(Points(points=((0, 0, 0.25),), task="regression", test_share=0.0), {})
    assert values.train.targets.tolist() == [[0.25]]


def test_drawn_points_are_checked() -> None:
    with pytest.raises(SpecError) as error:
        prepare(Points(), {})
    assert code_of(error) == "no_points"
    with pytest.raises(SpecError) as error:
        prepare(Points(points=((0, 0, 1), (1, 1, 1))), {})
    assert code_of(error) == "one_class_drawn"
    for label in (2, 0.5, -1):
        with pytest.raises(SpecError) as error:
            validate(AnyDataset, {"kind": "points", "points": [[0, 0, 1], [1, 1, label]]})
        assert code_of(error) == "not_a_class"
        assert error.value.problems[0].path == ("points", 1, 2)
    for bad in ([[0, 0]], [[0, 0, float("nan")]], [[0, 1e9, 0]], [[0, 0, 0]] * 5001, "x"):
        with pytest.raises(SpecError):
            validate(AnyDataset, {"kind": "points", "points": bad})


@pytest.mark.parametrize(
    "bad",
    [
        {"samples": 0}, {"samples": 10**9}, {"noise": -0.1}, {"noise": float("inf")},
        {"test_share": 1.0}, {"classes": 7}, {"margin": 1}, {"features": ["z"]},
    ],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(SpecError) as error:
        validate(AnyDataset, {"kind": "spiral", **bad})
    assert error.value.problems[0].path[0] == next(iter(bad))


@pytest.mark.parametrize("part", parts("dataset").values(), ids=lambda part: part.kind_name())
def test_every_setting_is_explained(part: type[Dataset]) -> None:
    assert part.__doc__
    for name, field in part.model_fields.items():
        assert name == "kind" or field.description, name
