from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import orjson
import pytest

from sellers.demo.days import ZONE, Days, quarter_end, works
from sellers.demo.generator import demo_company
from sellers.demo.items import SOURCE, TOUCHES, Item
from services.analytics.main import domain as analytics
from services.calendar.main import domain as calendar
from services.campaigns.main import domain as campaigns
from services.contacts.main import domain as contacts
from services.contacts.touches import NewTouch, Sent, touch_fact
from services.issues.main import domain as issues
from services.opportunities.main import domain as opportunities
from services.organization.main import domain as organization
from shared.events import Dated

END = date(2026, 11, 23)
TOLD = (organization, contacts, opportunities, issues, calendar, campaigns, analytics)
DOMAINS = {domain.name: domain for domain in TOLD}
SIZES = (1, 2, 12, 40)


@cache
def company(size: int, seed: int = 7) -> tuple[Item, ...]:
    return tuple(demo_company(seed, size, END))


def told(item: Item) -> Any:
    kind = DOMAINS[item.domain].decider(item.stream)
    return kind.commands[item.type].model_validate_json(orjson.dumps(dict(item.command)))


def local_day(item: Item) -> date:
    assert item.occurred_at is not None
    return item.occurred_at.astimezone(ZONE).date()


def test_the_same_seed_makes_the_same_company() -> None:
    assert tuple(demo_company(7, 12, END)) == company(12)
    assert tuple(demo_company(8, 12, END)) != company(12)


def test_companies_of_another_seed_size_or_day_share_no_stream() -> None:
    streams = [
        {item.stream for item in demo_company(*which)}
        for which in ((7, 2, END), (8, 2, END), (7, 3, END), (7, 2, END + timedelta(days=1)))
    ]
    assert sum(map(len, streams)) == len(set().union(*streams))


@pytest.mark.parametrize("size", SIZES)
def test_the_rules_accept_every_item_and_each_records_something(size: int) -> None:
    states: dict[str, Any] = {}
    for item in company(size):
        if item.domain == TOUCHES:
            NewTouch.model_validate_json(orjson.dumps(dict(item.command)))
            continue
        kind = DOMAINS[item.domain].decider(item.stream)
        state = states.get(item.stream, kind.initial)
        facts = kind.decide(state, told(item))
        assert facts, item
        for fact in facts:
            state = kind.evolve(state, fact)
        states[item.stream] = state


@pytest.mark.parametrize("size", SIZES)
def test_ids_are_unique_and_fit(size: int) -> None:
    ids = [item.id for item in company(size)]
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= 200


def test_the_usual_size_is_a_year_of_forty_sellers() -> None:
    items = company(40)
    assert 13_000 <= len(items) <= 16_000
    made = Counter((item.domain, item.type) for item in items)
    assert made["opportunities", "discover"] == 40 * 17 + 1
    won, lost = made["opportunities", "win"], made["opportunities", "lose"]
    assert 0.4 < won / (won + lost) < 0.65
    assert made["contacts", "describe"] == 90
    assert made["issues", "close"] < made["issues", "register"]
    names = [i.command["name"] for i in items if i.type == "join"]
    assert any(name.isascii() for name in names)
    assert any(not name.isascii() for name in names)


@pytest.mark.parametrize("size", SIZES)
def test_everything_named_exists(size: int) -> None:
    items = company(size)
    streams = {item.stream for item in items}
    for item in items:
        for name, value in item.command.items():
            if isinstance(value, str) and name in {
                "person", "company", "owner", "product", "opportunity", "employee", "seller",
                "unit", "parent", "touch",
            }:  # fmt: skip
                assert value in streams, (item, name)


def test_nothing_happened_on_the_last_day_or_later() -> None:
    for item in company(12):
        if item.stream.startswith("visit-") and item.type == "plan":
            continue  # Executives plan ahead.
        if item.domain != TOUCHES and isinstance(item.command.get("on"), str):
            assert date.fromisoformat(item.command["on"]) < END, item
        elif item.occurred_at is not None:
            assert local_day(item) < END, item


def test_work_is_done_on_working_days_in_working_hours() -> None:
    for item in company(12):
        if item.domain == TOUCHES:
            assert item.occurred_at is not None
            local = item.occurred_at.astimezone(ZONE)
            assert works(local.date()), item
            assert 9 <= local.hour < 18, item
        elif item.type in {"advance", "win", "lose", "discover", "register"} and (
            item.domain != "contacts"
        ):
            assert works(date.fromisoformat(item.command["on"])), item


def test_a_deal_moves_only_after_a_touch() -> None:
    touched = defaultdict(list)
    for item in company(12):
        if item.domain == TOUCHES and "opportunity" in item.command:
            touched[item.command["opportunity"]].append(local_day(item))
    moved: dict[str, date] = {}
    moves = 0
    for item in company(12):
        if item.type in {"discover", "advance", "win", "lose"}:
            on = date.fromisoformat(item.command["on"])
            before = moved.get(item.stream)
            if before is not None:
                assert any(before <= day <= on for day in touched[item.stream]), item
                moves += 1
            moved[item.stream] = on
    assert moves > 100


def test_stages_follow_each_other_in_time() -> None:
    last: dict[str, str] = {}
    for item in company(40):
        if item.stream.startswith("opportunity-"):
            on = item.command["on"]
            assert last.get(item.stream, "") <= on, item
            last[item.stream] = on


def test_whoever_has_left_owns_nothing_afterwards() -> None:
    left = {i.stream: i.command["on"] for i in company(40) if i.type == "leave"}
    assert left
    owners: dict[str, str] = {}
    for item in company(40):
        owners[item.stream] = item.command.get("owner", owners.get(item.stream, ""))
        gone_on = left.get(owners[item.stream])
        if item.type in {"discover", "advance", "win", "lose", "reassign"} and gone_on:
            assert item.command["on"] < gone_on, item


def test_owner_and_company_belong_to_one_team() -> None:
    units: dict[str, set[str]] = defaultdict(set)
    for item in company(40):
        if item.type == "assign" and item.domain == "organization":
            units[item.stream].add(item.command["unit"])
    teams: dict[str, set[str]] = {}
    for item in company(40):
        if item.type == "discover":
            of_owner = units[item.command["owner"]]
            known = teams.setdefault(item.command["company"], set(of_owner))
            assert known & of_owner, item


def test_a_complaint_is_heard_first_and_closed_after_the_feedback() -> None:
    heard = {i.stream: local_day(i) for i in company(40) if i.domain == TOUCHES}
    days: dict[str, dict[str, date]] = defaultdict(dict)
    for item in company(40):
        if item.domain == "issues":
            days[item.stream][item.type] = date.fromisoformat(item.command["on"])
            if item.type == "register":
                assert heard[item.command["touch"]] == days[item.stream]["register"]
    assert days
    for of in days.values():
        if "close" in of:
            assert of["register"] <= of["assign"] < of["give_feedback"] <= of["close"]


def test_a_private_entry_says_nothing_but_when() -> None:
    private = [i for i in company(40) if i.command.get("category") == "private"]
    assert private
    for item in private:
        assert set(item.command) == {"seller", "category", "starts_at", "ends_at"}


def test_quarters_end_busy() -> None:
    closed = Counter(
        (quarter_end(on) - on).days < 14
        for item in company(40)
        if item.type in {"win", "lose"}
        for on in [date.fromisoformat(item.command["on"])]
    )
    share = closed[True] / closed.total()
    assert share > 0.25, "a sixth of the days, far more than a sixth of the decisions"


def test_the_stream_of_a_touch_is_the_one_that_the_edge_gives_it() -> None:
    item = next(i for i in company(1) if i.domain == TOUCHES)
    sent = Sent(NewTouch.model_validate_json(orjson.dumps(dict(item.command))), SOURCE, item.id)
    fact = touch_fact(sent, now=datetime(2026, 1, 1, tzinfo=UTC), actor="x", correlation_id="y")
    assert fact.stream == item.stream
    assert fact.occurred_at == item.occurred_at


def test_business_dates_are_dates() -> None:
    dated = [
        fact
        for item in company(2)
        if item.domain == "opportunities" and item.type == "discover"
        for fact in DOMAINS["opportunities"]
        .decider(item.stream)
        .decide(DOMAINS["opportunities"].decider(item.stream).initial, told(item))
    ]
    assert dated
    assert all(isinstance(fact, Dated) and fact.on is not None for fact in dated)


@pytest.mark.parametrize("size", [0, -1, 5_001])
def test_a_company_of_no_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="sellers"):
        next(demo_company(7, size, END))


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        (date(2026, 2, 16), False),  # the eve of Seollal
        (date(2026, 2, 18), False),
        (date(2026, 2, 19), True),
        (date(2026, 9, 24), False),  # the eve of Chuseok
        (date(2026, 12, 25), False),
        (date(2026, 11, 21), False),  # a Saturday
        (date(2026, 11, 23), True),
    ],
)
def test_holidays_are_free(day: date, *, open_: bool) -> None:
    assert works(day) is open_
    assert (day in Days(day, day + timedelta(days=1)).all) is open_


def test_one_customer_was_won_and_then_left_alone_for_longer_than_the_usual_month() -> None:
    items = company(12)
    name = next(item for item in items if item.command.get("name") == "Quillon Instruments")
    mine = [item for item in items if item.command.get("company") == name.stream]
    won = next(
        item
        for item in items
        if item.type == "win" and item.stream in {about.stream for about in mine}
    )
    touched = max(local_day(item) for item in mine if item.domain == TOUCHES)
    assert date.fromisoformat(won.command["on"]) == touched < END - timedelta(days=31)


@pytest.mark.parametrize(
    "end", ["2026-12-01", "2027-01-01", "2026-12-31", "2028-02-29", "2027-03-28", "2026-10-01"]
)
def test_targets_are_of_four_quarters_of_which_the_last_goes_on(end: str) -> None:
    day = date.fromisoformat(end)
    periods = {
        (told(item).period_from, told(item).period_to)
        for item in demo_company(7, 2, day)
        if item.stream.startswith("target-") and item.type == "set"
    }
    ((first, last),) = periods
    assert first < day - timedelta(days=270)
    assert day <= last == quarter_end(day)
    assert first == date(last.year - 1, last.month, last.day) + timedelta(days=1)
