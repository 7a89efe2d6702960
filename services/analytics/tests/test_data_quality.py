"""How good the data is that reports are made of (N-08), and the mark that reports bear."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.data_quality import ASPECTS, judged
from services.analytics.entities import Opportunity
from services.analytics.measures import contributions, recompute
from services.analytics.tests.histories import ZONE
from services.analytics.tests.world import KIM, LEE, World, on
from shared.events.calendar import EntryDone, EntryPlanned
from shared.events.issues import IssueRegistered
from shared.events.opportunities import (
    CommitmentMade,
    EvidenceRecorded,
    OpportunityDiscovered,
    OpportunityLost,
)
from shared.testing import recorded

MET = datetime(2026, 6, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def whole(**more: Any) -> OpportunityDiscovered:
    told = {
        "title": "C",
        "stage": "Engaging",
        "owner": KIM,
        "company": "company-p",
        "product": "product-x",
        "amount": Decimal(10),
        "currency": "USD",
        "expected_close_on": on("07-01"),
        "on": on("06-01"),
    }
    return OpportunityDiscovered(**{**told, **more})


def wanting(day: str, *events: Any) -> dict[str, list[str]]:
    entities, _ = recompute(recorded(*events, stream="opportunity-1"), ZONE)
    found = judged(entities["opportunity-1"], on(day), 7)
    assert found is not None
    by_aspect: dict[str, list[str]] = {}
    for aspect, why in found.wanting:
        by_aspect.setdefault(aspect, []).append(why)
    return by_aspect


def test_n_08_of_what_is_told_whole_and_lately_nothing_is_wanting() -> None:
    assert wanting("06-10", whole()) == {}


def test_n_08_what_is_not_told_is_named() -> None:
    bare = OpportunityDiscovered(title="C", stage="Engaging", on=on("06-01"))
    assert wanting("06-10", bare) == {
        "complete": [
            "no owner",
            "no company",
            "no product",
            "no amount",
            "no day on which it is to close",
        ]
    }


def test_n_08_a_month_without_a_word_is_stale_until_there_is_one() -> None:
    month = "nobody told anything of it for a month"
    assert wanting("07-01", whole()) == {}
    assert wanting("07-02", whole())["fresh"] == [month]
    seen = EvidenceRecorded(stage="Engaging", what="They called.", on=on("07-02"))
    assert "fresh" not in wanting("07-02", whole(), seen)
    assert "fresh" in wanting("08-02", whole(), seen)


def test_n_08_days_that_have_passed_do_not_agree() -> None:
    stood = CommitmentMade(
        seller=KIM,
        confidence="commit",
        amount=Decimal(9),
        currency="USD",
        close_on=on("06-20"),
        on=on("06-02"),
    )
    assert wanting("06-21", whole(), stood) == {"consistent": ["it was stood by for 2026-06-20"]}
    late = wanting("07-02", whole())
    assert late["consistent"] == ["it was to close on 2026-07-01"]


def test_n_08_what_is_decided_is_nobodys_task() -> None:
    lost = OpportunityLost(on=on("06-05"))
    entities, _ = recompute(recorded(whole(), lost, stream="opportunity-1"), ZONE)
    assert judged(entities["opportunity-1"], on("06-04"), 7) is not None
    assert judged(entities["opportunity-1"], on("06-05"), 7) is None


def test_n_08_the_mark_counts_what_the_meter_finds_stale() -> None:
    """The cells of a day say the same as who looks at each opportunity."""
    seen = EvidenceRecorded(stage="Engaging", what="They called.", on=on("07-20"))
    lost = OpportunityLost(on=on("09-15"))
    for history in ((whole(),), (whole(), seen), (whole(), seen, lost)):
        entities, _ = recompute(recorded(*history, stream="opportunity-1"), ZONE)
        known = entities["opportunity-1"]
        assert isinstance(known, Opportunity)
        cells = contributions(known)
        for number in range(150):
            day = date(2026, 6, 1) + timedelta(days=number)
            marked = sum(n for c, n in cells.items() if c.axis == "news" and c.day <= day)
            found = judged(known, day, 7)
            assert marked == (found is not None and found.lacks("fresh")), day


@pytest.fixture
async def told(world: World) -> World:
    planned = EntryPlanned(seller=LEE, category="customer", starts_at=MET, ends_at=MET + HOUR)
    done = EntryDone(started_at=MET, ended_at=MET + HOUR)
    for stream, events in (
        ("entry-q1", (planned,)),
        ("entry-q2", (planned, done)),
        ("opportunity-q1", (whole(owner=LEE),)),
        ("issue-q1", (IssueRegistered(kind="complaint", words="Late.", on=on("06-01")),)),
    ):
        await world.append(recorded(*events, stream=stream, occurred_at=MET))
    await world.fold()
    return world


async def test_n_08_by_seller_with_what_is_wanting_behind_it(told: World) -> None:
    asked = {"as_of": "2026-06-20"}
    rows = {r["id"]: r for r in (await told.get("data-quality", by="seller", **asked))["rows"]}
    lee = rows[LEE]
    assert (lee["items"], lee["well"], lee["fresh"], lee["quality"]) == (3, 2, "66.67", "66.67")
    why = await told.get("data-quality/why", by="seller", key=LEE, **asked)
    assert why["total"] == {name: lee[name] for name in why["total"]}
    assert why["wanting"] == [
        {
            "stream": "entry-q1",
            "owner": LEE,
            "fresh": ["nobody told what became of 2026-06-01"],
            "complete": [],
            "consistent": [],
        }
    ]
    kinds = await told.get("data-quality", by="kind", **asked)
    # What is asked of no issue and of no entry is no share of them, and of nobody's.
    assert {row["id"]: [row[one] for one in ASPECTS] for row in kinds["rows"]} == {
        "entry": ["50.00", None, None],
        "issue": [None, "0.00", None],
        "opportunity": ["50.00", "50.00", "100.00"],
    }
    # Until it is due nobody is asked.
    early = await told.get("data-quality/why", by="seller", key=LEE, as_of="2026-06-08")
    assert early["wanting"] == []


async def test_n_08_reports_of_stale_data_are_marked(told: World) -> None:
    fresh = await told.get("pipeline", by="seller", as_of="2026-06-20")
    later = await told.get("pipeline", by="seller", as_of="2026-07-20")
    lee = [{row["id"]: row for row in page["rows"]}[LEE] for page in (fresh, later)]
    assert ["stale" in row for row in lee] == [False, True]
    assert later["stale"] == fresh["stale"] + 1
    assert (await told.get("pipeline", by="product", as_of="2026-07-20"))["stale"] == later["stale"]
    assert (await told.get("forecast", as_of="2026-07-20"))["stale"] == later["stale"]
