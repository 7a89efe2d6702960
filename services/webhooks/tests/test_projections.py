"""Views of webhooks: unmoved by duplicates and by the order in which streams arrive."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.webhooks.projections import PROJECTIONS, Place, Secret, webhook_card
from shared.events import Envelope
from shared.events.webhooks import (
    From,
    WebhookDisabled,
    WebhookEnabled,
    WebhookFactsChosen,
    WebhookFactSkipped,
    WebhookMoved,
    WebhookRegistered,
    WebhookRemoved,
    WebhookReplayAsked,
    WebhookSecretRotated,
    WebhooksEvent,
    WebhookWordsChosen,
)
from shared.testing import check_projection, histories, recorded

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FIRST = WebhookRegistered(
    url="https://example.com/facts",
    wants=("opportunities.*",),
    key="old",
    begins=(From(topic="opportunities", partition=1, offset=7),),
)


@for_all(histories({"webhook": WebhooksEvent}), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


def test_a_card_tells_where_and_with_which_secrets() -> None:
    told = recorded(
        FIRST,
        WebhookSecretRotated(key="new", both_until=NOON),
        WebhookFactsChosen(
            wants=("contacts.*",), begins=(From(topic="contacts", partition=0, offset=3),)
        ),
        stream="webhook-1",
    )
    card = check_projection(webhook_card, [told])["webhook-1"]
    assert card.enabled
    assert card.wants == ("contacts.*",)
    assert card.begins == (Place("opportunities", 1, 7), Place("contacts", 0, 3))
    assert card.secrets == (Secret("new", 2), Secret("old", 1, until=NOON))


def test_a_card_tells_why_it_is_disabled_until_it_is_enabled() -> None:
    gave_up = WebhookDisabled(
        because="failing", fact="f", position="opportunities/0/9", attempts=3, said="500"
    )
    left_out = WebhookFactSkipped(position="opportunities/0/9")
    told = recorded(FIRST, gave_up, left_out, stream="webhook-1")
    card = check_projection(webhook_card, [told])["webhook-1"]
    assert (card.enabled, card.disabled_because, card.said) == (False, "failing", "500")
    assert (card.stuck_fact, card.stuck_at) == ("f", "opportunities/0/9")
    assert card.skipped == ("opportunities/0/9",)
    told = recorded(FIRST, gave_up, left_out, WebhookEnabled(), stream="webhook-1")
    card = check_projection(webhook_card, [told])["webhook-1"]
    assert (card.enabled, card.disabled_because, card.stuck_at) == (True, None, None)
    assert (card.enablings, card.skipped) == (1, ("opportunities/0/9",))


def test_a_card_counts_replays_and_tells_the_end() -> None:
    end = (From(topic="opportunities", partition=0, offset=9),)
    told = recorded(
        FIRST,
        WebhookReplayAsked(ends=end),
        WebhookReplayAsked(ends=end, recorded_from=NOON),
        WebhookRemoved(),
        stream="webhook-1",
    )
    card = check_projection(webhook_card, [told])["webhook-1"]
    assert [asked.replay for asked in card.replays] == [1, 2]
    assert (card.enabled, card.removed_at) == (False, told[-1].recorded_at)


def test_opened_words_are_for_the_address_that_there_was() -> None:
    opened = WebhookWordsChosen(words="opened")
    told = recorded(FIRST, opened, stream="webhook-1")
    assert check_projection(webhook_card, [told])["webhook-1"].words == "opened"
    moved = recorded(FIRST, opened, WebhookMoved(url="https://other.example"), stream="webhook-1")
    assert check_projection(webhook_card, [moved])["webhook-1"].words == "sealed"
