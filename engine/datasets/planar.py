"""Sets of points in the plane, drawn by a formula.

All of them live in a window of about ±6, as in TensorFlow Playground, whose formulas the first six
follow (tensorflow/playground, `src/dataset.ts`, Apache-2.0). Class 1 is what Playground labels +1
and class 0 what it labels -1. Positions, noise and everything else that is random come from streams
of their own, so that moving one slider does not reshuffle the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import field_validator

from engine.catalogue import SettingError, setting
from engine.data import Array, Dataset, Encoding, Samples, Tables
from engine.errors import problem
from engine.randomness import stream

Feature = Literal["x", "y", "x2", "y2", "xy", "sin_x", "sin_y"]

# From points (rows, 2) to one input of the network (rows,).
FEATURES: dict[str, Callable[[Array], Array]] = {
    "x": lambda p: p[:, 0],
    "y": lambda p: p[:, 1],
    "x2": lambda p: p[:, 0] ** 2,
    "y2": lambda p: p[:, 1] ** 2,
    "xy": lambda p: p[:, 0] * p[:, 1],
    "sin_x": lambda p: np.sin(p[:, 0]),
    "sin_y": lambda p: np.sin(p[:, 1]),
}


class Drawn(NamedTuple):
    """Points (rows, 2) and their class numbers (rows,) or target values (rows,)."""

    points: Array
    targets: Array


class Planar(Dataset):
    """Points with two coordinates. The network sees the chosen features of them, not scaled."""

    plane: ClassVar[bool] = True
    group: ClassVar[str] = "plane"

    features: tuple[Feature, ...] = setting(
        ("x", "y"),
        title="Features",
        help="What the network is given of every point: its coordinates, or functions of them.",
        min_length=1,
        labels={
            "x": "x", "y": "y", "x2": "x²", "y2": "y²", "xy": "xy", "sin_x": "sin x",
            "sin_y": "sin y",
        },
    )  # fmt: skip

    @field_validator("features")
    @classmethod
    def _each_once(cls, value: tuple[Feature, ...]) -> tuple[Feature, ...]:
        if len(set(value)) < len(value):
            raise SettingError(
                problem(
                    (), "repeated_feature", "a feature is listed twice", "List every feature once."
                )
            )
        return value

    def fit(self, train: Samples) -> Encoding:
        chosen = [FEATURES[name] for name in self.features]

        def encode(raw: Array) -> Array:
            return np.stack([feature(raw) for feature in chosen], axis=1)

        return Encoding(encode, tuple(self.features))


class Generated(Planar):
    """Points that a formula makes, as many as asked for."""

    # None: the targets are values; otherwise the number of classes.
    class_count: ClassVar[int | None] = 2

    samples: int = setting(
        500, ge=10, le=20_000, scale="log", unit="points", title="Samples",
        help="How many points there are, for training and testing together.",
    )  # fmt: skip

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        """The points and their targets; `place` draws positions, `noise` what disturbs them."""
        raise NotImplementedError

    def count_classes(self) -> int | None:
        return self.class_count

    def make(self, seed: int, tables: Tables) -> Samples:
        points, targets = self.draw(stream(seed, "data", "place"), stream(seed, "data", "noise"))
        return planar_samples(points, targets, self.count_classes())


class Noisy(Generated):
    """Generated points with a setting for noise."""

    noise: float = setting(
        0.0, ge=0.0, le=0.5, title="Noise",
        help="How far chance moves the points, or their labels, away from the pure form.",
    )  # fmt: skip


def planar_samples(points: Array, targets: Array, classes: int | None) -> Samples:
    """Samples of the plane; `classes` is None for a regression."""
    if classes is None:
        return Samples(points, targets.reshape(-1, 1), "regression", ("x", "y"))
    return Samples(
        points,
        targets.astype(np.int64),
        "classification",
        ("x", "y"),
        "class",
        tuple(str(k) for k in range(classes)),
    )


def _polar(radius: Array, angle: Array) -> Array:
    """Playground measures angles clockwise from the y axis."""
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def _shares(samples: int, classes: int) -> list[int]:
    """The samples, dealt out to the classes as evenly as can be."""
    return [samples // classes + (k < samples % classes) for k in range(classes)]


class Circle(Noisy):
    """A disc of class 1 inside a ring of class 0.

    Radius uniform in [0, 2.5] inside and [3.5, 5] outside, angle uniform. The label says whether
    the point, moved by uniform ±5·noise in x and in y, lies within 2.5 of the centre: noise changes
    labels, not positions. Source: TensorFlow Playground, `classifyCircleData`.
    """

    kind: Literal["circle"] = "circle"
    title: ClassVar[str] = "Circle"

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        inside, outside = _shares(self.samples, 2)
        radius = np.concatenate([place.uniform(0, 2.5, inside), place.uniform(3.5, 5, outside)])
        points = _polar(radius, place.uniform(0, 2 * np.pi, self.samples))
        moved = points + noise.uniform(-5, 5, points.shape) * self.noise
        return Drawn(points, np.hypot(moved[:, 0], moved[:, 1]) < 2.5)


class Xor(Noisy):
    """Four quadrants; opposite ones share a class. No straight line parts them.

    x and y uniform in ±5, pushed 0.3 away from the axes. Class 1 where x·y ≥ 0, after moving the
    point by uniform ±5·noise: noise changes labels, not positions. Source: TensorFlow Playground,
    `classifyXORData`.
    """

    kind: Literal["xor"] = "xor"
    title: ClassVar[str] = "Exclusive or (XOR)"

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        points = place.uniform(-5, 5, (self.samples, 2))
        points += np.where(points > 0, 0.3, -0.3)
        moved = points + noise.uniform(-5, 5, points.shape) * self.noise
        return Drawn(points, moved[:, 0] * moved[:, 1] >= 0)


class Gauss(Noisy):
    """Two clouds, class 1 around (2, 2) and class 0 around (-2, -2).

    Normal in both coordinates with variance 0.5 + 7·noise. Source: TensorFlow Playground,
    `classifyTwoGaussData`.
    """

    kind: Literal["gauss"] = "gauss"
    title: ClassVar[str] = "Two clouds"

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        first, second = _shares(self.samples, 2)
        centre = np.concatenate([np.full((first, 2), 2.0), np.full((second, 2), -2.0)])
        spread = np.sqrt(0.5 + 7 * self.noise)
        points = centre + spread * noise.standard_normal(centre.shape)
        return Drawn(points, np.repeat([1, 0], [first, second]))


class Spiral(Noisy):
    """Arms that wind around each other, one a class.

    Point i of n on an arm has radius 5·i/n and angle 3.5π·i/n plus the arm's own share of the
    circle, and is moved by uniform ±noise in x and in y. With two classes this is TensorFlow
    Playground's `classifySpiralData`.
    """

    kind: Literal["spiral"] = "spiral"
    title: ClassVar[str] = "Spiral"

    classes: int = setting(2, ge=2, le=6, title="Classes", unit="arms", help="How many arms wind.")

    def count_classes(self) -> int:
        return self.classes

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        counts = _shares(self.samples, self.classes)
        along = np.concatenate([np.arange(n) / n for n in counts])
        # The last class starts at angle 0, as Playground's positive class does.
        label = np.repeat(np.arange(self.classes)[::-1], counts)
        turn = 2 * np.pi * (self.classes - 1 - label) / self.classes
        points = _polar(5 * along, 3.5 * np.pi * along + turn)
        points += noise.uniform(-1, 1, points.shape) * self.noise
        return Drawn(points, label)


class Moons(Noisy):
    """Two half circles that reach into each other.

    (cos t, sin t) and (1 - cos t, ½ - sin t) with t even in [0, π], moved by a normal with standard
    deviation noise, centred and enlarged 3.5 times. Source: scikit-learn, `make_moons`.
    """

    kind: Literal["moons"] = "moons"
    title: ClassVar[str] = "Moons"

    noise: float = setting(
        0.1, ge=0.0, le=0.5, title="Noise",
        help="How far chance moves the points away from the two half circles.",
    )  # fmt: skip

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        first, second = _shares(self.samples, 2)
        upper, lower = np.linspace(0, np.pi, first), np.linspace(0, np.pi, second)
        points = np.concatenate(
            [
                np.stack([np.cos(upper), np.sin(upper)], axis=1),
                np.stack([1 - np.cos(lower), 0.5 - np.sin(lower)], axis=1),
            ]
        )
        points += self.noise * noise.standard_normal(points.shape)
        return Drawn(3.5 * (points - (0.5, 0.25)), np.repeat([1, 0], [first, second]))


class Separable(Generated):
    """Two classes that a straight line parts, with an empty strip on both sides of it.

    Points uniform in a disc of radius 5, at least the margin away from the line w·p + b = 0, where
    w is a random unit vector and b is uniform in ±1. The perceptron makes at most (R/γ)² mistakes
    on such points (Novikoff 1962).
    """

    kind: Literal["separable"] = "separable"
    title: ClassVar[str] = "Separable points"

    margin: float = setting(
        0.5, ge=0.05, le=3.0, title="Margin",
        help="How far, at least, every point is from the line that parts the classes.",
    )  # fmt: skip

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        angle, offset = place.uniform(0, 2 * np.pi), place.uniform(-1, 1)
        normal = np.array([np.cos(angle), np.sin(angle)])
        wanted = _shares(self.samples, 2)
        found: tuple[list[Array], list[Array]] = ([], [])
        # The narrowest side is 1/20 of the disc, so that a few rounds fill both.
        while any(sum(map(len, found[k])) < wanted[k] for k in (0, 1)):
            radius = 5 * np.sqrt(place.uniform(0, 1, 4096))
            points = _polar(radius, place.uniform(0, 2 * np.pi, 4096))
            distance = points @ normal + offset
            found[0].append(points[distance <= -self.margin])
            found[1].append(points[distance >= self.margin])
        sides = [np.concatenate(found[k])[: wanted[k]] for k in (0, 1)]
        return Drawn(np.concatenate(sides), np.repeat([0, 1], wanted))


class Blobs(Noisy):
    """Round clouds on a circle, one a class.

    Centres even on a circle of radius 4; normal in both coordinates with standard deviation
    0.5 + 2·noise.
    """

    kind: Literal["blobs"] = "blobs"
    title: ClassVar[str] = "Blobs"

    classes: int = setting(3, ge=2, le=6, title="Classes", unit="clouds", help="How many clouds.")

    def count_classes(self) -> int:
        return self.classes

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        label = np.repeat(np.arange(self.classes), _shares(self.samples, self.classes))
        centre = _polar(np.full(self.samples, 4.0), 2 * np.pi * label / self.classes)
        spread = 0.5 + 2 * self.noise
        return Drawn(centre + spread * noise.standard_normal(centre.shape), label)


class Plane(Noisy):
    """A tilted plane to fit: target (x + y) / 10.

    x and y uniform in ±6; the target is taken at the point moved by uniform ±6·noise. Source:
    TensorFlow Playground, `regressPlane`.
    """

    kind: Literal["plane"] = "plane"
    title: ClassVar[str] = "Tilted plane"
    class_count: ClassVar[int | None] = None

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        points = place.uniform(-6, 6, (self.samples, 2))
        moved = points + noise.uniform(-6, 6, points.shape) * self.noise
        return Drawn(points, moved.sum(axis=1) / 10)


class MultiGauss(Noisy):
    """Six hills and hollows to fit, in two rows of three.

    Each is a cone 1 - distance/2, down to 0, with alternating sign, around (-4, ±2.5), (0, ±2.5)
    and (4, ±2.5); the one greatest in size counts. x and y uniform in ±6; the target is taken at
    the point moved by uniform ±6·noise. Source: TensorFlow Playground, `regressGaussian`.
    """

    kind: Literal["multi_gauss"] = "multi_gauss"
    title: ClassVar[str] = "Hills and hollows"
    class_count: ClassVar[int | None] = None

    centres: ClassVar[Array] = np.array(
        [[-4, 2.5], [0, 2.5], [4, 2.5], [-4, -2.5], [0, -2.5], [4, -2.5]]
    )
    signs: ClassVar[Array] = np.array([1, -1, 1, -1, 1, -1])

    def draw(self, place: np.random.Generator, noise: np.random.Generator) -> Drawn:
        points = place.uniform(-6, 6, (self.samples, 2))
        moved = points + noise.uniform(-6, 6, points.shape) * self.noise
        distance = np.linalg.norm(moved[:, None] - self.centres, axis=2)
        height = np.clip(1 - distance / 2, 0, 1)
        best = height.argmax(axis=1)
        return Drawn(points, (height * self.signs)[np.arange(len(points)), best])
