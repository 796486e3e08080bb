"""Tables: the user's own, and what every set of rows and columns shares.

Numbers are standardized, (value - mean) / deviation, and categories are one-hot encoded; means,
deviations and known levels come from the training part alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from engine.catalogue import setting
from engine.data import Array, Dataset, Encoding, Note, Samples, Source, Tables, Task
from engine.datasets.sheet import Column, ColumnType, Sheet, is_missing, read
from engine.errors import SpecError, problem

# Inputs that one category may become, and values that it may have at all.
MAX_ENCODED_LEVELS = 30
MAX_LEVELS = 1000
MAX_CLASSES = 50
MAX_ENCODED = 20_000_000
PREVIEW_ROWS = 10
PREVIEW_CHARACTERS = 100

_TARGET_NAMES = frozenset({"target", "label", "class", "y", "outcome", "目标", "标签", "类别"})

Name = Annotated[str, Field(max_length=200)]


class Tabular(Dataset):
    """Rows of named columns, one of which is to be predicted from the others."""

    def fit(self, train: Samples) -> Encoding:
        return fit_columns(train)


class Table(Tabular):
    """Your own table, from a CSV file.

    A column is a number, a category or ignored; what was guessed can be corrected. Numbers are
    standardized with the mean and deviation of the training part, a missing one is replaced by that
    mean. A category becomes one input for each of its values, a missing one counts as a value of
    its own.
    """

    kind: Literal["table"] = "table"
    title: ClassVar[str] = "Your own table"
    group: ClassVar[str] = "own"

    test_share: float = setting(
        0.3, ge=0.0, le=0.9, title="Test share",
        help="The part of the rows that is kept for testing and never trained on.",
    )  # fmt: skip
    table: str = setting(
        "", max_length=64, hidden=True, title="Table", help="Which of the uploaded tables."
    )
    target: Name | None = setting(
        None, hidden=True, title="Target", help="The column to predict; empty: a guess."
    )
    task: Task | None = setting(
        None, hidden=True, title="Task",
        help="Whether the target is a class or a value; empty: a guess.",
    )  # fmt: skip
    columns: dict[Name, ColumnType] = setting(
        {}, max_length=1000, hidden=True, title="Columns",
        help="Corrections of what a column is: a number, a category, or ignored.",
    )  # fmt: skip

    def make(self, seed: int, tables: Tables) -> Samples:
        if not self.table:
            raise SpecError(
                problem(
                    ("table",),
                    "no_table",
                    "no table is chosen",
                    "Upload or paste a CSV table, or choose one that is here already.",
                )
            )
        if self.table not in tables:
            raise SpecError(
                problem(
                    ("table",),
                    "unknown_table",
                    "the table “{table}” is not here",
                    "Upload it again, or choose another.",
                    table=self.table,
                )
            )
        return samples_of(read(tables[self.table]), self.target, self.task, self.columns)


@dataclass(frozen=True)
class Guess:
    """What a sheet seems to be for."""

    types: dict[str, ColumnType]
    target: str
    task: Task


def guess(sheet: Sheet) -> Guess:
    """Types of all columns, the one to predict, and whether it is a class or a value."""
    types = {
        column.name: column.guess(first=index == 0, only=len(sheet.columns) < 3)
        for index, column in enumerate(sheet.columns)
    }
    useful = [name for name, kind in types.items() if kind != "ignore"] or list(types)
    target = next((n for n in reversed(useful) if n.lower() in _TARGET_NAMES), useful[-1])
    column = next(column for column in sheet.columns if column.name == target)
    return Guess(types, target, _guess_task(column))


def _guess_task(column: Column) -> Task:
    if not column.is_numeric:
        return "classification"
    numbers = column.numbers()[~column.missing]
    few = column.distinct <= min(10, max(2, len(numbers) // 5))
    whole = bool((numbers == np.round(numbers)).all())
    return "classification" if few and whole else "regression"


def inspect(data: bytes) -> dict[str, Any]:
    """What is in a CSV file: rows, columns with their guessed types, a suggestion, a preview.

    Raises `SpecError` for what cannot be read as a table.
    """
    sheet = read(data)
    guessed = guess(sheet)
    shown = min(sheet.rows, PREVIEW_ROWS)
    return {
        "rows": sheet.rows,
        "columns": [
            {
                "name": column.name,
                "type": guessed.types[column.name],
                "missing": int(column.missing.sum()),
                "distinct": column.distinct,
                "example": _clip(next((c for c in column.cells if not is_missing(c)), "")),
            }
            for column in sheet.columns
        ],
        "suggestion": {"target": guessed.target, "task": guessed.task},
        "preview": [[_clip(c.cells[row]) for c in sheet.columns] for row in range(shown)],
    }


def _clip(cell: str) -> str:
    return cell if len(cell) <= PREVIEW_CHARACTERS else cell[: PREVIEW_CHARACTERS - 1] + "…"


def samples_of(
    sheet: Sheet,
    target: str | None,
    task: Task | None,
    corrections: dict[str, ColumnType],
    source: Source | None = None,
) -> Samples:
    """The raw samples of a sheet. What is None is guessed. Raises `SpecError` with all problems."""
    guessed = guess(sheet)
    by_name = {column.name: column for column in sheet.columns}
    unknown = [
        problem(
            path,
            "unknown_column",
            "the table has no column “{column}”",
            "Choose one of: {expected}.",
            column=name[:60],
            expected=", ".join(list(by_name)[:20]),
        )
        for path, name in [
            (("target",), target or guessed.target),
            *((("columns", name), name) for name in corrections),
        ]
        if name not in by_name
    ]
    if unknown:
        raise SpecError(unknown)

    wanted = by_name[target or guessed.target]
    notes: list[Note] = []
    keep = ~wanted.missing
    if not keep.all():
        notes.append(
            Note(
                "rows_without_target",
                "{count} rows without a value of “{column}” are left out.",
                {"count": int((~keep).sum()), "column": wanted.name},
            )
        )
    if not keep.any():
        raise SpecError(
            problem(
                ("target",),
                "target_empty",
                "the column “{column}” has no values",
                "Choose another target.",
                column=wanted.name,
            )
        )
    correction = corrections.get(wanted.name)
    guessed_task = "classification" if correction == "category" else _guess_task(wanted)
    chosen_task: Task = task or guessed_task
    targets, classes = _target(wanted, chosen_task, correction)
    types = {**guessed.types, **corrections}
    inputs, names, levels = _inputs(
        [c for c in sheet.columns if c is not wanted and types[c.name] != "ignore"],
        types,
        keep,
        notes,
    )
    ignored = [c.name for c in sheet.columns if types[c.name] == "ignore" and c is not wanted]
    if ignored:
        notes.append(
            Note(
                "columns_ignored",
                "Left out: {columns}.",
                {"columns": ", ".join(ignored[:20]) + (", …" if len(ignored) > 20 else "")},
            )
        )
    return Samples(
        inputs[keep],
        targets[keep],
        chosen_task,
        names,
        wanted.name,
        classes,
        levels if any(levels) else None,
        tuple(notes),
        source,
    )


def _target(
    column: Column, task: Task, correction: ColumnType | None
) -> tuple[Array, tuple[str, ...] | None]:
    """Class numbers with the names of the classes, or values (rows, 1)."""
    if task == "regression":
        if not column.is_numeric or correction == "category":
            raise SpecError(
                problem(
                    ("target",),
                    "target_not_number",
                    "a regression predicts numbers, and “{column}” holds categories or text",
                    "Choose a column of numbers, or classification as the task.",
                    column=column.name,
                )
            )
        numbers = column.numbers()
        if np.nanmin(numbers) == np.nanmax(numbers):
            raise SpecError(
                problem(
                    ("target",),
                    "target_constant",
                    "every row has the same value of “{column}”",
                    "Choose a target that varies.",
                    column=column.name,
                )
            )
        return numbers.reshape(-1, 1), None
    if column.is_numeric and column.distinct > MAX_CLASSES:
        hint = "Choose regression as the task, or another target."
    else:
        hint = "Choose a target with fewer different values."
    names, codes = column.levels()
    if len(names) > MAX_CLASSES:
        raise SpecError(
            problem(
                ("target",),
                "too_many_classes",
                "“{column}” has {count} different values; at most {limit} can be classes",
                hint,
                column=column.name,
                count=len(names),
                limit=MAX_CLASSES,
            )
        )
    if len(names) < 2:
        raise SpecError(
            problem(
                ("target",),
                "one_class",
                "every row belongs to the one class “{name}” of “{column}”",
                "Choose a target with two classes at least, or add rows of another class.",
                name=names[0][:60],
                column=column.name,
            )
        )
    return np.nan_to_num(codes, nan=-1).astype(np.int64), names


def _inputs(
    columns: list[Column], types: dict[str, ColumnType], keep: Array, notes: list[Note]
) -> tuple[Array, tuple[str, ...], tuple[tuple[str, ...] | None, ...]]:
    """Raw inputs (rows, columns), their names and their levels; adds notes on what is missing."""
    names: list[str] = []
    values: list[Array] = []
    levels: list[tuple[str, ...] | None] = []
    problems = []
    for column in columns:
        if column.missing[keep].all():
            notes.append(
                Note(
                    "column_empty",
                    "“{column}” has no values and is left out.",
                    {"column": column.name},
                )
            )
            continue
        level_names: tuple[str, ...] | None = None
        try:
            if types[column.name] == "number":
                raw = column.numbers()
            else:
                level_names, raw = column.levels()
        except SpecError as error:
            problems += [replace(p, path=("columns", column.name)) for p in error.problems]
            continue
        if level_names and len(level_names) > MAX_LEVELS:
            problems.append(
                problem(
                    ("columns", column.name),
                    "too_many_levels",
                    "“{column}” has {count} different values; a category has at most {limit}",
                    "Ignore the column.",
                    column=column.name,
                    count=len(level_names),
                    limit=MAX_LEVELS,
                )
            )
            continue
        names.append(column.name)
        values.append(raw)
        levels.append(level_names)
        missing = int(column.missing[keep].sum())
        if missing and level_names is None:
            notes.append(
                Note(
                    "missing_numbers",
                    "{count} missing values of “{column}” are replaced by the mean of the "
                    "training part.",
                    {"count": missing, "column": column.name},
                )
            )
        elif missing:
            notes.append(
                Note(
                    "missing_categories",
                    "{count} missing values of “{column}” count as a value of their own.",
                    {"count": missing, "column": column.name},
                )
            )
    if problems:
        raise SpecError(problems)
    if not values:
        raise SpecError(
            problem(
                ("columns",),
                "no_inputs",
                "no column is left to predict from",
                "Make another column a number or a category.",
            )
        )
    width = sum(1 if known is None else min(len(known), MAX_ENCODED_LEVELS) + 2 for known in levels)
    if width * int(keep.sum()) > MAX_ENCODED:
        raise SpecError(
            problem(
                ("columns",),
                "encoded_too_large",
                "the table becomes {width} inputs for each of {rows} rows: too many",
                "Ignore some columns, those with many different values first.",
                width=width,
                rows=int(keep.sum()),
            )
        )
    return np.stack(values, axis=1), tuple(names), tuple(levels)


@dataclass(frozen=True)
class _OneHot:
    """A category: which of its inputs each level has (-1: none), and which a missing value has."""

    column: int
    place: Array
    missing: int

    def fill(self, raw: Array, encoded: Array) -> None:
        values = raw[:, self.column]
        lost = np.isnan(values)
        code = np.rint(np.where(lost, -1, values)).astype(np.int64)
        known = (code >= 0) & (code < len(self.place))
        place = np.where(known, self.place[np.where(known, code, 0)], -1)
        place[lost] = self.missing
        rows = np.flatnonzero(place >= 0)
        encoded[rows, place[rows]] = 1.0


def fit_columns(train: Samples) -> Encoding:
    """Standardized numbers and one-hot categories, fitted on the training part.

    A level that the training part lacks gives zeros, or counts as “other” where there is such an
    input. A column or target that does not vary in the training part is not scaled.
    """
    levels = train.levels or (None,) * len(train.columns)
    numeric = [index for index, known in enumerate(levels) if known is None]
    names = [train.columns[index] for index in numeric]
    mean, scale = _moments(train.inputs[:, numeric])
    notes = [
        Note(
            "column_constant",
            "“{column}” has the same value in every row of the training part.",
            {"column": train.columns[index]},
        )
        for index, column in zip(numeric, train.inputs[:, numeric].T, strict=True)
        if len(np.unique(column[~np.isnan(column)])) < 2
    ]
    categories: list[_OneHot] = []
    for index, known in enumerate(levels):
        if known is None:
            continue
        values = train.inputs[:, index]
        present = values[~np.isnan(values)].astype(np.int64)
        counts = np.bincount(present, minlength=len(known))
        kept = np.sort(
            np.argsort(-counts, kind="stable")[: min((counts > 0).sum(), MAX_ENCODED_LEVELS)]
        )
        place = np.full(len(known), -1)
        place[kept] = len(names) + np.arange(len(kept))
        names += [f"{train.columns[index]}={known[level]}" for level in kept]
        if (counts > 0).sum() > MAX_ENCODED_LEVELS:
            place[place < 0] = len(names)
            names.append(f"{train.columns[index]}=other")
            notes.append(
                Note(
                    "levels_merged",
                    "“{column}” has more than {limit} values; the rarest of them count as “other”.",
                    {"column": train.columns[index], "limit": MAX_ENCODED_LEVELS},
                )
            )
        missing = -1
        if len(present) < len(values):
            missing = len(names)
            names.append(f"{train.columns[index]}=missing")
        categories.append(_OneHot(index, place, missing))
    width = len(names)

    def encode(raw: Array) -> Array:
        encoded = np.zeros((len(raw), width))
        numbers = raw[:, numeric]
        encoded[:, : len(numeric)] = np.where(np.isnan(numbers), 0.0, (numbers - mean) / scale)
        for category in categories:
            category.fill(raw, encoded)
        return encoded

    if train.task == "classification":
        return Encoding(encode, tuple(names), notes=tuple(notes))
    target_mean, target_scale = _moments(train.targets)
    return Encoding(encode, tuple(names), target_mean, target_scale, tuple(notes))


def _moments(values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of every column, NaN left out; 0 and 1 where there is none."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=0) / count
    centred = np.where(known, values - mean, 0.0)
    deviation = np.sqrt((centred * centred).sum(axis=0) / count)
    # Rounding leaves a trace of deviation in a column that does not vary at all.
    steady = deviation <= 1e-12 * np.abs(mean)
    return mean, np.where(steady, 1.0, deviation)
