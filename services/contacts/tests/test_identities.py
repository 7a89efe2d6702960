"""Touches that name somebody by address, number or foreign id (C-14): whose they are, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.contacts.identities import (
    ClaimIdentity,
    Identity,
    ReleaseIdentity,
    entry_named,
    identity_card,
)
from services.contacts.main import domain, router
from services.contacts.tests.client import get, post
from services.contacts.touches import NewTouch
from shared.events import Envelope, Event
from shared.events.contacts import (
    IdentityClaimed,
    IdentityReleased,
    PersonDetailsStated,
    PersonErased,
    PersonRegistered,
)
from shared.events.touches import TouchRecorded
from shared.testing import check_projection, given, recorded, serving
from shared.testing.histories import BEGIN

MAIL, OTHER_SPELLING = "Kim@Example.com", "kim+news@example.com"
NAME = f"email:{MAIL}"
PERSON = domain.decider("person-1")
KIM = PersonRegistered(name="김민준")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def touched(client: AsyncClient, name: str, **whom: str) -> str:
    told = {"channel": "email", "occurred_at": f"2026-03-{name}T09:00:00Z", **whom}
    return await post(client, "/touches", told, idempotency_key=name)


async def days(client: AsyncClient, person: str, *after: str) -> list[str]:
    answer = await get(client, f"/contacts/people/{person}/timeline", *after)
    told = [touch for month in answer["items"] for touch in month["touches"]]
    return [touch["occurred_at"][8:10] for touch in told]


async def test_c_14_touches_of_before_join_the_timeline_of_who_registers_with_the_address(
    client: AsyncClient,
) -> None:
    token = await touched(client, "01", email=MAIL)
    waiting = await get(client, "/contacts/identities/unresolved", token)
    assert [(one["identity"], one["touches"]) for one in waiting["items"]] == [(NAME, 1)]
    registered = await post(
        client, "/contacts/people/1/register", {"name": "Kim", "email": OTHER_SPELLING}
    )
    later = await touched(client, "02", email=MAIL.lower())
    assert await days(client, "1", registered, later) == ["01", "02"]
    assert (await get(client, "/contacts/identities/unresolved", registered))["items"] == []
    card = await get(client, "/contacts/people/1", registered, later)
    assert (card["touch_count"], card["name"]) == (2, "Kim")


async def test_c_14_a_number_and_a_foreign_id_are_claimed_by_a_command(client: AsyncClient) -> None:
    tokens = [
        await post(client, "/contacts/people/1/register", {"name": "Kim"}),
        await touched(client, "01", phone="+82-10-1234-5678"),
        await touched(client, "02", external_id="crm:4711"),
    ]
    assert await days(client, "1", *tokens) == []
    claims: list[dict[str, Any]] = [{"phone": "010 1234 5678"}, {"external_id": "crm:4711"}]
    claim = "/contacts/people/1/claim-identity"
    tokens += [await post(client, claim, body) for body in claims]
    assert await days(client, "1", *tokens) == ["01", "02"]
    released = await post(client, "/contacts/people/1/release-identity", {"phone": "01012345678"})
    assert await days(client, "1", released) == ["02"]
    told = await get(client, "/contacts/identities/of?phone=01012345678", released)
    assert (told["owner"], told["touches"], told["unresolved"]) == (None, 1, True)


async def test_c_14_who_asks_for_the_name_itself_is_shown_the_person(client: AsyncClient) -> None:
    tokens = [await touched(client, "01", email=MAIL)]
    tokens.append(await post(client, "/contacts/people/1/register", {"name": "K", "email": MAIL}))
    named = await get(client, "/contacts/identities/of?email=kim@example.com", *tokens)
    # Who does not have the platform's key cannot tell it from the address.
    assert named["entry"] != entry_named(NAME)
    entry = named["entry"].removeprefix("person-")
    assert (await get(client, f"/contacts/people/{entry}", *tokens))["person"] == "person-1"
    assert await days(client, entry, *tokens) == ["01"]


async def test_c_14_a_merged_person_has_the_touches_of_all_its_names(client: AsyncClient) -> None:
    tokens = [await touched(client, "01", email=MAIL)]
    tokens.append(await post(client, "/contacts/people/1/register", {"name": "K", "email": MAIL}))
    tokens.append(await post(client, "/contacts/people/2/register", {"name": "Kim"}))
    tokens.append(await post(client, "/contacts/people/1/merge", {"into": "person-2"}))
    assert await days(client, "2", *tokens) == ["01"]


async def test_c_14_a_promotion_by_address_is_one_the_person_got(client: AsyncClient) -> None:
    sent = {"about": "promotion", "campaign": "spring", "email": MAIL}
    tokens = [await touched(client, "01", **sent)]
    tokens.append(await post(client, "/contacts/people/1/register", {"name": "K", "email": MAIL}))
    told = await get(client, "/contacts/people/1/promotions", *tokens)
    assert [one["campaign"] for one in told["sent"]] == ["spring"]


# Everything that can happen to one person and two names, each once, in whatever order.
Step = Callable[[AsyncClient], Coroutine[Any, Any, str]]
STEPS: dict[str, Step] = {
    "touched by mail": lambda client: touched(client, "01", email=MAIL),
    "again": lambda client: touched(client, "02", email=OTHER_SPELLING),
    "touched by phone": lambda client: touched(client, "03", phone="010-1234-5678"),
    "touched": lambda client: touched(client, "04", person="person-1"),
    "registered": lambda client: post(
        client, "/contacts/people/1/register", {"name": "Kim", "email": MAIL}
    ),
    "claimed": lambda client: post(
        client, "/contacts/people/2/claim-identity", {"phone": "+82 10 1234 5678"}
    ),
    "merged": lambda client: post(client, "/contacts/people/2/merge", {"into": "person-1"}),
}


@for_all(st.permutations(sorted(STEPS)))
@settings(max_examples=12, deadline=None)
async def test_c_14_whatever_came_first_the_timeline_is_the_same(order: list[str]) -> None:
    async with serving(domain, router) as client:
        tokens = [await post(client, "/contacts/people/2/register", {"name": "Kim"})]
        tokens += [await STEPS[step](client) for step in order]
        assert await days(client, "1", *tokens) == ["01", "02", "03", "04"]


def touch(number: int, identity: str) -> list[Envelope]:
    person = entry_named(identity)
    told = TouchRecorded(
        publisher="/m", publisher_id=str(number), person=person, channel="email", identity=identity
    )
    return recorded(told, stream=f"touch-{number}", occurred_at=BEGIN + timedelta(days=number))


def person(number: int, *told: Event, first: int = 0) -> list[Envelope]:
    at = BEGIN + timedelta(hours=first)
    events = (KIM, *told)
    return recorded(*events, stream=f"person-{number}", occurred_at=at)


def card(*told: list[Envelope]) -> Identity:
    found = check_projection(identity_card, told)[entry_named(NAME)]
    assert isinstance(found, Identity)
    return found


STATED = PersonDetailsStated(email=MAIL)
ERASED = PersonErased(
    reason="asked_for", basis="gdpr_17", facts=1, touches=1, entries=(entry_named(NAME),)
)


def test_who_stated_an_address_first_has_it_until_somebody_claims_it() -> None:
    first, second = person(2, STATED), person(1, STATED, first=1)
    assert card(first, second, touch(1, NAME)).owner == "person-2"
    claims = person(1, STATED, IdentityClaimed(identity=NAME), first=1)
    assert card(first, claims, touch(1, NAME)).owner == "person-1"


def test_who_released_a_name_leaves_it_to_whoever_else_states_it() -> None:
    gone = person(1, STATED, IdentityReleased(identity=NAME))
    alone = card(gone, touch(1, NAME))
    assert (alone.owner, alone.unresolved) == (None, True)
    assert card(gone, person(2, STATED, first=1), touch(1, NAME)).owner == "person-2"


def test_whose_name_it_was_stays_so_once_nobody_can_read_it() -> None:
    """What an erased person stated is lost when the view is built anew; the fact says it again."""
    gone = person(1, STATED, IdentityClaimed(identity=NAME), ERASED)
    unread = person(1, ERASED)
    newcomer = person(2, STATED, IdentityClaimed(identity=NAME), first=1)
    for history in (gone, unread):
        found = card(history, newcomer, touch(1, NAME))
        assert (found.owner, found.unresolved) == ("person-1", False)
    claims = [one.claims for one in (card(gone), card(unread))]
    assert [one.person for (one,) in claims] == ["person-1"] * 2
    assert {(one.claimed_at, one.stated_at) for (one,) in claims} == {(None, None)}


def test_a_name_that_no_touch_tells_of_waits_for_nobody() -> None:
    gone = person(1, STATED, IdentityReleased(identity=NAME))
    assert not card(gone).unresolved


EVENTS = st.sampled_from(
    [
        STATED,
        IdentityClaimed(identity=NAME),
        IdentityReleased(identity=f"email:{OTHER_SPELLING}"),
        ERASED,
    ]
)


@for_all(st.lists(st.lists(EVENTS, max_size=3), min_size=1, max_size=3), st.integers(0, 2))
def test_any_interleaving_of_touches_and_claims_makes_one_view(
    told: list[list[Event]], touches: int
) -> None:
    people = [person(n, *events, first=n) for n, events in enumerate(told)]
    sent = [touch(n, (NAME, f"email:{OTHER_SPELLING}")[n % 2]) for n in range(touches)]
    check_projection(identity_card, [*people, *sent])


def test_a_claim_is_recorded_once_and_taken_back_once() -> None:
    claim, release = ClaimIdentity(email=MAIL), ReleaseIdentity(email=OTHER_SPELLING)
    claimed = IdentityClaimed(identity=NAME)
    given(PERSON, KIM).when(claim).then(claimed)
    given(PERSON, KIM, claimed).when(claim).then_nothing()
    released = IdentityReleased(identity=f"email:{OTHER_SPELLING}")
    given(PERSON, KIM, claimed).when(release).then(released)
    given(PERSON, KIM, claimed, released).when(release).then_nothing()


@pytest.mark.parametrize(
    "whom",
    [
        {},
        {"person": "person-1", "email": MAIL},
        {"email": "kim"},
        {"phone": "12"},
        {"external_id": " "},
    ],
)
def test_a_touch_is_with_one_person_or_one_name(whom: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NewTouch(channel="call", **whom)  # type: ignore[arg-type]
