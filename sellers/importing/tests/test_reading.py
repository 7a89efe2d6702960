from __future__ import annotations

from pathlib import Path

import pytest

from sellers.importing.errors import CrmImportError
from sellers.importing.reading import (
    LINE_CHARS_MAX,
    ROW_LINES_MAX,
    CsvFile,
    Damaged,
    Format,
    Row,
)

WANTED = {"name": "x.name", "city": "x.city"}


def read(
    tmp_path: Path, raw: bytes, encoding: str = "utf-8", delimiter: str = ","
) -> list[Row | Damaged]:
    path = tmp_path / "people.csv"
    path.write_bytes(raw)
    return list(CsvFile.open(path, Format(encoding, delimiter), WANTED).rows())


def names(rows: list[Row | Damaged]) -> list[str | None]:
    return [row.cells["name"] if isinstance(row, Row) else None for row in rows]


def test_rows_know_their_lines_and_lose_the_space_around_values(tmp_path: Path) -> None:
    rows = read(tmp_path, b"name,city\r\n Ada , London\r\n\r\n,\r\nBob,Paris\r\n")
    assert rows == [
        Row(2, {"name": "Ada", "city": "London"}),
        Row(5, {"name": "Bob", "city": "Paris"}),
    ]


def test_a_row_may_hold_line_breaks_inside_quotes(tmp_path: Path) -> None:
    rows = read(tmp_path, b'name,city\n"Ada\nLovelace",London\nBob,Paris\n')
    assert rows == [
        Row(2, {"name": "Ada\nLovelace", "city": "London"}),
        Row(4, {"name": "Bob", "city": "Paris"}),
    ]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert names(read(tmp_path, "\ufeffname,city\n가,나\n".encode())) == ["가"]
    assert names(read(tmp_path, "name,city\n가,나\n".encode("utf-16"), "utf-16")) == ["가"]


@pytest.mark.parametrize("encoding", ["utf8", "UTF_8", "U8", "utf-8-sig"])
def test_a_byte_order_mark_does_no_harm_however_the_encoding_is_spelt(
    tmp_path: Path, encoding: str
) -> None:
    raw = '\ufeff"name","city"\n"가","나"\n'.encode()
    assert names(read(tmp_path, raw, encoding)) == ["가"]


def test_korean_windows_files_are_read(tmp_path: Path) -> None:
    raw = "name;city\n김민준;서울\n".encode("cp949")
    assert names(read(tmp_path, raw, "cp949", ";")) == ["김민준"]


def test_a_name_typed_on_a_mac_is_the_same_name(tmp_path: Path) -> None:
    decomposed = "name,city\n\u1100\u1175\u11b7,x\n".encode()
    assert names(read(tmp_path, decomposed)) == ["김"]


def test_a_trailing_delimiter_is_no_further_field(tmp_path: Path) -> None:
    assert names(read(tmp_path, b"name,city\nAda,London,,\n")) == ["Ada"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"Ada", "1 field, the first line names 2"),
        (b"Ada,London,1815", "3 fields, the first line names 2"),
        (b"\xff\xfeAda,London", "holds bytes that are not utf-8"),
        (b"A\x00da,London", "holds control characters"),
        (b'"Ada"!,London', "expected after"),
        (b'"Ada,London', "unexpected end of data"),
        (b"A" * 200_000 + b",London", "field larger than field limit"),
        (b"A" * (LINE_CHARS_MAX + 9) + b",London", "a line of more than"),
    ],
)
def test_a_damaged_row_costs_only_itself(tmp_path: Path, row: bytes, reason: str) -> None:
    before, broken, after = read(tmp_path, b"name,city\nBob,Paris\n" + row + b"\nCy,Rome\n")
    assert isinstance(broken, Damaged)
    assert broken.line == 3
    assert reason in broken.reason
    assert len(broken.value) < 300
    assert names([before, after]) == ["Bob", "Cy"]


def test_a_quote_that_nobody_closes_does_not_take_the_rest_of_the_file(tmp_path: Path) -> None:
    many = "".join(f"name {n},city\n" for n in range(3 * ROW_LINES_MAX))
    rows = read(tmp_path, f'name,city\nAda,"London\n{many}'.encode())
    damaged = [row for row in rows if isinstance(row, Damaged)]
    assert [row.line for row in damaged] == [2]
    assert len(rows) == 1 + 3 * ROW_LINES_MAX


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "people.csv is empty"),
        (b"\n\n", "people.csv is empty"),
        (b"name,town\nx,y\n", "the column 'city' (x.city in the mapping) is not there"),
        (b"name,city,city\n", "the column 'city' (x.city in the mapping) is twice there"),
        (b"name;city\n", "its first line is one column, 'name;city': is `delimiter` ',', as the"),
        (b"<!DOCTYPE html>\n", "its first line is one column, '<!DOCTYPE html>'"),
        ("이름,도시\n".encode("cp949"), "people.csv, line 1: holds bytes that are not utf-8; say"),
        ("name,city\n".encode("utf-16"), "say `encoding` in the mapping, as utf-16, cp1252 or"),
    ],
)
def test_a_file_that_cannot_be_meant_is_said_at_once(tmp_path: Path, raw: bytes, said: str) -> None:
    with pytest.raises(CrmImportError) as caught:
        read(tmp_path, raw)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CrmImportError, match="No such file"):
        CsvFile.open(tmp_path / "none.csv", Format("utf-8", ","), WANTED)
