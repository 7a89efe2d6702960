"""The journey of a touch through the whole platform, and everything that may go wrong on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.analytics.cells import AXES
from services.analytics.kept_cells import changes_of, read
from services.analytics.measures import VERSION
from services.analytics.packing import pack
from services.analytics.tables import Tables
from services.contacts.projections import company_card, person_card, timeline
from services.contacts.touch_events import STRUCTURED, TYPE, read_event
from shared.clock import SystemClock
from shared.events import Envelope, decode, encode
from shared.events.contacts import AffiliationEnded, PersonAffiliated, PersonRegistered
from shared.log import Partition, Record, partition_of
from shared.published import Build
from shared.reading import Token
from tests.integration.conftest import Platform, until

pytestmark = pytest.mark.connected

PROBLEM = "application/problem+json"
COMPANY_CARD, PERSON_CARD, TIMELINE = (
    Build(view.name, view.version).collection for view in (company_card, person_card, timeline)
)
# "Visible within seconds."
SECONDS = 5.0


@pytest.fixture
def who() -> str:
    """The id of a person whom no other test knows."""
    return f"p{uuid4().hex[:10]}"


def touch(who: str, **more: Any) -> dict[str, Any]:
    return {"person": f"person-{who}", "channel": "call", **more}


async def touched(platform: Platform, key: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await platform.post("/touches", body, idempotency_key=key)
    assert answer.status_code == 202, answer.text
    recorded: dict[str, Any] = answer.json()
    return recorded


async def registered(platform: Platform, who: str, name: str = "Ada") -> str:
    answer = await platform.post(f"/contacts/people/{who}/register", {"name": name})
    assert answer.status_code == 202, answer.text
    token: str = answer.json()["token"]
    return token


async def known(platform: Platform, who: str) -> None:
    """Register somebody, and wait until their card says so: a touch's token covers touches only."""
    await platform.read(f"/contacts/people/{who}", await registered(platform, who))


async def in_log(platform: Platform, topic: str, stream: str) -> list[Record]:
    partition = Partition(topic, partition_of(stream, await platform.log.partitions(topic)))
    end = (await platform.log.ends(topic))[partition]
    batches = [batch async for batch in platform.log.read(partition, 0, end)]
    return [r for batch in batches for r in batch if r.key == stream.encode()]


def fact(stream: str, version: int, data: Any) -> Envelope:
    """A fact as another release or another writer would put it into the log."""
    now = SystemClock().now()
    return Envelope(
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


class TestTouch:
    """A touch comes in, becomes a fact in the log, and is read back from the views."""

    async def test_from_the_edge_to_the_timeline(self, platform: Platform, who: str) -> None:
        await known(platform, who)
        body = touch(who, subject="prices", occurred_at="2026-03-09T08:30:00+09:00")
        recorded = await touched(platform, who, body)
        month = await platform.read(f"/contacts/people/{who}/timeline", recorded["token"])
        card = await platform.read(f"/contacts/people/{who}", recorded["token"])
        (item,) = month["items"]
        assert item["month"] == "2026-03"
        assert [(t["touch"], t["subject"]) for t in item["touches"]] == [
            (recorded["stream"], "prices")
        ]
        assert (card["name"], card["touch_count"]) == ("Ada", 1)
        assert card["last_touch_at"] == "2026-03-08T23:30:00Z"

    async def test_its_fact_lies_in_the_log(self, platform: Platform, who: str) -> None:
        recorded = await touched(platform, who, touch(who))
        await platform.read(f"/contacts/people/{who}/timeline", recorded["token"])
        (record,) = await in_log(platform, "touches", recorded["stream"])
        assert decode(record.value).data.person == f"person-{who}"  # type: ignore[attr-defined]
        trace = await platform.read(f"/trace/{recorded['stream']}")
        (found,) = trace["facts"]
        assert found["position"] == "/".join(map(str, record.position))
        assert {"person_card", "timeline"} <= {view["view"] for view in trace["views"]}

    async def test_the_same_id_twice_counts_once(self, platform: Platform, who: str) -> None:
        both = [await touched(platform, who, touch(who)) for _ in range(2)]
        assert both[0]["stream"] == both[1]["stream"]
        after = await touched(platform, f"{who}-next", touch(who))
        for recorded in (both[0], after):
            await platform.read(f"/contacts/people/{who}", recorded["token"])
            month = await platform.read(f"/contacts/people/{who}/timeline", recorded["token"])
        card = await platform.read(f"/contacts/people/{who}")
        assert card["touch_count"] == 2
        (item,) = month["items"]
        assert len(item["touches"]) == 2

    async def test_the_same_id_at_the_same_moment_counts_once(
        self, platform: Platform, who: str
    ) -> None:
        answers = await asyncio.gather(
            *(platform.post("/touches", touch(who), idempotency_key=who) for _ in range(8))
        )
        assert {answer.status_code for answer in answers} <= {202, 503}
        recorded = await touched(platform, who, touch(who))
        last = await touched(platform, f"{who}-next", touch(who))
        for each in (recorded, last):
            card = await platform.read(f"/contacts/people/{who}", each["token"])
        assert card["touch_count"] == 2

    async def test_a_late_touch_lands_on_its_own_date(self, platform: Platform, who: str) -> None:
        for day in ("2026-05-20", "2025-11-03"):
            body = touch(who, occurred_at=f"{day}T10:00:00Z")
            recorded = await touched(platform, f"{who}-{day}", body)
            months = await platform.read(f"/contacts/people/{who}/timeline", recorded["token"])
            card = await platform.read(f"/contacts/people/{who}", recorded["token"])
        assert [item["month"] for item in months["items"]] == ["2025-11", "2026-05"]
        assert card["last_touch_at"] == "2026-05-20T10:00:00Z"

    async def test_a_touch_for_a_person_nobody_knows(self, platform: Platform, who: str) -> None:
        recorded = await touched(platform, who, touch(who))
        card = await platform.read(f"/contacts/people/{who}", recorded["token"])
        assert (card["name"], card["touch_count"]) == (None, 1)
        token = await registered(platform, who, "Known at last")
        card = await platform.read(f"/contacts/people/{who}", token)
        assert (card["name"], card["touch_count"]) == ("Known at last", 1)

    async def test_a_batch_sent_again_adds_nothing(self, platform: Platform, who: str) -> None:
        touches = [{"id": f"{who}-{n}", "touch": touch(who)} for n in range(20)]
        for _ in range(2):
            answer = await platform.post("/touches/batch", {"source": "mail", "touches": touches})
            assert answer.status_code == 202
            told = answer.json()
            assert (told["accepted"] + told["duplicates"], told["rejected"]) == (20, 0)
        path = f"/contacts/people/{who}"
        await until(lambda: _counts(platform, path, 20))
        last = await touched(platform, f"{who}-last", touch(who))
        assert (await platform.read(path, last["token"]))["touch_count"] == 21


async def _counts(platform: Platform, path: str, count: int) -> bool:
    answer = await platform.get(path)
    return answer.status_code == 200 and answer.json()["touch_count"] == count


class TestPublishedOnKafka:
    """A publisher that only has Kafka hears what it has to act on (C-14)."""

    async def test_what_repeats_what_lacks_consent_and_what_is_wrong_is_answered_once(
        self, platform: Platform, who: str
    ) -> None:
        await known(platform, who)
        first, again = promoted(who, "a", "2026-03-01"), promoted(who, "b", "2026-03-20")
        plain = {**promoted(who, "plain", "2026-03-02"), "data": touch(who)}
        wrong = {**promoted(who, "wrong", "2026-03-02"), "data": touch(who, email="no address")}
        await self.send(platform, first, plain)
        await self.moved(platform, who, first, plain)
        await self.send(platform, again, wrong)
        repeated, refused = await self.answers(platform, who, 2)
        assert repeated["status"] == "accepted"
        assert repeated["repeats"] == {"on": "2026-03-01", "by": who, "again_from": "2026-03-31"}
        assert refused["status"] == "rejected"
        over_http = await platform.http.post(
            "/touches", content=orjson.dumps(wrong), headers={"content-type": STRUCTURED}
        )
        assert refused["problem"]["errors"] == over_http.json()["errors"]
        assert set(refused["record"]) == {"topic", "partition", "offset"}
        await platform.read(f"/contacts/people/{who}/promotions", repeated["token"])

        body = {"purpose": "marketing", "source": "spoken", "on": "2026-03-25"}
        answer = await platform.post(f"/contacts/people/{who}/withdraw-consent", body)
        token = answer.json()["token"]
        await platform.read(f"/contacts/people/{who}/consents", token)
        lacking = promoted(who, "c", "2026-04-30", campaign="autumn")
        # Sent again it is the same touch, which does not repeat itself.
        await self.send(platform, first, again, plain, lacking)
        told = {one["id"]: one for one in await self.answers(platform, who, 3)}
        assert told.keys() == {f"{who}-{name}" for name in ("b", "wrong", "c")}
        assert told[f"{who}-c"]["no_consent"] == {
            "purpose": "marketing",
            "channel": "email",
            "withdrawn": True,
            "since": "2026-03-25",
        }
        assert "repeats" not in told[f"{who}-c"]

    async def send(self, platform: Platform, *events: dict[str, Any]) -> None:
        headers = (("content-type", STRUCTURED.encode()),)
        # One key: they are read in the order in which they were sent.
        for event in events:
            await platform.log.append("touches-inbox", "k", orjson.dumps(event), headers)

    async def moved(self, platform: Platform, who: str, *events: dict[str, Any]) -> None:
        for event in events:
            sent = read_event(event).sent
            assert sent is not None
            token = Token(sent.stream, 1).encode()
            await platform.read(f"/contacts/people/{who}/promotions", token)

    async def answers(self, platform: Platform, who: str, count: int) -> list[dict[str, Any]]:
        """Return what is told to this publisher, in the order of its records."""

        async def found() -> list[dict[str, Any]]:
            told: dict[str, dict[str, Any]] = {}
            for partition, end in (await platform.log.ends("touches-answers")).items():
                async for batch in platform.log.read(partition, 0, end):
                    for event in (orjson.loads(record.value or b"") for record in batch):
                        if event["data"].get("source") == who:
                            told[event["id"]] = event["data"]
            enough = sorted(told.values(), key=lambda one: one["record"]["offset"])
            return enough if len(enough) >= count else []

        heard: list[dict[str, Any]] = await until(found)
        return heard


def promoted(who: str, name: str, day: str, **more: Any) -> dict[str, Any]:
    data = {"person": f"person-{who}", "channel": "email", "about": "promotion"}
    return {
        "specversion": "1.0",
        "type": TYPE,
        "source": who,
        "id": f"{who}-{name}",
        "time": f"{day}T09:00:00Z",
        "data": {**data, "campaign": "spring", **more},
    }


class TestParking:
    """What cannot be folded is set aside with its stream, in sight, and never in the way."""

    async def test_undecodable_bytes_park_their_stream_only(
        self, platform: Platform, who: str
    ) -> None:
        stream = f"person-{who}"
        await platform.log.append("contacts", stream, b"\xff\x00 no fact")
        held = await until(lambda: platform.parked(stream), within_s=SECONDS)
        assert all("not JSON" in fact["reason"] for fact in held)
        # Its neighbours in the same partition go on.
        home = partition_of(stream, 4)
        same = next(n for n in map(str, range(99)) if partition_of(f"person-{who}{n}", 4) == home)
        token = await registered(platform, f"{who}{same}")
        assert (await platform.read(f"/contacts/people/{who}{same}", token))["name"] == "Ada"
        # What follows in the parked stream waits behind it, and its readers are told.
        token = await registered(platform, who)
        answer = await platform.get(f"/contacts/people/{who}", x_at_least=token)
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("/stream-parked")
        waiting = await until(lambda: _behind(platform, stream))
        assert [fact["version"] for fact in waiting] == [1]

    async def test_an_event_of_a_newer_release_waits_for_that_release(
        self, platform: Platform, who: str
    ) -> None:
        stream = f"touch-{uuid4()}"
        document = orjson.loads(encode(fact(stream, 1, PersonRegistered(name="x"))))
        document["type"] = "touches.touch_recorded.v99"
        await platform.log.append("touches", stream, orjson.dumps(document))
        held = await until(lambda: _held_by_both(platform, stream), within_s=SECONDS)
        assert all("touch_recorded.v99" in held_fact["reason"] for held_fact in held)
        assert await replayed(platform, stream) == {1}  # Not by this release either.
        token = (await touched(platform, who, touch(who)))["token"]
        assert (await platform.read(f"/contacts/people/{who}", token))["touch_count"] == 1

    async def test_a_fact_ahead_of_its_stream_is_folded_when_the_gap_is_filled(
        self, platform: Platform, who: str
    ) -> None:
        stream, path = f"person-{who}", f"/contacts/people/{who}"
        joined = fact(stream, 2, PersonAffiliated(company="company-acme"))
        await platform.log.append("contacts", stream, encode(joined))
        held = await until(lambda: platform.parked(stream), within_s=SECONDS)
        assert any("gap: version 1" in held_fact["reason"] for held_fact in held)
        first = fact(stream, 1, PersonRegistered(name="Late"))
        await platform.log.append("contacts", stream, encode(first))
        await until(lambda: _behind(platform, stream))
        assert await replayed(platform, stream) == {0}
        card = await platform.read(path)
        assert (card["name"], card["companies"]) == ("Late", ["company-acme"])
        assert await platform.parked(stream) == []
        last = fact(stream, 3, AffiliationEnded(company="company-acme"))
        await platform.log.append("contacts", stream, encode(last))
        await until(lambda: _left(platform, path))

    async def test_a_fork_is_parked_and_the_first_fact_stands(
        self, platform: Platform, who: str
    ) -> None:
        stream = f"person-{who}"
        token = await registered(platform, who, "First")
        await platform.read(f"/contacts/people/{who}", token)
        other = fact(stream, 1, PersonRegistered(name="Second"))
        await platform.log.append("contacts", stream, encode(other))
        held = await until(lambda: platform.parked(stream), within_s=SECONDS)
        assert all("fork" in held_fact["reason"] for held_fact in held)
        assert (await platform.read(f"/contacts/people/{who}"))["name"] == "First"

    async def test_replaying_what_is_not_there_is_refused(self, platform: Platform) -> None:
        body = {"domain": "contacts", "collection": "nothing_v1", "stream": "person-x"}
        answer = await platform.post("/parked/replay", body)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == PROBLEM


async def _behind(platform: Platform, stream: str) -> list[dict[str, Any]]:
    held = await platform.parked(stream)
    cards = [found for found in held if found["collection"] == PERSON_CARD]
    return [found for found in cards if "behind" in found["reason"]]


async def _held_by_both(platform: Platform, stream: str) -> list[dict[str, Any]]:
    held = await platform.parked(stream)
    return held if {fact["collection"] for fact in held} >= {PERSON_CARD, TIMELINE} else []


async def _left(platform: Platform, path: str) -> bool:
    return bool((await platform.read(path))["companies"] == [])


async def replayed(platform: Platform, stream: str) -> set[int]:
    """Replay the stream wherever it is parked; return how many facts are left in each place."""
    left = set()
    for place in {(held["domain"], held["collection"]) for held in await platform.parked(stream)}:
        body = {"domain": place[0], "collection": place[1], "stream": stream}
        answer = await platform.post("/parked/replay", body)
        assert answer.status_code == 200, answer.text
        left.add(answer.json()["left"])
    return left


class TestHttp:
    """Conditional requests, idempotency, problems and pages, on the real store."""

    async def test_if_match(self, platform: Platform, who: str) -> None:
        await registered(platform, who)
        path, body = f"/contacts/people/{who}/affiliate", {"company": "company-acme"}
        stale = await platform.post(path, body, if_match='"7"')
        assert stale.status_code == 412
        assert stale.headers["content-type"] == PROBLEM
        assert stale.json()["errors"][0]["pointer"] == "If-Match"
        fresh = await platform.post(path, body, if_match='"1"')
        assert (fresh.status_code, fresh.headers["etag"]) == (202, '"2"')

    async def test_if_match_lets_one_of_many_win(self, platform: Platform, who: str) -> None:
        await registered(platform, who)
        answers = await asyncio.gather(
            *(
                platform.post(
                    f"/contacts/people/{who}/affiliate",
                    {"company": f"company-{n}"},
                    if_match='"1"',
                )
                for n in range(6)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [202, *[412] * 5]

    async def test_an_idempotency_key_happens_once(self, platform: Platform, who: str) -> None:
        path = f"/contacts/people/{who}/register"
        first, again = [
            await platform.post(path, {"name": "Ada"}, idempotency_key=who) for _ in range(2)
        ]
        assert (first.json()["recorded"], first.json()["duplicate"]) == (1, False)
        assert (again.json()["recorded"], again.json()["duplicate"]) == (0, True)
        assert again.json()["token"] == first.json()["token"]
        other = await platform.post(path, {"name": "Bo"}, idempotency_key=who)
        assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (
            422,
            "command-reused",
        )

    @pytest.mark.parametrize(
        ("path", "body", "status", "pointer"),
        [
            ("/touches", {"person": "person-x", "channel": "call"}, 422, "Idempotency-Key"),
            ("/touches", {"person": "x", "channel": "call"}, 422, "#/person"),
            ("/touches", {"person": "person-x", "channel": "smoke"}, 422, "#/channel"),
            ("/contacts/people/x/register", {"name": "Ada", "nmae": "x"}, 422, "#/nmae"),
            ("/contacts/commands", {"commands": 7}, 422, "#/commands"),
        ],
    )
    async def test_a_problem_names_the_field(
        self, platform: Platform, path: str, body: Any, status: int, pointer: str
    ) -> None:
        answer = await platform.post(path, body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == PROBLEM
        problem = answer.json()
        assert pointer in [found["pointer"] for found in problem["errors"]]
        assert problem["status"] == status
        assert problem["correlation_id"] == answer.headers["x-correlation-id"]

    async def test_pages_hold_everything_once(self, platform: Platform, who: str) -> None:
        company = f"company-{who}"
        for n in range(7):
            await registered(platform, f"{who}{n}")
            answer = await platform.post(
                f"/contacts/people/{who}{n}/affiliate", {"company": company}
            )
            await platform.read(f"/contacts/people/{who}{n}", answer.json()["token"])
        found: list[str] = []
        path = f"/contacts/people?company={company}&limit=3"
        cursor: str | None = ""
        while cursor is not None:
            page = await platform.read(path + (f"&cursor={cursor}" if cursor else ""))
            found += [item["person"] for item in page["items"]]
            previous, cursor = cursor, page["next_cursor"]
        assert found == [f"person-{who}{n}" for n in range(7)]
        elsewhere = await platform.get(f"/contacts/people?company=company-x&cursor={previous}")
        assert elsewhere.status_code == 422
        assert elsewhere.json()["errors"][0]["pointer"] == "query/cursor"

    async def test_unchanged_is_304(self, platform: Platform, who: str) -> None:
        token = await registered(platform, who)
        path = f"/contacts/people/{who}"
        first = await platform.get(path, x_at_least=token)
        same = await platform.get(path, if_none_match=first.headers["etag"])
        assert same.status_code == 304

    async def test_a_command_in_bulk_is_decided_for_itself(
        self, platform: Platform, who: str
    ) -> None:
        stream = f"person-{who}"
        commands = [
            {"stream": stream, "type": "register", "command": {"name": "Ada"}, "id": who},
            {"stream": stream, "type": "register", "command": {"name": "Ada"}},
            {"stream": stream, "type": "register", "command": {"nmae": "Ada"}},
        ]
        answer = await platform.post("/contacts/commands", {"commands": commands})
        assert [result["status"] for result in answer.json()["results"]] == [
            "recorded",
            "refused",
            "invalid",
        ]


class TestHistory:
    """By when it happened, and by when we knew."""

    async def test_as_of_and_known_at(self, platform: Platform, who: str) -> None:
        for path, body in (
            ("register", {"name": "Ada", "on": "2026-01-10"}),
            ("affiliate", {"company": "company-a", "on": "2026-03-01"}),
            # Learnt late: it happened before what we knew already.
            ("affiliate", {"company": "company-b", "on": "2026-02-01"}),
        ):
            answer = await platform.post(f"/contacts/people/{who}/{path}", body)
            assert answer.status_code == 202, answer.text
        history = f"/contacts/history/person-{who}"
        facts = (await platform.read(history))["facts"]
        assert [f["streamversion"] for f in facts] == [1, 2, 3]

        async def versions(**when: str) -> list[int]:
            asked = "&".join(f"{name}={at}" for name, at in when.items())
            found = await platform.read(f"{history}?{asked}")
            return [f["streamversion"] for f in found["facts"]]

        assert await versions(as_of="2026-02-15T00:00:00Z") == [1, 3]
        assert await versions(known_at=facts[1]["recordedat"]) == [1, 2]
        both = {"as_of": "2026-02-15T00:00:00Z", "known_at": facts[1]["recordedat"]}
        assert await versions(**both) == [1]

    async def test_of_nothing_is_a_404(self, platform: Platform, who: str) -> None:
        answer = await platform.get(f"/contacts/history/person-{who}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)


class TestRebuild:
    """A view is folded again beside the one that answers, which then takes over."""

    async def test_queries_switch_and_say_the_same(self, platform: Platform, who: str) -> None:
        await known(platform, who)
        recorded = await touched(platform, who, touch(who))
        path = f"/contacts/people/{who}"
        before = await platform.read(path, recorded["token"])
        answer = await platform.post("/views/person_card/rebuild")
        assert answer.status_code == 202
        coming = answer.json()["collection"]
        refused = await platform.post("/views/person_card/rebuild")
        assert refused.status_code in (202, 503)  # 503 unless the first one is through already.
        await until(lambda: _answers(platform, coming))
        assert await platform.read(path) == before
        # It goes on from there.
        recorded = await touched(platform, f"{who}-next", touch(who))
        assert (await platform.read(path, recorded["token"]))["touch_count"] == 2

    async def test_an_unknown_view_is_named(self, platform: Platform) -> None:
        answer = await platform.post("/views/no_such/rebuild")
        assert answer.status_code == 404
        assert "person_card" in answer.json()["detail"]


async def _answers(platform: Platform, collection: str) -> bool:
    views = (await platform.read("/views"))["views"]
    return collection in {view["collection"] for view in views}


class TestVerify:
    """Everything is recomputed from the log; a field corrupted by hand is named."""

    @pytest.fixture
    async def folded(self, platform: Platform, who: str) -> str:
        await known(platform, who)
        recorded = await touched(platform, who, touch(who))
        for path in (f"/contacts/people/{who}", f"/contacts/people/{who}/timeline"):
            await platform.read(path, recorded["token"])
        return who

    async def test_what_was_folded_is_equal(self, platform: Platform, folded: str) -> None:
        assert await self.settled(platform) == []

    @pytest.mark.parametrize(
        ("collection", "key", "change", "named"),
        [
            (TIMELINE, "person-{}/", {"view.touches.0.channel": "email"}, "touches"),
            (COMPANY_CARD, "company-{}", {"view.parent": "company-x"}, "parent"),
        ],
    )
    async def test_a_corrupted_view_is_named(
        self,
        platform: Platform,
        folded: str,
        collection: str,
        key: str,
        change: dict[str, Any],
        named: str,
    ) -> None:
        answer = await platform.post(f"/contacts/companies/{folded}/register", {"name": "Acme"})
        await platform.read(f"/contacts/companies/{folded}", answer.json()["token"])
        documents = platform.documents("contacts", collection)
        document = documents.find_one({"_id": {"$regex": f"^{key.format(folded)}"}})
        documents.update_one({"_id": document["_id"]}, {"$set": change})
        (difference,) = await self.settled(platform, 1)
        documents.replace_one({"_id": document["_id"]}, document)
        assert collection in difference
        assert document["_id"] in difference
        assert named in difference
        assert await self.settled(platform) == []

    async def test_a_corrupted_figure_is_named(
        self, platform: Platform, worker: Any, folded: str
    ) -> None:
        body = {"title": "Ten", "stage": "Engaging", "on": "2026-01-05"}
        answer = await platform.post(
            f"/opportunities/{folded}/discover", body | {"owner": f"employee-{folded}"}
        )
        path = f"/analytics/pipeline?by=stage&seller=employee-{folded}"
        await platform.read(path, answer.json()["token"])
        kept = platform.documents("analytics", changes_of(f"measures_v{VERSION}"))
        added = {d["_id"]: Tables().with_([read(d)]).cells(("stage",)) for d in kept.find()}
        key, cell = next(
            (key, cell)
            for key, cells in added.items()
            for cell in cells
            if cell.owner == f"employee-{folded}"
        )
        held = kept.find_one({"_id": key})
        cells = Tables().with_([read(held)]).cells(AXES)
        changed = pack(cells | {cell: cells[cell] + 1})
        kept.update_one({"_id": key}, {"$set": {"cells": changed}})
        (difference,) = (await platform.verified())["differences"]
        kept.replace_one({"_id": key}, held)
        assert cell.measure in difference
        assert f"employee-{folded}" in difference
        assert await self.settled(platform) == []

    async def test_a_fact_gone_from_the_journal_is_named(
        self, platform: Platform, folded: str
    ) -> None:
        journal = platform.documents("contacts", "journal")
        document = journal.find_one({"stream": f"person-{folded}"})
        journal.delete_one({"_id": document["_id"]})
        differences = await self.settled(platform, 1)
        journal.insert_one(document)
        assert any(f"person-{folded}" in difference for difference in differences)

    async def settled(self, platform: Platform, count: int = 0) -> list[str]:
        found = await platform.verified()
        ours: Callable[[str], bool] = lambda d: "person-" in d or "company-" in d  # noqa: E731
        differences: list[str] = found["differences"]
        assert found["equal"] == (not differences)
        return [d for d in differences if ours(d)] if count else differences


async def test_every_domain_goes_from_post_to_get(platform: Platform, who: str) -> None:
    opportunity = await platform.post(
        f"/opportunities/{who}/discover", {"title": "Ten machines", "on": "2026-01-05"}
    )
    won = await platform.post(
        f"/opportunities/{who}/win", {"value": "10.50", "currency": "USD", "on": "2026-02-05"}
    )
    assert (opportunity.status_code, won.status_code) == (202, 202)
    card = await platform.read(f"/opportunities/{who}", won.json()["token"])
    assert (card["outcome"], card["value"]) == ("won", "10.50")
    unit = await platform.post(f"/organization/units/{who}/form", {"name": "Team", "kind": "team"})
    assert unit.status_code == 202, unit.text
    found = await platform.read(f"/organization/units/{who}", unit.json()["token"])
    assert found["name"] == "Team"


class TestFigures:
    """With the Faust worker beside the node: the last leg of the journey."""

    async def test_a_touch_is_counted_once_on_its_own_day(
        self, platform: Platform, worker: Any, who: str
    ) -> None:
        body = touch(who, occurred_at="2026-04-14T03:00:00Z", employee=f"employee-{who}")
        tokens = [
            (await touched(platform, key, body))["token"] for key in (who, who, f"{who}-second")
        ]
        path = f"/analytics/touches?by=day&seller=employee-{who}"
        # Nothing is known of them until the worker has counted: each touch is waited for.
        for token in tokens:
            rows = (await platform.read(path, token))["rows"]
        assert [(row["key"], row["touches"]) for row in rows] == [("2026-04-14", 2)]

    async def test_a_won_deal_moves_the_pipeline(
        self, platform: Platform, worker: Any, who: str
    ) -> None:
        engaging = {"stage": "Engaging", "on": "2026-01-05"}
        for path, body in (
            ("discover", {"title": "Ten", "owner": f"employee-{who}", **engaging}),
            ("win", {"value": "10.50", "currency": "USD", "on": "2026-02-05"}),
        ):
            answer = await platform.post(f"/opportunities/{who}/{path}", body)
            assert answer.status_code == 202, answer.text
        path = f"/analytics/pipeline?by=quarter&seller=employee-{who}"
        token = answer.json()["token"]
        (row,) = (await platform.read(path, token))["rows"]
        assert (row["won"], row["value_won"], row["mean_cycle_days"]) == (1, "10.5", "31.00")

    async def test_the_outbox_empties_and_nothing_lags(
        self, platform: Platform, worker: Any, who: str
    ) -> None:
        await touched(platform, who, touch(who))

        async def nothing_left() -> bool:
            lag = await platform.read("/lag")
            return not any(lag["outbox"].values()) and not any(p["lag"] for p in lag["projections"])

        await until(nothing_left)
        assert (await platform.verified())["differences"] == []
