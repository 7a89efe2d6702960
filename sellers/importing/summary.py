"""What became of an import: the counts, and the report, a file that one can open.

Rule: no row is dropped or changed without a line in the report.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from rich.text import Text

from sellers.importing.errors import CrmImportError
from sellers.importing.values import Finding
from sellers.tables import Sheet, columns

COLUMNS = ("file", "line", "field", "value", "reason", "action")
LEGEND = (
    "each row read is one of: recorded, new to us; unchanged, known already; "
    "duplicate, imported before just so; rejected. repaired: some value of it was"
)
# A spreadsheet would compute such a value instead of showing it. A negative number does no harm.
_FORMULA = re.compile(r"[=+@\t\r-]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")


@dataclass(slots=True)
class Counts:
    """What became of the rows of one file. Each is recorded, unchanged, duplicate or rejected.

    `duplicate`: this very content was imported before; `unchanged`: it says what we knew already.
    `named`: these are no rows, but things that rows of the file name and no file lists.
    """

    what: str
    named: bool = False
    read: int = 0
    recorded: int = 0
    unchanged: int = 0
    duplicate: int = 0
    rejected: int = 0
    repaired: int = 0

    def count(self, status: str) -> None:
        match status:
            case "recorded":
                self.recorded += 1
            case "unchanged":
                self.unchanged += 1
            case "duplicate":
                self.duplicate += 1
            case _:
                self.rejected += 1


@dataclass(slots=True)
class Summary:
    """A whole import."""

    source: str
    report: Path
    counts: list[Counts] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: int = 0
    facts: int = 0
    seconds: float = 0.0
    # After all was recorded, until all of it could be read; None: nobody waited for it.
    seconds_folding: float | None = None

    def of(self, what: str, *, named: bool = False) -> Counts:
        for counts in self.counts:
            if counts.what == what:
                return counts
        self.counts.append(Counts(what, named))
        return self.counts[-1]

    def total(self, name: str) -> int:
        """Add up the rows of all files."""
        return sum(getattr(counts, name) for counts in self.counts if not counts.named)

    def table(self) -> Sheet:
        """Return the counts for people."""
        names = ("read", "recorded", "unchanged", "duplicate", "rejected", "repaired")
        table = columns(("rows of",), names)
        table.title, table.caption = f"import of {self.source}", LEGEND

        def add(counts: Counts) -> None:
            table.add_row(Text(counts.what), *(f"{getattr(counts, name):,}" for name in names))

        for counts in self.counts:
            if not counts.named:
                add(counts)
        table.add_section()
        table.add_row("all files", *(f"{self.total(name):,}" for name in names))
        table.add_section()
        for counts in self.counts:
            if counts.named:
                add(counts)
        return table

    def document(self) -> dict[str, Any]:
        """Return the same for machines."""
        names = ("what", "read", "recorded", "unchanged", "duplicate", "rejected", "repaired")
        return {
            "source": self.source,
            "files": [{name: getattr(counts, name) for name in names} for counts in self.counts],
            "facts": self.facts,
            "report": str(self.report),
            "notes": self.notes,
            "seconds": round(self.seconds, 1),
            "seconds_folding": _rounded(self.seconds_folding),
        }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


class Report:
    """The file of findings, opened before anything is sent and written as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            # With a byte-order mark, or spreadsheets take Hangul for something else.
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise CrmImportError(
                f"the report {self.path} cannot be written: {error.strerror}"
            ) from error
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, finding: Finding) -> None:
        self.written += 1
        self._writer.writerow(
            (
                finding.file,
                finding.line,
                _harmless(finding.field),
                _harmless(finding.value),
                _harmless(finding.reason),
                finding.action,
            )
        )


def _harmless(value: str) -> str:
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value
