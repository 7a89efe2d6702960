"""Imports another CRM's export through the API. Rule: the same rows again change nothing.

Every command names its row (`origin`), so it does not matter how often, or where in the middle,
an import was stopped: run again it ends in the same state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sellers.client import Api
from sellers.importing.errors import CrmImportError
from sellers.importing.folded import Progress, silent
from sellers.importing.mapping import Column, Mapping, Opportunities, Table, load_mapping
from sellers.importing.reading import CsvFile, Damaged, Format
from sellers.importing.rows import KINDS, Translator, key_column
from sellers.importing.sending import BATCH, Sending, Told
from sellers.importing.summary import Report, Summary
from sellers.importing.values import Cells, Finding, RejectedError, Style
from shared.clock import SystemClock

ROW = "(row)"


def import_crm(
    directory: Path,
    client: Api,
    mapping: Mapping | Path | None = None,
    report_path: Path | None = None,
    progress: Progress = silent,
    *,
    source: str | None = None,
    batch: int | None = None,
) -> Summary:
    """Send every row of the export; bad rows are in the report and stop nothing.

    `source` names the other system when the mapping file's own name for it is not the one; `batch`
    is the number of rows in one request.

    Raises:
        CrmImportError: the mapping, a file, a column or the report is missing or wrong; nothing
            was sent.
        ApiError: the platform stays away, or refuses whole requests; run it again later.

    """
    began = time.monotonic()
    told_by = mapping if isinstance(mapping, Path) else None
    if not isinstance(mapping, Mapping):
        mapping = load_mapping(mapping, source=source)
    files = _files(directory, mapping)
    path = (report_path or default_report(mapping.source)).absolute()
    keep_apart(path, [told_by, *(file.path for file in files.values())])
    with ExitStack() as stack:
        report = stack.enter_context(Report(path))
        run = Import(mapping, files, Summary(mapping.source, path), report, progress)
        sending = stack.enter_context(Sending(client, run.result, batch or BATCH))
        for name, table in mapping.tables.items():
            run.send(name, table, sending)
    run.summary.notes = _unread(mapping, files)
    run.summary.findings = report.written
    run.summary.seconds = time.monotonic() - began
    progress(run.total, run.total)
    return run.summary


@dataclass(slots=True)
class Import:
    """One run over the files."""

    mapping: Mapping
    files: dict[str, CsvFile]
    summary: Summary
    report: Report
    progress: Progress
    total: int = 0
    done: int = 0
    _translator: Translator = field(init=False)
    _table: tuple[str, Table] = field(init=False)

    def __post_init__(self) -> None:
        self._translator = Translator(self.mapping)
        self.total = sum(file.count() for file in self.files.values())

    def send(self, name: str, table: Table, sending: Sending) -> None:
        """Send the rows of one file and wait for all results: what comes next may name them."""
        self._table = name, table
        for key, cells in self._keyed(name, table):
            row, rejected = cells.row, None
            try:
                for mirrored in self._translator.commands(table, key, cells):
                    sending.put(Told(row.line, key, mirrored))
            except RejectedError as error:
                rejected = error
            self._repaired(cells)
            if rejected is not None:
                self._rejected(table, row.line, rejected)
                self._translator.names(name).discard(key)
        sending.drain()

    def _keyed(self, name: str, table: Table) -> Iterator[tuple[str, Cells]]:
        """Yield the rows that can be read and have a key of their own."""
        rows = self._unique(name, table)
        if isinstance(table, Opportunities):
            yield from rows
            return
        # Short lists, and their rows name each other: all names are known before the first row.
        known = list(rows)
        kind = KINDS[name]
        for key, _ in known:
            self._translator.names(name).add(key, self._translator.stream(kind, key))
        yield from known

    def _unique(self, name: str, table: Table) -> Iterator[tuple[str, Cells]]:
        counts = self.summary.of(table.file)
        style = Style(
            table.dates or self.mapping.dates,
            self.mapping.decimal_mark,
            self.mapping.thousands_mark,
        )
        first: dict[str, int] = {}
        for row in self.files[name].rows():
            counts.read += 1
            if isinstance(row, Damaged):
                self._rejected(table, row.line, RejectedError(ROW, row.value, row.reason))
                continue
            cells = Cells(table.file, row, style)
            try:
                key = self._key(table, cells, first)
            except RejectedError as error:
                self._rejected(table, row.line, error)
            else:
                yield key, cells

    def _key(self, table: Table, cells: Cells, first: dict[str, int]) -> str:
        key = self._translator.key(table, cells)
        if key in first:
            column = key_column(table).column
            raise RejectedError(column, key, f"the same key stands in line {first[key]}")
        first[key] = cells.row.line
        return key

    def _repaired(self, cells: Cells) -> None:
        for finding in cells.findings:
            self.report.write(finding)
        if cells.findings:
            self.summary.of(cells.file).repaired += 1

    def _rejected(self, table: Table, line: int, error: RejectedError) -> None:
        self.summary.of(table.file).rejected += 1
        self.report.write(
            Finding(table.file, line, error.field, error.value, error.reason, "rejected")
        )
        self._step()

    def _step(self) -> None:
        self.done += 1
        self.progress(min(self.done, self.total), self.total)

    def result(self, told: Told, result: dict[str, Any]) -> None:
        """Note what the platform made of a command."""
        name, table = self._table
        status = str(result["status"])
        own = told.mirrored.own
        what = table.file if own else f"named in {table.file}"
        counts = self.summary.of(what, named=not own)
        counts.count(status)
        self.summary.facts += int(result.get("recorded", 0))
        if own:
            self._step()
        else:
            counts.read += 1
        if status not in {"recorded", "unchanged", "duplicate"}:
            self._translator.names(name).discard(told.key)
            self._refused(table, told, result.get("problem") or {})

    def _refused(self, table: Table, told: Told, problem: dict[str, Any]) -> None:
        named = problem.get("errors") or [{"detail": problem.get("detail", "refused")}]
        for one in named:
            # "#/commands/7/command/closed_on", "#/commands/7/origin"
            within = str(one.get("pointer", "")).split("/")[3:]
            asked = next((step for step in within if step != "command"), "")
            column = getattr(getattr(table, "columns", None), asked, None)
            where = column.column if isinstance(column, Column) else asked or ROW
            value = str(told.mirrored.command.get(asked, told.key))
            self.report.write(
                Finding(table.file, told.line, where, value, str(one["detail"]), "rejected")
            )


def _files(directory: Path, mapping: Mapping) -> dict[str, CsvFile]:
    if not directory.is_dir():
        raise CrmImportError(f"{directory} is not a directory")
    return {
        name: CsvFile.open(
            directory / table.file,
            Format(table.encoding or mapping.encoding, table.delimiter or mapping.delimiter),
            {column.column: f"{name}.columns.{field}" for field, column in _columns(table)},
        )
        for name, table in mapping.tables.items()
    }


def _columns(table: Table) -> Iterator[tuple[str, Column]]:
    """Yield the mapped columns of a table by our names for them."""
    for name, column in getattr(table, "columns", ()):
        if column is not None:
            yield name, column


def _unread(mapping: Mapping, files: dict[str, CsvFile]) -> list[str]:
    """Say which columns nobody asked for: a forgotten one shall not go unnoticed."""
    notes = []
    for name, table in mapping.tables.items():
        mapped = {column.column for _, column in _columns(table)}
        rest = [column for column in files[name].header if column not in mapped and column]
        if rest:
            notes.append(f"{table.file}: not read, because not mapped: {', '.join(rest)}")
    return notes


def keep_apart(report: Path, inputs: list[Path | None]) -> None:
    """Refuse a report that would empty what is read, under whatever name."""
    if any(report.exists() and path is not None and report.samefile(path) for path in inputs):
        raise CrmImportError(f"the report {report} is read by this import; give it another name")


def default_report(source: str) -> Path:
    at = SystemClock().now().strftime("%Y%m%d-%H%M%S")
    return Path(f"import-report-{source}-{at}.csv")
