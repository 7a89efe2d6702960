"""The examples run as they are: programs of their own, beside a platform that goes on recording."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.contacts.touch_events import TYPE, read_event
from services.opportunities.projections import opportunity_card
from shared.projector import Collections
from shared.published import Build
from shared.reading import Token
from tests.integration.conftest import SOON_S, Platform, until

pytestmark = pytest.mark.connected

ROOT = Path(__file__).resolve().parents[2]
DIRTY = Collections(Build(opportunity_card.name, opportunity_card.version).collection).dirty


@dataclass
class Program:
    """A child process whose lines are read as they come."""

    child: asyncio.subprocess.Process

    async def line(self) -> str:
        assert self.child.stdout is not None
        async with asyncio.timeout(SOON_S):
            line = await self.child.stdout.readline()
        assert line, await self.errors()
        return line.decode().rstrip("\n")

    async def told(self, key: str) -> Any:
        """Return the next thing it says of this key, which may be that it is gone."""
        while True:
            line = await self.line()
            if line.startswith("{") and (said := orjson.loads(line))["key"] == key:
                return said["view"]

    async def end(self, number: signal.Signals = signal.SIGINT) -> None:
        self.child.send_signal(number)
        async with asyncio.timeout(SOON_S):
            assert await self.child.wait() == 0, await self.errors()

    async def errors(self) -> str:
        assert self.child.stderr is not None
        return (await self.child.stderr.read()).decode()


@asynccontextmanager
async def example(
    name: str, *words: str, first: Path = ROOT, said: bytes | None = None
) -> AsyncIterator[Program]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *(f"examples/{name}", *words),
        cwd=ROOT,
        stdin=None if said is None else asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{first}{os.pathsep}{ROOT}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    if said is not None:
        assert child.stdin is not None
        child.stdin.write(said)
        child.stdin.close()
    try:
        yield Program(child)
    finally:
        if child.returncode is None:
            child.kill()
        # What it still says is read too: a pipe that is left is a resource that leaks.
        await child.communicate()


@pytest.fixture
def deal() -> str:
    """The id of an opportunity that no other test knows."""
    return f"o{uuid4().hex[:10]}"


async def discovered(platform: Platform, deal: str, **more: Any) -> None:
    body = {"title": "Ten", "stage": "Engaging", "on": "2026-01-05", **more}
    await recorded(platform, f"/opportunities/{deal}/discover", body)


async def recorded(platform: Platform, path: str, body: Any) -> None:
    answer = await platform.post(path, body)
    assert answer.status_code == 202, answer.text
    deal = path.split("/")[2]
    # The copy is compared with what the platform itself answers, so that has to be there.
    await platform.read(f"/opportunities/{deal}", answer.json()["token"])


async def won(platform: Platform, deal: str) -> None:
    body = {"value": "10.50", "currency": "USD", "on": "2026-02-05"}
    await recorded(platform, f"/opportunities/{deal}/win", body)


async def published(platform: Platform, key: str) -> None:
    """Wait until the view's topic holds what its document says."""
    dirty = platform.documents("opportunities", DIRTY)

    async def sent() -> bool:
        return dirty.find_one({"key": key}) is None

    await until(sent)


class TestKafkaCopy:
    async def test_it_holds_what_is_there_and_hears_of_changes(
        self, platform: Platform, deal: str
    ) -> None:
        key = f"opportunity-{deal}"
        await discovered(platform, deal)
        await published(platform, key)
        kafka = platform.node.settings.kafka
        async with example("kafka_copy.py", "--kafka", kafka) as program:
            assert (await program.line()).startswith("whole ")
            await won(platform, deal)
            assert (await program.told(key))["outcome"] == "won"
            await program.end()
        await published(platform, key)
        async with example("kafka_copy.py", "--kafka", kafka, "--once") as program:
            view = await program.told(key)
            card = await platform.read(f"/opportunities/{deal}")
            assert {name: card[name] for name in view} == view

    async def test_what_figures_are_compared_with_is_copied_too(
        self, platform: Platform, deal: str
    ) -> None:
        defined = {"name": "Deals won", "expression": "won", "frequency": "month"}
        words = ("--kafka", platform.node.settings.kafka, "--view", "kpi_card")
        async with example("kafka_copy.py", *words) as program:
            assert (await program.line()).startswith("whole ")
            answer = await platform.post(f"/analytics/kpis/{deal}/define", defined)
            assert answer.status_code == 202, answer.text
            # It is defined by one fact and holds from the next on: both are changes of the view.
            while not (view := await program.told(f"kpi-{deal}"))["active"]:
                pass
        card = await platform.read(f"/analytics/kpis/{deal}", answer.json()["token"])
        assert view["definitions"][0]["expression"] == "won"
        assert {name: card[name] for name in view} == view

    async def test_a_tombstone_takes_the_view_out_and_a_late_record_does_not_bring_it_back(
        self, platform: Platform, deal: str
    ) -> None:
        """As somebody writes who publishes; the platform mends the topic as soon as it reads it."""
        key = f"opportunity-{deal}"
        kafka, topic = platform.node.settings.kafka, "views.opportunity_card"
        async with example("kafka_copy.py", "--kafka", kafka) as program:
            assert (await program.line()).startswith("whole ")
            for rev, value in (
                ("999.1.2", b'{"n": 2}'),
                ("999.1.1", b'{"n": 1}'),
                ("999.1.3", None),
                ("999.1.2", b'{"n": 2}'),
                ("999.1.4", b'{"n": 4}'),
            ):
                await platform.log.append(topic, key, value, [("ce_rev", rev.encode())])
            assert [await program.told(key) for _ in range(3)] == [{"n": 2}, None, {"n": 4}]

    async def test_a_view_that_is_not_published_is_named(self, platform: Platform) -> None:
        kafka = platform.node.settings.kafka
        async with example("kafka_copy.py", "--kafka", kafka, "--view", "towels") as program:
            assert "there is no topic views.towels" in await program.errors()
            assert await program.child.wait() == 1


class TestPublishTouches:
    async def test_what_it_sends_is_in_the_timeline_once_and_what_is_wrong_is_told(
        self, platform: Platform, deal: str
    ) -> None:
        person = f"person-{deal}"
        good = {"id": f"{deal}-1", "time": "2026-03-02T09:00:00Z"}
        good |= {"data": {"person": person, "channel": "campaign", "campaign": "spring"}}
        wrong = {"id": f"{deal}-2", "data": {"person": person, "channel": "pigeon"}}
        lines = b"".join(orjson.dumps(line) + b"\n" for line in (good, wrong))
        words = ("--kafka", platform.node.settings.kafka, "--source", "/campaigns")
        for mode in ((), ("--binary",)):
            async with example("publish_touches.py", *words, *mode, said=lines) as program:
                assert await program.line() == "sent 2"

        # What is set aside of an inbox is found by its place: who sent it may have named anybody.
        async def refused() -> list[str]:
            held = (await platform.read("/parked?limit=200"))["parked"]
            return [one["reason"] for one in held if person in one["value"]]

        async def heard() -> bool:
            return len(await refused()) == 2

        await until(heard)
        (name,) = {reason.partition(": ")[0] for reason in await refused()}
        assert name == "#/data/channel"
        sent = read_event({**good, "specversion": "1.0", "type": TYPE, "source": "/campaigns"}).sent
        assert sent is not None
        token = Token(sent.stream, 1).encode()
        months = await platform.read(f"/contacts/people/{deal}/timeline", token)
        assert [touch["touch"] for month in months["items"] for touch in month["touches"]] == [
            sent.stream
        ]

    async def test_it_prints_what_is_answered_to_what_it_sent(
        self, platform: Platform, deal: str
    ) -> None:
        data = {"person": f"person-{deal}", "channel": "campaign"}
        plain = {"id": f"{deal}-plain", "data": data}
        wrong = {"id": f"{deal}-wrong", "data": {**data, "channel": "pigeon"}}
        promotion = {**data, "about": "promotion", "campaign": "spring"}
        again = {"id": f"{deal}-again", "time": "2026-03-20T09:00:00Z", "data": promotion}
        earlier = promotion | {"occurred_at": "2026-03-01T09:00:00Z"}
        first = await platform.post("/touches", earlier, idempotency_key=deal)
        await platform.read(f"/contacts/people/{deal}/promotions", first.json()["token"])
        # Beside it somebody else publishes, whose answers are not for it.
        another = orjson.dumps({**wrong, "id": f"{deal}-another"})
        told = b"".join(orjson.dumps(line) + b"\n" for line in (again, plain, wrong))
        kafka = platform.node.settings.kafka
        words = ("--kafka", kafka, "--source", "/campaigns", "--answers", "60")
        async with (
            example("publish_touches.py", *words, said=told) as program,
            example("publish_touches.py", *words, said=another) as other,
        ):
            assert await program.line() == "sent 3"
            assert await other.line() == "sent 1"
            heard = [orjson.loads(await program.line()) for _ in range(2)]
            assert orjson.loads(await other.line())["id"] == f"{deal}-another"
        found = {one["id"].removeprefix(f"{deal}-"): one for one in heard}
        assert found["wrong"]["problem"]["errors"][0]["pointer"] == "#/data/channel"
        assert found["again"]["repeats"]["on"] == "2026-03-01"

    @pytest.mark.parametrize(
        ("kafka", "said", "why"),
        [
            ("127.0.0.1:1", b'{"id": "1", "data": {}}', "nothing answers as Kafka at 127.0.0.1:1"),
            ("127.0.0.1:1", b'{"id": "1", "data": {}}\n{', "line 2 is not JSON: "),
            ("127.0.0.1:1", b'["id"]', "line 1 is no event: an object with `id` and `data`"),
        ],
    )
    async def test_what_is_wrong_is_said_in_one_line(
        self, kafka: str, said: bytes, why: str
    ) -> None:
        words = ("--kafka", kafka, "--source", "/campaigns", "--answers")
        async with example("publish_touches.py", *words, said=said) as program:
            (line,) = (await program.errors()).splitlines()
            assert line.startswith(why)
            assert await program.child.wait() == 1

    @pytest.mark.parametrize("seconds", ["-5", "0", "nan", "inf", "1e9", "soon"])
    async def test_answers_are_waited_for_as_long_as_somebody_may_wait(self, seconds: str) -> None:
        words = ("--kafka", "127.0.0.1:1", "--source", "/campaigns", "--answers", seconds)
        async with example("publish_touches.py", *words, said=b"") as program:
            *_, line = (await program.errors()).splitlines()
            assert "argument --answers: " in line
            assert f"'{seconds}'" in line
            assert await program.child.wait() == 2


class TestSseCopy:
    async def test_it_hears_of_changes_and_goes_on_where_it_was(
        self, platform: Platform, address: str, deal: str, tmp_path: Path
    ) -> None:
        key, kept = f"opportunity-{deal}", tmp_path / "copy.json"
        words = ("--url", address, "--keep", str(kept))
        await discovered(platform, deal)
        async with example("sse_copy.py", *words) as program:
            assert (await program.told(key))["stage"] == "Engaging"
            await program.end(signal.SIGTERM)
        held = orjson.loads(kept.read_bytes())["held"]
        assert held[key][1]["stage"] == "Engaging"
        await won(platform, deal)
        async with example("sse_copy.py", *words) as program:
            # The first line is what is new, not what it has.
            said = orjson.loads(await program.line())
            assert (said["key"], said["view"]["outcome"]) == (key, "won")
            await program.end()
        held = orjson.loads(kept.read_bytes())["held"]
        card = await platform.read(f"/opportunities/{deal}")
        assert {name: card[name] for name in held[key][1]} == held[key][1]

    async def test_a_view_that_is_not_published_is_named(self, address: str) -> None:
        async with example("sse_copy.py", "--url", address, "--view", "towels") as program:
            assert "no published view 'towels'" in await program.errors()
            assert await program.child.wait() == 1


class TestFrame:
    async def test_the_frame_follows_the_view(
        self, platform: Platform, address: str, deal: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "frame.csv"
        await discovered(platform, deal, amount="1000.25", currency="USD")
        await discovered(platform, f"{deal}b", amount="500.50", currency="USD")
        async with example("frame.py", "--url", address, "--csv", str(file)) as program:
            rows = await self.rows_of(program, file, deal)
            assert (rows[deal]["amount"], rows[deal]["outcome"]) == ("1000.25", "")
            assert rows[f"{deal}b"]["discovered_on"] == "2026-01-05"
            await won(platform, deal)
            while rows[deal]["outcome"] != "won":
                rows = await self.rows_of(program, file, deal)
            assert rows[deal]["value"] == "10.5"
            await program.end()

    async def rows_of(self, program: Program, file: Path, deal: str) -> dict[str, dict[str, str]]:
        """Return the rows of a test's opportunities, once the frame has been printed again."""
        while not (await program.line()).endswith("opportunities, open:"):
            pass
        read = csv.DictReader(io.StringIO(await asyncio.to_thread(file.read_text)))
        prefix = "opportunity-"
        return {
            row["key"].removeprefix(prefix): row
            for row in read
            if row["key"].startswith(f"{prefix}{deal}")
        }

    async def test_without_pandas_it_says_what_it_needs(self, tmp_path: Path) -> None:
        missing = tmp_path / "pandas.py"
        missing.write_text("raise ModuleNotFoundError(__name__)")
        async with example("frame.py", "--url", "http://127.0.0.1:9", first=tmp_path) as program:
            assert "pip install pandas" in await program.errors()
            assert await program.child.wait() == 1


class TestPullFeed:
    """The facts of all domains, from a log that really runs."""

    async def test_every_record_once_and_in_order(self, platform: Platform, deal: str) -> None:
        got: list[Any] = []
        query = {"limit": "3"}
        for number in range(6):
            await discovered(platform, f"{deal}{number}")
            # Pulled meanwhile, in pages that end anywhere.
            answer = await platform.http.get("/events", params=query)
            got += answer.json()
            query["after"] = answer.headers["x-after"]
        got += await self.pulled(platform, query)
        everything = await self.pulled(platform, {"limit": "1000"})
        places = sorted(event["logposition"] for event in everything)
        assert sorted(event["logposition"] for event in got) == places
        assert len(places) == len(set(places)) == await self.written(platform)
        streams: dict[str, list[int]] = {}
        for event in got:
            streams.setdefault(event["subject"], []).append(event["streamversion"])
        assert {f"opportunity-{deal}{n}" for n in range(6)} <= streams.keys()
        assert all(found == list(range(1, len(found) + 1)) for found in streams.values())

    async def test_who_waits_hears_of_it_long_before_the_wait_is_over(
        self, platform: Platform, deal: str
    ) -> None:
        answer = await platform.http.get("/events", params={"limit": "1000"})
        while answer.json():
            answer = await platform.http.get(f"/events{answer.links['next']['url']}")
        query = {"after": answer.headers["x-after"], "wait": "20"}
        async with asyncio.timeout(10):
            waiting = asyncio.create_task(platform.http.get("/events", params=query))
            await discovered(platform, deal)
            heard = (await waiting).json()
        (fact,) = (fact for fact in heard if fact["subject"] == f"opportunity-{deal}")
        assert fact["type"] == "opportunities.opportunity_discovered.v1"

    async def pulled(self, platform: Platform, query: dict[str, str]) -> list[Any]:
        found: list[Any] = []
        answer = await platform.http.get("/events", params=query)
        while events := answer.json():
            found += events
            answer = await platform.http.get(f"/events{answer.links['next']['url']}")
        return found

    async def written(self, platform: Platform) -> int:
        topics = (await platform.read("/topics"))["topics"]
        return sum(topic["records"] for topic in topics if topic["cleanup"] == "keep")
