"""What makes a row is read some at a time, counted with no transaction open, and exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics import gathering, pieces, pipeline, why
from services.analytics.cells import Cell
from services.analytics.entities import Entity
from services.analytics.measures import TOPICS, contributions, recompute
from services.analytics.pieces import Pieces
from services.analytics.pipeline import Key
from services.analytics.report_by import PipelineBy
from services.analytics.sink import entities_of
from services.analytics.tests.drawn import told
from services.analytics.tests.test_why_pages import OF_ALL, YEAR
from services.analytics.tests.watched import watch
from services.analytics.tests.world import COLLECTION, KIM, LEE, TOTAL, World, found, on, won
from services.analytics.tree import Organization
from shared.events.opportunities import OpportunityCorrected, OpportunityReassigned
from shared.log import LogUnavailableError, Record
from shared.projector import Collections
from shared.testing import recorded
from shared.verify import facts_until

SOME = 3
# What a transaction may read, however much there is.
READS_MAX = 30
LAST = on("12-31")
ROWS: tuple[tuple[PipelineBy, str], ...] = (
    ("total", "total"),
    ("stage", "Engaging"),
    ("seller", KIM),
    ("product", "product-x"),
    ("company", "company-p"),
)


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pieces, gathering):
        monkeypatch.setattr(module, "PIECE", SOME)


states = st.dictionaries(st.sampled_from([f"s-{n:02}" for n in range(40)]), st.binary(max_size=3))
changes = st.dictionaries(
    st.sampled_from([f"s-{n:02}" for n in range(40)]), st.none() | st.binary(max_size=3)
)


@given(st.lists(changes, max_size=6))
def test_pieces_hold_what_was_told_last_of_each_in_order(some: list[dict[str, Any]]) -> None:
    pieces_, wanted = Pieces(), dict[str, bytes]()
    for changed in some:
        pieces_ = pieces_.with_(changed)
        wanted = {k: v for k, v in (wanted | changed).items() if v is not None}
        held = [(piece, piece.states()) for piece in pieces_.told]
        assert [one for _, told_ in held for one in told_.items()] == sorted(wanted.items())
        assert all(0 < len(told_) <= pieces.PIECE for _, told_ in held)
        assert [piece.last for piece, _ in held] == [max(told_) for _, told_ in held]


async def total_then(world: World, positions: dict[str, int], by: PipelineBy, key: Key) -> Any:
    """Return what a row is by the facts before these positions alone."""
    log = world.runtime.log
    facts = [fact async for fact in facts_until(log, TOPICS, positions)]
    _, cells = recompute(facts, world.runtime.settings.zone)
    rows = pipeline.tallied(cells, pipeline.in_pipeline(by, Organization({}), LAST))
    return {name: amount for name, amount in rows.get(key, Counter()).items() if amount}


@pytest.mark.parametrize(("by", "key"), ROWS)
async def test_facts_that_come_while_a_row_is_read_leave_it_exact(
    world: World, by: PipelineBy, key: str
) -> None:
    """Before each read something that is behind the row, or was, comes to be another thing."""
    random = Random(by)
    theirs = [f"opportunity-y{number:02}" for number in range(30)]
    for stream in theirs:
        about = {"company": random.choice(["company-p", None])}
        await world.append(recorded(found(KIM, "01-09", **about), stream=stream))
    await world.fold()
    versions = dict.fromkeys(theirs, 1)
    rest = 25

    async def something_happens(collection: str, _: Any) -> None:
        nonlocal rest
        if not rest:
            return
        rest -= 1
        stream = random.choice(theirs)
        event = random.choice(
            [
                OpportunityReassigned(owner=random.choice([KIM, LEE]), reason="leave"),
                OpportunityCorrected(
                    title="Other",
                    company=random.choice([None, "company-p", "company-q"]),
                    product=random.choice([None, "product-x", "product-y"]),
                    reason="mistaken",
                    on=on("01-08"),
                ),
                won(str(random.randrange(1, 9)), "02-03"),
            ]
        )
        facts = recorded(event, stream=stream, after=versions[stream])
        versions[stream] += 1
        new = random.choice(["opportunity-a", "opportunity-y1", "opportunity-z"])
        facts += recorded(found(KIM, "01-10", company="company-p"), stream=f"{new}{rest}")
        await world.append(facts)
        await world.fold()

    watch(world, something_happens)
    for _ in range(3):  # What was read for one answer is there for the next one.
        answer = await world.get("why", by=by, key=key, **OF_ALL, limit=200)
        assert answer["total"] == await total_then(world, answer["positions"], by, key)
        sums: Counter[str] = Counter()
        for one in answer["contributions"]:
            sums.update({name: n for name, n in one.items() if name not in ("stream", "facts")})
        assert +sums == answer["total"]
    assert not rest


async def test_nothing_is_held_while_a_row_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a transaction read more where there is more."""
    await world.append(told(Random(3), "p", 120))
    await world.fold()
    watched, open_then = watch(world), list[int]()

    def counting(entity: Entity) -> dict[Cell, int]:
        open_then.append(watched.figures_open())
        return contributions(entity)

    monkeypatch.setattr(why, "contributions", counting)
    rows: tuple[tuple[str, dict[str, Any]], ...] = (
        ("why", {**TOTAL, **OF_ALL}),
        ("workload/why", {**TOTAL, **YEAR}),
        ("growth/why", {**TOTAL, **YEAR}),
    )
    for path, query in rows:
        first = await world.get(path, **query, limit=2)
        await world.append(recorded(found(KIM, "01-10"), stream=f"opportunity-{len(open_then)}"))
        await world.fold()
        await world.get(path, **query, limit=2, cursor=first["next_cursor"])
    assert len(open_then) > READS_MAX * SOME
    assert set(open_then) == {0}
    assert max(watched.read_within) <= READS_MAX


async def test_what_was_read_for_a_row_is_not_read_again(world: World) -> None:
    await world.append(told(Random(4), "p", 60))
    await world.fold()
    first = await world.get("why", **TOTAL, **OF_ALL)
    read: list[str] = []

    async def noted(collection: str, _: Any) -> None:
        read.append(collection)

    watch(world, noted)
    await world.get("why", by="stage", key="Engaging", **OF_ALL)
    assert entities_of(COLLECTION) not in read
    await world.append(recorded(won("3", "04-01"), stream="opportunity-4", after=1))
    await world.fold()
    again = await world.get("why", **TOTAL, **OF_ALL)
    assert again["total"]["won"] == first["total"]["won"] + 1
    assert read.count(entities_of(COLLECTION)) == 1


async def test_what_is_folded_that_was_set_aside_is_in_the_row(world: World) -> None:
    """No cursor moves then."""
    late = recorded(found(KIM, "01-09"), won("3", "04-01"), stream="opportunity-9")
    for fact in reversed(late):
        await world.append([fact])
    await world.fold()
    first = await world.get("why", **TOTAL, **OF_ALL)
    assert first["parked_facts"] == 2
    assert await world.projector.unpark("opportunity-9") == 0
    second = await world.get("why", **TOTAL, **OF_ALL)
    assert second["positions"] == first["positions"]
    assert second["total"]["won"] == first["total"]["won"] + 1


async def test_figures_that_were_begun_anew_are_read_anew(world: World) -> None:
    first = await world.get("why", **TOTAL, **OF_ALL)
    names = Collections(COLLECTION)
    for kept in (names.cursors, names.heads, entities_of(COLLECTION)):
        held = await world.runtime.store.find(kept, {}, fields=())
        await world.runtime.store.delete_many(kept, [one["_id"] for one in held])
    empty = await world.get("why", **TOTAL, **OF_ALL)
    assert empty["contributions"] == []
    await world.fold()
    again = await world.get("why", **TOTAL, **OF_ALL)
    assert again["contributions"] == first["contributions"] != []


async def test_without_the_log_all_is_read_anew(world: World) -> None:
    first = await world.get("why", **TOTAL, **OF_ALL)
    await world.append(recorded(won("3", "04-01"), stream="opportunity-4", after=1))
    await world.fold()
    world.runtime.log = _Away(world.runtime.log)
    again = await world.get("why", **TOTAL, **OF_ALL)
    assert again["total"]["won"] == first["total"]["won"] + 1


class _Away:
    """A log that nothing can be read of."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read(self, *_args: Any) -> AsyncGenerator[list[Record], None]:
        raise LogUnavailableError("away")
        yield []


async def test_a_row_that_changes_faster_than_it_is_read_is_to_be_asked_for_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "WITHIN_MAX", 0)
    number = 0

    async def something_happens(collection: str, _: Any) -> None:
        nonlocal number
        if collection == entities_of(COLLECTION):
            number += 1
            await world.append(recorded(found(KIM, "01-09"), stream=f"opportunity-n{number}"))
            await world.fold()

    watch(world, something_happens)
    answer = await world.client.get("/analytics/why", params={**TOTAL, **OF_ALL})
    assert answer.status_code == 503
    assert "changes faster" in answer.json()["detail"]
    assert answer.headers["Retry-After"] == "5"


async def test_of_more_than_one_answer_can_hold_less_is_to_be_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.get("why", **TOTAL, **OF_ALL)
    monkeypatch.setattr(gathering, "ANSWER_BYTES_MAX", 600)
    for number in range(5):
        await world.append(recorded(found(LEE, "01-09"), stream=f"opportunity-n{number}"))
    await world.fold()
    for _ in range(2):
        answer = await world.client.get("/analytics/why", params={**TOTAL, **OF_ALL})
        assert answer.status_code == 422
        assert "query/seller" in answer.text
        world.runtime.remembered.clear()
    assert (await world.get("why", by="seller", key=KIM, **OF_ALL))["total"]["won"] == 1


async def test_few_of_what_was_read_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "KEPT_MAX", 2)
    for key in (KIM, LEE, "employee-han", KIM):
        await world.get("why", by="seller", key=key, **OF_ALL)
    kept = world.runtime.remembered["gathered"]
    assert [one.wanted.keys for one in kept] == [{"employee-han"}, {KIM}]
    monkeypatch.setattr(gathering, "KEPT_BYTES_MAX", 0)
    await world.get("why", by="seller", key=KIM, **OF_ALL)
    assert [*kept] == []
