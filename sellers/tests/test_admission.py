"""People with tokens and systems with keys, before the whole platform over the in-memory ports."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sellers.tests.admitted import Platform, as_who, statuses, viewers
from services.organization.keys import IssueKey
from shared.access.keys import digest_of, key_of
from shared.service import Request


async def test_deals_are_seen_by_whom_the_tree_says(platform: Platform) -> None:
    everybody = ("ada", "bob", "park", "lee", "choi", "sam", "kim", "admin")
    seen = await statuses(platform, "/opportunities/of-ada", *everybody)
    # Leaders see those of their division: choi leads another team of the same.
    may = {"ada", "park", "lee", "choi", "kim"}
    assert {one for one, status in seen.items() if status == 200} == may
    assert {seen[one] for one in set(everybody) - may} == {403}


async def test_a_leader_writes_for_their_own_team_alone(platform: Platform) -> None:
    step = {"what": "Call them", "due_on": "2026-02-01", "on": "2026-01-06"}
    path = "/opportunities/of-ada/agree-next-step"
    assert (await platform.post("choi", path, step)).status_code == 403
    assert (await platform.post("bob", path, step)).status_code == 403
    assert (await platform.post("park", path, step)).status_code == 202


async def test_who_is_in_the_team_of_a_deal_may_work_on_it(platform: Platform) -> None:
    assert (await platform.get("bob", "/opportunities/of-ada/record")).status_code == 403
    member = {"employee": "employee-bob", "role": "engineer", "on": "2026-01-07"}
    await platform.done("ada", "/opportunities/of-ada/join-team", member)
    await platform.folded()
    assert (await platform.get("bob", "/opportunities/of-ada/record")).status_code == 200
    gone = {"employee": "employee-bob", "on": "2026-01-08"}
    await platform.done("ada", "/opportunities/of-ada/leave-team", gone)
    await platform.folded()
    assert (await platform.get("bob", "/opportunities/of-ada/record")).status_code == 403


async def test_a_leader_is_told_which_units_a_report_may_be_asked_of(platform: Platform) -> None:
    for report in ("forecast", "stages", "workload", "adoption", "losses", "slippage"):
        refused = await platform.get("lee", f"/analytics/{report}")
        assert refused.status_code == 403
        ways = [{"seller": "employee-lee"}, {"unit": "unit-north"}]
        assert refused.json()["may_ask"] == ways
        assert "seller=employee-lee or unit=unit-north" in refused.json()["detail"]
        for way in [*ways, {"unit": "unit-team-1"}]:
            ((name, said),) = way.items()
            answer = await platform.get("lee", f"/analytics/{report}?{name}={said}")
            assert answer.status_code == 200, (report, way, answer.text)
        elsewhere = await platform.get("lee", f"/analytics/{report}?unit=unit-south")
        assert elsewhere.status_code == 403
    own = await platform.get("ada", "/analytics/forecast")
    assert own.json()["may_ask"] == [{"seller": "employee-ada"}]


async def test_lists_are_asked_for_by_name(platform: Platform) -> None:
    assert (await platform.get("ada", "/opportunities")).status_code == 403
    own = await platform.get("ada", "/opportunities?owner=employee-ada")
    assert [deal["opportunity"] for deal in own.json()["items"]] == ["opportunity-of-ada"]
    assert (await platform.get("ada", "/opportunities?owner=employee-eve")).status_code == 403
    assert len((await platform.get("kim", "/opportunities")).json()["items"]) == 3


async def test_nobody_makes_things_in_another_s_name(platform: Platform) -> None:
    entry = {
        "seller": "employee-eve",
        "category": "internal",
        "title": "Surprise",
        "starts_at": "2026-03-02T09:00:00Z",
        "ends_at": "2026-03-02T10:00:00Z",
    }
    assert (await platform.post("ada", "/calendar/entries/x/plan", entry)).status_code == 403
    assert (await platform.post("park", "/calendar/entries/x/plan", entry)).status_code == 403
    assert (await platform.post("choi", "/calendar/entries/x/plan", entry)).status_code == 202


async def test_nobody_takes_a_time_out_of_another_s_series(platform: Platform) -> None:
    times = {"starts_at": "2026-03-02T09:00:00Z", "ends_at": "2026-03-02T10:00:00Z"}
    told = {"category": "internal", "title": "Weekly", **times}
    series = {**told, "seller": "employee-eve", "rule": "FREQ=WEEKLY;COUNT=4", "zone": "UTC"}
    await platform.done("eve", "/calendar/series/weekly/plan", series)
    await platform.folded()
    instead = {
        **told,
        "seller": "employee-ada",
        "series": "series-weekly",
        "occurrence": "2026-03-09T09:00:00Z",
    }
    assert (await platform.post("ada", "/calendar/entries/mine/plan", instead)).status_code == 403
    # One time of a series is its owner's, before it has a stream of its own.
    seen = await statuses(
        platform, "/calendar/entries/weekly.20260309T090000Z", "eve", "choi", "ada", "kim"
    )
    assert seen == {"eve": 200, "choi": 200, "ada": 403, "kim": 200}


async def test_a_move_counts_from_its_day_on(platform: Platform) -> None:
    """Who is moved tomorrow is led today by whom they were; moved today, by the new leader."""
    here, today = "/organization/employees/bob/assign", datetime.now(UTC).date()
    seen = "/calendar/agendas/bob/settings"
    assert await statuses(platform, seen, "park", "choi") == {"park": 200, "choi": 403}
    later = {"unit": "unit-team-2", "on": str(today + timedelta(days=30))}
    await platform.done("admin", here, later)
    await platform.folded()
    assert await statuses(platform, seen, "park", "choi") == {"park": 200, "choi": 403}
    since = {"unit": "unit-team-2", "on": str(today - timedelta(days=1))}
    await platform.done("admin", here, since)
    await platform.folded()
    assert await statuses(platform, seen, "park", "choi") == {"park": 403, "choi": 200}


async def test_N_13_the_viewer_is_whom_the_token_proves(platform: Platform) -> None:  # noqa: N802
    path = "/calendar/time?seller=employee-ada&first=2026-03-02&last=2026-03-02"
    assert (await platform.get("park", path)).status_code == 200
    await platform.folded()
    assert await viewers(platform, "ada", "/calendar/time") == ["employee-park"]
    # Nobody else is told who looked, and nobody looks under another name.
    others = await statuses(platform, "/analytics/looks/ada", "park", "kim", "admin")
    assert set(others.values()) == {403}
    disguised = as_who("park") | {"x-actor": "employee-kim"}
    assert (await platform.http.get(path, headers=disguised)).status_code == 403


async def test_K_02_what_is_private_stays_so_from_whoever_runs_it(platform: Platform) -> None:  # noqa: N802
    from base64 import b64encode

    from nacl.public import PrivateKey

    key = b64encode(bytes(PrivateKey.generate().public_key)).decode()
    await platform.done("eve", "/calendar/agendas/eve/register-key", {"public_key": key})
    await platform.folded()
    entry = {
        "seller": "employee-eve",
        "title": "Knee doctor",
        "place": "Canary Hospital",
        "starts_at": "2026-03-03T09:00:00Z",
        "ends_at": "2026-03-03T10:00:00Z",
    }
    plan = "/calendar/entries/p/plan-private"
    for who in ("choi", "kim", "admin"):
        assert (await platform.post(who, plan, entry)).status_code == 403, who
    await platform.done("eve", plan, entry)
    await platform.folded()
    days = "first=2026-03-03&last=2026-03-03"
    agenda, busy = f"/calendar/agendas/eve?{days}", f"/calendar/agendas/eve/free-busy?{days}"
    assert (await platform.get("admin", agenda)).status_code == 403
    assert (await platform.get("admin", "/calendar/entries/p")).status_code == 403
    told = await platform.get("admin", busy)
    assert told.status_code == 200
    assert "2026-03-03T09:00:00" in told.text
    for who, path in (
        ("admin", busy),
        ("admin", "/trace/entry-p"),
        ("choi", agenda),
        ("choi", "/calendar/history/entry-p"),
        ("kim", "/calendar/entries/p"),
    ):
        answer = await platform.get(who, path)
        assert answer.status_code == 200, (who, path)
        assert "Knee" not in answer.text, (who, path)
        assert "Canary" not in answer.text, (who, path)
    assert '"sealed":null' not in (await platform.get("eve", "/calendar/entries/p")).text


async def test_a_system_is_let_in_by_its_key_until_it_is_revoked(platform: Platform) -> None:
    issue = {"name": "Mailer", "roles": ["marketing"]}
    assert (await platform.post("kim", "/organization/keys/mailer/issue", issue)).status_code == 403
    key = (await platform.done("admin", "/organization/keys/mailer/issue", issue))["key"]
    await platform.folded()
    touch = {"person": "person-1", "channel": "email", "subject": "Spring"}
    answer = await platform.http.post(
        "/touches?source=mailer", json=touch, headers=as_who(key) | {"idempotency-key": "1"}
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["ratelimit-policy"] == '"key";q=600;w=60'
    told = (await platform.get("admin", f"/trace/{answer.json()['stream']}")).json()
    assert told["facts"][0]["fact"]["actor"] == "key-mailer"
    assert (await platform.get(key, "/contacts/people")).status_code == 403
    wrong = f"sk_mailer_{'0' * 64}"
    for no_key in (wrong, f"sk_other_{'0' * 64}", "sk_mailer_", "sk_", key[:-1], f"{key}0"):
        refused = await platform.get(no_key, "/whoami")
        assert (refused.status_code, refused.json()["detail"]) == (401, "no such key was issued")
    await platform.done("admin", "/organization/keys/mailer/revoke", {"reason": "lost"})
    await platform.folded()
    async with asyncio.timeout(10):  # For a second it may still count; nobody tells.
        while (refused := await platform.get(key, "/whoami")).status_code == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (refused.status_code, refused.json()["detail"]) == (401, "the key was revoked")


async def test_a_key_may_be_for_less_and_for_a_time(platform: Platform) -> None:
    issue = {"name": "BI", "roles": ["analytics"], "only": ["figures.read"], "requests_max": 2}
    key = (await platform.done("admin", "/organization/keys/bi/issue", issue))["key"]
    old = {"name": "Old", "roles": ["analytics"], "expires_on": "2026-01-01"}
    late = await platform.post("admin", "/organization/keys/old/issue", old)
    (error,) = late.json()["errors"]
    assert (late.status_code, error["pointer"]) == (422, "#/expires_on")
    assert error["detail"].startswith("it would never count: today is ")
    # One that was issued when its last day lay ahead.
    once = IssueKey(**old, digest=digest_of("0" * 64))
    issued = Request(stream="key-old", command=once, actor="admin")
    await platform.runtimes["organization"].service.handle(issued)
    gone = key_of("old", "0" * 64)
    await platform.folded()
    (listed,) = (
        one
        for one in (await platform.get("admin", "/organization/keys")).json()["items"]
        if one["expired"]
    )
    assert listed["key"] == "key-old"
    assert (await platform.get(key, "/opportunities")).status_code == 403
    assert (await platform.get(key, "/analytics/kpis/none/values")).status_code == 404
    answer = await platform.get(key, "/whoami")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert "counted until 2026-01-01" in (await platform.get(gone, "/whoami")).text
