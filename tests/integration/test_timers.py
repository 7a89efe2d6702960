"""Deadlines that pass on real servers: recorded once, read on the card, told by the operators."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.clock import SystemClock
from tests.integration.conftest import Platform, until

pytestmark = pytest.mark.connected

MISSED = "issues.deadline_missed.v1"


@pytest.fixture
def issue() -> str:
    """The id of an issue that no other test knows."""
    return f"i{uuid4().hex[:10]}"


def soon() -> datetime:
    return SystemClock().now() + timedelta(seconds=1)


async def ask(platform: Platform, path: str, **body: Any) -> str:
    answer = await platform.post(f"/issues/{path}", body)
    assert answer.status_code == 202, answer.text
    token: str = answer.json()["token"]
    return token


async def owe(platform: Platform, issue: str, answer_by: datetime) -> str:
    told = {"kind": "complaint", "words": "배송이 늦었습니다.", "person": "person-1"}
    return await ask(platform, f"{issue}/register", **told, answer_by=answer_by.isoformat())


async def history(platform: Platform, issue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await platform.read(f"/issues/history/issue-{issue}"))["facts"]
    return found


async def missed_at(platform: Platform, issue: str) -> str | None:
    found: str | None = (await platform.read(f"/issues/{issue}"))["missed_at"]
    return found


async def test_a_deadline_that_passes_is_missed_once_and_one_that_was_met_never(
    platform: Platform, issue: str
) -> None:
    met, moved = f"{issue}-met", f"{issue}-moved"
    for each in (met, moved):
        await owe(platform, each, soon())
    await ask(platform, f"{met}/give-feedback", result="We changed the carrier.")
    later = (soon() + timedelta(days=400)).isoformat()
    token = await ask(platform, f"{moved}/set-deadline", answer_by=later)
    deadline = soon()  # After the others': when this one is missed, they would have been.
    await platform.read(f"/issues/{issue}", await owe(platform, issue, deadline))
    await until(lambda: missed_at(platform, issue))
    facts = await history(platform, issue)
    assert [fact["type"] for fact in facts].count(MISSED) == 1
    (missed,) = facts[2:]
    assert missed["causationid"] == missed["data"]["set_by"] == facts[1]["id"]
    assert datetime.fromisoformat(missed["time"]) == deadline
    for each in (met, moved):
        assert MISSED not in [fact["type"] for fact in await history(platform, each)]
    assert (await platform.read(f"/issues/{moved}", token))["missed_at"] is None
    assert (await platform.verified())["differences"] == []


async def test_who_runs_it_sees_what_is_due_and_who_scans(platform: Platform, issue: str) -> None:
    later = f"{issue}-later"
    token = await owe(platform, later, soon() + timedelta(days=1))
    await platform.read(f"/issues/{later}", token)
    await platform.read(f"/issues/{issue}", await owe(platform, issue, soon()))
    await until(lambda: missed_at(platform, issue))
    timers = {one["timer"]: one for one in (await platform.read("/timers"))["timers"]}
    assert {"commitment_follow_up", "commitment_deadline", "alerts"} < timers.keys()
    timer = timers["answer_deadline"]
    assert (timer["domain"], timer["overdue"]) == ("issues", 0)
    assert timer["holder"].startswith("local/")
    assert timer["next_due_at"] is not None
