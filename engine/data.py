"""The contract of a data set, and what training and pictures get from it.

A `Dataset` is a part; `make` gives its `Samples`, raw, in the units a person knows. `prepare` splits
them, fits the encoding on the training part only, and answers with a `Data`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.catalogue import Part, setting
from engine.errors import Problem, SpecError, problem
from engine.randomness import stream

Array = npt.NDArray[Any]
Tables = Mapping[str, bytes]
Task = Literal["classification", "regression"]

ROWS_SHOWN = 2000


@dataclass(frozen=True)
class Note:
    """Something that was done to the data and that its owner should know. Templates, like a Problem."""

    code: str
    message: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Where a real data set comes from."""

    title: str
    url: str
    licence: str


@dataclass(frozen=True)
class Samples:
    """Raw samples.

    `inputs` (rows, *shape) float64; a category is its level's number, a missing value NaN.
    `targets`: class numbers (rows,) int64, or (rows, outputs) float64.
    `levels`: for every column its category names, or None for a number.
    """

    inputs: Array
    targets: Array
    task: Task
    columns: tuple[str, ...]
    target: str = "y"
    classes: tuple[str, ...] | None = None
    levels: tuple[tuple[str, ...] | None, ...] | None = None
    notes: tuple[Note, ...] = ()
    source: Source | None = None


@dataclass(frozen=True)
class Encoding:
    """From raw inputs (rows, *shape) to what the network sees; fitted on the training part.

    `names` are the names of the network's inputs. Regression targets are trained as
    (target - target_mean) / target_scale and shown in their own unit.
    """

    encode: Callable[[Array], Array]
    names: tuple[str, ...]
    target_mean: Array | float = 0.0
    target_scale: Array | float = 1.0
    notes: tuple[Note, ...] = ()


class Dataset(Part):
    """A set of samples to learn from."""

    family: ClassVar[str] = "dataset"
    facts: ClassVar[tuple[str, ...]] = ("plane", "line")
    # Pictures over the plane or the line make sense for the raw inputs of this set.
    plane: ClassVar[bool] = False
    line: ClassVar[bool] = False

    test_share: float = setting(
        0.5, ge=0.0, le=0.9, title="Test share",
        help="The part of the samples that is kept for testing and never trained on.",
    )  # fmt: skip

    # Apart from the seed of the experiment, so that new first weights meet the same samples.
    seed: int = setting(
        1,
        ge=0,
        lt=2**32,
        hidden=True,
        help="Fixes which samples are drawn, and how they are split.",
    )

    def make(self, seed: int, tables: Tables) -> Samples:
        """All samples, the same for the same settings and seed. Raises `SpecError`."""
        raise NotImplementedError

    def fit(self, train: Samples) -> Encoding:
        """The encoding, learned from the training part alone. By default the raw numbers."""
        return Encoding(lambda raw: raw, train.columns)


@dataclass(frozen=True)
class Data:
    """A data set split and encoded, ready to train on and to draw."""

    train: Samples
    test: Samples
    encoding: Encoding
    plane: bool
    line: bool

    @property
    def task(self) -> Task:
        return self.train.task

    @property
    def classes(self) -> tuple[str, ...] | None:
        return self.train.classes

    @property
    def columns(self) -> tuple[str, ...]:
        return self.train.columns

    @property
    def outputs(self) -> int:
        """Numbers that a regression predicts, or the number of classes."""
        return len(self.classes) if self.classes else int(self.train.targets.shape[1])

    def encode(self, raw: Array) -> Array:
        """Raw inputs (rows, *shape) → network inputs (rows, *input_shape), float64."""
        return np.ascontiguousarray(self.encoding.encode(raw), dtype=np.float64)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self.encode(self.train.inputs[:1]).shape[1:])

    def scaled_targets(self, samples: Samples) -> Array:
        """Regression targets (rows, outputs) as they are trained."""
        return (samples.targets - self.encoding.target_mean) / self.encoding.target_scale

    def unscaled(self, outputs: Array) -> Array:
        """Predictions of a regression in the target's own unit."""
        return outputs * self.encoding.target_scale + self.encoding.target_mean

    def bounds(self) -> Array:
        """(columns, 2): the range of every raw column, with a margin for the plane and the line."""
        rows = np.concatenate([self.train.inputs, self.test.inputs]).reshape(
            len(self.train.inputs) + len(self.test.inputs), -1
        )
        low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
        if self.plane or self.line:
            # Playground's window is ±6 whatever the points do, so that it holds still while one
            # draws or moves a slider; points beyond it widen it.
            reach = max(float(np.abs(rows).max()) * 1.05, 6.0)
            low, high = (np.full_like(low, -reach), np.full_like(high, reach))
        high = np.where(high > low, high, low + 1.0)
        return np.stack([low, high], axis=1)

    def rows(self, rows: Sequence[Sequence[Any]], path: Sequence[str | int] = ("inputs",)) -> Array:
        """What a person sent (numbers, or names of categories) as raw inputs. Raises `SpecError`."""
        shape = self.train.inputs.shape[1:]
        raw = np.empty((len(rows), *shape))
        problems: list[Problem] = []
        for index, row in enumerate(rows):
            here = (*path, index)
            try:
                if self.train.levels is not None:
                    row = [
                        self._level(value, column, (*here, column))
                        for column, value in enumerate(row)
                    ]
                values = np.asarray(row, dtype=np.float64)
            except SpecError as error:
                problems += error.problems
                continue
            except (TypeError, ValueError):
                problems.append(
                    problem(
                        here,
                        "row_not_numbers",
                        "this row is not a list of numbers",
                        "Write one number for each column: {columns}.",
                        columns=", ".join(self.columns[:20]),
                    )
                )
                continue
            if values.shape != shape:
                problems.append(
                    problem(
                        here,
                        "row_shape",
                        "this row has the shape {given}, and the data {expected}",
                        "Write one number for each column: {columns}.",
                        given=list(values.shape),
                        expected=list(shape),
                        columns=", ".join(self.columns[:20]),
                    )
                )
            elif not np.isfinite(values).all() and self.train.levels is None:
                problems.append(
                    problem(
                        here,
                        "row_not_finite",
                        "this row holds a number that is not finite",
                        "Write finite numbers only.",
                    )
                )
            else:
                raw[index] = values
        if problems:
            raise SpecError(problems)
        return raw

    def _level(self, value: Any, column: int, path: Sequence[str | int]) -> float:
        levels = (
            self.train.levels[column]
            if self.train.levels and column < len(self.train.levels)
            else None
        )
        if value is None:
            return float("nan")
        if levels is None or not isinstance(value, str):
            return float(value)
        if value not in levels:
            raise SpecError(
                problem(
                    path,
                    "unknown_level",
                    "“{given}” is not a value of {column}",
                    "Choose one of: {expected}.",
                    given=value[:60],
                    column=self.columns[column],
                    expected=", ".join(levels[:20]),
                )
            )
        return float(levels.index(value))

    def shown(self, row: Array) -> list[Any]:
        """One raw row as a person knows it: names for categories, None for missing values."""
        levels = self.train.levels or (None,) * len(row)
        return [
            None if np.isnan(value) else names[int(value)] if names is not None else float(value)
            for value, names in zip(row, levels, strict=False)
        ]

    def describe(self) -> dict[str, Any]:
        """The contract's `Data`: at most 2,000 rows of each part, the real numbers in `counts`."""
        flat = self.train.inputs.ndim == 2
        return {
            "task": self.task,
            "plane": self.plane,
            "line": self.line,
            "columns": list(self.columns),
            "target": self.train.target,
            "classes": list(self.classes) if self.classes else None,
            "levels": [list(names) if names else None for names in self.train.levels]
            if self.train.levels
            else None,
            "train": self._part(self.train),
            "test": self._part(self.test),
            "counts": {"train": len(self.train.inputs), "test": len(self.test.inputs)},
            "bounds": self.bounds().tolist() if flat else None,
            "notes": [
                {"code": n.code, "message": n.message.format(**n.values), "values": n.values}
                for n in (*self.train.notes, *self.encoding.notes)
            ],
            "features": list(self.encoding.names),
            "source": vars(self.train.source) if self.train.source else None,
        }

    def _part(self, samples: Samples) -> dict[str, Any]:
        targets = samples.targets[:ROWS_SHOWN]
        if targets.ndim == 2:  # a regression: its (first) output, one number a row
            targets = targets[:, 0]
        flat = samples.inputs.ndim == 2
        return {
            "inputs": [self.shown(row) for row in samples.inputs[:ROWS_SHOWN]] if flat else [],
            "targets": targets.tolist(),
        }

    def csv(self) -> str:
        """Every sample as CSV: the columns, the target, and which part it is in."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        targets = (
            [self.train.target]
            if self.classes or self.outputs == 1
            else [f"{self.train.target}{k + 1}" for k in range(self.outputs)]
        )
        writer.writerow([_cell(name) for name in (*self.columns, *targets, "part")])
        for part, samples in (("train", self.train), ("test", self.test)):
            for row, target in zip(samples.inputs, samples.targets, strict=True):
                named = [self.classes[int(target)]] if self.classes else target.tolist()
                writer.writerow(
                    [
                        *(_cell(value) for value in self.shown(row)),
                        *(_cell(value) for value in named),
                        part,
                    ]
                )
        return text.getvalue()


def _cell(value: Any) -> Any:
    """A text cell that a spreadsheet would run as a formula is quoted (OWASP: CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        try:
            float(value)  # a class called -1 stays a number
        except ValueError:
            return "'" + value
    return value


def prepare(dataset: Dataset, tables: Tables) -> Data:
    """Make, split and encode. The split keeps the shares of the classes; the set's seed fixes all of
    it. Raises `SpecError` with paths relative to the set."""
    samples = dataset.make(dataset.seed, tables)
    count = len(samples.inputs)
    order = stream(dataset.seed, "split").permutation(count)
    if samples.classes and count:
        # Every class in turn gives its share to the test part, so that small classes are in both.
        chosen = np.zeros(count, dtype=bool)
        for label in range(len(samples.classes)):
            members = order[samples.targets[order] == label]
            chosen[members[: round(len(members) * dataset.test_share)]] = True
        test, train = order[chosen[order]], order[~chosen[order]]
    else:
        cut = round(count * dataset.test_share)
        test, train = order[:cut], order[cut:]
    if not len(train):
        raise SpecError(
            problem(
                ("test_share",),
                "no_training_samples",
                "no sample is left to train on",
                "Lower the test share, or add samples.",
            )
        )
    parts = [
        Samples(
            samples.inputs[rows],
            samples.targets[rows],
            samples.task,
            samples.columns,
            samples.target,
            samples.classes,
            samples.levels,
            samples.notes,
            samples.source,
        )
        for rows in (train, test)
    ]
    return Data(parts[0], parts[1], dataset.fit(parts[0]), dataset.plane, dataset.line)
