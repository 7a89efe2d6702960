"""When a rule calls somebody: a pure function of what is known, in the order it became known.

Facts become marks on a clock: it begins, is set back, rests, ends. Marks are kept and looked
through in the order in which their facts were recorded, so a watch comes out the same in whatever
order they are folded, live or replayed: what was due before something else was known, was due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, assert_never

from shared.events.alerts import RuleName
from shared.timers import DueAt, judged_at
from shared.workplaces import midnight

Verb = Literal["begin", "happened", "rest", "due", "done", "end", "owner", "now"]

# So many marks of one subject are kept one by one; who has more is known by how the oldest stood.
MARKS_MAX, MARKS_KEPT = 400, 200


@dataclass(frozen=True, slots=True)
class Mark:
    """What a fact means to a clock: known since `at`, of the day `on`.

    `stream` and `version` are its place: clocks of two processes differ, the order of a stream not.
    `part` names one of several clocks of a subject, `owner` whom it concerns from then on; a `soft`
    owner only where nobody else is known. Up to the day `own_until` it is the owner's alone (K-09).
    """

    at: datetime
    fact: str
    stream: str
    version: int
    verb: Verb
    on: date
    part: str = ""
    owner: str | None = None
    soft: bool = False
    own_until: date | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """It runs out at `at`, unless something happens first."""

    at: datetime
    since: date
    set_by: str
    owner: str | None = None
    own_until: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands after some marks. `asleep`: nothing is counted for this subject."""

    asleep: bool = True
    owner: str | None = None
    soft_owner: str | None = None
    last: date | None = None
    clocks: dict[str, Clock] = field(default_factory=dict)
    # The fact that set each clock last, also where it has run out: whether an alert still holds.
    counting: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """The rule calls: whom, about which part of the subject, since when, set by which fact.

    `own_until`: up to that day nobody else; None: others may know at once.
    """

    at: datetime
    part: str
    since: date
    set_by: str
    owner: str | None
    own_until: date | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Answers: when does this rule call somebody about this subject, and what has it called for?

    `pending`: whoever is to be told has not been yet. `due_at`: when there is something to tell.
    """

    watch: str
    rule: RuleName | None = None
    subject: str = ""
    base: Standing = field(default_factory=Standing)
    marks: tuple[Mark, ...] = ()
    raised: tuple[str, ...] = ()
    pending: tuple[Alert, ...] = ()
    coming: Alert | None = None
    counting: dict[str, str] = field(default_factory=dict)
    due_at: DueAt | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a rule holds: `days` it waits; `once`: whatever happens ends it."""

    days: int
    once: bool = False
    in_force_from: datetime | None = None

    def allow(self, alert: Alert) -> bool:
        return self.in_force_from is None or alert.at >= self.in_force_from


def marked(watch: Watch, marks: Iterable[Mark], terms: Terms, zone: tzinfo) -> Watch:
    """Add what became known, and look again at all that is known."""
    every = in_order({*watch.marks, *marks})
    base, raised = watch.base, watch.raised
    if len(every) > MARKS_MAX:
        old, every = every[:-MARKS_KEPT], every[-MARKS_KEPT:]
        base, told = _looked(base, old, terms, zone)
        # What those called for was told long ago, or never will be.
        raised = tuple(sorted({*raised, *(_name(alert) for alert in told)}))
    return looked_at(replace(watch, base=base, marks=tuple(every), raised=raised), terms, zone)


def told(watch: Watch, part: str, set_by: str, terms: Terms, zone: tzinfo) -> Watch:
    """Somebody was told of that."""
    raised = tuple(sorted({*watch.raised, f"{set_by}/{part}"}))
    return looked_at(replace(watch, raised=raised), terms, zone)


def looked_at(watch: Watch, terms: Terms, zone: tzinfo) -> Watch:
    """Say what is to be told, and when, as it follows from all marks."""
    standing, called = _looked(watch.base, watch.marks, terms, zone)
    pending = tuple(one for one in called if terms.allow(one) and _name(one) not in watch.raised)
    coming = min(
        (one for one in _alerts(standing) if _name(one) not in watch.raised and terms.allow(one)),
        key=lambda one: (one.at, one.part),
        default=None,
    )
    first = pending[0] if pending else coming
    return replace(
        watch,
        pending=pending,
        coming=coming,
        counting=standing.counting,
        due_at=None if first is None else first.at,
    )


def alerts_until(marks: Iterable[Mark], terms: Terms, zone: tzinfo, now: datetime) -> list[Alert]:
    """Replay a history: all that the rule called for until now."""
    standing, called = _looked(Standing(), in_order(set(marks)), terms, zone)
    late = [one for one in _alerts(standing) if one.at <= now]
    return [one for one in (*called, *late) if terms.allow(one)]


def in_order(marks: Iterable[Mark]) -> list[Mark]:
    """Return them as they became known; none of a stream before the one that it follows."""
    known: list[Mark] = []
    newest: dict[str, datetime] = {}
    for mark in sorted(marks, key=lambda mark: (mark.stream, mark.version)):
        at = max(mark.at, newest.get(mark.stream, mark.at))
        newest[mark.stream] = at
        known.append(mark if at == mark.at else replace(mark, at=at))
    return sorted(known, key=lambda mark: (mark.at, mark.stream, mark.version))


def _name(alert: Alert) -> str:
    return f"{alert.set_by}/{alert.part}"


def _alerts(standing: Standing) -> list[Alert]:
    owner = standing.owner or standing.soft_owner
    return [
        Alert(clock.at, part, clock.since, clock.set_by, clock.owner or owner, clock.own_until)
        for part, clock in sorted(standing.clocks.items())
    ]


def _looked(
    standing: Standing, marks: Iterable[Mark], terms: Terms, zone: tzinfo
) -> tuple[Standing, list[Alert]]:
    """Go through the marks in order; a clock that had run out before the next one, called."""
    called: list[Alert] = []
    for mark in marks:
        over = [one for one in _alerts(standing) if one.at <= mark.at]
        called += sorted(over, key=lambda one: (one.at, one.part))
        running = {part: clock for part, clock in standing.clocks.items() if clock.at > mark.at}
        standing = _after(replace(standing, clocks=running), mark, terms, zone)
    return standing, called


def _after(standing: Standing, mark: Mark, terms: Terms, zone: tzinfo) -> Standing:
    standing = _owned(standing, mark)
    match mark.verb:
        case "happened":
            return _happened(standing, mark, terms, zone)
        case "owner":
            return standing
        case "done":
            return _without(standing, mark.part)
        case "end":
            return _ended(standing)
        case "begin" | "rest" | "due" | "now":
            return _begun(replace(standing, asleep=False), mark, terms, zone)
        case _:
            assert_never(mark.verb)


def _begun(standing: Standing, mark: Mark, terms: Terms, zone: tzinfo) -> Standing:
    """Set a clock: from that day on, from the end of a rest, to a day, or to this very moment."""
    if mark.verb == "now":
        clock = Clock(mark.at, mark.on, mark.fact, mark.owner, mark.own_until)
        return _set(standing, mark, clock)
    if mark.verb != "begin":
        return _set(standing, mark, _counted(mark, mark.on, terms.days, zone))
    last = standing.last
    if terms.once and last is not None and last > mark.on:
        return _ended(standing)
    since = mark.on if last is None else max(mark.on, last)
    return _set(standing, mark, _counted(mark, since, terms.days, zone))


def _owned(standing: Standing, mark: Mark) -> Standing:
    if mark.owner is None:
        return standing
    if mark.part:
        clock = standing.clocks.get(mark.part)
        if clock is None or mark.verb != "owner":
            return standing
        theirs = standing.clocks | {mark.part: replace(clock, owner=mark.owner)}
        return replace(standing, clocks=theirs)
    return replace(
        standing,
        owner=standing.owner if mark.soft else mark.owner,
        soft_owner=mark.owner if mark.soft else standing.soft_owner,
    )


def _happened(standing: Standing, mark: Mark, terms: Terms, zone: tzinfo) -> Standing:
    before = standing.last
    standing = replace(standing, last=mark.on if before is None else max(before, mark.on))
    if standing.asleep:
        return standing
    known = standing.counting.get("")
    clock = standing.clocks.get("")
    if clock is not None and mark.on <= clock.since:
        return standing
    if clock is None and known is not None and before is not None and mark.on <= before:
        return standing
    if terms.once:
        return _ended(standing)
    return _set(standing, mark, _counted(mark, mark.on, terms.days, zone))


def _counted(mark: Mark, since: date, days: int, zone: tzinfo) -> Clock:
    """Return a clock that runs out when so many whole days have passed since that one."""
    by = midnight(since + timedelta(days=days + 1), zone)
    at = judged_at(by, mark.at)
    assert at is not None
    return Clock(at, since, mark.fact, mark.owner if mark.part else None)


def _set(standing: Standing, mark: Mark, clock: Clock) -> Standing:
    return replace(
        standing,
        clocks=standing.clocks | {mark.part: clock},
        counting=standing.counting | {mark.part: mark.fact},
    )


def _without(standing: Standing, part: str) -> Standing:
    clocks = {name: one for name, one in standing.clocks.items() if name != part}
    counting = {name: one for name, one in standing.counting.items() if name != part}
    return replace(standing, clocks=clocks, counting=counting)


def _ended(standing: Standing) -> Standing:
    return replace(standing, asleep=True, clocks={}, counting={})
