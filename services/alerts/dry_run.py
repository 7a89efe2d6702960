"""A changed rule, tried over all history before it is switched on (N-07). Writes nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from services.alerts.rules import Rule
from services.alerts.watching import Alert, Mark, Terms, alerts_until
from shared.events.alerts import RuleName
from shared.projector import cursor_id
from shared.runtime import Runtime
from shared.verify import facts_until

SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class Called:
    """One call that a rule makes in a history."""

    subject: str
    part: str
    owner: str | None
    since: date
    at: datetime
    set_by: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """Answers: what would this rule have called for on other terms? (N-07).

    `now` and `then` count the calls as it is and as it would be, in the days asked about; `more`
    and `less` are the first of those that only one of both has, `more_count` and `less_count` all.
    """

    rule: RuleName
    days_now: int
    days_then: int
    first: date | None
    last: date
    facts: int
    subjects: int
    now: int
    then: int
    more_count: int
    less_count: int
    more: tuple[Called, ...]
    less: tuple[Called, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which calls are looked at: those of these days."""

    rule: Rule
    now: Terms
    then: Terms
    first: date | None
    last: date


async def dry_run(runtime: Runtime, asked: Asked) -> DryRun:
    """Read all facts of the log that concern the rule, and replay them on both terms."""
    zone, marks, facts = runtime.settings.zone, defaultdict[str, list[Mark]](list), 0
    topics = sorted({event.topic for event in asked.rule.means})
    ends = [await runtime.log.ends(topic) for topic in topics]
    cursors = {cursor_id(where): end for found in ends for where, end in found.items()}
    async for fact in facts_until(runtime.log, topics, cursors):
        meant = asked.rule.mark(fact, zone)
        # What is somebody's alone yet is told here to nobody, not even by a number (K-09).
        if meant is not None and not _own(meant[1], runtime.today):
            facts += 1
            marks[meant[0]].append(meant[1])
    now = runtime.clock.now()
    # Nobody else has to wait for it.
    as_it_is = await asyncio.to_thread(_called, marks, asked, asked.now, zone, now)
    as_it_would_be = await asyncio.to_thread(_called, marks, asked, asked.then, zone, now)
    more = [call for key, call in as_it_would_be.items() if key not in as_it_is]
    less = [call for key, call in as_it_is.items() if key not in as_it_would_be]
    return DryRun(
        asked.rule.name,
        asked.now.days,
        asked.then.days,
        asked.first,
        asked.last,
        facts,
        len(marks),
        len(as_it_is),
        len(as_it_would_be),
        len(more),
        len(less),
        _first(more),
        _first(less),
    )


def _own(mark: Mark, today: date) -> bool:
    return mark.own_until is not None and today <= mark.own_until


def _called(
    marks: dict[str, list[Mark]], asked: Asked, terms: Terms, zone: tzinfo, now: datetime
) -> dict[tuple[str, str, str], Called]:
    """Return the calls by what they are about: earlier or later, a call is the same."""
    return {
        (subject, alert.part, alert.set_by): _call(subject, alert)
        for subject, theirs in marks.items()
        for alert in alerts_until(theirs, terms, zone, now)
        if _within(asked, alert.at.astimezone(zone).date())
    }


def _within(asked: Asked, day: date) -> bool:
    return (asked.first is None or day >= asked.first) and day <= asked.last


def _call(subject: str, alert: Alert) -> Called:
    return Called(subject, alert.part, alert.owner, alert.since, alert.at, alert.set_by)


def _first(called: Iterable[Called]) -> tuple[Called, ...]:
    in_order = sorted(called, key=lambda one: (one.at, one.subject, one.part))
    return tuple(in_order[:SHOWN_MAX])
