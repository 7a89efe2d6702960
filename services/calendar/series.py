"""What may happen to an entry that repeats. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, assert_never
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints

from services.calendar.about import ABOUT, LONGEST_DAYS, Reason, Timed, Zone, check_private
from services.calendar.about import check_times as check_span
from services.calendar.entries import Reassign, handed_over
from services.calendar.mirroring import MIRRORED, Uid, version
from shared.command import Command, Day, Instant
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.calendar import (
    SeriesEnded,
    SeriesEvent,
    SeriesOccurrenceSkipped,
    SeriesOccurrenceTakenOut,
    SeriesPlanned,
    SeriesReassigned,
)
from shared.handovers import TakeOver
from shared.occurrences import occurrences, repeats_of
from shared.recurrence import RULE_MAX, read_rule

DATES_MAX = 1_000


def _followed(text: str) -> str:
    read_rule(text)
    return text


RuleText = Annotated[
    str, StringConstraints(min_length=1, max_length=RULE_MAX), AfterValidator(_followed)
]
Dates = Annotated[tuple[Instant, ...], Field(max_length=DATES_MAX)]


class SeriesUnknownError(NotFoundError):
    """Nobody planned anything that repeats under that id."""


class TimeIsAnEntryError(DomainError):
    """Something became of this time of the series: it is an entry, and can be cancelled as one."""

    title = "This time of the series is an entry by now; cancel that one"


class SeriesIsPrivateError(DomainError):
    """What was told in the clear cannot be taken back: plan a private series instead."""


class PlanSeries(Timed):
    """Something that repeats: by a rule, on dates, or both. Told again: instead of before."""

    zone: Zone
    rule: RuleText | None = None
    dates: Dates = ()
    except_dates: Dates = ()


class MirrorSeries(PlanSeries):
    """A series as another calendar has it; told again, what is new there is taken over."""

    cancelled: bool = False
    uid: Uid | None = None
    sequence: int = Field(0, ge=0, le=10**6)
    modified: Instant | None = None


class SkipOccurrence(Command):
    occurrence: Instant


class TakeOutOccurrence(Command):
    """An entry takes the place of one of its times. Nobody asks by hand."""

    occurrence: Instant


class EndSeries(Command):
    last_day: Day
    reason: Reason = None


SeriesCommand = (
    PlanSeries | MirrorSeries | SkipOccurrence | TakeOutOccurrence | EndSeries | Reassign | TakeOver
)


@dataclass(frozen=True, slots=True)
class Series:
    """Only what a rule needs to know."""

    plan: SeriesPlanned | None = None
    skipped: frozenset[datetime] = field(default_factory=frozenset)
    taken_out: frozenset[datetime] = field(default_factory=frozenset)
    last_day: date | None = None


def decide_series(series: Series, command: SeriesCommand) -> list[SeriesEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case MirrorSeries():
            _check(series, command)
            return _mirror(series, command)
        case PlanSeries():
            _check(series, command)
            known = series.plan
            kept = {} if known is None else known.model_dump(include={"uid"})
            planned = SeriesPlanned(**command.told(), **kept)
            return [] if planned == known and series.last_day is None else [planned]
        case TakeOutOccurrence(occurrence=occurrence):
            # Also before the series is planned: another calendar may tell of a changed time first.
            at = occurrence.astimezone(UTC)
            return [] if at in series.taken_out else [SeriesOccurrenceTakenOut(occurrence=at)]
        case _ if series.plan is None:
            raise SeriesUnknownError
        case SkipOccurrence(occurrence=occurrence):
            return _skip(series, series.plan, occurrence.astimezone(UTC))
        case EndSeries(last_day=last_day, reason=reason):
            check_private(command, series.plan.category, "reason")
            same = series.last_day == last_day
            return [] if same else [SeriesEnded(last_day=last_day, reason=reason)]
        case Reassign() | TakeOver():
            told = handed_over(series.plan, command)
            return [] if told is None else [SeriesReassigned(**told)]
        case _:
            assert_never(command)


def _skip(series: Series, plan: SeriesPlanned, at: datetime) -> list[SeriesEvent]:
    if at in series.skipped:
        return []
    if at in series.taken_out:
        raise TimeIsAnEntryError
    day = at.astimezone(ZoneInfo(plan.zone)).date()
    what = replace(repeats_of(plan), last_day=series.last_day)
    if at not in {begin.astimezone(UTC) for begin, _ in occurrences(what, day, day)}:
        raise InvalidError("the series has no time that begins then", field="#/occurrence")
    return [SeriesOccurrenceSkipped(occurrence=at)]


def _check(series: Series, command: PlanSeries) -> None:
    check_span(command.starts_at, command.ends_at, "#/ends_at", longest=LONGEST_DAYS)
    check_private(command, command.category)
    if command.rule is None and not command.dates:
        raise InvalidError("it repeats by a rule or on dates", field="#/rule")
    known = series.plan
    if known is not None and (known.category == "private") != (command.category == "private"):
        raise SeriesIsPrivateError(
            "a series is private from its first fact on, or never", field="#/category"
        )


def _mirror(series: Series, command: MirrorSeries) -> list[SeriesEvent]:
    told = command.told()
    told.pop("cancelled")
    known = series.plan
    if known is not None:
        now = version(command.sequence, command.modified)
        before = version(known.sequence, known.modified)
        # Who tells no version is compared by content: of a private one nobody can do that.
        unversioned = known.category != "private" and command.modified is None
        if now < before or (now == before and not unversioned):
            return []
        told |= known.model_dump(include={*ABOUT, "category", "seller"} - set(MIRRORED))
    planned = SeriesPlanned(**told)
    if command.cancelled:
        day = command.starts_at.astimezone(ZoneInfo(command.zone)).date() - timedelta(days=1)
        ended: list[SeriesEvent] = [SeriesEnded(last_day=day)]
        if known is None:  # Planned, it goes on, whatever was told of it before.
            return [planned, *ended]
        return [] if series.last_day == day else ended
    # Ended here, it stays so until there is something new there.
    return [] if planned == known else [planned]


def evolve_series(series: Series, event: SeriesEvent) -> Series:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case SeriesPlanned():
            return replace(series, plan=event, last_day=None)
        case SeriesOccurrenceSkipped(occurrence=occurrence):
            return replace(series, skipped=series.skipped | {occurrence.astimezone(UTC)})
        case SeriesOccurrenceTakenOut(occurrence=occurrence):
            return replace(series, taken_out=series.taken_out | {occurrence.astimezone(UTC)})
        case SeriesEnded(last_day=last_day):
            return replace(series, last_day=last_day)
        case SeriesReassigned(seller=seller) if series.plan is not None:
            return replace(series, plan=series.plan.model_copy(update={"seller": seller}))
        case SeriesReassigned():
            return series
        case _:
            assert_never(event)


def stamp(at: datetime) -> str:
    """Return an instant as it is part of an id: the same one, in whatever zone it was told."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def entry_of(series: str, occurrence: datetime) -> str:
    """Return the stream of the entry that one time of a series is, once anything happens to it."""
    return f"entry-{series.partition('-')[2]}.{stamp(occurrence)}"


def told_of(plan: SeriesPlanned | Any) -> dict[str, Any]:
    """Return what a series says about each of its times."""
    names = ("seller", "category", "all_day", "zone", "busy", "sealed", "sealed_to", *ABOUT)
    return {name: getattr(plan, name) for name in names}
