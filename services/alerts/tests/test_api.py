"""N_07 over HTTP: an inbox for each colleague, and a changed rule tried before it counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from httpx2 import AsyncClient

from services.alerts.defaults import AlertsDefaults, RuleTerms
from services.alerts.main import domain, router
from services.alerts.projections import alert_of
from services.alerts.watching import Alert
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.events.opportunities import OpportunityDiscovered, StageAdvanced
from shared.memory import MemoryLog
from shared.reading import Token
from shared.testing import recorded, serving

LONG_AGO = SystemClock().now() - timedelta(days=100)
FOUND = OpportunityDiscovered(title="Pump", stage="A", owner="employee-1", on=LONG_AGO.date())
MOVED = StageAdvanced(stage="B", on=(LONG_AGO + timedelta(days=25)).date())


async def tell(log: MemoryLog, stream: str, *events: Any) -> list[Envelope]:
    when = [LONG_AGO + timedelta(days=25 * n) for n in range(len(events))]
    told = recorded(*events, stream=stream, occurred_at=when)
    for fact in told:
        await log.append(fact.data.topic, stream, encode(fact))
    return told


def raised_by(fact: Envelope) -> str:
    """The stream of the alert that this fact's clock comes to."""
    call = Alert(fact.occurred_at, "", LONG_AGO.date(), fact.id, None)
    return alert_of("stale_opportunity", fact.stream, call)


async def get(client: AsyncClient, path: str, after: str | None = None) -> Any:
    headers = {} if after is None else {"X-At-Least": Token(after, 1).encode()}
    answer = await client.get(f"/alerts{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_n_07_an_alert_is_in_the_inbox_until_it_is_acknowledged() -> None:
    log = MemoryLog(2)
    async with serving(domain, router, log=log) as client:
        _, moved = await tell(log, "opportunity-1", FOUND, MOVED)
        alert = raised_by(moved)
        (item,) = (await get(client, "/inbox/1", alert))["items"]
        card = item["card"]
        assert (card["rule"], card["subject"]) == ("stale_opportunity", "opportunity-1")
        assert (card["set_by"], item["still"]) == (moved.id, True)
        assert (await get(client, "/inbox/2"))["items"] == []
        path = f"/alerts/{alert.removeprefix('alert-')}/acknowledge"
        other = await client.post(path, json={"by": "employee-2"})
        assert (other.status_code, other.json()["errors"][0]["pointer"]) == (409, "#/by")
        seen = await client.post(path, json={"by": "employee-1", "note": "called them"})
        assert seen.status_code == 202
        after = {"X-At-Least": seen.json()["token"]}
        left = await client.get("/alerts/inbox/1", headers=after)
        assert left.json()["items"] == []
        done = (await get(client, "/inbox/1?acknowledged=true"))["items"]
        assert [one["card"]["note"] for one in done] == ["called them"]


async def test_n_07_an_alert_says_when_it_is_not_so_any_more() -> None:
    log = MemoryLog(2)
    async with serving(domain, router, log=log) as client:
        (found,) = await tell(log, "opportunity-1", FOUND)
        alert = raised_by(found)
        assert (await get(client, f"/{alert.removeprefix('alert-')}", alert))["owner"]
        today = StageAdvanced(stage="B", on=SystemClock().now().date())
        (fact,) = recorded(today, stream="opportunity-1", after=1, occurred_at=SystemClock().now())
        await log.append(fact.data.topic, "opportunity-1", encode(fact))
        headers = {"X-At-Least": Token("opportunity-1", 2).encode()}
        await client.get("/alerts/inbox/1", headers=headers)
        (item,) = (await get(client, "/inbox/1"))["items"]
        assert item["still"] is False


async def test_n_07_a_changed_rule_is_tried_over_all_history() -> None:
    log = MemoryLog(2)
    async with serving(domain, router, log=log) as client:
        found, _ = await tell(log, "opportunity-1", FOUND, MOVED)
        asked = {"rule": "stale_opportunity", "days": 20}
        tried = (await client.post("/alerts/dry-run", json=asked)).json()
        assert (tried["now"], tried["then"], tried["facts"], tried["subjects"]) == (1, 2, 2, 1)
        assert [one["set_by"] for one in tried["more"]] == [found.id]
        assert tried["less_count"] == 0
        none = await client.post("/alerts/dry-run", json=asked | {"days": 3_650})
        assert (none.json()["then"], none.json()["less_count"]) == (0, 1)
        early = asked | {"last": LONG_AGO.date().isoformat()}
        assert (await client.post("/alerts/dry-run", json=early)).json()["then"] == 0
        wrong = await client.post(
            "/alerts/dry-run", json=asked | {"first": "2026-02-01", "last": "2026-01-01"}
        )
        assert wrong.status_code == 422


async def test_n_07_the_rules_are_told_on_the_terms_that_the_company_chose() -> None:
    chosen = domain.configured(AlertsDefaults(cadence_gap=RuleTerms(on=False, days=7)))
    async with serving(chosen, router) as client:
        told = {one["rule"]: one for one in (await get(client, "/rules"))["items"]}
        assert (told["cadence_gap"]["on"], told["cadence_gap"]["days"]) == (False, 7)
        assert told["stale_opportunity"]["on"] is True
        of_issues = {"issue": "the answer that a customer waits for is overdue"}
        assert told["overdue_commitment"]["says_of"] == of_issues
        assert told["cadence_gap"]["says_of"] == {}
        assert "cadence_gap" not in chosen.defaults.rules()
