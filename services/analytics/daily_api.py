"""HTTP for the daily report (N-05): of a seller, or of everybody in a unit, as of what is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from services.analytics import daily
from services.analytics.api import Analytics, KnownAt, Seller, Unit, employee
from services.analytics.diary import DiaryItem, diary
from services.analytics.figures import Asked, read_figures
from services.analytics.projections import person_label
from services.analytics.spans import in_calendar
from services.analytics.tree import Organization
from shared.command import Day
from shared.errors import InvalidError
from shared.events import timestamp
from shared.known import known_views
from shared.pages import FORMS, Form, formed
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast
from shared.web.looking import Noticed, show
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
SELLERS_MAX = 500


class _Diary:
    """The lines of some days, as they are known now or were known at an instant."""

    def __init__(self, runtime: Runtime, at_least: Token | None, known_at: datetime | None) -> None:
        self._runtime, self._at_least, self._known_at = runtime, at_least, known_at
        self._known: dict[str, DiaryItem] | None = None

    async def of(self, seller: str, day: date) -> list[DiaryItem]:
        told = await self._read("told_in", f"{seller}/{day}")
        planned = await self._read("due_of", f"{seller}/{day}")
        return [*{item.item: item for item in (*told, *planned)}.values()]

    async def due(self, seller: str, day: date) -> list[DiaryItem]:
        return await self._read("due_of", f"{seller}/{day}")

    async def _read(self, name: str, key: str) -> list[DiaryItem]:
        if self._known_at is None:
            reader = self._runtime.reader(diary)
            return [item async for item in reader.every({name: key}, self._at_least)]
        if self._known is None:
            bound = diary.within(self._runtime.settings.zone)
            self._known = await known_views(self._runtime, bound, self._known_at)
        return [item for item in self._known.values() if key in _all(getattr(item, name))]


def _all(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose day is asked for: one seller's, or everybody's in a unit."""

    request: Request
    seller: str | None
    unit: str | None

    def people(self, organization: Organization, day: date) -> list[str]:
        """Return who they are; their reports are shown to whoever asks."""
        if (self.seller is None) == (self.unit is None):
            raise InvalidError("say one of them: seller or unit", field="query/seller")
        if self.seller is not None:
            found = [self.seller]
        else:
            found = [
                one
                for one in sorted(organization.nodes)
                if one.startswith("employee-") and organization.belongs(one, self.unit or "", day)
            ]
        if len(found) > SELLERS_MAX:
            cause = f"more than {SELLERS_MAX} people; say a smaller unit"
            raise InvalidError(cause, field="query/unit")
        show(self.request, found)
        return found


async def _whose(request: Request, seller: Seller = None, unit: Unit = None) -> Whose:
    return Whose(request, employee(seller), unit)


@router.get("/daily-report", response_model=None, responses=FORMS)
async def daily_report(
    runtime: Analytics,
    response: Response,
    at_least: AtLeast,
    whose: Annotated[Whose, Depends(_whose)],
    day: Day | None = None,
    known_at: KnownAt = None,
    form: Form = "json",
) -> dict[str, Any] | Response:
    """What a seller, or everybody in a unit, would have had to write of a day (N-05); of today.

    Touches, what moved of opportunities, issues and promises, the calendar as planned and as it
    was, and what comes next; `event` is the fact behind a line, `late` for how many days nobody
    had entered it. A time of a series is there once something became of it. Days are the
    company's. `known_at`: by what had been recorded until then.
    """
    day = in_calendar(day or runtime.today, "day")
    figures = await read_figures(runtime, (), Asked())
    sellers = whose.people(figures.organization, day)
    told = _Diary(runtime, at_least, known_at)
    zone = runtime.settings.zone
    reports = []
    for one in sellers:
        items, due = await told.of(one, day), await told.due(one, daily.next_workday(day))
        names = figures.names | await _people(runtime, (*items, *due), at_least)
        reports.append(daily.report(one, day, items, due, names, zone))
    known = {"known_at": timestamp(known_at) if known_at else None}
    unit = whose.unit
    if unit is None:
        made: dict[str, Any] = {"report": reports[0], **known}
        return formed(made, daily.document(reports[0], zone), form, response)
    # Who has nothing to tell is told of all the same: that is what the leader asks for.
    return formed(
        {"unit": unit, "day": day, "reports": reports, **known},
        daily.digest(unit, day, reports, figures.names, zone),
        form,
        response,
    )


async def _people(
    runtime: Runtime, items: Iterable[DiaryItem], at_least: Token | None
) -> dict[str, str]:
    wanted = sorted({item.person for item in items if item.person is not None})
    found: dict[str, str] = {}
    reader = runtime.reader(person_label)
    for person in wanted:
        seen = await reader.get(person, at_least)
        if seen is not None and seen.value.name is not None:
            found[person] = seen.value.name
    return found
