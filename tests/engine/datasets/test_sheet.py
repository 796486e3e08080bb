"""Reading CSV: what people's spreadsheets write, and what nobody should send."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets import sheet
from engine.datasets.sheet import Sheet, as_number, read
from engine.datasets.table import inspect
from engine.errors import SpecError


def columns(table: Sheet) -> dict[str, list[str]]:
    return {column.name: list(column.cells) for column in table.columns}


def refused(data: bytes) -> tuple[str, str, str]:
    """The code, message and hint of the one problem with these bytes."""
    with pytest.raises(SpecError) as error:
        inspect(data)
    (found,) = error.value.problems
    assert found.path == ("table",)
    return found.code, found.message, found.hint


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,x\n2.5,y\n",
        "a;b\n1,5;x\n2,5;y\n",
        "a\tb\r\n1,5\tx\r\n2,5\ty",
        "\ufeffa,b\r\n1.5,x\r\n\r\n2.5,y\r\n,\r\n",
        '"a"; "b"\n"1,5"; "x"\n2,5; y\n',
        "a,b\r1.5,x\r2.5,y\r",
    ],
)
def test_spreadsheets_of_many_kinds_read_alike(text: str) -> None:
    table = read(text.encode())
    assert [c.name for c in table.columns] == ["a", "b"]
    assert table.columns[0].numbers().tolist() == [1.5, 2.5]
    assert table.columns[1].cells == ("x", "y")


def test_quoted_cells_keep_separators_and_line_breaks() -> None:
    table = read(b'name,note\nann,"one, two\nthree ""four"""\nbob,x\n')
    assert columns(table)["note"] == ['one, two\nthree "four"', "x"]


def test_a_header_is_guessed() -> None:
    assert columns(read(b"1,2\n3,4\n")) == {"column 1": ["1", "3"], "column 2": ["2", "4"]}
    assert list(columns(read(b",b\n1,2\n3,4\n"))) == ["column 1", "b"]
    assert read(b"size,2024\n1,2\n3,4\n").rows == 2
    assert read(b"color,shape\nred,round\nblue,flat\n").rows == 2


@pytest.mark.parametrize(
    ("cell", "comma", "value"),
    [
        ("1", False, 1.0), ("-1.5e3", False, -1500.0), ("+.5", False, 0.5), ("3.", False, 3.0),
        ("1,234,567.5", False, 1234567.5), ("1.234.567,5", True, 1234567.5), ("1,5", True, 1.5),
        ("1,5", False, None), ("12,34", False, None), ("1_000", False, None), ("0x10", False, None),
        ("١٢", False, None), ("1e", False, None), ("", False, None), ("12 kg", False, None),
        ("1.2.3", False, None), ("2024-01-01", False, None),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(cell: str, comma: bool, value: float | None) -> None:
    assert as_number(cell, comma) == value


def test_a_number_too_large_for_a_float_is_infinite() -> None:
    assert as_number("1e999", False) == np.inf


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", "empty_file", ""),
        (b"\xef\xbb\xbf\n\n , \n", "empty_file", ""),
        (b"a,b\n", "no_rows", ""),
        (b"a\n1\n2\n", "one_column", ""),
        (b"a,b\n1,2\n3\n", "ragged_row", "line 3 has 1 cells, and the first line 2"),
        (b"a,b\n1,2,3\n", "ragged_row", "line 2"),
        (b"a,b,a\n1,2,3\n", "repeated_column", "“a”: 1 and 3"),
        (b"a,b\n1,nan\n2,3\n", "number_not_finite", "row 1 of the column “b” holds “nan”"),
        (b"a,b\n1,2\n-Infinity,3\n", "number_not_finite", "row 2 of the column “a”"),
        (b"a,b\n1,2\n1e400,3\n", "number_not_finite", "1e400"),
        ("é,b\n1,2\n".encode("latin-1"), "not_utf8", "line 1"),
        ("名,乙\n1,2\n".encode("gb18030"), "not_utf8", "line 1"),
        ("a,b\n1,2\n".encode("utf-16"), "not_text", ""),
        (b"a,b\n\0,2\n", "not_text", ""),
        (b"PK\x03\x04\0\0", "not_text", ""),
        (b'a,b\n"1,2\n3,4\n', "csv_quoting", "line 3"),
        (b'a,b\n"1"x,2\n', "csv_quoting", "line 2"),
        (b"a,b\n1," + b"x" * 20_000, "field_too_long", "line 2"),
        (b"a," + b"x" * 101 + b"\n1,2\n", "name_too_long", "column 2"),
        (b",".join([b"1"] * 1001), "too_many_columns", "1001 columns, more than 1000"),
        (b"a,b\n" + b"1,2\n" * 100_001, "table_too_large", "100000 rows"),
        (b"1," * 199 + b"1\n" + (b"1," * 199 + b"1\n") * 5_001, "table_too_large", "cells"),
        (b"1,2\n" * 5_000_001, "file_too_large", "20000004 bytes"),
        # 10 MB in one line, in the ways it can be.
        (b"1," * 5_000_000, "line_too_long", "line 1 goes on for more than 500000"),
        (b"x" * 10_000_000, "line_too_long", ""),
        (b'"' + b"x" * 10_000_000, "line_too_long", ""),
        (b'a,b\n"' + b"x\n" * 5_000_000, "csv_quoting", "field larger"),
        (b'"\n",' * 2_500_000, "line_too_long", ""),
        (b'"' * 10_000_000, "line_too_long", ""),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_quickly(data: bytes, code: str, said: str) -> None:
    start = time.perf_counter()
    found, message, hint = refused(data)
    assert time.perf_counter() - start < 5
    assert found == code
    assert said in message
    assert hint


def test_the_largest_table_is_read_in_bounded_time() -> None:
    row = b",".join(b"%d.5" % k for k in range(200)) + b"\n"
    start = time.perf_counter()
    assert inspect(row * 4_999)["rows"] == 4_999
    assert time.perf_counter() - start < 10


CELLS = st.one_of(
    st.text(max_size=8),
    st.floats().map(str),
    st.sampled_from(["", "NA", "1,5", "1.5", '"', "=1+1", "nan", "\n", "\u2028", "1e400"]),
)


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='ab1.,;\t\n\r"- ', max_size=120).map(str.encode),
        st.tuples(
            st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6),
            st.sampled_from([",", ";", "\t"]),
        ).map(lambda t: "\n".join(t[1].join(row) for row in t[0]).encode("utf-8", "replace")),
    )
)
def test_any_bytes_give_a_table_or_a_problem(data: bytes) -> None:
    try:
        found = inspect(data)
    except SpecError as error:
        for problem in error.problems:
            assert problem.message
            assert problem.hint
        return
    assert found["rows"] >= 1
    assert len(found["columns"]) == len(found["preview"][0]) >= 2
    assert found["suggestion"]["target"] in [column["name"] for column in found["columns"]]


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.floats(-1e9, 1e9).filter(lambda v: v != 0),
            st.text(alphabet='abc ,;"\t=\n', max_size=6).map(lambda s: f"t{s}t"),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_was_written_is_read_back(rows: list[tuple[float, str]], delimiter: str) -> None:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["size", "words"])
    writer.writerows(rows)
    size, words = read(text.getvalue().encode()).columns
    assert size.numbers().tolist() == [value for value, _ in rows]
    assert list(words.cells) == [word for _, word in rows]


def test_types_are_guessed() -> None:
    lines = ["id,size,kind,remark,empty,flag"] + [
        f"{k + 7},{k / 2},{'abc'[k % 3]},{'words ' * 3}{k},,{k % 2}" for k in range(60)
    ]
    guessed = {c["name"]: c["type"] for c in inspect("\n".join(lines).encode())["columns"]}
    assert guessed == {
        "id": "ignore", "size": "number", "kind": "category", "remark": "ignore",
        "empty": "ignore", "flag": "number",
    }  # fmt: skip


def test_limits_of_the_csv_module_are_not_changed() -> None:
    import csv

    assert csv.field_size_limit() > sheet.MAX_FIELD
