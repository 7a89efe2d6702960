"""Decisions: once, on the present state, all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import pytest

from shared.errors import (
    CommandReusedError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    VersionConflictError,
)
from shared.events.organization import EmployeeJoined
from shared.journal import Commanded, Journal
from shared.memory import MemoryLog, MemoryStore
from shared.service import Accepted, Refused, Request
from shared.store import Reads, WriteConflictError
from shared.tests.tiny import (
    PARTITIONS,
    AlreadyJoinedError,
    Assign,
    Hands,
    Join,
    assign,
    build,
    join,
    running,
    tiny_domain,
)

ADA = "employee-ada"


async def test_the_same_command_id_records_once_and_gets_the_same_answer() -> None:
    async with running(build(tiny_domain())) as runtime:
        first = await runtime.service.handle(join(ADA, id="k"))
        again = await runtime.service.handle(join(ADA, id="k"))
        history = await runtime.journal.histories(runtime.store, [ADA])
    assert (first.version, first.recorded) == (1, 1)
    assert (again.version, again.recorded, again.duplicate) == (1, 0, True)
    assert len(history[ADA]) == 1


async def test_a_command_id_is_refused_for_another_request() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle(join(ADA, id="k"))
        with pytest.raises(CommandReusedError):
            await runtime.service.handle(join(ADA, "Bo", id="k"))


async def test_a_refused_command_records_nothing() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle(join(ADA))
        with pytest.raises(AlreadyJoinedError):
            await runtime.service.handle(join(ADA))
        history = await runtime.journal.histories(runtime.store, [ADA])
    assert len(history[ADA]) == 1


async def test_a_rows_record_is_replaced_only_by_who_has_seen_it() -> None:
    """A process that slept between deciding and writing must not put an older count back."""
    async with running(build(tiny_domain())) as runtime:
        decisions, journal = runtime.service.decisions, runtime.journal
        await runtime.service.handle(assign(ADA, "unit-a", origin="file#1"))
        slept = await decisions.decide(runtime.store, [assign(ADA, "unit-b", origin="file#1")])
        await runtime.service.handle(assign(ADA, "unit-c", origin="file#1"))
        with pytest.raises(WriteConflictError):
            async with runtime.store.transaction() as tx:
                await journal.record(tx, slept[1], slept[2])
        known = await journal.commanded(runtime.store, ["row:file#1"])
    assert known["row:file#1"].times == 2


class OvertakenJournal(Journal):
    """While somebody looks for a command, its first attempt commits: once."""

    first_attempt: Awaitable[Accepted] | None = None

    async def commanded(self, reads: Reads, ids: Collection[str]) -> dict[str, Commanded]:
        known = await super().commanded(reads, ids)
        attempt, self.first_attempt = self.first_attempt, None
        if attempt is not None:
            await attempt
        return known


async def test_a_retry_is_not_refused_for_what_the_first_attempt_has_done() -> None:
    async with running(build(tiny_domain())) as runtime:
        journal = OvertakenJournal(runtime.store, runtime.clock)
        runtime.service.decisions.journal = journal
        journal.first_attempt = runtime.service.handle(join(ADA, id="k"))
        accepted = await runtime.service.handle(join(ADA, id="k"))
    assert (accepted.version, accepted.duplicate) == (1, True)


async def test_a_row_that_goes_back_to_what_it_said_before_is_a_new_decision() -> None:
    async with running(build(tiny_domain())) as runtime:
        for unit in ("unit-a", "unit-a", "unit-b", "unit-a", "unit-a"):
            await runtime.service.handle(assign(ADA, unit, origin="file#1"))
        history = await runtime.journal.histories(runtime.store, [ADA])
    units = [getattr(fact.data, "unit", None) for fact in history[ADA]]
    assert units == ["unit-a", "unit-b", "unit-a"]
    assert len({fact.command_id for fact in history[ADA]}) == 3


async def test_if_match_is_checked_against_the_streams_version() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle(join(ADA))
        with pytest.raises(VersionConflictError, match="at version 1"):
            await runtime.service.handle(assign(ADA, only_at=(0,)))
        assert (await runtime.service.handle(assign(ADA, only_at=(1,)))).version == 2


async def test_racing_decisions_get_versions_of_their_own() -> None:
    async with running(build(tiny_domain())) as runtime:
        outcomes = await asyncio.gather(
            *(runtime.service.handle(assign(ADA, f"unit-{n}")) for n in range(5))
        )
        history = await runtime.journal.histories(runtime.store, [ADA])
    assert sorted(outcome.version for outcome in outcomes) == [1, 2, 3, 4, 5]
    assert [fact.version for fact in history[ADA]] == [1, 2, 3, 4, 5]


async def test_each_command_of_a_bulk_is_decided_on_what_the_ones_before_it_did() -> None:
    async with running(build(tiny_domain())) as runtime:
        outcomes = await runtime.service.handle_many(
            [join(ADA, id="1"), join(ADA, id="2"), join("robot-1"), assign(ADA), join(ADA, id="1")]
        )
    first, second, third, fourth, fifth = outcomes
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert isinstance(second.error, AlreadyJoinedError)
    assert isinstance(third, Refused)
    assert isinstance(third.error, NotFoundError)
    assert isinstance(fourth, Accepted)
    assert fourth.version == 2
    assert isinstance(fifth, Accepted)
    assert fifth.duplicate


async def test_a_fact_that_does_not_fit_into_the_log_is_refused_before_it_is_recorded() -> None:
    async with running(build(tiny_domain())) as runtime:
        with pytest.raises(TooLargeError):
            await runtime.service.handle(join(ADA, "x" * 1_000_000))
        assert await runtime.journal.backlog() == 0


async def test_decisions_wait_until_the_journal_has_caught_up() -> None:
    runtime = build(tiny_domain())
    with pytest.raises(UnavailableError, match="catching up"):
        await runtime.service.handle(join(ADA))


async def test_a_business_date_is_the_day_in_the_companys_zone() -> None:
    async with running(build(tiny_domain(), SELLERS_ZONE="Asia/Seoul")) as runtime:
        command = join(ADA).command.model_copy(update={"on": date(2017, 3, 1)})
        request = join(ADA)
        await runtime.service.handle(type(request)(stream=ADA, command=command, actor="tester"))
        history = await runtime.journal.histories(runtime.store, [ADA])
    assert history[ADA][0].occurred_at == datetime(2017, 2, 28, 15, tzinfo=UTC)


async def test_recorded_instants_of_a_stream_never_go_back() -> None:
    """Whatever the machine's clock does, and though another process reads the stream."""
    hands, store = Hands(), MemoryStore()
    for number, moved_s in enumerate((0, -3_600, 7_200)):
        hands.move(moved_s)
        async with running(build(tiny_domain(), store, MemoryLog(PARTITIONS))) as runtime:
            runtime.service.decisions.clock = hands
            await runtime.service.handle_many([assign(ADA, f"unit-{number}"), assign(ADA)])
    history = await Journal(store, hands).histories(store, [ADA])
    hours = [fact.recorded_at.hour for fact in history[ADA]]
    assert hours == [9, 9, 9, 9, 10, 10]


@pytest.mark.parametrize(("hour", "day"), [(14, date(2026, 1, 5)), (15, date(2026, 1, 6))])
async def test_what_is_told_without_a_date_is_of_the_companys_day(hour: int, day: date) -> None:
    """At 15:00 in Greenwich the next day begins in Seoul."""
    async with running(build(tiny_domain(), SELLERS_ZONE="Asia/Seoul")) as runtime:
        runtime.service.decisions.clock = Hands(datetime(2026, 1, 5, hour, tzinfo=UTC))
        await runtime.service.handle(join(ADA))
        (fact,) = (await runtime.journal.histories(runtime.store, [ADA]))[ADA]
    assert isinstance(fact.data, EmployeeJoined)
    assert fact.data.on == day


async def test_one_id_for_two_kinds_of_commands_is_two_requests() -> None:
    async with running(build(tiny_domain())) as runtime:
        assigned = assign(ADA, id="k")
        await runtime.service.handle(assigned)
        planned = Planned(unit="unit-1")
        with pytest.raises(CommandReusedError):
            await runtime.service.handle(replace(assigned, command=planned))


class Planned(Assign):
    """Says the same as an assignment, and means something else."""


class Far(Join):
    """A command whose decider derives a date that nobody sent, and nobody could read again."""

    on: date | None = None


@pytest.mark.parametrize("on", [date.min, date(1900, 1, 1), date(2199, 12, 31), date.max])
async def test_a_date_beyond_the_calendar_is_refused_by_name(on: date) -> None:
    async with running(build(tiny_domain(), SELLERS_ZONE="Asia/Seoul")) as runtime:
        command = Far(name="Ada", on=on)
        with pytest.raises(InvalidError, match="from 1900-01-02 to 2199-12-30") as refused:
            await runtime.service.handle(Request(stream=ADA, command=command, actor="tester"))
    assert refused.value.field == "#/on"


class Moved(Assign):
    """An assignment that is not planned but has happened; a unit that cannot be the employee."""

    happened: ClassVar[tuple[str, ...]] = ("on",)
    others: ClassVar[tuple[str, ...]] = ("unit",)


def moved(on: date, unit: str = "unit-1") -> Request:
    return Request(stream=ADA, command=Moved(unit=unit, on=on), actor="tester")


async def test_what_has_happened_is_not_dated_after_today_in_the_companys_zone() -> None:
    async with running(build(tiny_domain())) as runtime:
        decisions = runtime.service.decisions
        today = decisions.clock.now().astimezone(decisions.zone).date()
        tomorrow = today + timedelta(days=1)
        assert (await runtime.service.handle(moved(today))).recorded == 1
        with pytest.raises(InvalidError, match=f"{tomorrow} is after today, {today}") as refused:
            await runtime.service.handle(moved(tomorrow))
        assert refused.value.field == "#/on"
        with pytest.raises(InvalidError, match=f"{ADA} cannot be its own unit"):
            await runtime.service.handle(moved(today, ADA))
        ahead = Request(stream=ADA, command=Assign(unit="unit-2", on=tomorrow), actor="tester")
        assert (await runtime.service.handle(ahead)).recorded == 1
