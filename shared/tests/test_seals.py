"""What is about a person is sealed, compared, opened and erased; what is not is left alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cipher import Cipher, LocalKms, UnreadableError
from shared.clock import SystemClock
from shared.errors import InvalidError
from shared.events import Envelope, Event, decode, encode
from shared.events.contacts import MoveNoticed, PersonDetailsStated, PersonRegistered
from shared.events.organization import EmployeeJoined
from shared.events.touches import TouchRecorded
from shared.keyring import KEYS, PLATFORM, KeyRing
from shared.memory import MemoryStore
from shared.personal import ERASED, TOKEN, UNREADABLE, personal_fields
from shared.released import examples_of
from shared.seals import Seals, check_clear
from shared.store import TransientStoreError

ADA, BO = "person-ada", "person-bo"
WORDS = st.text(min_size=1, max_size=60)


def ring(store: MemoryStore | None = None, *keys: bytes) -> KeyRing:
    kms = LocalKms.of(*(keys or (os.urandom(32),)))
    return KeyRing(store or MemoryStore(), kms, SystemClock())


def told(data: Event, stream: str = ADA) -> Envelope:
    return replace(examples_of(type(data))["full"], stream=stream, data=data)


@given(WORDS, WORDS)
def test_the_same_words_are_sealed_alike_for_one_person_and_field_only(
    one: str, other: str
) -> None:
    ada, bo = Cipher(ADA, b"a" * 32), Cipher(BO, b"b" * 32)
    sealed = ada.seal("name", one)
    assert TOKEN.fullmatch(sealed)
    assert ada.open(sealed) == one
    assert sealed == ada.seal("name", one)
    assert (sealed == ada.seal("name", other)) == (one == other)
    assert sealed != ada.seal("email", one)
    assert sealed.rpartition(":")[2] != bo.seal("name", one).rpartition(":")[2]


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token.replace(":name:", ":email:"),
        lambda token: token.replace(ADA, BO),
        lambda token: token[:-2] + ("AA" if not token.endswith("AA") else "BB"),
        lambda token: token[: token.rindex(":") + 3],
        lambda token: token.replace("enc:v1:", "enc:v2:"),
    ],
)
def test_a_seal_that_was_moved_or_changed_does_not_open(change: Callable[[str], str]) -> None:
    token = change(Cipher(ADA, b"a" * 32).seal("name", "Ada Kim"))
    for whose in (ADA, BO):
        with pytest.raises(UnreadableError):
            Cipher(whose, b"a" * 32).open(token)


async def test_a_fact_is_kept_sealed_and_read_as_it_was_told() -> None:
    seals = Seals(ring())
    fact = told(PersonRegistered(name="김에이다", email="ada@example.com", language="ko"))
    (sealed,) = await seals.seal([fact])
    assert b"ada@example.com" not in encode(sealed)
    assert "김에이다" not in encode(sealed).decode()
    assert sealed.data.language == "ko"  # type: ignore[attr-defined]
    kept = decode(encode(sealed))
    assert kept == sealed
    assert await seals.opened_facts([kept]) == [fact]
    # Sealed again, after a crash before the answer, it is the same fact to the byte.
    assert encode((await seals.seal([fact]))[0]) == encode(sealed)


async def test_what_says_nothing_about_a_person_passes_untouched() -> None:
    seals = Seals(ring())
    fact = told(EmployeeJoined(name="Ada"), "employee-ada")
    (kept,) = await seals.seal([fact])
    assert kept is fact
    assert (await seals.opened_facts([fact]))[0] is fact


async def test_words_are_sealed_with_the_key_of_whom_they_are_about() -> None:
    seals = Seals(ring())
    touch = examples_of(TouchRecorded)["full"]
    touch = replace(touch, data=touch.data.model_copy(update={"person": BO}))
    move = examples_of(MoveNoticed)["full"]
    for fact, whose in ((touch, BO), (move, move.data.person)):  # type: ignore[attr-defined]
        (sealed,) = await seals.seal([fact])
        for name in personal_fields(type(fact.data)):
            found = TOKEN.fullmatch(getattr(sealed.data, name))
            assert found is not None
            assert (found["whose"], found["field"]) == (whose, name)


async def test_a_word_of_somebody_else_is_not_opened_in_a_fact() -> None:
    seals = Seals(ring())
    (bo,) = await seals.seal([told(PersonRegistered(name="Bo", email="bo@example.com"), BO)])
    stolen = bo.data.email  # type: ignore[attr-defined]
    forged = told(PersonDetailsStated(name=stolen, email=stolen))
    (read,) = await seals.opened_facts([forged])
    assert read.data == PersonDetailsStated(name=UNREADABLE, email=UNREADABLE)
    with pytest.raises(InvalidError):
        check_clear(encode(forged))


async def test_what_was_erased_reads_so_everywhere_and_gets_no_second_key() -> None:
    store = MemoryStore()
    master = os.urandom(32)
    here, there = ring(store, master), ring(store, master)
    here_seals, there_seals = Seals(here), Seals(there)
    fact = told(PersonRegistered(name="Ada", phone="+82 2 312"))
    (sealed,) = await here_seals.seal([fact])
    assert await there_seals.opened_facts([sealed]) == [fact]

    proof = await here.erase(ADA)
    assert proof == await there.erase(ADA)
    assert proof.fingerprint
    (document,) = await store.find(KEYS, {"_id": ADA})
    assert set(document) == {"_id", "state", "fingerprint", "erased_at"}

    # What another process remembers of the key is good for a second at most.
    there._heard_at = float("-inf")
    for seals in (here_seals, there_seals):
        (read,) = await seals.opened_facts([sealed])
        assert read.data == PersonRegistered(name=ERASED, phone=ERASED, language=None)
        (late,) = await seals.seal([told(PersonDetailsStated(email="ada@new.example"))])
        assert late.data == PersonDetailsStated(email=ERASED)


async def test_who_was_never_sealed_is_remembered_as_erased_too() -> None:
    keys = ring()
    proof = await keys.erase(BO)
    assert proof.fingerprint is None
    assert await keys.ciphers([BO], make=True) == {BO: None}
    assert [one.whose for one in await keys.erased()] == [BO]


async def test_two_processes_make_one_key() -> None:
    store, master = MemoryStore(), os.urandom(32)
    one, other = ring(store, master), ring(store, master)
    await one.ciphers(["person-1"], make=True)
    found = await other.ciphers(["person-1", "person-2", PLATFORM], make=True)
    again = await one.ciphers(["person-1", "person-2", PLATFORM], make=True)
    for whose, cipher in found.items():
        assert cipher is not None
        mine = again[whose]
        assert mine is not None
        assert cipher.seal("name", "x") == mine.seal("name", "x")


async def test_a_new_master_key_wraps_again_and_the_old_one_can_go() -> None:
    store, old, new = MemoryStore(), os.urandom(32), os.urandom(32)
    (sealed,) = await Seals(ring(store, old)).seal([told(PersonRegistered(name="Ada"))])
    await ring(store, old).erase(BO)
    both = ring(store, new, old)
    assert await both.rewrap() == 1
    assert await both.rewrap() == 0
    (read,) = await Seals(ring(store, new)).opened_facts([sealed])
    assert read.data == PersonRegistered(name="Ada")
    with pytest.raises(TransientStoreError):
        await Seals(ring(store, old)).opened_facts([sealed])


async def test_documents_and_json_are_opened_wherever_a_word_stands() -> None:
    seals = Seals(ring())
    (fact,) = await seals.seal([told(PersonRegistered(name='Ada "A" Kim\n', email="a@b.c"))])
    name, email = fact.data.name, fact.data.email  # type: ignore[attr-defined]
    document = {"title": name, "list": [{"to": email}, 7, None], "other": "enc:v1:nonsense"}
    wanted = {"title": 'Ada "A" Kim\n', "list": [{"to": "a@b.c"}, 7, None]}
    wanted["other"] = "enc:v1:nonsense"
    assert await seals.opened([document]) == [wanted]
    plain = b'{"b": 1.50, "a":"x"}'
    (opened, same) = await seals.opened_json([orjson.dumps(document), plain])
    assert orjson.loads(opened) == wanted
    assert same is plain


async def test_words_are_noted_blind_alike_in_every_process() -> None:
    store, master = MemoryStore(), os.urandom(32)
    one = await Seals(ring(store, master)).blinder()
    other = await Seals(ring(store, master)).blinder()
    assert one("kim") == other("kim") != one("kin")
    assert "kim" not in one("kim")
    foreign = await Seals(ring()).blinder()
    assert foreign("kim") != one("kim")
