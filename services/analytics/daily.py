"""The daily report that nobody writes (N-05): made of what was entered anyway. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from services.analytics.diary import DiaryItem, Line, Status
from services.analytics.workload import minutes_between
from shared.documents import Document, Section, section

FRIDAY = 4
NOTHING_ENTERED = "Nothing was entered of this day."


@dataclass(frozen=True, slots=True)
class Happened:
    """One line: what happened with which thing, with whom, and the fact that says so.

    `late` is for how many days nobody had entered it.
    """

    item: str
    kind: str
    title: str | None
    person: str | None
    company: str | None
    stage: str | None
    what: str
    detail: str | None
    at: datetime | None
    event: str
    late: int


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry of the day: as planned, and as it was."""

    entry: str
    title: str | None
    category: str | None
    person: str | None
    company: str | None
    status: Status | None
    starts_at: datetime | None
    ends_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """What is planned or due on the next day of work."""

    item: str
    kind: str
    title: str | None
    company: str | None
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class DailyReport:
    """What a seller would have had to write of a day; minutes whole, private ones left out."""

    seller: str
    name: str | None
    day: date
    touches: tuple[Happened, ...]
    opportunities: tuple[Happened, ...]
    issues: tuple[Happened, ...]
    calendar: tuple[Planned, ...]
    planned_minutes: int
    actual_minutes: int
    next_day: date
    next: tuple[Due, ...]

    @property
    def empty(self) -> bool:
        return not (self.touches or self.opportunities or self.issues or self.calendar)


def next_workday(day: date) -> date:
    """Return the next day from Monday to Friday."""
    following = day + timedelta(days=1)
    return following if following.weekday() <= FRIDAY else day + timedelta(days=7 - day.weekday())


def report(
    seller: str,
    day: date,
    told: Iterable[DiaryItem],
    due: Iterable[DiaryItem],
    names: Mapping[str, str],
    zone: tzinfo,
) -> DailyReport:
    """Make the report of a seller's day; `names` of people, companies and colleagues."""
    items = sorted(told, key=lambda item: item.item)
    lines = list(_lines(seller, day, items, names, zone))
    # What is due on the day itself belongs to its plan as long as nothing became of it.
    entries = [*_entries(items, names, seller, day, zone)]
    work = [one for one in entries if one.category != "private"]
    return DailyReport(
        seller,
        names.get(seller),
        day,
        _of("touch", lines),
        _of("opportunity", lines),
        (*_of("issue", lines), *_of("commitment", lines)),
        tuple(sorted(entries, key=lambda one: (one.starts_at or one.started_at, one.entry))),
        sum(minutes_between(one.starts_at, one.ends_at) for one in work),
        sum(minutes_between(one.started_at, one.ended_at) for one in work),
        next_workday(day),
        tuple(_due(item, names) for item in sorted(due, key=_when)),
    )


def _lines(
    seller: str, day: date, items: Iterable[DiaryItem], names: Mapping[str, str], zone: tzinfo
) -> Iterator[Happened]:
    for item in items:
        kind = item.item.partition("-")[0]
        for line in item.lines:
            if line.day == day and line.owner == seller and kind != "entry":
                yield Happened(
                    item.item,
                    kind,
                    item.title,
                    _named(item.person, names),
                    _named(item.company, names),
                    item.stage,
                    line.what,
                    line.detail,
                    line.at,
                    line.event,
                    _late(line, zone),
                )


def _late(line: Line, zone: tzinfo) -> int:
    recorded = line.recorded_at
    return 0 if recorded is None else max((recorded.astimezone(zone).date() - line.day).days, 0)


def _named(stream: str | None, names: Mapping[str, str]) -> str | None:
    return None if stream is None else names.get(stream, stream)


def _of(kind: str, lines: Iterable[Happened]) -> tuple[Happened, ...]:
    return tuple(one for one in lines if one.kind == kind)


def _entries(
    items: Iterable[DiaryItem], names: Mapping[str, str], seller: str, day: date, zone: tzinfo
) -> Iterator[Planned]:
    for item in items:
        begins = item.started_at if item.status == "done" else item.starts_at
        if not item.item.startswith("entry-") or item.owner != seller or begins is None:
            continue
        if begins.astimezone(zone).date() == day:
            yield Planned(
                item.item,
                item.title,
                item.stage,
                _named(item.person, names),
                _named(item.company, names),
                item.status,
                item.starts_at,
                item.ends_at,
                item.started_at if item.status == "done" else None,
                item.ended_at if item.status == "done" else None,
            )


def _when(item: DiaryItem) -> tuple[bool, str, str]:
    begins = item.starts_at if item.item.startswith("entry-") else None
    return begins is None, "" if begins is None else begins.isoformat(), item.item


def _due(item: DiaryItem, names: Mapping[str, str]) -> Due:
    kind = item.item.partition("-")[0]
    starts_at = item.starts_at if kind == "entry" else None
    title = item.title if item.stage != "private" else "private"
    return Due(item.item, kind, title, _named(item.company, names), starts_at)


def document(one: DailyReport, zone: tzinfo) -> Document:
    """Return the report as a page."""
    name = one.name or one.seller
    return Document(
        title=f"{name}, {one.day}", name="Daily report", today=one.day, sections=sections(one, zone)
    )


def digest(
    unit: str, day: date, reports: Iterable[DailyReport], names: Mapping[str, str], zone: tzinfo
) -> Document:
    """Return a page of everybody in a unit: who did how much, and then each one's day."""
    told = list(reports)
    columns = ("Who", "Touches", "Opportunities", "Issues", "Planned h", "Actual h")
    rows = (
        (
            one.name or one.seller,
            *(len(some) for some in (one.touches, one.opportunities, one.issues)),
            *(f"{minutes / 60:.1f}" for minutes in (one.planned_minutes, one.actual_minutes)),
        )
        for one in told
    )
    each = (
        Section(f"{one.name or one.seller}: {part.title}", part.columns, part.rows)
        for one in told
        for part in sections(one, zone)
        if part.rows
    )
    return Document(
        title=f"{names.get(unit, unit)}, {day}",
        name="Daily report",
        today=day,
        sections=(section("Everybody", columns, rows), *each),
    )


def sections(one: DailyReport, zone: tzinfo) -> tuple[Section, ...]:
    """Return the parts of a report; an empty day says that it is one."""
    found = (
        _section("Touches", one.touches, zone),
        _section("Opportunities", one.opportunities, zone),
        _section("Issues and promises", one.issues, zone),
        section(
            f"Calendar: {one.actual_minutes / 60:.1f} of {one.planned_minutes / 60:.1f} hours",
            ("Planned", "Was", "What", "Category", "With", "Came of it"),
            (
                (
                    _span(entry.starts_at, entry.ends_at, zone),
                    _span(entry.started_at, entry.ended_at, zone),
                    entry.title,
                    entry.category,
                    entry.person or entry.company,
                    entry.status,
                )
                for entry in one.calendar
            ),
        ),
        section(
            f"Next, {one.next_day}",
            ("At", "What", "Kind", "Customer"),
            ((_clock(due.starts_at, zone), due.title, due.kind, due.company) for due in one.next),
        ),
    )
    if one.empty:
        return (section(NOTHING_ENTERED, ("",), ()), found[-1])
    return found


def _section(title: str, lines: Iterable[Happened], zone: tzinfo) -> Section:
    columns = ("At", "What", "About", "With", "Customer", "Detail", "Entered")
    return section(
        title,
        columns,
        (
            (
                _clock(line.at, zone),
                line.what,
                line.title or line.stage,
                line.person,
                line.company,
                line.detail,
                f"{line.late} days later" if line.late else "",
            )
            for line in lines
        ),
    )


def _clock(at: datetime | None, zone: tzinfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%H:%M}"


def _span(begin: datetime | None, end: datetime | None, zone: tzinfo) -> str:
    return "" if begin is None else f"{_clock(begin, zone)}-{_clock(end, zone)}"
