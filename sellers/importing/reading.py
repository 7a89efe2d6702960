"""Reads one CSV file row by row. Rule: a damaged row costs itself, never the rows around it."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TextIO
from unicodedata import normalize
from zipfile import BadZipFile, ZipFile

from sellers.importing.errors import CrmImportError

LINE_CHARS_MAX = 1_000_000
# A quoted field may hold line breaks. A quote that nobody closed would hold the rest of the file.
ROW_LINES_MAX = 500
VALUE_SHOWN_MAX = 200

UNDECODED = "holds bytes that are not"
_BROKEN = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row by the names of its columns; every value without space around it, in NFC."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row that cannot be read."""

    line: int
    value: str
    reason: str


class _LineTooLongError(Exception):
    """More than any row of an export has."""


@dataclass(slots=True)
class _Lines:
    """Lines for the CSV reader; those of a row that failed can be put back and read again."""

    file: TextIO
    encoding: str
    row: list[str] = field(default_factory=list)
    taken: int = 0
    _again: deque[str] = field(default_factory=deque)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.row) == ROW_LINES_MAX:
            raise _LineTooLongError(f"a quote is not closed within {ROW_LINES_MAX} lines")
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.row.append(line)
        self.taken += 1
        if len(line) >= LINE_CHARS_MAX:
            raise _LineTooLongError(f"a line of more than {LINE_CHARS_MAX:,} characters")
        return line

    def _read(self) -> str:
        line = self.file.readline(LINE_CHARS_MAX)
        rest = line
        while len(rest) == LINE_CHARS_MAX and not rest.endswith("\n"):
            rest = self.file.readline(LINE_CHARS_MAX)
        return line

    def begin(self) -> None:
        self.row = []

    def put_back(self) -> None:
        """Leave only the first line of this row taken."""
        back = self.row[1:]
        self._again.extendleft(reversed(back))
        self.taken -= len(back)
        self.row = self.row[:1]


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written."""

    encoding: str
    delimiter: str


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file that exists and has the columns that the mapping names."""

    path: Path
    format: Format
    header: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.name

    @staticmethod
    def open(path: Path, form: Format, wanted: dict[str, str]) -> CsvFile:
        """Look at the header; `wanted` are columns with the name of the field that needs them.

        Raises:
            CrmImportError: no such file, or not such a file.

        """
        file = CsvFile(path, form, ())
        try:
            with closing(_opened(path, form)) as text:
                header = next(file._records(text), None)
        except OSError as error:
            raise CrmImportError(f"{path}: {error.strerror}") from error
        except UnicodeError as error:
            raise CrmImportError(
                f"{path.name} is not written in {form.encoding}: say `encoding` in the mapping"
            ) from error
        if header is None:
            raise CrmImportError(f"{path.name} is empty: not even a line with the columns' names")
        if isinstance(header, Damaged):
            raise CrmImportError(f"{path.name}, line 1: {header.reason}{_way(header.reason)}")
        names = tuple(_clean(name) for name in header[1])
        if len(names) == 1 and len(wanted) > 1:
            raise CrmImportError(
                f"{path.name}: its first line is one column, {names[0][:VALUE_SHOWN_MAX]!r}: is "
                f"`delimiter` {form.delimiter!r}, as the mapping says?"
            )
        for column, needed_by in wanted.items():
            if names.count(_clean(column)) != 1:
                have = "twice" if column in names else "not"
                raise CrmImportError(
                    f"{path.name}: the column {column!r} ({needed_by} in the mapping) is {have} "
                    f"there; it has {', '.join(names)[:VALUE_SHOWN_MAX]}"
                )
        return CsvFile(path, form, names)

    def rows(self) -> Iterator[Row | Damaged]:
        """Yield every row, empty ones left out.

        Raises:
            CrmImportError: the file went away meanwhile, or is not text at all.

        """
        try:
            with closing(_opened(self.path, self.format)) as text:
                records = self._records(text, len(self.header))
                next(records, None)
                for record in records:
                    if isinstance(record, Damaged):
                        yield record
                        continue
                    line, values = record
                    cells = dict(zip(self.header, map(_clean, values), strict=False))
                    yield Row(line, cells)
        except (OSError, UnicodeError, BadZipFile) as error:
            raise CrmImportError(f"{self.name} cannot be read: {error}") from error

    def _records(
        self, text: TextIO, width: int | None = None
    ) -> Iterator[tuple[int, list[str]] | Damaged]:
        lines = _Lines(text, self.format.encoding)
        reader = csv.reader(lines, delimiter=self.format.delimiter, strict=True)
        while True:
            lines.begin()
            first, reason, values = lines.taken + 1, None, []
            try:
                values = next(reader)
            except StopIteration:
                return
            except (csv.Error, _LineTooLongError) as error:
                reason = str(error)
            if reason is None and not any(value.strip() for value in values):
                continue
            reason = reason or self._fault(lines.row, values, width)
            if reason is None:
                yield first, values
                continue
            lines.put_back()
            yield Damaged(first, _shown(lines.row[0]), reason)

    def _fault(self, lines: list[str], values: list[str], width: int | None) -> str | None:
        """Say what is wrong with a record that the CSV reader took."""
        raw = "".join(lines)
        if _BROKEN.search(raw):
            return f"{UNDECODED} {self.format.encoding}"
        if _CONTROL.search(raw):
            return "holds control characters"
        if width is None or len(values) == width:
            return None
        if len(values) > width and not any(value.strip() for value in values[width:]):
            return None
        fields = "1 field" if len(values) == 1 else f"{len(values)} fields"
        return f"{fields}, the first line names {width}"

    def count(self) -> int:
        """About how many rows there are: a progress bar needs no more."""
        with closing(_bytes(self.path)) as file:
            breaks = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        return max(breaks - 1, 1)


def _way(reason: str) -> str:
    """Say what helps where the whole file is written otherwise."""
    if not reason.startswith(UNDECODED):
        return ""
    return "; say `encoding` in the mapping, as utf-16, cp1252 or cp949"


def packed_in(path: Path) -> Path:
    """Return the file, or the archive of it where that is what is there."""
    archive = path.with_name(f"{path.name}.zip")
    return archive if not path.exists() and archive.exists() else path


def _bytes(path: Path) -> IO[bytes]:
    """Open a file; of an archive the one file in it. What programs put beside it is none.

    Raises:
        CrmImportError: there is not exactly one.

    """
    if path.suffix != ".zip":
        return path.open("rb")
    try:
        with ZipFile(path) as archive:
            names = [
                one.filename
                for one in archive.infolist()
                if not one.is_dir() and not one.filename.startswith("__MACOSX/")
            ]
            if len(names) != 1:
                raise CrmImportError(f"{path.name} holds {len(names)} files; one is expected")
            # It stays open for as long as what is in it is read.
            return archive.open(names[0])
    except (BadZipFile, NotImplementedError, RuntimeError) as error:
        raise CrmImportError(f"{path.name} cannot be unpacked: {error}") from error


def _opened(path: Path, form: Format) -> TextIO:
    # What cannot be decoded becomes a lone surrogate, and costs its row only.
    encoding = codecs.lookup(form.encoding).name
    if encoding == "utf-8":
        encoding = "utf-8-sig"  # a byte-order mark is no part of the first column's name
    return TextIOWrapper(_bytes(path), encoding, errors="surrogateescape", newline="")


def _clean(value: str) -> str:
    """Without space around it; composed, so that a name from a Mac is the same name (Hangul)."""
    return normalize("NFC", value).strip(" \t\r\n\u00a0\u3000\ufeff")


def _shown(line: str) -> str:
    text = _BROKEN.sub("\ufffd", line).strip()
    return text if len(text) <= VALUE_SHOWN_MAX else f"{text[:VALUE_SHOWN_MAX]}…"
