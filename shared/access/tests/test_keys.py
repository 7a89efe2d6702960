"""The card of a key is looked up once a second, and never for longer than that believed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from shared.access import keys
from shared.access.keys import REMEMBERED_S, Card, Remembered


@dataclass(frozen=True)
class Written:
    roles: tuple[str, ...] = ("marketing",)
    only: tuple[str, ...] | None = None
    requests_max: int | None = None
    expires_on: date | None = None
    revoked: bool = False
    digest: str | None = "0" * 64


@dataclass
class Store:
    """What is written of keys, and for which of them it was looked up."""

    written: dict[str, Written] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    today: date = date(2026, 3, 9)

    async def card(self, key: str) -> Card | None:
        self.asked.append(key)
        return self.written.get(key)


class Clock:
    at = 100.0

    def __call__(self) -> float:
        return self.at


async def test_within_a_second_a_key_is_looked_up_once() -> None:
    store, clock = Store({"mailer": Written()}), Clock()
    cards = Remembered(store, clock)
    for _ in range(3):
        assert await cards.card("mailer") == Written()
        clock.at += REMEMBERED_S / 4
    assert store.asked == ["mailer"]
    assert cards.today == store.today


async def test_a_key_that_was_revoked_counts_for_a_second_at_most() -> None:
    store, clock = Store({"mailer": Written()}), Clock()
    cards = Remembered(store, clock)
    await cards.card("mailer")
    store.written["mailer"] = replace(Written(), revoked=True)
    clock.at += REMEMBERED_S
    found = await cards.card("mailer")
    assert found is not None
    assert found.revoked
    store.written["mailer"] = Written(requests_max=7)
    assert await cards.card("mailer") == Written(requests_max=7), "what is revoked is asked again"


async def test_a_key_that_is_issued_counts_at_once() -> None:
    store = Store()
    cards = Remembered(store, Clock())
    assert await cards.card("mailer") is None
    store.written["mailer"] = Written()
    assert await cards.card("mailer") == Written()


async def test_no_more_keys_are_remembered_than_fit() -> None:
    store, clock = Store({str(n): Written() for n in range(keys.CARDS_MAX + 1)}), Clock()
    cards = Remembered(store, clock)
    for name in (*store.written, "1", "0"):
        await cards.card(name)
    assert store.asked == [*store.written, "0"], "the one that was looked up first is forgotten"
