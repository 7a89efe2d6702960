"""Private Space (K-02): what a private entry is, is nowhere but with its owner."""

from __future__ import annotations

import json
import logging
import stat
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sellers.cli import app
from sellers.importing.tests.served import Served, serving

if TYPE_CHECKING:
    from pathlib import Path

    from sellers.client import Api

WORDS = {
    "title": "Canarytitle dentist",
    "place": "Canaryplace 12",
    "note": "Canarynote: the left one",
    "attendees": ["Canaryguest Dr. Kim"],
    "person": "person-canarylink",
}
WHEN = {
    "seller": "employee-1",
    "starts_at": "2026-01-05T14:00:00+09:00",
    "ends_at": "2026-01-05T15:00:00+09:00",
}
ENTRY = "/calendar/entries/1"


def stores(served: Served) -> str:
    """All that any journal, outbox or view holds, as text."""
    return repr([_plain(vars(store._database)) for store in served.stores.values()])


def topics(served: Served) -> str:
    return repr(_plain(served.log._broker.topics))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {repr(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    return repr(value)


def run(api: Api, *words: str) -> str:
    ran = CliRunner().invoke(app, ["--url", api.url, *words])
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def refused(api: Api, path: str, body: dict[str, Any], **headers: str) -> str:
    answer = api._http.post(path, json=body, headers=headers)
    assert answer.status_code in (409, 412, 422), answer.text
    return answer.text


def test_k_02_what_is_private_is_in_no_store_topic_view_log_or_refusal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    served, key = Served(), tmp_path / "key"
    caplog.set_level(logging.DEBUG)
    with serving(served) as api:
        answers = [refused(api, f"{ENTRY}/plan-private", WHEN | WORDS)]  # No key yet.
        run(api, "private", "key", str(key), "--employee", "employee-1")
        _until_known(api)
        once = {"idempotency-key": "a"}
        planned = api.post(f"{ENTRY}/plan-private", WHEN | WORDS, headers=once)
        again = api.post(f"{ENTRY}/plan-private", WHEN | WORDS, headers=once)
        assert (planned["recorded"], again["duplicate"]) == (1, True)
        api.post(f"{ENTRY}/describe-private", {"seller": "employee-1", **WORDS})
        weekly = {"zone": "Asia/Seoul", "rule": "FREQ=WEEKLY;COUNT=2", **WHEN, **WORDS}
        series = api.post("/calendar/series/1/plan-private", weekly)
        api.get("/calendar/series/1", headers={"x-at-least": series["token"]})
        api.post("/calendar/entries/1.20260105T050000Z/miss", {})
        visit = WHEN | {
            "seller": "employee-2",
            "category": "customer",
            "title": "A visit that all may see",
        }
        api.post("/calendar/entries/3/plan", visit)
        in_the_clear = WHEN | {"category": "private", "title": WORDS["title"]}
        too_long = WHEN | WORDS | {"place": "Canaryplace " * 100}
        misspelt = WHEN | WORDS | {"titel": "Canarytitle"}
        answers += [
            refused(api, "/calendar/entries/2/plan", in_the_clear),
            refused(api, "/calendar/entries/2/plan-private", too_long),
            refused(api, "/calendar/entries/2/plan-private", misspelt),
            refused(api, f"{ENTRY}/cancel", {"reason": "Canarynote"}),
            refused(api, f"{ENTRY}/plan-private", WHEN | WORDS),
            refused(api, f"{ENTRY}/plan-private", WHEN | WORDS, **{"if-match": '"9"'}),
        ]
        shown = run(
            api, "private", "show", str(key), "--employee", "employee-1",
            "--first", "2026-01-01", "--last", "2026-01-31",
        )  # fmt: skip
        assert {one["title"] for one in json.loads(shown)} == {WORDS["title"]}
        assert {one["person"] for one in json.loads(shown)} == {WORDS["person"]}
        days = {"first": "2026-01-01", "last": "2026-01-31"}
        for path in ("agendas/1", "agendas/1/free-busy", "entries/1", "series/1", "entries"):
            seen = api.get(f"/calendar/{path}", days if "agendas" in path else None)
            answers.append(json.dumps(seen))
            assert 'sealed": "' not in answers[-1]
        answers.append(json.dumps(api.get("/calendar/history/entry-1")))
    # What is looked through is where it would be: what is not private is found there.
    assert "A visit that all may see" in stores(served)
    assert "A visit that all may see" in topics(served)
    shown_to_others = [*answers, caplog.text, *capfd.readouterr()]
    for place in (stores(served), topics(served), *shown_to_others):
        at = place.lower().find("canary")
        assert at == -1, place[max(at - 100, 0) : at + 100]


def _until_known(api: Api) -> None:
    token = {"x-at-least": _token("agenda-1", 1)}
    api.get("/calendar/agendas/1/settings", headers=token)


def _token(stream: str, version: int) -> str:
    from shared.reading import Token

    return Token(stream, version).encode()


def test_k_02_only_the_owner_reads_the_key_and_none_is_written_over(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with serving(Served()) as api:
        run(api, "private", "key", str(key), "--employee", "employee-1")
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        kept = key.read_bytes()
        again = ["--url", api.url, "private", "key", str(key), "--employee", "employee-1"]
        assert CliRunner().invoke(app, again).exit_code == 1
        assert key.read_bytes() == kept
        refused(api, "/calendar/agendas/1/register-key", {"public_key": "A" * 43 + "="})


def test_k_02_who_changes_keys_still_opens_what_was_sealed_before(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in ("old", "new", "other"))
    with serving(Served()) as api:
        for number, key in enumerate((old, new), start=1):
            run(api, "private", "key", str(key), "--employee", "employee-1")
            api.get(
                "/calendar/agendas/1/settings",
                headers={"x-at-least": _token("agenda-1", number)},
            )
            entry = f"/calendar/entries/{number}/plan-private"
            stored = api.post(entry, WHEN | {"title": f"Secret {number}"})
            api.get("/calendar/agendas/1", headers={"x-at-least": stored["token"]})
        run(api, "private", "key", str(other), "--employee", "employee-2")
        show = ("private", "show", "--employee", "employee-1", "--first", "2026-01-05")
        both = json.loads(run(api, *show, str(old), str(new)))
        assert [one["title"] for one in both] == ["Secret 1", "Secret 2"]
        none = json.loads(run(api, *show, str(other)))
        assert [one["title"] for one in none] == [None, None]
