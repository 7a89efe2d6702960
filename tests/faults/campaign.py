"""One seed: kill each part amid an import and live touches, then compare everything with the truth.

The truth is what clients were told (the ledger) and what stands in the export's files.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Self

from sellers.client import Api
from tests.faults import export
from tests.faults.ledger import Ledger
from tests.faults.machine import Machine
from tests.faults.platform import POLL_S, Backlog, FaultError
from tests.faults.truth import Findings, compare_touches, compare_verdict, pages

# A few requests for each kill.
ROWS, BATCH = 1_500, 30
IMPORT_S = 400.0
# Touches alone leave a few records on their way: that is no work to be killed amid.
BACKLOG_MIN = 100
IDLE = "killed when idle"
# The import itself is killed too: run again, it ends in the same state.
PROGRESS = re.compile(r"importing .*: ([\d,]+) of ([\d,]+)")
# The longest that a kill comes after the moment at which the import told how far it is.
LATER_S = 0.4
# More than all rows: nothing holds it.
EVERYTHING = 2.0
AT_ONCE_S = 1.5
WATCH_S = 15.0
PARTS = ("node", "worker", "broker", "store", "import")


class Watch:
    """Asks for the backlog all the time: under load, an answer takes longer than a kill waits."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._newest: tuple[Backlog | None, float] = (None, time.monotonic())
        self._told, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(WATCH_S)

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S):
            began = time.monotonic()
            backlog = self._machine.backlog(within_s=WATCH_S)
            if backlog is not None:
                self._newest = backlog, began
                self._told.set()

    def newest(self, within_s: float) -> tuple[Backlog | None, float]:
        """Return what was told last, and when it was asked; wait a moment for something newer."""
        self._told.clear()
        self._told.wait(within_s)
        return self._newest

    def forget(self) -> None:
        """What was told before a kill says nothing about the next one."""
        self._newest = None, time.monotonic()


@dataclass(frozen=True, slots=True)
class Kill:
    """Whom we killed, amid what, and how long it took until everything served again."""

    victim: str
    at_s: float
    imported: float
    acknowledged: int
    # None: the platform was too busy to say it since the last kill, and rows were still to be sent.
    backlog: int | None
    where: str
    # So long before the kill it was told.
    told_s: float
    import_runs: bool
    away_s: float

    @property
    def amid_work(self) -> bool:
        """Whether it hit a platform that had something to lose."""
        return self.import_runs and (self.imported < 1 or (self.backlog or 0) >= BACKLOG_MIN)

    def __str__(self) -> str:
        told = "too busy to say its backlog"
        if self.backlog is not None:
            told = f"backlog {self.backlog} ({self.where}) {self.told_s:.1f} s before"
        return (
            f"{self.at_s:5.1f} s  {self.victim:6} at {self.imported:4.0%} of the import, "
            f"{self.acknowledged} acknowledged, {told}, "
            f"served again after {self.away_s:.1f} s"
        )


@dataclass(slots=True)
class Outcome(Findings):
    """What one seed came to; `wrong` is empty when nothing was lost and nothing counted twice."""

    seed: int
    engine: str
    kills: list[Kill] = field(default_factory=list)
    seconds: float = 0.0


class Import:
    """`sellers import crm` as a child, which can be killed and run again."""

    def __init__(self, url: str, folder: Path, work: Path, batch: int) -> None:
        self._command = [sys.executable, "-m", "sellers", "--url", url, "import", "crm"]
        self._command += [str(folder), "--json", "--report", str(work / "report.csv")]
        self._command += ["--batch", str(batch)]
        self._out = work / "import.json"
        self._err = work / "import.txt"
        self._err_from = 0
        self._end = EVERYTHING
        self._deciding = threading.Lock()
        self._over = threading.Event()
        self.process = self._begun()
        threading.Thread(target=self._hold, daemon=True).start()

    def _begun(self) -> subprocess.Popen[bytes]:
        with self._out.open("wb") as out, self._err.open("ab") as err:
            return subprocess.Popen(
                self._command, stdout=out, stderr=err, env=Machine.environment()
            )

    @property
    def sent(self) -> float:
        """Return the part of the rows that it has results for, as it says itself."""
        told = PROGRESS.findall(self._err.read_text()[self._err_from :])
        if not told:
            return 0.0
        done, total = (int(number.replace(",", "")) for number in told[-1])
        return done / total

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self._over.set()
        self.kill()

    def go_on(self, to: float) -> None:
        """Let it send this part of its rows and no more.

        Where an import is fast and a part of the platform slow to come back, it would have ended
        before the next part is killed.
        """
        with self._deciding:
            self._end = to
            self.process.send_signal(signal.SIGCONT)

    def _hold(self) -> None:
        while not self._over.wait(POLL_S):
            with self._deciding:
                if self.sent >= self._end:
                    self.process.send_signal(signal.SIGSTOP)

    def again(self) -> None:
        self._err_from = self._err.stat().st_size
        self.process = self._begun()

    def finished(self) -> dict[str, Any]:
        """Let it go on to its end and return what it says."""
        self.go_on(EVERYTHING)
        try:
            code = self.process.wait(IMPORT_S)
        except subprocess.TimeoutExpired as error:
            raise FaultError(f"the import did not end in {IMPORT_S:g} s") from error
        if code:
            raise FaultError(f"the import ended with {code}: {self._err.read_text()[-2_000:]}")
        told: dict[str, Any] = json.loads(self._out.read_text())
        return told


def play(
    engine: str,
    seed: int,
    work: Path,
    source: Path | None = None,
    batch: int = BATCH,
    rounds: int = 1,
    rows: int = ROWS,
) -> Outcome:
    """Play one seed in a fresh directory; `source` is an export to use instead of our own.

    In each of its `rounds` every part is killed once.
    """
    began, random = time.monotonic(), Random(seed)
    outcome = Outcome(seed, engine)
    work.mkdir(parents=True, exist_ok=True)
    folder = source or export.generate(work / "export", seed, rows)
    try:
        with Machine(work / "data", engine) as machine:
            victims = [part for _ in range(rounds) for part in random.sample(PARTS, len(PARTS))]
            _kill_amid(machine, (folder, batch), work, random, victims, outcome)
    except FaultError as error:
        outcome.wrong.append(str(error))
    outcome.seconds = time.monotonic() - began
    return outcome


def _kill_amid(
    machine: Machine,
    source: tuple[Path, int],
    work: Path,
    random: Random,
    victims: Sequence[str],
    outcome: Outcome,
) -> None:
    folder, batch = source
    # In order, each in a stretch of its own, none so late that nothing is left to do.
    stretches = [place / (len(victims) + 1) for place in range(len(victims) + 1)]
    moments = [random.uniform(*stretch) for stretch in pairwise(stretches)]
    began = time.monotonic()
    ledger = Ledger(machine.url, work / "ledger.jsonl", outcome.seed)
    with ledger, Watch(machine) as watch:
        importing = Import(machine.url, folder, work, batch)
        try:
            for victim, moment, end in zip(victims, moments, stretches[1:], strict=True):
                _await_moment(importing, moment, end)
                time.sleep(random.random() * LATER_S)
                outcome.kills.append(_kill(machine, importing, ledger, watch, victim, began))
            importing.finished()
        finally:
            importing.end()
    with Api(machine.url, patience_s=60.0, actor="faults") as api:
        machine.settle()
        _compare(api, ledger, folder, outcome)
        again = _imported_again(machine, source, work)
        outcome.check(again["facts"] == 0, f"the import again recorded {again['facts']} facts")


def _imported_again(machine: Machine, source: tuple[Path, int], work: Path) -> dict[str, Any]:
    importing = Import(machine.url, source[0], work, source[1])
    try:
        return importing.finished()
    finally:
        importing.end()


def _await_moment(importing: Import, moment: float, end: float) -> None:
    before = importing.sent
    importing.go_on(end)
    while importing.sent < moment or importing.sent == before:
        if not importing.runs:
            return  # It shall be seen in the outcome that the kill came too late.
        time.sleep(POLL_S)


def _kill(
    machine: Machine,
    importing: Import,
    ledger: Ledger,
    watch: Watch,
    victim: str,
    began: float,
) -> Kill:
    # A platform too busy to say it at once is killed all the same: the moment shall not pass.
    backlog, told_at = watch.newest(AT_ONCE_S)
    imported, runs = importing.sent, importing.runs
    if backlog is None and imported == 1:
        backlog, told_at = machine.backlog(), time.monotonic()
    acknowledged = ledger.acknowledged
    at = time.monotonic()
    if victim == "import":
        importing.kill()
        importing.again()
    else:
        killed = machine.kill(victim)
        machine.wait_replaced(victim, killed)
    # Not until all is ready: the import goes on as soon as somebody answers it.
    machine.wait_for("an answer", machine.backlog)
    watch.forget()
    return Kill(
        victim,
        at - began,
        imported,
        acknowledged,
        backlog.records if backlog else None,
        str(backlog),
        at - told_at,
        runs,
        time.monotonic() - at,
    )


def _compare(api: Api, ledger: Ledger, folder: Path, outcome: Outcome) -> None:
    for kill in outcome.kills:
        outcome.check(kill.amid_work, f"{IDLE}, which proves nothing: {kill}")
    compare_touches(api, ledger, outcome)
    compare_deals(api, folder, outcome)
    compare_verdict(api, outcome)
    outcome.facts = sum(topic["records"] for topic in api.get("/topics")["topics"])


def compare_deals(api: Api, folder: Path, outcome: Findings) -> None:
    """Views and figures of the deals equal the text of the files that were imported."""
    _compare_opportunities(api, folder, outcome)
    for axis, sums in export.figures(folder).items():
        _compare_figures(api, axis, sums, outcome)
    _compare_quarters(api, folder, outcome)


def _compare_opportunities(api: Api, folder: Path, outcome: Findings) -> None:
    cards = list(pages(api, "/opportunities"))
    held = Counter(
        {"won": "Won", "lost": "Lost"}.get(card["outcome"], card["stage"]) for card in cards
    )
    wanted = export.stages(folder)
    outcome.check(held == wanted, f"stages in the views {dict(held)}, in the file {dict(wanted)}")
    value = sum((Decimal(card["value"]) for card in cards if card["outcome"] == "won"), Decimal(0))
    total = export.figures(folder)["total"]["total"].value_won
    outcome.check(value == total, f"won value {value} in the views, {total} in the file")


def _compare_figures(api: Api, axis: str, sums: dict[str, export.Sum], outcome: Findings) -> None:
    """The figures of the report, against the text of the files."""
    rows = {_name(row): row for row in _report(api, axis)}
    for name, wanted in sums.items():
        row = rows.get(name) or (next(iter(rows.values()), None) if axis == "total" else None)
        if row is None:
            outcome.wrong.append(f"pipeline by {axis}: no row for {name}, only {sorted(rows)}")
            continue
        told = (row["count"], row["won"], row["lost"], Decimal(row["value_won"] or 0))
        true = (wanted.count, wanted.won, wanted.lost, wanted.value_won)
        outcome.check(told == true, f"pipeline by {axis}, {name}: {told}, in the file {true}")


def _compare_quarters(api: Api, folder: Path, outcome: Findings) -> None:
    rows = {_name(row): row for row in _report(api, "quarter")}
    for name, wanted in export.closed_by_quarter(folder).items():
        row = rows.get(name)
        told = row and (row["won"], row["lost"], Decimal(row["value_won"] or 0))
        true = (wanted.won, wanted.lost, wanted.value_won)
        outcome.check(told == true, f"pipeline by quarter, {name}: {told}, in the file {true}")


def _report(api: Api, axis: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.get("/analytics/pipeline", {"by": axis})["rows"]
    return rows


def _name(row: dict[str, Any]) -> str:
    return str(row.get("label") or row.get("key"))
