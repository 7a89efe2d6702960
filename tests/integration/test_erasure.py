"""A person is forgotten on the whole platform: canaries in every field, and then nowhere (M4).

The data directory holds every topic, every collection, every log file and what the databases have
freed and not overwritten: all of it is searched, byte by byte. So are the files of Apache Kafka.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from rich.console import Console

from sellers import forgetting
from sellers.client import Api
from sellers.data_dir import read_remembered
from sellers.engines import ApacheKafka, SecantusMongo
from sellers.processes import HOST
from shared.events.contacts import PersonEvent
from shared.events.touches import TouchRecorded
from shared.personal import personal_fields
from shared.released import examples_of
from tests.conftest import running
from tests.faults.plant import Plant
from tests.integration.started import started

PUBLISH = str(Path(__file__).parents[2] / "examples/publish_touches.py")
INBOX = "touches-inbox"
pytestmark = [pytest.mark.connected, pytest.mark.timeout(600)]

# Words that stand nowhere else. Each in Latin letters and digits: found whatever writes it.
CANARIES = {
    name: f"canary{name}{uuid4().hex[:12]}"
    for name in (
        *("name", "email", "phone", "role", "newname", "newemail", "merge", "words", "answer"),
        *("subject", "note", "evidence", "cardname", "cardemail", "eventnote", "unmerge"),
        *("issue", "promise", "service", "say", "assessment", "released", "title", "place"),
        *("agenda", "guest", "retold", "repeated"),
        *("named", "namednote", "foreign", "inboxnote", "unreadable"),
        "hangul",
    )
}
HANGUL = "나만아는이름" + CANARIES["hangul"]
WORDS = (*CANARIES.values(), "나만아는이름")
# Nobody's, told in the clear: where it is not found, looking for the others proves nothing.
CONTROL = f"control{uuid4().hex[:12]}"


def _bytes(root: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()


def _written(word: str) -> tuple[bytes, bytes]:
    """Return how a word stands in a file: as it is, and as noida-db writes bytes, in numbers."""
    return word.encode(), ",".join(map(str, word.encode())).encode()


def _found(root: Path, words: Iterable[str] = WORDS, but: Iterable[str] = ()) -> list[str]:
    """Return which words stand in which files, but those of some folders."""
    sought = [(word, _written(word)) for word in words]
    return [
        f"{word} in {path.relative_to(root)}"
        for path, content in _bytes(root)
        if not any(path.parent.match(folder) for folder in but)
        for word, forms in sought
        if any(form in content for form in forms)
    ]


def _answers(url: str, paths: list[str]) -> Iterator[tuple[str, str]]:
    with httpx2.Client(base_url=url, timeout=30) as http:
        for path in paths:
            yield path, http.get(path).text
        # The first seconds of a subscription are the whole view.
        with http.stream("GET", "/views/person_card/changes") as changes:
            told = ""
            for line in changes.iter_lines():
                told += line
                if "event: ready" in line:
                    break
            yield "changes", told


ANSWERS = [{"severity": "high", "days": 2}]
READ = [
    "/issues/late",
    "/issues/commitments/ring",
    "/issues/agreements/acme",
    "/opportunities/deal",
    "/opportunities/deal/record",
    "/calendar/entries/lunch",
    "/calendar/series/weekly",
    "/contacts/people?limit=200",
    "/contacts/people/kim",
    "/contacts/people/kim/timeline",
    "/contacts/people/kim/consents",
    "/contacts/people/kim/vcard",
    "/contacts/companies/acme/vcards",
    "/contacts/companies/acme",
    "/contacts/duplicates?score=0",
    "/contacts/erasures",
    "/events?limit=1000",
    "/parked",
    "/data-diet",
    "/trace/person-kim",
]


def _enter(api: Api) -> None:
    """Tell something about the person in every field that is about one."""
    c, kim = CANARIES, "/contacts/people/kim"
    told = {"name": c["name"], "email": f"{c['email']}@x.example", "phone": c["phone"]}
    api.post("/contacts/companies/acme/register", {"name": CONTROL})
    api.post(f"{kim}/register", told)
    api.post(f"{kim}/state-details", {"name": HANGUL, "email": f"{c['newemail']}@x.example"})
    api.post(f"{kim}/affiliate", {"company": "company-acme", "role": c["role"]})
    opinion = {"about": "us", "stance": "positive", "words": c["words"]}
    api.post(f"{kim}/state-opinion", opinion)
    api.post(f"{kim}/answer", {"question": "How are we?", "answer": c["answer"]})
    consent = {"purpose": "newsletter", "source": "paper", "evidence": c["evidence"]}
    api.post(f"{kim}/give-consent", consent)
    api.post("/contacts/people/kim-too/register", {"name": c["newname"]})
    api.post("/contacts/people/kim-too/merge", {"into": "person-kim", "reason": c["merge"]})
    api.post("/contacts/people/kim-too/unmerge", {"reason": c["unmerge"]})
    api.post("/contacts/people/kim-too/merge", {"into": "person-kim"})
    touch = {"person": "person-kim", "channel": "call", "employee": "employee-1"}
    words = {"subject": c["subject"], "note": c["note"]}
    api.post("/touches", touch | words, headers={"idempotency-key": "one"})
    event = {
        "specversion": "1.0",
        "id": "two",
        "source": "/marketing",
        "type": TouchRecorded.wire,
        "data": touch | {"note": c["eventnote"]},
    }
    kind = {"content-type": "application/cloudevents+json"}
    api.post("/touches", event, headers=kind)
    # Told of an address before anybody knows whose it is; and of an id that was not theirs.
    named = {"email": f"{c['named']}@x.example", "channel": "email", "note": c["namednote"]}
    api.post("/touches", named, headers={"idempotency-key": "three"})
    api.post(f"{kim}/claim-identity", {"email": named["email"].upper()})
    for decided in ("claim", "release"):
        api.post(f"{kim}/{decided}-identity", {"external_id": c["foreign"]})
    _enter_elsewhere(api)
    card = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:person-card\r\nFN:{}\r\nEMAIL:{}@x.example\r\n"
    card = card.format(c["cardname"], c["cardemail"]) + "END:VCARD\r\n"
    api.send("/contacts/vcards", card.encode(), "text/vcard")


def _publish(log: str) -> None:
    """Write to the inbox as a marketing system does: what can be read, and what cannot."""
    told = {"person": "person-kim", "channel": "campaign", "note": CANARIES["inboxnote"]}
    wrong = {"person": "person-kim", "channel": CANARIES["unreadable"], "note": CANARIES["name"]}
    events = ({"id": name, "data": data} for name, data in (("right", told), ("wrong", wrong)))
    lines = "\n".join(json.dumps(event) for event in events)
    command = [sys.executable, PUBLISH, "--kafka", log, "--source", "/mailer"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    assert done.stdout == "sent 2\n"


def _sought(api: Api, word: str) -> Any:
    return api.get("/contacts/search", {"q": word})["items"]


def _enter_elsewhere(api: Api) -> None:
    """Name the person in what other domains record: their words are that person's, too."""
    c, who = CANARIES, {"person": "person-kim"}
    complaint = who | {"kind": "complaint", "words": c["issue"], "owner": "employee-1"}
    api.post("/issues/late/register", complaint)
    promise = who | {"what": c["promise"], "owner": "employee-1"}
    api.post("/issues/commitments/ring/make", promise)
    api.post("/issues/agreements/acme/agree", who | {"points": [], "answers": ANSWERS})
    opinion = who | {"area": "responsive", "score": 4, "words": c["service"]}
    api.post("/issues/agreements/acme/assess", opinion)
    deal = {"title": "A deal", "owner": "employee-1", "company": "company-acme"}
    api.post("/opportunities/deal/discover", deal)
    api.post("/opportunities/deal/involve-person", who | {"role": c["say"]})
    known = who | {"stance": "champion", "note": c["assessment"]}
    api.post("/opportunities/deal/assess-person", known)
    api.post("/opportunities/deal/release-person", who | {"reason": c["released"]})
    entry = {
        "seller": "employee-1",
        "category": "customer",
        "starts_at": "2026-03-09T08:30:00+09:00",
        "ends_at": "2026-03-09T09:30:00+09:00",
        "place": c["place"],
        "note": c["agenda"],
        "attendees": [c["guest"]],
    }
    api.post("/calendar/entries/lunch/plan", entry | {"title": c["title"]} | who)
    retold = {"category": "customer", "title": c["retold"], "people": ["person-kim"]}
    api.post("/calendar/entries/lunch/describe", retold)
    weekly = {"zone": "Asia/Seoul", "rule": "FREQ=WEEKLY;COUNT=3", "title": c["repeated"]}
    api.post("/calendar/series/weekly/plan", entry | weekly | who)


def _verified(api: Api) -> dict[str, Any]:
    *_, last = api.lines("/verify")
    return last


def _until(holds: Any, within_s: float = 90.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def _figures(api: Api) -> list[Any]:
    """What was counted of the person, in contacts and in the figures."""
    workload = api.get("/analytics/workload")
    card = api.get("/contacts/people/kim")
    return [workload["rows"], card["touch_count"], card["companies"]]


def test_every_personal_field_of_contacts_has_a_canary() -> None:
    told = {
        f"{event.__name__}.{name}"
        for event in (*PersonEvent.__args__, TouchRecorded)  # type: ignore[attr-defined]
        for name in personal_fields(event)
    }
    # A new one has to be told in `_enter` first.
    assert told == {
        *("PersonRegistered.name", "PersonRegistered.email", "PersonRegistered.phone"),
        *("PersonDetailsStated.name", "PersonDetailsStated.email", "PersonDetailsStated.phone"),
        *("PersonAffiliated.role", "PersonMerged.reason", "PersonUnmerged.reason"),
        *("OpinionStated.words", "QuestionAnswered.answer", "ConsentGiven.evidence"),
        *("ConsentWithdrawn.evidence", "TouchRecorded.subject", "TouchRecorded.note"),
        *("IdentityClaimed.identity", "IdentityReleased.identity", "TouchRecorded.identity"),
    }
    assert examples_of(TouchRecorded)["full"].whose is not None


@dataclass(frozen=True)
class Searched:
    """A platform, where publishers reach its log, and the folder that all of it lies in."""

    api: Api
    log: str
    folder: Path
    # Folders whose files are not searched.
    but: tuple[str, ...] = ()

    def found(self, words: Iterable[str] = WORDS) -> list[str]:
        """Return which words stand in which files."""
        return _found(self.folder, words, self.but)


def test_m4_what_was_erased_is_in_no_topic_collection_file_or_answer(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data, within_s=240) as api:
        _erased(Searched(api, f"{HOST}:{read_remembered(data).log_port}", data))
    assert _found(data) == []
    mode = (data / "master.key").stat().st_mode & 0o777
    assert mode == 0o600


@pytest.mark.kafka
def test_m4_nor_is_it_on_apache_kafka(tmp_path: Path) -> None:
    """Of the inbox, where publishers write in the clear, Kafka keeps a file that nobody can read.

    How long, docs/how-to/erase-a-person.md says.
    """
    with (
        running(ApacheKafka(tmp_path / "kafka")) as log,
        running(SecantusMongo(tmp_path / "mongo")) as store,
    ):
        with Plant(tmp_path, log, store) as plant:
            _erased(Searched(plant.api, log.address, tmp_path, (f"{INBOX}-*",)))
        assert _kept(log.address, INBOX) == []
    assert _found(tmp_path, WORDS, (f"{INBOX}-*",)) == []


def _kept(log: str, topic: str) -> list[bytes | None]:
    """Return every record of a topic that somebody can still read."""

    async def read() -> list[bytes | None]:
        reader = AIOKafkaConsumer(topic, bootstrap_servers=log, auto_offset_reset="earliest")
        await reader.start()
        try:
            ends = await reader.end_offsets(reader.assignment())
            assert sum(ends.values()) > 0, "nothing was ever written there"
            told = await reader.getmany(timeout_ms=2_000)
            return [record.value for batch in told.values() for record in batch]
        finally:
            await reader.stop()

    return asyncio.run(read())


def _erased(on: Searched) -> None:
    """Tell of somebody, look for the words, erase them, and look for the words again."""
    api = on.api
    _enter(api)
    _publish(on.log)
    _until(lambda: api.get("/contacts/people/kim")["touch_count"] == 4)
    _until(lambda: _sought(api, CANARIES["note"]))
    _until(lambda: not any(row["lag"] for row in api.get("/lag")["projections"]))
    shown = "".join(text for _, text in _answers(api.url, READ))
    missing = [name for name, word in CANARIES.items() if word not in shown]
    assert missing == [], "what nobody is shown proves nothing"
    before = _figures(api)
    assert all(before), "figures of nothing never move"
    assert _verified(api)["equal"]
    seen = " ".join(on.found([CONTROL]))
    assert "kafka" in seen, "the log's files cannot be searched like this"
    assert "mongo" in seen, "the store's files cannot be searched like this"
    # Nothing stays in the clear: not in a journal, a view, a topic, or a log file.
    _until(lambda: on.found() == [])

    asked = {"reason": "asked_for", "basis": "gdpr_17"}
    done = api.post("/contacts/people/kim/erase", asked)
    assert [one["in_the_clear"] for one in done["entries"]] == [0, 0]
    said = Console(file=StringIO(), width=200)
    forgetting.erase(api, "person-card", "asked_for", "pipa_36", said)
    forgetting.show(api, said)
    printed = said.file.getvalue()  # type: ignore[attr-defined]
    assert printed.count("person-kim-too") == 1
    assert "pipa_36" in printed
    for word in CANARIES.values():
        _until(lambda word=word: not _sought(api, word))

    answered = [
        f"{word} in {path}"
        for path, text in _answers(api.url, READ)
        for word in WORDS
        if word in text
    ]
    assert answered == []
    card = api.get("/contacts/people/kim")
    assert card["name"] == card["email"] == "[erased]"
    assert _figures(api) == before
    _until(lambda: not any(view["building"] for view in api.get("/views")["views"]))
    assert _verified(api) == {"equal": True, "differences": []}
    for view in ("person_card", "timeline", "search_entry"):
        api.post(f"/views/{view}/rebuild")
    _until(lambda: not any(view["building"] for view in api.get("/views")["views"]))
    assert _verified(api)["equal"]
    assert _figures(api) == before

    # Who comes back is somebody new, under the same address.
    again = {"name": "Somebody", "email": f"{CANARIES['email']}@x.example"}
    api.post("/contacts/people/new/register", again)
    query = {"email": again["email"]}
    _until(lambda: api.get("/contacts/people", query)["items"])
    (found,) = api.get("/contacts/people", query)["items"]
    assert (found["person"], found["touch_count"]) == ("person-new", 0)

    (proof, *_) = api.get("/contacts/erasures")["items"]
    assert orjson.dumps(proof).count(b"canary") == 0
