"""What the declaration of the topics may say, so that no fact is ever lost by it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.topics import Topic, Topics, declared_topics

TOUCHES: dict[str, Any] = {
    "name": "touches",
    "key": "touch-…",
    "partitions": 4,
    "cleanup": "keep",
    "producers": ("contacts",),
    "consumers": (),
}


def test_facts_are_kept_for_ever_and_what_others_send_for_a_while() -> None:
    kept = {topic.name: topic.spec.kept_s for topic in declared_topics()}
    days = {name: kept_s for name, kept_s in kept.items() if kept_s is not None}
    assert days == dict.fromkeys(("touches-inbox", "touches-answers"), 3 * 24 * 3600)


def test_answers_are_kept_as_long_as_what_they_answer() -> None:
    expiring = {**TOUCHES, "cleanup": "expire"}
    inbox = {**expiring, "name": "touches-inbox", "days": 3}
    answers = {**expiring, "name": "touches-answers", "days": 3}
    assert len(Topics.model_validate({"topics": [inbox, answers]}).topics) == 2
    for told in ([answers], [inbox, {**answers, "days": 4}]):
        with pytest.raises(ValidationError, match="touches-answers has the days of touches-inbox"):
            Topics.model_validate({"topics": told})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"cleanup": "expire", "days": 30}, "facts never do"),
        ({"name": "touches-inbox"}, "inboxes expire"),
        ({"name": "touches-answers"}, "inboxes expire, and answers"),
        ({"name": "touches-inbox", "cleanup": "expire"}, "after some `days`"),
        ({"days": 30}, "nothing else has them"),
        ({"cleanup": "compact"}, "facts never are"),
        ({"name": "views.card"}, "views"),
    ],
)
def test_a_topic_that_would_lose_facts_is_refused(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Topic.model_validate({**TOUCHES, **told})
