"""What is open with a customer, and what customers said in their own words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import get_args

from services.issues.projections import IssueCard, Step
from shared.documents import Document, section
from shared.events.issues import IssueKind, Severity

# The gravest first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)[::-1]


@dataclass(frozen=True, slots=True)
class BoardLine:
    """An open issue: how grave, how old in days, whose, and what is to be done next.

    `days` None: nobody knows since when. `late`: an answer was owed before now, or was missed.
    """

    issue: str
    words: str | None
    kind: IssueKind | None
    severity: Severity | None
    person: str | None
    owner: str | None
    step: Step
    registered_on: date | None
    days: int | None
    late: bool
    reopened: int
    escalated_to: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """Answers: what is open with this customer, the gravest and the oldest first? (I-09)."""

    company: str
    today: date
    by_severity: dict[str, int]
    without_owner: int
    late: int
    oldest_days: int | None
    lines: tuple[BoardLine, ...]


def board(company: str, cards: Iterable[IssueCard], today: date) -> Board:
    """Return the board of a customer's open issues."""
    lines = sorted((_line(card, today) for card in cards if card.open), key=_rank)
    counts = Counter(line.severity for line in lines)
    return Board(
        company,
        today,
        {severity: counts[severity] for severity in SEVERITIES},
        sum(line.owner is None for line in lines),
        sum(line.late for line in lines),
        max((line.days for line in lines if line.days is not None), default=None),
        tuple(lines),
    )


def _line(card: IssueCard, today: date) -> BoardLine:
    since = card.registered_on
    return BoardLine(
        card.issue,
        card.words,
        card.kind,
        card.severity,
        card.person,
        card.owner,
        card.step,
        since,
        (today - since).days if since is not None else None,
        card.missed_at is not None and not card.answered,
        len(card.reopened),
        card.escalations[-1].to if card.escalations else None,
    )


def _rank(line: BoardLine) -> tuple[int, date, str]:
    place = SEVERITIES.index(line.severity) if line.severity else len(SEVERITIES)
    return place, line.registered_on or date.max, line.issue


def board_document(told: Board) -> Document:
    """Return the board as a page for a workshop."""
    columns = ("Severity", "Days", "Words", "Whose", "Next", "Late", "Reopened")
    rows = (
        (
            *(one.severity, one.days, one.words, one.owner, one.step),
            *("late" if one.late else None, one.reopened or None),
        )
        for one in told.lines
    )
    counts = ((severity, count) for severity, count in told.by_severity.items())
    sections = (
        section("How many", ("Severity", "Open"), counts),
        section("What is open", columns, rows),
    )
    return Document(title=told.company, name="board", today=told.today, sections=sections)


@dataclass(frozen=True, slots=True)
class Voice:
    """What a customer said, in their own words, and what they were told in the end (I-10)."""

    issue: str
    words: str | None
    kind: IssueKind | None
    severity: Severity | None
    person: str | None
    company: str | None
    on: date | None
    cause: str | None
    told: str | None
    open: bool
    satisfaction_before: int | None
    satisfaction_after: int | None


def voice(card: IssueCard) -> Voice:
    return Voice(
        card.issue,
        card.words,
        card.kind,
        card.severity,
        card.person,
        card.company,
        card.registered_on,
        card.cause.cause if card.cause else None,
        card.feedback[-1].result if card.feedback else None,
        card.open,
        card.satisfaction_before,
        card.satisfaction_after,
    )


def voices(cards: Iterable[IssueCard], most: int) -> list[Voice]:
    """Return the gravest of what was said, of these the newest first."""
    told = [card for card in cards if card.words and card.registered_on is not None]
    told.sort(key=lambda card: (card.registered_on or date.min, card.issue), reverse=True)
    told.sort(key=lambda c: SEVERITIES.index(c.severity) if c.severity else len(SEVERITIES))
    return [voice(card) for card in told[:most]]


def voices_document(told: Iterable[Voice], first: date, last: date) -> Document:
    """Return the digest as a page for executives."""
    columns = ("In their words", "Of whom", "On", "Severity", "Cause", "What we told them")
    rows = (
        (f"“{one.words}”", one.company or one.person, one.on, one.severity, one.cause, one.told)
        for one in told
    )
    return Document(
        title=f"What customers said, {first} to {last}",
        name="voice",
        today=last,
        sections=(section("In their own words", columns, rows),),
    )
