"""Imports the log of a service desk through the API. Rule: the same rows again change nothing.

All changes of a case go in one command, which names the case (`origin`): told again with more of
them, what is more is new. So it does not matter how often, or where in the middle, it was stopped.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sellers.client import Api
from sellers.importing.crm import ROW, default_report, keep_apart
from sellers.importing.folded import Progress, silent
from sellers.importing.mapping import INCIDENTS, Column, Incidents, read_mapping
from sellers.importing.reading import CsvFile, Damaged, Format, packed_in
from sellers.importing.rows import Mirrored
from sellers.importing.sending import Sending, Told
from sellers.importing.summary import Report, Summary
from sellers.importing.values import YEARS, Cells, Finding, RejectedError, Style
from shared.clock import derived_id

# A case is some changes long: so many make a request of a good size.
BATCH = 250
CHANGES_MAX = 1_000
UNREAD = Style("", ".", "")


@dataclass(slots=True)
class Case:
    """What all rows of one case say."""

    lines: list[int]
    words: str
    opened_at: datetime
    person: str | None
    category: str | None
    changes: list[dict[str, Any]] = field(default_factory=list)


def import_incidents(
    directory: Path,
    client: Api,
    mapping_path: Path | None = None,
    report_path: Path | None = None,
    progress: Progress = silent,
    *,
    source: str | None = None,
) -> Summary:
    """Send every case; bad rows are in the report and stop nothing.

    Raises:
        CrmImportError: the mapping, the file, a column or the report is missing or wrong; nothing
            was sent.
        ApiError: the platform stays away, or refuses whole requests; run it again later.

    """
    began = time.monotonic()
    mapping = read_mapping(Incidents, mapping_path or INCIDENTS, source)
    columns = [c for _, c in mapping.columns if c is not None]
    wanted = {column.column: "columns" for column in columns}
    wanted |= dict.fromkeys(mapping.worded, "words")
    form = Format(mapping.encoding, mapping.delimiter)
    file = CsvFile.open(packed_in(directory / mapping.file), form, wanted)
    path = (report_path or default_report(mapping.source)).absolute()
    keep_apart(path, [mapping_path, file.path])
    with ExitStack() as stack:
        report = stack.enter_context(Report(path))
        run = Import(mapping, file, Summary(mapping.source, path), report, progress)
        run.read()
        sending = stack.enter_context(Sending(client, run.result, BATCH))
        run.send(sending)
    run.summary.findings = report.written
    run.summary.seconds = time.monotonic() - began
    progress(run.total, run.total)
    return run.summary


@dataclass(slots=True)
class Import:
    """One run over the file."""

    mapping: Incidents
    file: CsvFile
    summary: Summary
    report: Report
    progress: Progress
    done: int = 0
    cases: dict[str, Case] = field(default_factory=dict)
    _named: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return max(self.summary.of(self.mapping.file).read, 1)

    def read(self) -> None:
        """Read every row; a case is known when all of the file is."""
        counts = self.summary.of(self.mapping.file)
        for row in self.file.rows():
            counts.read += 1
            if isinstance(row, Damaged):
                self._rejected(row.line, RejectedError(ROW, row.value, row.reason))
                continue
            cells = Cells(self.mapping.file, row, UNREAD)
            try:
                self._row(cells)
            except RejectedError as error:
                self._rejected(row.line, error)
            else:
                for finding in cells.findings:
                    self.report.write(finding)
                counts.repaired += bool(cells.findings)

    def _row(self, cells: Cells) -> None:
        columns = self.mapping.columns
        key, change = cells.needed(columns.key), self._change(cells)
        case = self.cases.get(key)
        if case is None:
            case = self.cases[key] = Case(
                [],
                self.mapping.words.format(**cells.row.cells)[:10_000],
                self._instant(columns.opened_at, cells),
                self._known(columns.person, cells),
                self._known(columns.category, cells),
            )
        if len(case.changes) == CHANGES_MAX:
            raise RejectedError(columns.key.column, key, f"more than {CHANGES_MAX} changes of it")
        case.lines.append(cells.row.line)
        case.changes.append(change)

    def _change(self, cells: Cells) -> dict[str, Any]:
        columns, told = self.mapping.columns, dict[str, Any]()
        status = self._known(columns.status, cells)
        if status is not None and status not in self.mapping.statuses:
            cells.repaired(columns.status, status, "is none of the statuses; nobody knows it")
            status = None
        if status is not None:
            told |= {"status": status, "stage": self.mapping.statuses[status]}
        at = self._happened(told.get("stage"), cells)
        told["at"], told["on"] = _text(at), at.date().isoformat()
        for name, column, meanings in (
            ("severity", columns.severity, self.mapping.severities),
            ("kept", columns.kept, self.mapping.kept),
        ):
            said = self._known(column, cells)
            if column is not None and said is not None and said not in meanings:
                cells.repaired(column, said, f"is none of the mapping's {name} values; left out")
            elif said is not None:
                told[name] = meanings[said]
        owner = self._known(columns.owner, cells)
        if owner is not None:
            told["owner"] = self._stream("employee", owner)
            self._named[told["owner"]] = owner
        return told

    def _happened(self, stage: str | None, cells: Cells) -> datetime:
        """Return when the row's change happened; of a settled case, when it was settled."""
        at, closed = self._instant(self.mapping.columns.at, cells), self.mapping.columns.closed_at
        if stage != "closed" or closed is None or self._known(closed, cells) is None:
            return at
        return max(at, self._instant(closed, cells))

    def _known(self, column: Column | None, cells: Cells) -> str | None:
        value = cells.described(column)
        return None if value is None or value in self.mapping.unknown else value

    def _instant(self, column: Column, cells: Cells) -> datetime:
        value = cells.needed(column)
        at = _instant(value, self.mapping.instants, self.mapping.zone)
        if at is None or at.year not in YEARS:
            form = self.mapping.instants
            raise RejectedError(column.column, value, f"is no instant like {form}")
        return at

    def _stream(self, kind: str, name: str) -> str:
        return f"{kind}-{derived_id(self.mapping.source, kind, name)}"

    def send(self, sending: Sending) -> None:
        """Send who is named, then every case."""
        for stream, name in self._named.items():
            sending.put(self._other("organization", "mirror", stream, name))
        people = dict.fromkeys(case.person for case in self.cases.values() if case.person)
        for name in people:
            sending.put(self._other("contacts", "register", self._stream("person", name), name))
        sending.drain()
        for key, case in self.cases.items():
            origin = f"{self.mapping.source}/{self.mapping.file}#{key}"
            command = self._command(key, case)
            mirrored = Mirrored("issues", self._stream("issue", key), origin, command)
            sending.put(Told(case.lines[0], key, mirrored))
        sending.drain()

    def _other(self, domain: str, asked: str, stream: str, name: str) -> Told:
        row = f"{self.mapping.source}/{self.mapping.file}#{stream.partition('-')[0]}:{name}"
        mirrored = Mirrored(domain, stream, row, {"name": name}, own=False, type=asked)
        return Told(0, name, mirrored)

    def _command(self, key: str, case: Case) -> dict[str, Any]:
        told: dict[str, Any] = {
            "kind": self.mapping.kind,
            "words": case.words,
            "source_ref": key,
            "opened_on": case.opened_at.date().isoformat(),
            "opened_at": _text(case.opened_at),
            "changes": case.changes,
        }
        if case.person is not None:
            told["person"] = self._stream("person", case.person)
        if case.category is not None:
            told["category"] = case.category
        return told

    def _rejected(self, line: int, error: RejectedError) -> None:
        self.summary.of(self.mapping.file).rejected += 1
        told = (error.field, error.value, error.reason)
        self.report.write(Finding(self.mapping.file, line, *told, "rejected"))
        self._step(1)

    def _step(self, rows: int) -> None:
        self.done += rows
        self.progress(min(self.done, self.total), self.total)

    def result(self, told: Told, result: dict[str, Any]) -> None:
        """Note what the platform made of a command: of a case's for every row of it."""
        own, status = told.mirrored.own, str(result["status"])
        lines = self.cases[told.key].lines if own else [told.line]
        what = self.mapping.file if own else f"named in {self.mapping.file}"
        counts = self.summary.of(what, named=not own)
        self.summary.facts += int(result.get("recorded", 0))
        for _ in lines:
            counts.count(status)
        if own:
            self._step(len(lines))
        else:
            counts.read += 1
        if status not in {"recorded", "unchanged", "duplicate"}:
            detail = str((result.get("problem") or {}).get("detail", "refused"))
            for line in lines:
                finding = Finding(self.mapping.file, line, ROW, told.key, detail, "rejected")
                self.report.write(finding)


@lru_cache(maxsize=65_536)
def _instant(value: str, form: str, zone: str) -> datetime | None:
    try:
        return datetime.strptime(value, form).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
