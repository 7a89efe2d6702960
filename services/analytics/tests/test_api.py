"""The figures over HTTP, in memory: they answer, they explain themselves, they are verified."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import structlog

from services.analytics import figures
from services.analytics.cells import AXES
from services.analytics.kept_cells import changes_of, numbers_of
from services.analytics.main import verify, watch, worker_missing
from services.analytics.sink import MEASURES, entities_of
from services.analytics.tests.kept import tamper
from services.analytics.tests.world import COLLECTION, KIM, LEE, TOTAL, World, found, on, won
from shared import builds
from shared.batch import identity
from shared.builds import BUILDS
from shared.events import encode
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityWon,
)
from shared.events.organization import (
    EmployeeAssigned,
)
from shared.projector import DROPPED, note_drops
from shared.reading import Token
from shared.store import Document, Store
from shared.testing import recorded
from shared.tests.tiny import Hands


async def test_a_row_says_everything_about_itself(world: World) -> None:
    answer = await world.get("pipeline", by="product")
    assert answer["rows"] == [
        {
            "id": "product-x",
            "key": "Product X",
            "count": 4,
            "won": 2,
            "lost": 1,
            "open": 1,
            "value_won": "150.5",
            "value_open": "0",
            "win_rate": "66.67",
            "mean_cycle_days": "59.50",
            "stale": 1,
        }
    ]
    assert sum(answer["positions"].values()) == 9  # opportunities' eight facts and the touch
    assert answer["parked_facts"] == 0


async def test_rows_without_a_name_come_last(world: World) -> None:
    companies = await world.get("pipeline", by="company")
    assert [(row["key"], row["count"]) for row in companies["rows"]] == [("P & Co.", 1), (None, 3)]


async def test_what_is_closed_stays_where_it_was_closed(world: World) -> None:
    teams = await world.rows(by="team")
    assert {key: (row["won"], row["lost"], row["open"]) for key, row in teams.items()} == {
        "Red": (1, 1, 0),
        "Blue": (0, 0, 1),  # What is open has moved with its seller.
        None: (1, 0, 0),
    }
    before = await world.rows(by="team", as_of="2026-03-31")
    assert before["Red"]["open"] == 1
    assert set(await world.rows(by="manager")) == {"Han", None}
    assert set(await world.rows(by="region")) == {"East", None}


async def test_who_will_move_some_day_still_belongs_where_they_are(world: World) -> None:
    planned = EmployeeAssigned(unit="unit-red", on=date(2162, 1, 1))
    await world.append(recorded(planned, stream=KIM, after=3))
    headers = {"X-At-Least": Token(KIM, 4).encode()}
    for query in ("", "&as_of=2026-06-30"):
        answer = await world.client.get(f"/analytics/pipeline?by=team{query}", headers=headers)
        rows = {row["key"]: row["open"] for row in answer.json()["rows"]}
        assert rows == {"Red": 0, "Blue": 1, None: 0}
        why = await world.get("why", by="team", key="Blue")
        assert why["total"] == {"open": 1, "stale": 1}
    later = await world.rows(by="team", as_of="2162-01-01")
    assert later["Red"]["open"] == 1


async def test_what_is_not_real_yet_is_counted_apart(world: World) -> None:
    latent = OpportunityDiscovered(title="Maybe", stage="Prospecting", owner=LEE, latent=True)
    await world.append(recorded(latent, stream="opportunity-5"))
    await world.fold()
    (total,) = (await world.rows(by="total")).values()
    assert (total["count"], total["open"], total["latent"]) == (4, 1, 1)
    stages = await world.rows(by="stage")
    assert (stages["Prospecting"]["count"], stages["Prospecting"]["latent"]) == (0, 1)
    assert "latent" not in stages["Engaging"]
    assert (await world.get("why", by="stage", key="Prospecting"))["total"] == {"latent": 1}


async def test_as_of_is_the_end_of_that_day(world: World) -> None:
    assert (await world.rows(by="total", as_of="2026-02-03"))["total"]["won"] == 0
    assert (await world.rows(by="total", as_of="2026-02-04"))["total"]["won"] == 1
    assert await world.rows(by="total", as_of="2025-12-31") == {}


async def test_one_seller_alone(world: World) -> None:
    assert (await world.rows(by="total", seller=KIM))["total"]["count"] == 3
    assert (await world.rows(by="stage", seller="lee"))["Won"]["value_won"] == "50"


@pytest.mark.parametrize(
    "by",
    ["stage", "product", "seller", "team", "manager", "region", "company", "quarter", "total"],
)
@pytest.mark.parametrize("as_of", [None, "2026-03-31"])
async def test_what_explains_a_row_adds_up_to_it(world: World, by: str, as_of: str | None) -> None:
    query = {"by": by} | ({"as_of": as_of} if as_of else {})
    for key, row in (await world.rows(**query)).items():
        named = query | ({"key": key} if key is not None else {})
        why = await world.get("why", **named)
        sums = {
            name: sum(one.get(name, 0) for one in why["contributions"]) for name in why["total"]
        }
        assert sums == why["total"]
        for measure in ("won", "lost", "open"):
            assert why["total"].get(measure, 0) == row[measure]
        assert Decimal(why["total"].get("value_USD", 0)) / 10_000 == Decimal(row["value_won"])


async def test_a_row_of_one_seller_opens_into_that_seller_alone(world: World) -> None:
    for by, key in (("product", "Product X"), ("stage", "Won"), ("seller", LEE)):
        why = await world.get("why", by=by, key=key, seller="lee")
        assert [one["stream"] for one in why["contributions"]] == ["opportunity-3"]
    assert (await world.get("why", by="seller", key=LEE, seller=KIM))["contributions"] == []


async def test_inflow_and_touches_open_into_what_is_behind_them(world: World) -> None:
    flows = await world.get("inflow/why", per="quarter", key="2026-Q1")
    assert {name: flows["total"][name] for name in ("discovered", "won", "lost")} == {
        "discovered": 4,
        "won": 1,
        "lost": 1,
    }
    ours = await world.get("inflow/why", per="quarter", key="2026-Q1", seller="lee")
    assert [one["stream"] for one in ours["contributions"]] == ["opportunity-3"]
    for by, key in (("team", "Red"), ("seller", KIM), ("month", "2026-01")):
        touched = await world.get("touches/why", by=by, key=key)
        (one,) = touched["contributions"]
        assert (one["stream"], one["touches"], len(one["facts"])) == ("touch-1", 1, 1)
    assert (await world.get("touches/why", by="company"))["contributions"] == []


async def test_what_came_in_in_another_currency_is_told_beside(world: World) -> None:
    deal = OpportunityWon(value=Decimal(7), currency="KRW", on=on("02-05"))
    await world.append(recorded(found(KIM, "02-01"), deal, stream="opportunity-5"))
    await world.fold()
    (first, second) = (await world.get("inflow", per="quarter"))["rows"]
    assert (first["value_won"], first["value_won_other"]) == ("100.5", {"KRW": "7"})
    assert "value_won_other" not in second


async def test_touches_and_inflow(world: World) -> None:
    assert (await world.get("touches", by="team"))["rows"] == [
        {"key": "Red", "id": "unit-red", "touches": 1}
    ]
    assert (await world.get("touches", by="day", first="2026-01-06"))["rows"] == []
    flows = (await world.get("inflow", per="quarter"))["rows"]
    assert [(row["key"], row["discovered"], row["won"], row["value_won"]) for row in flows] == [
        ("2026-Q1", 4, 1, "100.5"),
        ("2026-Q2", 0, 1, "50"),
    ]


async def test_a_reader_waits_for_its_own_write(impatient: World) -> None:
    await impatient.append(recorded(found(KIM, "06-01"), stream="opportunity-5"))
    wanted = {"X-At-Least": Token("opportunity-5", 1).encode()}
    behind = await impatient.client.get("/analytics/pipeline", headers=wanted)
    assert behind.status_code == 503
    assert behind.json()["type"].endswith("/projection-behind")
    await impatient.fold()
    fresh = await impatient.client.get("/analytics/pipeline?by=total", headers=wanted)
    assert fresh.json()["rows"][0]["count"] == 5


async def test_figures_of_an_older_release_are_refused_until_ours_are_built(world: World) -> None:
    """Their cells say other things by other words: half of it would be nought or a failure."""
    store = world.runtime.store
    state = (await builds.register(store, MEASURES)).document()
    await store.put_many(BUILDS, [{**state, "version": MEASURES.version - 1}])
    asked = ("pipeline?by=total", "stages", "inflow?per=month", "why?by=total&key=total")
    for path in asked:
        answer = await world.client.get(f"/analytics/{path}")
        assert answer.status_code == 503, path
        assert answer.json()["type"].endswith("/projection-being-built")
        assert answer.headers["retry-after"] == "5"
    await store.put_many(BUILDS, [state])
    for path in asked:
        assert (await world.client.get(f"/analytics/{path}")).status_code == 200, path


class OnlyNumbers:
    """Lets nobody read cells, only how many there are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, collection: str, where: Document) -> list[Document]:
        return await self._store.find(numbers_of(collection.removesuffix(".cell_numbers")), where)

    async def get_many(self, collection: str, keys: list[str]) -> dict[str, Document]:
        raise AssertionError(f"{collection} was not read before")


async def _held(world: World, more_than: int) -> int:
    """Wait until more cells than that are known without reading any; return how many."""
    while True:
        mirrors = world.runtime.remembered.get("cells")
        with suppress(AssertionError):
            if mirrors is not None:
                read = await mirrors.read(OnlyNumbers(world.runtime.store), COLLECTION)
                if len(cells := read.cells(AXES)) > more_than:
                    return len(cells)
        await asyncio.sleep(0.01)


async def test_cells_are_read_before_anybody_asks_for_a_report(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's whole history takes a minute: the first who asks need not wait for it."""
    monkeypatch.setattr(figures, "AHEAD_S", 0.01)
    with structlog.testing.capture_logs() as told:
        reading = asyncio.create_task(figures.read_ahead(world.runtime))
        before = await _held(world, 20)
        await world.append([*recorded(found(KIM, "06-01"), stream="opportunity-new")])
        await world.fold()
        await _held(world, before)
        store = world.runtime.store
        (held, *_) = await store.find(changes_of(COLLECTION), {})
        await store.put_many(changes_of(COLLECTION), [held | {"cells": b"what?"}])
        world.runtime.remembered.clear()
        while not told:  # noqa: ASYNC110 - the log tells nobody.
            await asyncio.sleep(0.01)
        assert {one["event"] for one in told} == {"cells_not_read"}
        assert not reading.done()
        reading.cancel()
        await asyncio.wait([reading])


@pytest.mark.parametrize("query", ["by=weather", "as_of=yesterday", "by=total&as_of=2026-02-30"])
async def test_what_cannot_be_asked_is_refused_with_the_field(world: World, query: str) -> None:
    answer = await world.client.get(f"/analytics/pipeline?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("query/")


async def test_a_figure_that_was_tampered_with_is_found(world: World) -> None:
    (equal,) = [check async for check in verify(world.runtime)]
    assert equal.differences == []
    assert equal.checked > 20
    store = world.runtime.store
    wanted = ("open", "product", LEE, 1)
    await tamper(
        store,
        COLLECTION,
        lambda cell, n: 7 if (cell.measure, cell.axis, cell.owner, n) == wanted else n,
    )
    entity = await store.get(entities_of(COLLECTION), "opportunity-1")
    assert entity is not None
    await store.put_many(entities_of(COLLECTION), [entity | {"product": "product-y"}])
    (check,) = [check async for check in verify(world.runtime)]
    assert len(check.differences) == 2
    assert "opportunity-1" in check.differences[0]
    assert "open/product/product-x/employee-lee" in check.differences[1]


async def test_a_fact_that_was_dropped_for_good_is_in_no_figure_and_verify_says_equal(
    world: World,
) -> None:
    facts = recorded(found(LEE, "02-01"), won("70", "05-02"), stream="opportunity-9")
    await world.append(facts)
    records = [
        record
        for partition, end in (await world.runtime.log.ends("opportunities")).items()
        async for batch in world.runtime.log.read(partition, 0, end)
        for record in batch
    ]
    (dropped,) = [identity(record) for record in records if record.value == encode(facts[1])]
    document = {"_id": "measures/there", "sink": "measures", "identity": dropped}
    async with world.runtime.store.transaction() as tx:
        await tx.put_many(DROPPED, [document])
        await note_drops(tx, COLLECTION)
    await world.fold()
    (total,) = (await world.rows(by="total")).values()
    assert (total["won"], total["open"]) == (2, 2)
    (check,) = [check async for check in verify(world.runtime)]
    assert (check.differences, check.skipped) == ([], 1)


async def test_progress_and_silence_of_the_worker_are_seen(world: World) -> None:
    await watch(world.runtime)
    (progress,) = [p for p in await world.runtime.lag() if p.collection == COLLECTION]
    assert progress.lag == 0
    assert await worker_missing(world.runtime) == "no worker has started"


async def test_figures_say_how_many_facts_they_lack(world: World) -> None:
    await world.runtime.log.append("opportunities", "opportunity-5", b"no fact")
    await world.append(recorded(found(KIM, "06-01"), stream="opportunity-5"))
    await world.fold()
    for path, query in (("pipeline", {}), ("inflow", {}), ("touches", {}), ("why", TOTAL)):
        assert (await world.get(path, **query))["parked_facts"] == 2, path


@pytest.mark.parametrize("stream", [KIM, "unit-red", "product-x", "company-p"])
async def test_a_reader_waits_for_what_rows_are_told_by(impatient: World, stream: str) -> None:
    wanted = {"X-At-Least": Token(stream, 99).encode()}
    answer = await impatient.client.get("/analytics/pipeline", headers=wanted)
    assert answer.status_code == 503
    assert stream in answer.json()["detail"]


@pytest.mark.parametrize(("hour", "won"), [(14, 1), (15, 2)])
async def test_today_is_the_companys(world: World, hour: int, won: int) -> None:
    """At 15:00 in Greenwich the first of May begins in Seoul, and with it a deal of that day."""
    world.runtime.clock = Hands(datetime(2026, 4, 30, hour, tzinfo=UTC))
    assert world.runtime.settings.zone.key == "Asia/Seoul"
    assert (await world.rows(by="total"))["total"]["won"] == won
    assert (await world.get("why", **TOTAL))["total"]["won"] == won


@pytest.mark.parametrize(
    ("path", "query", "nothing"),
    [
        ("pipeline", {"by": "product"}, {"as_of": "1999-01-01"}),
        ("inflow", {}, {"last": "1999-01-01"}),
        ("touches", {}, {"last": "1999-01-01"}),
        ("why", {"by": "product", "key": "product-x"}, {"key": "product-none"}),
        ("inflow/why", {"key": "2026-01"}, {"key": "1999-01"}),
        ("touches/why", {"by": "team", "key": "Red"}, {"key": "unit-none"}),
    ],
)
async def test_figures_without_rows_are_a_file_with_a_first_line(
    world: World, path: str, query: dict[str, str], nothing: dict[str, str]
) -> None:
    async def lines(query: dict[str, str]) -> list[str]:
        asked = query | {"format": "csv"}
        answer = await world.client.get(f"/analytics/{path}", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.text.removeprefix("\ufeff").splitlines()

    (first,) = await lines(query | nothing)
    filled = await lines(query)
    assert len(filled) > 1
    # What a row has besides depends on what there is to tell.
    assert filled[0].startswith(first)
