"""Who was forgotten, and what people agreed to."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import orjson
from httpx2 import AsyncClient

from services.contacts.erasing import (
    ErasePerson,
    GiveConsent,
    PersonErasedError,
    WithdrawConsent,
    erasure,
)
from services.contacts.main import domain, router
from services.contacts.model import RegisterPerson, StateDetails
from services.contacts.people import PersonUnknownError
from services.contacts.person_views import person_card
from shared.cipher import LocalKms, fresh_key
from shared.clock import SystemClock
from shared.decider import Decider
from shared.erasing import Forgetting
from shared.events.contacts import ConsentGiven, ConsentWithdrawn, PersonErased, PersonRegistered
from shared.keyring import KEYS, KeyRing
from shared.memory import MemoryLog, MemoryStore
from shared.reading import Token
from shared.runtime import Runtime
from shared.seals import Seals
from shared.service import Request, fingerprint
from shared.settings import Settings
from shared.testing import given, serving
from shared.verify import verify_projection

PERSON: Decider[Any, Any, Any] = domain.deciders["person"]
KIM = PersonRegistered(name="김민준", email="kim@a.example", on=date(2026, 1, 5))
ERASE = ErasePerson(reason="asked_for", basis="pipa_36", on=date(2026, 2, 1), facts=3, touches=2)
ERASED = PersonErased(reason="asked_for", basis="pipa_36", on=date(2026, 2, 1), facts=3, touches=2)


def test_m4_somebody_is_erased_once_and_nothing_is_told_of_them_any_more() -> None:
    given(PERSON, KIM).when(ERASE).then(ERASED)
    given(PERSON, KIM, ERASED).when(ERASE).then_nothing()
    for command in (StateDetails(name="Kim"), RegisterPerson(name="Kim")):
        given(PERSON, KIM, ERASED).when(command).then_refused(PersonErasedError)
    given(PERSON).when(ERASE).then_refused(PersonUnknownError)


def test_m4_consent_is_told_when_it_changes_or_its_date_does() -> None:
    give = GiveConsent(purpose="newsletter", source="web_form", on=date(2026, 2, 1))
    take = WithdrawConsent(purpose="newsletter", source="email", on=date(2026, 3, 1))
    gave = ConsentGiven(purpose="newsletter", source="web_form", on=date(2026, 2, 1))
    took = ConsentWithdrawn(purpose="newsletter", source="email", on=date(2026, 3, 1))
    given(PERSON, KIM).when(give).then(gave)
    given(PERSON, KIM, gave).when(give).then_nothing()
    given(PERSON, KIM, gave).when(take).then(took)
    given(PERSON, KIM, gave, took).when(give).then(gave)
    sooner = gave.model_copy(update={"on": date(2026, 1, 9)})
    when = give.model_copy(update={"on": date(2026, 1, 9)})
    given(PERSON, KIM, gave).when(when).then(sooner)


async def posted(client: AsyncClient, path: str, body: dict[str, Any], key: str = "") -> Any:
    headers = {"X-Actor": "employee-dpo"} | ({"Idempotency-Key": key} if key else {})
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


async def got(client: AsyncClient, path: str, token: str | None = None) -> Any:
    answer = await client.get(path, headers={"X-At-Least": token} if token else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def runtime_in(client: AsyncClient) -> Runtime:
    transport: Any = client._transport
    runtime: Runtime = transport.app.state.runtimes["contacts"]
    return runtime


async def until_found(client: AsyncClient, word: str, *, somebody: bool) -> None:
    """Wait until what finds people by words has been built anew."""
    for _ in range(300):
        if bool((await got(client, f"/contacts/search?q={word}"))["items"]) == somebody:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{word!r} finds {'nobody' if somebody else 'somebody'}")


async def test_m4_who_was_erased_cannot_be_read_found_or_taken_for_somebody_else() -> None:
    log = MemoryLog(2)
    async with serving(domain, router, log=log) as client:
        kim = {"name": "Canary Finch", "email": "finch@canary.example", "phone": "+82 10 5555 1234"}
        for who in ("kim", "lee"):
            await posted(client, f"/contacts/people/{who}/register", kim)
            told = {"person": f"person-{who}", "channel": "call", "note": "finch sings at dawn"}
            touch = await posted(client, "/touches", told, key=f"touch-{who}")
        merged = await posted(client, "/contacts/people/lee/merge", {"into": "person-kim"})
        card = await got(client, "/contacts/people/kim", merged["token"])
        assert card["name"] == "Canary Finch"
        assert (await got(client, "/contacts/people?email=finch@canary.example"))["items"]
        timeline = await got(client, "/contacts/people/kim/timeline", touch["token"])
        assert timeline["items"][0]["touches"][0]["note"] == "finch sings at dawn"
        for path in ("q=finch", "q=sings", "q=5555"):
            assert (await got(client, f"/contacts/search?{path}"))["items"], path

        asked = {"reason": "asked_for", "basis": "gdpr_17"}
        done = await posted(client, "/contacts/people/kim/erase", asked, key="erase-1")
        assert {one["person"] for one in done["entries"]} == {"person-kim", "person-lee"}
        assert [one["touches"] for one in done["entries"]] == [1, 1]
        assert [one["in_the_clear"] for one in done["entries"]] == [0, 0]
        again = await posted(client, "/contacts/people/kim/erase", asked, key="erase-1")
        assert again == done

        token = done["entries"][0]["token"]
        card = await got(client, "/contacts/people/kim", token)
        assert (card["name"], card["email"], card["phone"]) == ("[erased]",) * 3
        assert card["erased_on"]
        assert card["touch_count"] == 2
        timeline = await got(client, "/contacts/people/kim/timeline")
        assert [touch["note"] for touch in timeline["items"][0]["touches"]] == ["[erased]"] * 2
        for word in ("finch", "sings", "5555", "canary"):
            await until_found(client, word, somebody=False)
        alike = await got(client, "/contacts/duplicates/of?email=finch@canary.example")
        assert alike["items"] == []
        assert (await client.get("/contacts/people/kim/vcard")).status_code == 410
        refused = await client.post("/contacts/people/kim/register", json=kim)
        assert refused.status_code == 410

        (proof, other) = (await got(client, "/contacts/erasures", token))["items"]
        assert (proof["person"], other["person"]) == ("person-kim", "person-lee")
        assert (proof["by"], proof["reason"], proof["basis"]) == (
            "employee-dpo",
            "asked_for",
            "gdpr_17",
        )
        assert proof["key"] != other["key"]
        assert proof["key_destroyed_at"]

        # What a system sends late is counted, and nobody is quoted.
        late = {"person": "person-kim", "channel": "email", "note": "finch is back"}
        touch = await posted(client, "/touches", late, key="late")
        card = await got(client, "/contacts/people/kim", touch["token"])
        assert card["touch_count"] == 3
        assert not any(
            b"finch" in (record.value or b"").lower()
            for topic in ("contacts", "touches", "views.person_card")
            for record in log.records(topic)
        )

        await posted(client, "/contacts/people/kim2/register", kim)
        await until_found(client, "finch", somebody=True)
        alike = await got(client, "/contacts/duplicates/of?email=finch@canary.example")
        assert [one["person"] for one in alike["items"]] == ["person-kim2"]


async def test_m4_a_card_that_comes_again_of_somebody_forgotten_is_somebody_new() -> None:
    card = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Canary Finch\r\nEMAIL:f@c.example\r\nEND:VCARD\r\n"
    async with serving(domain, router) as client:
        ask = {"content": card.encode(), "headers": {"content-type": "text/vcard"}}
        (first,) = (await client.post("/contacts/vcards", **ask)).json()["items"]
        number = first["person"].removeprefix("person-")
        await got(client, f"/contacts/people/{number}", first["token"])
        body = {"reason": "asked_for", "basis": "gdpr_17"}
        await posted(client, f"/contacts/people/{number}/erase", body)
        (second,) = (await client.post("/contacts/vcards", **ask)).json()["items"]
        assert second["status"] == "recorded"
        assert second["person"] != first["person"]
        (third,) = (await client.post("/contacts/vcards", **ask)).json()["items"]
        assert third["person"] == second["person"]


async def test_m4_consent_is_a_history_with_what_stands_today() -> None:
    async with serving(domain, router) as client:
        await posted(client, "/contacts/people/kim/register", {"name": "Kim"})
        give = {"purpose": "newsletter", "source": "paper", "evidence": "signed at the fair"}
        await posted(client, "/contacts/people/kim/give-consent", give | {"on": "2026-01-05"})
        take = {"purpose": "newsletter", "source": "email", "on": "2026-02-05"}
        last = await posted(client, "/contacts/people/kim/withdraw-consent", take)
        told = await got(client, "/contacts/people/kim/consents", last["token"])
        assert [(one["given"], one["evidence"]) for one in told["history"]] == [
            (True, "signed at the fair"),
            (False, None),
        ]
        assert [(one["purpose"], one["given"]) for one in told["today"]] == [("newsletter", False)]
        refused = await client.post(
            "/contacts/people/kim/give-consent", json=give | {"purpose": "Mr. Kim's"}
        )
        assert refused.status_code == 422


async def test_m4_no_hash_of_what_was_told_is_kept_from_which_it_could_be_guessed() -> None:
    log = MemoryLog(2)
    number = {"phone": "+82 10 5555 1234"}
    async with serving(domain, router, log=log) as client:
        await posted(client, "/contacts/people/kim/register", {"name": "Kim"}, key="one")
        await posted(client, "/contacts/people/kim/state-details", number, key="two")
        again = await posted(client, "/contacts/people/kim/state-details", number, key="two")
        assert again["duplicate"]
        other = await client.post(
            "/contacts/people/kim/state-details",
            json={"phone": "+82 10 5555 9999"},
            headers={"Idempotency-Key": "two"},
        )
        assert other.status_code == 422
    command = StateDetails(phone="+82 10 5555 1234")
    guess = fingerprint(Request(stream="person-kim", command=command, actor="whoever"))
    hashes = {
        orjson.loads(record.value or b"{}")["commandhash"] for record in log.records("contacts")
    }
    assert len(hashes) == 2
    assert guess not in hashes


async def test_m4_a_key_that_was_left_over_or_came_back_with_a_backup_is_destroyed() -> None:
    keys, master = MemoryStore(), LocalKms.of(fresh_key())
    ring = KeyRing(keys, master, SystemClock())
    runtime = Runtime(
        domain, MemoryStore(), MemoryLog(2), SystemClock(), Settings(), seals=Seals(ring)
    )
    await runtime.start()
    try:
        await runtime.service.ready.wait()
        for command in (RegisterPerson(name="Kim"), ERASE):
            accepted = await runtime.service.handle(
                Request(stream="person-kim", command=command, actor="employee-dpo")
            )
        token = Token(accepted.stream, accepted.version)
        assert await runtime.reader(erasure).get("person-kim", token)
        # Whoever recorded it died before it destroyed the key: the words can be read still.
        card = await runtime.reader(person_card).get("person-kim", token)
        assert card is not None
        assert card.value.name == "Kim"
        left_over = await keys.get(KEYS, "person-kim")
        assert left_over is not None
        for _ in range(2):
            assert await Forgetting(runtime, ring).destroy() == 1
            assert await Forgetting(runtime, ring).destroy() == 0
            card = await runtime.reader(person_card).get("person-kim", token)
            assert card is not None
            assert card.value.name == "[erased]"
            await keys.put_many(KEYS, [left_over])  # A backup of the keys is restored.
    finally:
        await runtime.stop()


async def test_m4_what_was_told_of_an_address_is_erased_with_whose_it_is() -> None:
    log = MemoryLog(2)
    mail = {"email": "finch@canary.example"}
    asked = {"reason": "asked_for", "basis": "gdpr_17"}
    told = {"channel": "email", "about": "promotion", "note": "finch sings at dawn"}
    async with serving(domain, router, log=log) as client:
        for key in ("one", "two"):
            touch = await posted(client, "/touches", told | mail, key=key)
        other = {"channel": "email", "note": "of another", "email": "lee@a.example"}
        await posted(client, "/touches", other, key="other")
        waiting = await got(client, "/contacts/identities/unresolved", touch["token"])
        assert "email:finch@canary.example" in {one["identity"] for one in waiting["items"]}
        await posted(client, "/contacts/people/kim/register", {"name": "Finch"})
        claimed = await posted(client, "/contacts/people/kim/claim-identity", mail)
        timeline = await got(client, "/contacts/people/kim/timeline", claimed["token"])
        notes = [touch["note"] for touch in timeline["items"][0]["touches"]]
        assert notes == ["finch sings at dawn"] * 2
        assert (await got(client, "/contacts/people/kim"))["touch_count"] == 2

        done = await posted(client, "/contacts/people/kim/erase", asked)
        (erased,) = done["entries"]
        assert (erased["person"], erased["touches"], len(erased["entries"])) == ("person-kim", 2, 1)
        assert await posted(client, "/contacts/people/kim/erase", asked) == done
        for word in ("finch", "sings", "canary"):
            await until_found(client, word, somebody=False)
        # Built anew, the view of names cannot read the claim: it goes by what the erasure says.
        name = "/contacts/identities/of?email=finch@canary.example"
        for _ in range(300):
            owned = await got(client, name)
            if owned["identity"] is None:
                break
            await asyncio.sleep(0.1)
        assert (owned["owner"], owned["identity"], owned["touches"]) == ("person-kim", None, 2)
        card = await got(client, "/contacts/people/kim")
        assert (card["name"], card["touch_count"]) == ("[erased]", 2)
        timeline = await got(client, "/contacts/people/kim/timeline")
        assert [touch["note"] for touch in timeline["items"][0]["touches"]] == ["[erased]"] * 2

        # What comes late by that address is counted, and nobody is quoted; others are.
        late = await posted(client, "/touches", told | mail, key="late")
        card = await got(client, "/contacts/people/kim", late["token"])
        assert card["touch_count"] == 3
        waiting = await got(client, "/contacts/identities/unresolved", late["token"])
        assert [one["identity"] for one in waiting["items"]] == ["email:lee@a.example"]
        for projection in runtime_in(client).domain.projections:
            if projection.name in ("identity", "person_card", "timeline"):
                check = await verify_projection(runtime_in(client), projection)
                assert not check.differences, check
        assert not any(
            word in (record.value or b"").lower()
            for topic in ("contacts", "touches", "views.person_card")
            for record in log.records(topic)
            for word in (b"finch", b"canary")
        )
