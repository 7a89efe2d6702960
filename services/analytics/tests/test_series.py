"""What repeats is planned time (N-01, K-13): each of its times once, whatever becomes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from services.analytics.cells import Cell
from services.analytics.entities import evolve
from services.analytics.measures import change, contributions, difference, recompute
from services.analytics.proof import verify_measures
from services.analytics.series import Days, PlannedSeries, differing
from services.analytics.tests.histories import ZONE, series
from services.analytics.tests.test_workload import at, done, plan
from services.analytics.tests.world import KIM, LEE, World, on
from shared.events import Envelope, Event
from shared.events.calendar import (
    EntryPlanned,
    SeriesEnded,
    SeriesOccurrenceSkipped,
    SeriesOccurrenceTakenOut,
    SeriesPlanned,
    SeriesReassigned,
)
from shared.occurrences import Repeats, occurrences
from shared.testing import recorded

WEEK = timedelta(days=7)
MONDAYS = ["03-02", "03-09", "03-16", "03-23", "03-30"]


def weekly(seller: str = KIM, category: Any = "internal", **more: Any) -> SeriesPlanned:
    """Half an hour, each Monday from 2 March on."""
    told = plan(seller, category, "03-02T09:00", "03-02T09:30").model_dump(
        include={"seller", "category", "starts_at", "ends_at"}
    )
    return SeriesPlanned(**{**told, "zone": ZONE.key, "rule": "FREQ=WEEKLY", **more})


def nine(day: str) -> datetime:
    return at(f"{day}T09:00")


def counted(*events: Event, recorded_on: str = "2026-03-01", **more: Any) -> dict[Cell, int]:
    now = datetime.fromisoformat(f"{recorded_on}T12:00+09:00")
    return recompute(recorded(*events, stream="series-1", occurred_at=now, **more), ZONE)[1]


def planned(*events: Event, until: str = "12-31", **more: Any) -> dict[str, list[str]]:
    """Return the days on which anything is planned, in 2026, by whose it is."""
    found: dict[str, list[str]] = {}
    for cell in sorted(counted(*events, **more), key=lambda cell: cell.day):
        if cell.measure == "planned" and cell.day <= on(until):
            found.setdefault(cell.owner, []).append(f"{cell.day:%m-%d}")
    return found


@pytest.mark.parametrize("category", ["customer", "private"])
def test_each_time_adds_what_an_entry_adds_that_is_planned(category: Any) -> None:
    whole = weekly(KIM, category, rule="FREQ=WEEKLY;COUNT=3")
    entries = [plan(KIM, category, f"{day}T09:00", f"{day}T09:30") for day in MONDAYS[:3]]
    each = [recorded(one, stream=f"entry-{n}") for n, one in enumerate(entries)]
    _, cells = recompute((fact for history in each for fact in history), ZONE)
    # Of a series nobody says what became of each time: none of them was kept, or missed.
    time = {cell: amount for cell, amount in cells.items() if cell.axis == "time"}
    assert counted(whole) == time != {}


def test_what_lasts_all_day_keeps_nobody_busy_for_minutes() -> None:
    assert counted(weekly(all_day=True)) == {}


def test_what_was_skipped_excepted_or_became_an_entry_is_not_planned_here() -> None:
    gone = (
        weekly(except_dates=(nine("03-02"),)),
        SeriesOccurrenceSkipped(occurrence=nine("03-16")),
        SeriesOccurrenceTakenOut(occurrence=nine("03-23").astimezone(UTC)),
    )
    assert planned(*gone, until="03-31") == {KIM: ["03-09", "03-30"]}
    # Planned anew, it is what it is now; what became of single times stays so.
    assert planned(*gone, weekly(LEE), until="03-31") == {LEE: ["03-02", "03-09", "03-30"]}


def test_a_time_is_whose_it_is_on_its_day_until_the_last_one() -> None:
    handed = SeriesReassigned(seller=LEE, on=on("03-10"))
    ended = SeriesEnded(last_day=on("03-23"))
    assert planned(weekly(), handed, ended) == {KIM: MONDAYS[:2], LEE: MONDAYS[2:4]}
    assert planned(weekly(), handed, SeriesEnded(last_day=on("03-08"))) == {KIM: MONDAYS[:1]}


def test_a_rule_is_followed_once_however_many_had_the_series(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One with a COUNT is counted from its beginning, which may be a century ago."""
    walked: list[Repeats] = []

    def noted(what: Repeats, first: date, last: date) -> Any:
        walked.append(what)
        return occurrences(what, first, last)

    monkeypatch.setattr("services.analytics.series.occurrences", noted)
    handed = [
        SeriesReassigned(seller=LEE, on=on("03-10")),
        SeriesReassigned(seller=KIM, on=on("03-20")),
    ]
    found = planned(weekly(rule="FREQ=WEEKLY;COUNT=4"), *handed)
    assert found == {KIM: [MONDAYS[0], MONDAYS[1], MONDAYS[3]], LEE: [MONDAYS[2]]}
    assert len(walked) == 1


def test_a_time_is_of_the_companys_day_wherever_it_is_reckoned() -> None:
    evening = datetime.fromisoformat("2026-03-02T20:00-05:00")
    there = weekly(zone="America/New_York", starts_at=evening, ends_at=evening + WEEK / 168)
    assert planned(there, until="03-12") == {KIM: ["03-03", "03-10"]}


def test_what_never_ends_counts_to_the_end_of_the_year_after_the_last_fact() -> None:
    def last(*events: Event, recorded_on: str) -> date:
        return max(cell.day for cell in counted(*events, recorded_on=recorded_on))

    assert last(weekly(), recorded_on="2026-03-01") == date(2027, 12, 27)
    assert last(weekly(), recorded_on="2026-12-31") == date(2027, 12, 27)
    assert last(weekly(), recorded_on="2027-01-01") == date(2028, 12, 25)
    # Any fact of it shows that it goes on.
    out = SeriesOccurrenceTakenOut(occurrence=nine("03-02"))
    late = recorded(out, stream="series-1", after=1, occurred_at=nine("03-02") + 60 * WEEK)
    early = recorded(weekly(), stream="series-1", occurred_at=nine("03-02"))
    assert max(cell.day for cell in recompute([*early, *late], ZONE)[1]) == date(2028, 12, 25)


def test_what_began_long_ago_counts_from_ten_years_before_its_first_fact() -> None:
    long_ago = datetime(1900, 1, 1, 9, tzinfo=ZONE)
    daily = weekly(starts_at=long_ago, ends_at=long_ago + WEEK / 168, rule="FREQ=DAILY")
    days = {cell.day for cell in counted(daily)}
    assert (min(days), max(days)) == (date(2016, 1, 1), date(2027, 12, 31))


def test_of_a_series_that_nobody_planned_nothing_is_known() -> None:
    out = SeriesOccurrenceTakenOut(occurrence=nine("03-02"))
    assert counted(out, SeriesEnded(last_day=on("03-31"))) == {}
    assert planned(out, weekly(), until="03-10") == {KIM: ["03-09"]}


@given(series(1))
def test_what_a_fact_changes_is_the_difference_it_makes(history: list[Envelope]) -> None:
    stood = [PlannedSeries("series-1")]
    for fact in history:
        stood.append(evolve(stood[-1], fact, ZONE))  # type: ignore[arg-type]
    for before, after in [*pairwise(stood), *zip(stood, stood[2:], strict=False)]:
        whole = difference(contributions(after), contributions(before))
        assert change(before, after) == whole


def test_what_becomes_of_one_time_concerns_its_day_alone() -> None:
    daily = weekly(rule="FREQ=DAILY")
    out = [SeriesOccurrenceTakenOut(occurrence=nine("03-02") + n * WEEK / 7) for n in range(9)]
    stood = PlannedSeries("series-1")
    for fact in recorded(daily, *out, stream="series-1", occurred_at=nine("03-02")):
        before, stood = stood, evolve(stood, fact, ZONE)  # type: ignore[assignment]
    assert differing(before, stood) == Days(on("03-10"), on("03-10"))


SERIES: dict[str, tuple[Event, ...]] = {
    "series-team": (
        weekly(),
        SeriesOccurrenceSkipped(occurrence=nine("03-09")),
        SeriesOccurrenceTakenOut(occurrence=nine("03-02")),
    ),
    "series-own": (weekly(KIM, "private", rule="FREQ=WEEKLY;COUNT=2"),),
    "entry-team.20260302T000000Z": (
        EntryPlanned(
            **plan(KIM, "internal", "03-02T09:00", "03-02T09:30").model_dump(
                exclude={"series", "occurrence"}
            ),
            series="series-team",
            occurrence=nine("03-02"),
        ),
        done("03-02T09:00", "03-02T09:50"),
    ),
}
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture
async def told(world: World) -> World:
    for stream, events in SERIES.items():
        await world.append(recorded(*events, stream=stream, occurred_at=nine("03-02")))
    await world.fold()
    return world


async def test_n_01_planned_minutes_are_of_entries_and_of_times_of_series(told: World) -> None:
    for by, key in (("seller", KIM), ("team", "unit-red"), ("company", "unit-all")):
        answer = await told.get("workload", by=by, **MARCH)
        row = next(row for row in answer["rows"] if row["id"] == key)
        assert row["categories"] == {
            "internal": {"planned_minutes": 120, "actual_minutes": 50, "entries": 4},
            "private": {"planned_minutes": 60, "actual_minutes": 0, "entries": 2},
        }, by
        assert (row["plans"], row["done"]) == (1, 1)


async def test_why_opens_the_series_with_what_its_times_add(told: World) -> None:
    why = await told.get("workload/why", by="seller", key=KIM, **MARCH)
    facts = {one["stream"]: one.pop("facts") for one in why["contributions"]}
    assert len(facts["series-team"]) == 3
    parts = {one.pop("stream"): one for one in why["contributions"]}
    assert parts["series-team"] == {"entries internal": 3, "planned internal": 90}
    assert parts["series-own"] == {"entries private": 2, "planned private": 60}
    assert why["total"]["planned internal"] == 120
    known = await told.get(
        "workload/why", by="seller", key=KIM, known_at="2026-12-31T00:00:00Z", **MARCH
    )
    assert known["total"] == why["total"]


async def test_the_figures_of_series_are_proved_from_the_log(told: World) -> None:
    check = await verify_measures(told.runtime)
    assert (check.differences, check.checked > 0) == ([], True)
