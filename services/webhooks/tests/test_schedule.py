"""When something is tried again: as the schedule says, spread a little, and as they ask."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.webhooks.defaults import WebhooksDefaults
from services.webhooks.schedule import RETRY_AFTER_S_MAX, Answer, asked_pause_s, pause_s

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
WAITS = WebhooksDefaults().retry_seconds


def test_each_attempt_waits_longer_and_the_last_is_the_last() -> None:
    found = [pause_s(WAITS, attempts, "webhook-1/contacts/0/7") for attempts in range(1, 11)]
    assert found[-1] is None
    pauses = [pause for pause in found if pause is not None]
    assert all(0.8 * w <= p <= 1.2 * w for p, w in zip(pauses, WAITS, strict=True))
    assert sum(WAITS) > 3 * 24 * 3600, "over a weekend"


def test_many_that_failed_together_do_not_come_again_together() -> None:
    pauses = {pause_s(WAITS, 1, f"webhook-{n}/contacts/0/7") for n in range(200)}
    assert len(pauses) == 200
    assert min(pauses) < 4.3
    assert max(pauses) > 5.7


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Mon, 05 Jan 2026 12:01:30 GMT", 90.0),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0.0),
        ("Mon, 05 Jan 2026 12:01:30", 90.0),
        ("99999999999999999999", RETRY_AFTER_S_MAX),
        ("Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_S_MAX),
        ("-5", 0.0),
        ("soon", 0.0),
        ("١٢٠", 0.0),
        ("", 0.0),
        (None, 0.0),
    ],
)
def test_they_are_left_alone_for_as_long_as_they_ask(told: str | None, seconds: float) -> None:
    assert asked_pause_s(Answer(429, "429", 5, told), NOON) == seconds


@pytest.mark.parametrize(
    ("status", "taken", "gone"),
    [(200, True, False), (204, True, False), (301, False, False), (410, False, True)],
)
def test_only_two_hundreds_are_taken(status: int, taken: bool, gone: bool) -> None:
    answer = Answer(status, str(status), 5)
    assert (answer.taken, answer.gone) == (taken, gone)
    assert not Answer(None, "no answer", 5).taken
