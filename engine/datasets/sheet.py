"""Reading CSV bytes into columns of text, numbers and levels. No data set lives here.

Nobody can be trusted with a file: every limit is checked before the memory it bounds is taken, and
every refusal is a `Problem` that says where and what to do.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from engine.data import Array
from engine.errors import SpecError, problem

ColumnType = Literal["number", "category", "ignore"]

MAX_BYTES = 20_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 1000
MAX_CELLS = 1_000_000
MAX_FIELD = 10_000
MAX_NAME = 100
# A record with quoted line breaks may span lines; together they are no longer than this.
MAX_RECORD = 500_000
# Levels that a column may have to be taken for a category.
MAX_GUESSED_LEVELS = 50
LARGEST_NUMBER = 1e100

_DELIMITERS = ("\t", ";", ",")
_SNIFFED_RECORDS = 20
_MISSING = frozenset({"", "na", "n/a", "null", "?", "-"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
# 1,234,567.8 and 1.234.567,8
_GROUPED = {
    False: re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII),
    True: re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?", re.ASCII),
}
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+", re.ASCII)
_ID_NAME = re.compile(
    r"(row\W?)?(id|index|idx|no\.?|nr\.?|#|number|编号|序号|行号)|.*[_ ]id", re.IGNORECASE
)


def refusal(code: str, message: str, hint: str, **values: Any) -> SpecError:
    return SpecError(problem(("table",), code, message, hint, **values))


def is_missing(cell: str) -> bool:
    return cell.lower() in _MISSING


def as_number(cell: str, decimal_comma: bool) -> float | None:
    """The number that a cell holds; NaN or infinity where it says so; None where it is text."""
    if _GROUPED[decimal_comma].fullmatch(cell):
        cell = cell.replace("." if decimal_comma else ",", "")
    if decimal_comma:
        cell = cell.replace(",", ".")
    if _NUMBER.fullmatch(cell) or _NOT_FINITE.fullmatch(cell):
        return float(cell)
    return None


@dataclass(frozen=True)
class Column:
    """One column of a sheet. `cells` are stripped texts, one a row."""

    name: str
    cells: tuple[str, ...]
    decimal_comma: bool

    @cached_property
    def missing(self) -> Array:
        """(rows,) True where there is no value."""
        return np.array([is_missing(cell) for cell in self.cells], dtype=bool)

    @cached_property
    def distinct(self) -> int:
        return len({cell for cell in self.cells if not is_missing(cell)})

    @cached_property
    def _parsed(self) -> tuple[Array, int | None]:
        """The numbers, NaN where missing, and the first row that holds none."""
        numbers = np.full(len(self.cells), np.nan)
        for row, cell in enumerate(self.cells):
            if is_missing(cell):
                continue
            number = as_number(cell, self.decimal_comma)
            if number is None:
                return numbers, row
            numbers[row] = number
        return numbers, None

    @property
    def is_numeric(self) -> bool:
        return self._parsed[1] is None and self.distinct > 0

    def numbers(self) -> Array:
        """(rows,) float64, NaN where missing. Raises `SpecError` at text and at NaN or infinity."""
        numbers, text_row = self._parsed
        if text_row is not None:
            raise refusal(
                "text_in_number_column",
                "row {row} of the column “{column}” holds “{cell}”, which is not a number",
                "Make the column a category, or correct or empty that cell.",
                row=text_row + 1,
                column=self.name,
                cell=self.cells[text_row][:60],
            )
        unusable = ~self.missing & ~(np.abs(numbers) <= LARGEST_NUMBER)
        if unusable.any():
            row = int(unusable.argmax())
            raise refusal(
                "number_not_finite",
                "row {row} of the column “{column}” holds “{cell}”, which is not a finite number",
                "Leave the cell empty where a value is missing; numbers go up to 1e100 in size.",
                row=row + 1,
                column=self.name,
                cell=self.cells[row][:60],
            )
        return numbers

    def levels(self) -> tuple[tuple[str, ...], Array]:
        """The distinct values in order, and for every row its value's place, NaN where missing."""
        if self.is_numeric:
            numbers = self.numbers()
            values = np.unique(numbers[~self.missing])
            codes = np.searchsorted(values, numbers).astype(np.float64)
            names = tuple(
                str(int(v)) if v == int(v) and abs(v) < 1e15 else repr(float(v)) for v in values
            )
        else:
            names = tuple(sorted({cell for cell in self.cells if not is_missing(cell)}))
            place = {name: float(index) for index, name in enumerate(names)}
            codes = np.array([place.get(cell, np.nan) for cell in self.cells])
        codes[self.missing] = np.nan
        return names, codes

    def guess(self, first: bool = False, only: bool = False) -> ColumnType:
        """What the column is for. `first`: the leftmost one; `only`: there is hardly another."""
        if self.distinct == 0:
            return "ignore"
        if self.is_numeric:
            numbers = self.numbers()
            counts_rows = (
                self.distinct == len(self.cells) > 2
                and bool((numbers == np.round(numbers)).all())
                and (
                    bool(_ID_NAME.fullmatch(self.name))
                    or (first and not only and bool((np.diff(numbers) == 1).all()))
                )
            )
            return "ignore" if counts_rows else "number"
        repeats = self.distinct <= 10 or self.distinct <= len(self.cells) / 2
        return "category" if self.distinct <= MAX_GUESSED_LEVELS and repeats else "ignore"


@dataclass(frozen=True)
class Sheet:
    """A table as it was read: its columns, all of the same length."""

    columns: tuple[Column, ...]
    rows: int


@lru_cache(maxsize=2)  # a document is compiled at every edit, and reading takes up to a second
def read(data: bytes) -> Sheet:
    """CSV bytes (UTF-8; comma, semicolon or tab) as a sheet. Raises `SpecError`."""
    text = _decode(data)
    delimiter = _sniff(text)
    records = _records(text, delimiter)
    first = next(records, None)
    if first is None:
        raise refusal("empty_file", "the file is empty", "Choose a file with a table in it.")
    rows: list[list[str]] = [first]
    for record in records:
        rows.append(record)
        if len(rows) > MAX_ROWS + 1 or len(rows) * len(first) > MAX_CELLS:
            raise refusal(
                "table_too_large",
                "the table has more than {rows} rows or {cells} cells",
                "Keep a part of the rows, or leave out columns.",
                rows=min(MAX_ROWS, MAX_CELLS // len(first)),
                cells=MAX_CELLS,
            )
    if len(first) < 2:
        raise refusal(
            "one_column",
            "the table has a single column",
            "It needs a column to predict and one to predict it from, parted by a comma, "
            "a semicolon or a tab.",
        )
    decimal_comma = delimiter != "," and _uses_decimal_comma(rows)
    header = _has_header(rows, decimal_comma)
    names = _names(first if header else [""] * len(first))
    body = rows[1:] if header else rows
    if not body:
        raise refusal("no_rows", "the table has a header and no rows", "Add rows below the header.")
    columns = zip(*body, strict=True)
    return Sheet(
        tuple(Column(n, tuple(c), decimal_comma) for n, c in zip(names, columns, strict=True)),
        len(body),
    )


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise refusal(
            "file_too_large",
            "the file has {bytes} bytes, more than {limit}",
            "Keep a part of the rows, or leave out columns.",
            bytes=len(data),
            limit=MAX_BYTES,
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise refusal(
            "not_text",
            "the file is not UTF-8 text",
            "Save the table as “CSV UTF-8” in your spreadsheet, and choose that file.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refusal(
            "not_utf8",
            "the file is not UTF-8: line {line} has a byte that does not fit",
            "Save the table as “CSV UTF-8” in your spreadsheet, and choose that file.",
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None


def _lines(text: str, record_size: list[int]) -> Iterator[str]:
    """The lines of a text; refuses a record that grows beyond all measure before it is parsed.

    `record_size[0]` is set back to 0 by the reader of records after each.
    """
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        record_size[0] += len(line)
        if record_size[0] > MAX_RECORD:
            raise refusal(
                "line_too_long",
                "line {line} goes on for more than {limit} characters",
                "A table has one line for each row; look for a quotation mark that is never "
                "closed, or line breaks that got lost.",
                line=number,
                limit=MAX_RECORD,
            )
        yield line


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """Rows of stripped cells, all equally long; empty rows are passed over."""
    size = [0]
    reader = csv.reader(_lines(text, size), delimiter=delimiter, strict=True, skipinitialspace=True)
    width = 0
    try:
        for record in reader:
            size[0] = 0
            if len(record) > MAX_COLUMNS:
                raise refusal(
                    "too_many_columns",
                    "line {line} has {columns} columns, more than {limit}",
                    "Leave out columns. A table has one line for each row.",
                    line=reader.line_num,
                    columns=len(record),
                    limit=MAX_COLUMNS,
                )
            cells = [cell.strip() for cell in record]
            if not any(cells):
                continue
            if any(len(cell) > MAX_FIELD for cell in cells):
                raise refusal(
                    "field_too_long",
                    "a cell in line {line} has more than {limit} characters",
                    "Shorten the text, or leave that column out.",
                    line=reader.line_num,
                    limit=MAX_FIELD,
                )
            width = width or len(cells)
            if len(cells) != width:
                raise refusal(
                    "ragged_row",
                    "line {line} has {given} cells, and the first line {expected}",
                    "Give every row the same number of cells; put text that holds the separator "
                    "in quotation marks.",
                    line=reader.line_num,
                    given=len(cells),
                    expected=width,
                )
            yield cells
    except csv.Error as error:
        raise refusal(
            "csv_quoting",
            "line {line} cannot be read as CSV: {reason}",
            "Check the quotation marks: text in them ends with one, and one inside is doubled.",
            line=reader.line_num,
            reason=str(error)[:100],
        ) from None


def _sniff(text: str) -> str:
    """The delimiter that parts the first records most evenly; a tab before ; before a comma."""
    sample = text[:65536]
    if len(text) > len(sample):  # whole lines only: the last record would be cut off
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1]
    best, most = ",", 0
    for delimiter in _DELIMITERS:
        widths: list[int] = []
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        try:
            for record in reader:
                if record:
                    widths.append(len(record))
                if len(widths) == _SNIFFED_RECORDS:
                    break
        except csv.Error:
            continue
        parted = [width for width in widths if width > 1]
        agreeing = max((parted.count(width) for width in set(parted)), default=0)
        if agreeing > most:
            best, most = delimiter, agreeing
    return best


def _uses_decimal_comma(rows: list[list[str]]) -> bool:
    commas = points = 0
    for row in rows[:1000]:
        for cell in row:
            commas += _DECIMAL_COMMA.fullmatch(cell) is not None
            points += _DECIMAL_POINT.fullmatch(cell) is not None
    return commas > points


def _has_header(rows: list[list[str]], decimal_comma: bool) -> bool:
    """Text over a column of numbers is a header; so is a first row without any number."""

    def numeric(cell: str) -> bool:
        return as_number(cell, decimal_comma) is not None

    below = rows[1:100]
    for column, cell in enumerate(rows[0]):
        values = [row[column] for row in below if not is_missing(row[column])]
        if values and not is_missing(cell) and not numeric(cell) and all(map(numeric, values)):
            return True
    return not any(numeric(cell) for cell in rows[0])


def _names(header: list[str]) -> list[str]:
    """Names of the columns: as in the header, numbered where it is empty."""
    names = [cell or f"column {index}" for index, cell in enumerate(header, 1)]
    for index, name in enumerate(names):
        if len(name) > MAX_NAME:
            raise refusal(
                "name_too_long",
                "the name of column {number} has more than {limit} characters",
                "Shorten the name in the first line.",
                number=index + 1,
                limit=MAX_NAME,
            )
        if name in names[:index]:
            raise refusal(
                "repeated_column",
                "two columns are called “{column}”: {first} and {second}",
                "Give every column a name of its own.",
                column=name,
                first=names.index(name) + 1,
                second=index + 1,
            )
    return names
