"""Rules of a webhook. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.webhooks.main import domain
from services.webhooks.model import (
    ChooseFactsAt,
    ChooseWords,
    Disable,
    Enable,
    GiveUp,
    Move,
    Register,
    RegisterAt,
    Remove,
    Replay,
    ReplayBetween,
    RotateSecretAt,
    SkipFact,
    WebhookAlreadyRegisteredError,
    WebhookCommand,
    WebhookNotFailingError,
    WebhookRemovedError,
    WebhookUnknownError,
)
from shared.errors import InvalidError
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
from shared.service import Request, fingerprint
from shared.testing import check_decider, facts, given

decider = domain.decider("webhook-1")
URL = "https://example.com/facts"
WON = ("opportunities.*won*",)
DEALS = From(topic="opportunities", partition=0, offset=7)
PEOPLE = From(topic="contacts", partition=0, offset=3)
FIRST = WebhookRegistered(url=URL, wants=WON, key="k", begins=(DEALS,))
GAVE_UP = WebhookDisabled(
    because="failing", fact="f", position="opportunities/0/9", attempts=10, said="500"
)
ASKED: dict[type[Any], Any] = {
    RegisterAt: RegisterAt(url=URL, wants=WON, key="k", begins=(DEALS,)),
    ChooseFactsAt: ChooseFactsAt(wants=("contacts.*",), begins=(PEOPLE,)),
    Move: Move(url=URL + "/2"),
    RotateSecretAt: RotateSecretAt(key="k"),
    ChooseWords: ChooseWords(words="opened"),
    Disable: Disable(),
    GiveUp: GiveUp(because="gone", fact="f", position="opportunities/0/9", attempts=1, said="410"),
    Enable: Enable(),
    SkipFact: SkipFact(position="opportunities/0/9"),
    ReplayBetween: ReplayBetween(first=("opportunities/0/1",), ends=(DEALS,)),
    Remove: Remove(),
}


def test_it_is_registered_once() -> None:
    given(decider).when(ASKED[RegisterAt]).then(FIRST)
    given(decider, FIRST).when(ASKED[RegisterAt]).then_refused(WebhookAlreadyRegisteredError)


@pytest.mark.parametrize("kind", [kind for kind in ASKED if kind is not RegisterAt])
def test_nothing_happens_to_what_nobody_registered_or_what_was_removed(kind: type[Any]) -> None:
    given(decider).when(ASKED[kind]).then_refused(WebhookUnknownError)
    gone = given(decider, FIRST, WebhookRemoved())
    if kind is Remove:
        gone.when(Remove()).then_nothing()
    else:
        gone.when(ASKED[kind]).then_refused(WebhookRemovedError)


def test_other_facts_begin_now_and_those_it_had_go_on() -> None:
    both = ChooseFactsAt(wants=(*WON, "contacts.*"), begins=(DEALS, PEOPLE))
    given(decider, FIRST).when(both).then(WebhookFactsChosen(wants=both.wants, begins=(PEOPLE,)))
    given(decider, FIRST).when(ChooseFactsAt(wants=WON, begins=(DEALS,))).then_nothing()


def test_it_is_disabled_once_and_enabled_again() -> None:
    given(decider, FIRST).when(Disable()).then(WebhookDisabled(because="asked"))
    given(decider, FIRST, GAVE_UP).when(Disable()).then_nothing()
    given(decider, FIRST, GAVE_UP).when(ASKED[GiveUp]).then_nothing()
    given(decider, FIRST, GAVE_UP).when(Enable()).then(WebhookEnabled())
    given(decider, FIRST).when(Enable()).then_nothing()


def test_only_the_fact_that_holds_it_up_is_left_out() -> None:
    skip, other = SkipFact(position="opportunities/0/9"), SkipFact(position="opportunities/0/8")
    given(decider, FIRST, GAVE_UP).when(skip).then(WebhookFactSkipped(position=skip.position))
    given(decider, FIRST, GAVE_UP).when(other).then_refused(WebhookNotFailingError)
    given(decider, FIRST).when(skip).then_refused(WebhookNotFailingError)
    left_out = WebhookFactSkipped(position=skip.position)
    given(decider, FIRST, GAVE_UP, left_out).when(skip).then_nothing()


def test_it_moves_and_is_told_so_once() -> None:
    given(decider, FIRST).when(Move(url=URL + "/2")).then(WebhookMoved(url=URL + "/2"))
    given(decider, FIRST).when(Move(url=URL)).then_nothing()


def test_every_rotation_is_another_secret() -> None:
    rotated = WebhookSecretRotated(key="k")
    given(decider, FIRST, rotated).when(RotateSecretAt(key="k")).then(rotated)


def test_a_replay_is_of_what_it_wants() -> None:
    asked = ReplayBetween(first=("opportunities/0/1",), begins=(), ends=(DEALS, PEOPLE))
    given(decider, FIRST).when(asked).then(WebhookReplayAsked(ends=(DEALS,)))
    given(decider, FIRST).when(asked.model_copy(update={"ends": (PEOPLE,)})).then_refused(
        InvalidError
    )


def test_a_replay_says_a_range() -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    for told in (
        {},
        {"recorded_from": at, "first": ("contacts/0/1",)},
        {"recorded_from": at, "recorded_before": at},
        {"first": ("contacts/0",)},
    ):
        with pytest.raises(ValidationError):
            Replay.model_validate(told)


def test_what_the_platform_adds_is_no_part_of_what_is_asked() -> None:
    """Sent again a moment later, when the log ends elsewhere, it is the same command."""
    plain = Register(url=URL, wants=WON)
    asked = [plain, ASKED[RegisterAt], ASKED[RegisterAt].model_copy(update={"begins": ()})]
    told = {fingerprint(Request(stream="webhook-1", command=one, actor="a")) for one in asked}
    assert len(told) == 1


@for_all(
    st.lists(facts(WebhooksEvent), max_size=6),
    st.lists(st.sampled_from(list(ASKED.values())), max_size=6),
)
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    often = (RotateSecretAt, ReplayBetween)  # Each of these is another one.
    check_decider(decider, history, [one for one in asked if not isinstance(one, often)])


def test_every_command_is_among_these() -> None:
    assert set(ASKED) == set(WebhookCommand.__args__)


def test_words_are_opened_once_and_sealed_again_where_they_move_to() -> None:
    opened = WebhookWordsChosen(words="opened")
    given(decider, FIRST).when(ChooseWords(words="sealed")).then_nothing()
    given(decider, FIRST).when(ChooseWords(words="opened")).then(opened)
    given(decider, FIRST, opened).when(ChooseWords(words="opened")).then_nothing()
    moved = WebhookMoved(url="https://example.com/elsewhere")
    given(decider, FIRST, opened, moved).when(ChooseWords(words="opened")).then(opened)
