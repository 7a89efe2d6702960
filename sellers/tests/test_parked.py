"""Facts that really cannot be folded, as an operator meets them: list, show, replay."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from sellers.cli import app
from sellers.importing import wait_until_folded
from sellers.importing.tests.served import Served, serving
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.events.contacts import PersonAffiliated, PersonRegistered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sellers.client import Api

BYTES, FUTURE, AHEAD = "person-bytes", "touch-future", "person-ahead"
Run = Callable[..., Result] if TYPE_CHECKING else Any


def fact(stream: str, version: int, data: Any, wire: str | None = None) -> bytes:
    """A fact as another writer puts it into the log; `wire`: one of a later release."""
    now = SystemClock().now()
    envelope = Envelope(
        id=str(uuid4()),
        source="/elsewhere",
        stream=stream,
        version=version,
        occurred_at=now,
        recorded_at=now,
        actor="another writer",
        correlation_id="test",
        data=data,
    )
    document = json.loads(encode(envelope))
    return json.dumps(document | ({"type": wire} if wire else {})).encode()


def write(served: Served, topic: str, stream: str, value: bytes) -> None:
    """Append a record while the platform is away."""
    asyncio.run(served.log.append(topic, stream, value))


@pytest.fixture
def served() -> Served:
    """A platform whose log holds undecodable bytes, a fact of a later release, and a gap."""
    platform = Served()
    later = fact(FUTURE, 1, PersonRegistered(name="x"), "touches.touch_recorded.v99")
    write(platform, "contacts", BYTES, b"\xff\x00 no fact")
    write(platform, "touches", FUTURE, later)
    write(platform, "contacts", AHEAD, fact(AHEAD, 2, PersonAffiliated(company="company-acme")))
    return platform


@contextmanager
def up(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serving(served) as client:
        monkeypatch.setenv("SELLERS_URL", client.url)
        wait_until_folded(client)
        yield client


@pytest.fixture
def api(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with up(served, monkeypatch) as client:
        yield client


def streams(api: Api) -> set[str]:
    return {held["stream"] for held in api.get("/parked")["parked"]}


@pytest.fixture
def run() -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, words)


def test_what_is_parked_is_listed_by_stream_with_its_reason(api: Api, run: Run) -> None:
    done = run("parked", "list")
    assert done.exit_code == 0, done.stderr
    for stream, reason in (
        (BYTES, "not JSON"),
        (FUTURE, "touch_recorded.v99"),
        (AHEAD, "gap: version 1"),
    ):
        lines = [line for line in done.stdout.splitlines() if stream in line]
        assert lines, done.stdout
        assert all(reason in line for line in lines)


def test_its_bytes_are_shown_even_where_they_are_no_text(api: Api, run: Run) -> None:
    done = run("parked", "show", BYTES)
    assert done.exit_code == 0, done.stderr
    shown, _ = json.JSONDecoder().raw_decode(done.stdout)
    assert shown["value"] == "\ufffd\x00 no fact"
    # Of the domains that read it, the first that has come so far tells.
    assert shown["domain"] in {"analytics", "calendar", "contacts", "organization"}
    assert shown["stream"] == BYTES
    later, _ = json.JSONDecoder().raw_decode(run("parked", "show", FUTURE).stdout)
    assert json.loads(later["value"])["type"] == "touches.touch_recorded.v99"


@pytest.mark.parametrize("stream", [BYTES, FUTURE])
def test_what_this_release_cannot_fold_stays_parked(api: Api, run: Run, stream: str) -> None:
    done = run("parked", "replay", stream)
    assert done.exit_code == 1
    assert f"{stream}: 1 still parked" in done.stdout
    assert "still cannot be folded" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert stream in streams(api)


def test_what_waited_is_folded_once_its_gap_is_filled(
    served: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with up(served, monkeypatch):
        assert run("parked", "replay", AHEAD).exit_code == 1, "the first fact is still missing"
    write(served, "contacts", AHEAD, fact(AHEAD, 1, PersonRegistered(name="Late")))
    with up(served, monkeypatch) as api:
        done = run("parked", "replay", AHEAD)
        assert done.exit_code == 0, done.output
        assert f"{AHEAD}: folded" in done.stdout
        assert streams(api) == {BYTES, FUTURE}
        card = api.get("/contacts/people/ahead")
        assert (card["name"], card["companies"]) == ("Late", ["company-acme"])


def test_what_is_dropped_is_written_down_and_its_stream_goes_on(api: Api, run: Run) -> None:
    position = next(h["position"] for h in api.get("/parked")["parked"] if h["stream"] == BYTES)
    done = run("parked", "drop", position, "--reason", "their test, not a fact")
    assert done.exit_code == 0, done.output
    assert f"{BYTES}: {position} dropped, nothing left parked" in done.stdout
    assert streams(api) == {FUTURE, AHEAD}
    listed = run("parked", "dropped").stdout
    assert all(word in listed for word in (BYTES, position, "their test, not a fact"))
    again = run("parked", "drop", position, "--reason", "twice")
    assert again.exit_code == 1
    assert f"nothing at {position} is parked" in again.stderr
