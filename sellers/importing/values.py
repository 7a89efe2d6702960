"""Cells as values, and names as what they name. Pure. Rule: nothing is guessed in silence."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from sellers.importing.mapping import Column
from sellers.importing.reading import VALUE_SHOWN_MAX, Row

Action = Literal["rejected", "repaired"]
# Beyond these it is a slip of the hand, and time zones can no longer be reckoned with.
YEARS = range(1900, 2200)
WHOLE_DIGITS_MAX = 12
PLACES_MAX = 4
NAME_CHARS_MAX = 200

_BESIDE_THE_NAME = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: which value was rejected or repaired, and why."""

    file: str
    line: int
    field: str
    value: str
    reason: str
    action: Action


class RejectedError(Exception):
    """A value without which the row says nothing."""

    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason = field, value, reason


@dataclass(frozen=True, slots=True)
class Style:
    """How dates and numbers are written."""

    dates: str
    decimal_mark: str
    thousands_mark: str


@dataclass(slots=True)
class Cells:
    """One row being read; whatever had to be repaired is noted."""

    file: str
    row: Row
    style: Style
    findings: list[Finding] = field(default_factory=list)

    def text(self, column: Column | None) -> str:
        """Return the value, '' where there is none, repaired as the mapping says."""
        if column is None:
            return ""
        value = self.row.cells.get(column.column, "")
        better = column.repairs.get(value)
        if better is None:
            return value
        self.repaired(column, value, f"taken for {better!r}")
        return better.strip()

    def needed(self, column: Column) -> str:
        """Return the value of a column that may not be empty, as a key or a name."""
        value = self.text(column)
        if not value:
            raise RejectedError(column.column, "", "is empty")
        if len(value) > NAME_CHARS_MAX:
            shown = value[:VALUE_SHOWN_MAX]
            raise RejectedError(column.column, shown, f"more than {NAME_CHARS_MAX} characters")
        return value

    def described(self, column: Column | None) -> str | None:
        """Return a description; one that is too long is left out."""
        value = self.text(column)
        if column is not None and len(value) > NAME_CHARS_MAX:
            self.repaired(
                column,
                value[:VALUE_SHOWN_MAX],
                f"more than {NAME_CHARS_MAX} characters; left out",
            )
            return None
        return value or None

    def day(self, column: Column | None) -> date | None:
        """Return a date, None where it is empty: nobody knows it."""
        value = self.text(column)
        if column is None or not value:
            return None
        found = _day(value, self.style.dates)
        if found is None:
            raise RejectedError(column.column, value, f"is no date like {self.style.dates}")
        if found.year not in YEARS:
            raise RejectedError(column.column, value, f"the year {found.year} cannot be meant")
        return found

    def amount(self, column: Column | None) -> Decimal | None:
        """Return a sum that is not negative."""
        value = self.text(column)
        if column is None or not value:
            return None
        found = _number(value, self.style)
        if isinstance(found, str):
            raise RejectedError(column.column, value, found)
        return found

    def quantity(self, column: Column | None) -> Decimal | None:
        """Return a number that only describes; one that cannot be read is left out."""
        try:
            return self.amount(column)
        except RejectedError as error:
            assert column is not None
            self.repaired(column, error.value, f"{error.reason}; left out")
            return None

    def whole(self, column: Column | None, within: range) -> int | None:
        """Return a whole number that only describes; one that cannot be meant is left out."""
        found = self.quantity(column)
        if column is None or found is None:
            return None
        if found != int(found) or int(found) not in within:
            reason = f"is no whole number from {within.start} to {within.stop - 1}; left out"
            self.repaired(column, self.row.cells.get(column.column, ""), reason)
            return None
        return int(found)

    def repaired(self, column: Column, value: str, reason: str) -> None:
        shown = value[:VALUE_SHOWN_MAX]
        self.findings.append(
            Finding(self.file, self.row.line, column.column, shown, reason, "repaired")
        )


@lru_cache(maxsize=4_096)
def _day(value: str, form: str) -> date | None:
    try:
        return datetime.strptime(value, form).date()  # noqa: DTZ007 - a date, no instant
    except ValueError:
        return None


@lru_cache(maxsize=16)
def _numbers(thousands: str, point: str) -> re.Pattern[str]:
    """Return how numbers are written. A mark anywhere else means a number of another style."""
    whole = "[0-9]{1,40}"
    if thousands:
        whole += rf"|[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}}){{1,12}}"
    return re.compile(rf"[+-]?(?:{whole})(?:{re.escape(point)}[0-9]{{0,40}})?")


def _number(value: str, style: Style) -> Decimal | str:
    """Return the number, or why it is none."""
    thousands, point = style.thousands_mark, style.decimal_mark
    written = value.replace("\u00a0", " ")
    if not _numbers(thousands, point).fullmatch(written):
        marks = f" with {thousands!r} between thousands and {point!r} before decimals"
        return f"is no number{marks if thousands else ''}"
    whole_part, _, decimals = written.partition(point)
    found = Decimal(f"{whole_part.replace(thousands, '')}.{decimals}")
    if found < 0:
        return "is negative"
    # What is beyond these bounds the domain refuses.
    whole, _, places = f"{found:f}".partition(".")
    if len(whole.lstrip("0")) > WHOLE_DIGITS_MAX:
        return f"has more than {WHOLE_DIGITS_MAX} digits"
    if len(places.rstrip("0")) > PLACES_MAX:
        return f"has more than {PLACES_MAX} decimal places"
    return found if len(places) <= PLACES_MAX else found.quantize(Decimal(1).scaleb(-PLACES_MAX))


@dataclass(slots=True)
class Names:
    """The names that one file lists, to be found again under slightly different spellings."""

    streams: dict[str, str] = field(default_factory=dict)
    _alike: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, name: str, stream: str) -> None:
        self.streams[name] = stream
        self._alike[_alike(name)].add(name)

    def discard(self, name: str) -> None:
        self.streams.pop(name, None)
        self._alike[_alike(name)].discard(name)

    def find(self, name: str) -> str | None:
        """Return the listed name that is meant.

        It is the same, or the only one that differs in no more than case, spaces, punctuation.
        """
        if name in self.streams:
            return name
        alike = self._alike.get(_alike(name), set())
        return next(iter(alike)) if len(alike) == 1 else None


def _alike(name: str) -> str:
    return _BESIDE_THE_NAME.sub("", name).casefold() or name
