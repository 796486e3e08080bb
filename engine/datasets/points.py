"""Points that a person has drawn onto the plane."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from engine.catalogue import SettingError, setting
from engine.data import Samples, Tables
from engine.datasets.planar import Planar, planar_samples
from engine.errors import SpecError, problem

Coordinate = Annotated[float, Field(ge=-1000, le=1000)]


class Points(Planar):
    """Your own points, drawn onto the plane.

    Every point is [x, y, label]: a class number 0, 1, … or, for a regression, the value to fit.
    """

    kind: Literal["points"] = "points"
    title: ClassVar[str] = "Your own points"
    group: ClassVar[str] = "own"

    points: tuple[tuple[Coordinate, Coordinate, Coordinate], ...] = setting(
        (), max_length=5000, hidden=True, title="Points",
        help="The drawn points, each as x, y and label.",
    )  # fmt: skip
    task: Literal["classification", "regression"] = setting(
        "classification",
        title="Task",
        help="Whether labels are classes to tell apart or values to fit.",
        labels={"classification": "Classes", "regression": "Values"},
    )
    classes: int = setting(
        2, ge=2, le=6, title="Classes", help="How many classes there are to draw with."
    )

    @model_validator(mode="after")
    def _labels_are_classes(self) -> Points:
        if self.task == "classification":
            for index, (_, _, label) in enumerate(self.points):
                if label != int(label) or not 0 <= label < self.classes:
                    raise SettingError(
                        problem(
                            ("points", index, 2),
                            "not_a_class",
                            "{label} is not one of the {classes} classes",
                            "Use a whole number from 0 to {last}, or choose more classes.",
                            label=label,
                            classes=self.classes,
                            last=self.classes - 1,
                        )
                    )
        return self

    def make(self, seed: int, tables: Tables) -> Samples:
        if not self.points:
            raise SpecError(
                problem(
                    ("points",),
                    "no_points",
                    "there are no points yet",
                    "Click onto the plane to draw some, in two classes at least.",
                )
            )
        drawn = np.array(self.points, dtype=np.float64)
        labels, classes = drawn[:, 2], None
        if self.task == "classification":
            classes = self.classes
            if len(np.unique(labels)) < 2:
                raise SpecError(
                    problem(
                        ("points",),
                        "one_class_drawn",
                        "all points belong to one class",
                        "Draw points of a second class.",
                    )
                )
        return planar_samples(drawn[:, :2], labels, classes)
