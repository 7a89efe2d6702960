"""An import as whoever started it sees it: how far it is, and how far views and figures are behind.

Rule: once all is recorded, leaving harms nothing; it is said what then is not complete yet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from sellers.client import UNAVAILABLE, Api, ApiError
from sellers.console import moving, progress_bar
from sellers.errors import CommandError
from sellers.importing.crm import import_crm
from sellers.importing.folded import wait_until_folded
from sellers.importing.incidents import import_incidents
from sellers.importing.summary import Summary

UNTIL_THEN = "until then reports and lists lack some of it (`sellers lag` says how much)"


def crm(
    api: Api,
    directory: Path,
    told: tuple[Path | None, str | None],
    report_path: Path | None,
    batch: int | None,
    err: Console,
) -> Summary:
    """Import a CRM's export.

    Raises:
        CommandError: a file or a column is missing, or nobody answers.

    """
    mapping, source = told
    with _repeatable(), progress_bar(err, f"importing {directory.name}") as progress:
        return import_crm(
            directory, api, mapping, report_path, progress, source=source, batch=batch
        )


def incidents(
    api: Api,
    directory: Path,
    told: tuple[Path | None, str | None],
    report_path: Path | None,
    err: Console,
) -> Summary:
    """Import the log of a service desk.

    Raises:
        CommandError: the file or a column is missing, or nobody answers.

    """
    mapping, source = told
    with _repeatable(), progress_bar(err, f"importing {directory.name}") as progress:
        return import_incidents(directory, api, mapping, report_path, progress, source=source)


@contextmanager
def _repeatable() -> Iterator[None]:
    """Say of an import whose platform went away that it may be run again."""
    try:
        yield
    except ApiError as error:
        if error.status not in {0, UNAVAILABLE}:
            raise
        again = "run it again: nothing is lost, and nothing is counted twice"
        raise CommandError(f"{error}; the import gave up waiting: {again}") from error


def catch_up(api: Api, summary: Summary, err: Console) -> bool:
    """Stay until every view and figure knows what was recorded; False: whoever waited left.

    Raises:
        CommandError: nothing is folded any more, or nobody answers.

    """
    recorded = time.monotonic()
    told = f"all is recorded: {summary.facts:,} new facts in {summary.seconds:.1f} s"
    err.print(Text(f"{told}. Views and figures take them in now; {UNTIL_THEN}. Ctrl-C leaves."))
    try:
        with _repeatable(), moving(err) as say:
            wait_until_folded(api, say)
    except KeyboardInterrupt:
        return False
    summary.seconds_folding = time.monotonic() - recorded
    return True


def show(summary: Summary, out: Console, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary.document(), indent=2, ensure_ascii=False))
        return
    out.print(summary.table())
    for note in summary.notes:
        out.print(Text(note))
    values = f"{summary.findings:,} values were repaired or rejected, each told"
    out.print(Text(f"{values if summary.findings else 'nothing is told'} in {summary.report}"))
    recorded = f"{summary.facts:,} facts recorded in {summary.seconds:.1f} s"
    folding = summary.seconds_folding
    if folding is None:
        out.print(Text(f"{recorded}; views and figures still take them in: {UNTIL_THEN}"))
    else:
        out.print(f"{recorded}, folded into every view and figure {folding:.1f} s later")
