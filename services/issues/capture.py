"""Whether what customers complain of in touches is registered, and answered. Pure (I-11)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo

from shared.events import Envelope
from shared.events.issues import FeedbackGiven, IssueRegistered
from shared.events.touches import TouchRecorded
from shared.projection import Projection

# In which touches a customer expresses what is an issue.
EXPRESSES = frozenset({"complaint", "advice"})
# How many complaints companies usually get to know of (I-11).
BASELINE = 0.1


@dataclass(frozen=True, slots=True)
class ExpressedTouch:
    """Answers: did a customer express an issue in this touch, and was it registered? (I-11).

    `feedback_of`: in this touch the customer was told what became of that issue: it tells of none
    of its own.
    """

    touch: str
    heard_on: date | None = None
    about: str | None = None
    person: str | None = None
    company: str | None = None
    employee: str | None = None
    channel: str | None = None
    subject: str | None = None
    issue: str | None = None
    feedback_of: str | None = None


expressed_touch = Projection(
    "expressed_touch",
    version=1,
    view=ExpressedTouch,
    indexes=("heard_on", "employee", "company"),
    streams=("touch", "issue"),
)


def _expressing(at: Envelope, zone: tzinfo) -> Sequence[str]:
    assert isinstance(at.data, TouchRecorded)
    return (at.stream,) if at.data.about in EXPRESSES else ()


def _its_touch(at: Envelope) -> Sequence[str]:
    assert isinstance(at.data, IssueRegistered | FeedbackGiven)
    return () if at.data.touch is None else (at.data.touch,)


@expressed_touch.on_zoned(TouchRecorded, keys=_expressing)
def heard(view: ExpressedTouch, event: TouchRecorded, at: Envelope, zone: tzinfo) -> ExpressedTouch:
    told = event.model_dump(
        include={"about", "person", "company", "employee", "channel", "subject"}
    )
    return replace(view, heard_on=at.occurred_at.astimezone(zone).date(), **told)


@expressed_touch.on(IssueRegistered, keys=_its_touch)
def registered(view: ExpressedTouch, event: IssueRegistered, at: Envelope) -> ExpressedTouch:
    return replace(view, issue=at.stream)


@expressed_touch.on(FeedbackGiven, keys=_its_touch)
def fed_back(view: ExpressedTouch, event: FeedbackGiven, at: Envelope) -> ExpressedTouch:
    return replace(view, feedback_of=at.stream)


@dataclass(frozen=True, slots=True)
class Captured:
    """Answers: how much of what customers expressed was registered, and answered? (I-11).

    Shares are of `heard`, of `registered`; None where that is nothing. `items` are the touches of
    which nobody registered anything: the figure opens into them.
    """

    first: date
    last: date
    heard: int
    registered: int
    share: float | None
    fed_back: int
    fed_back_share: float | None
    baseline: float
    items: tuple[ExpressedTouch, ...]


def issues_of(touches: Sequence[ExpressedTouch]) -> list[str]:
    """Return the issues that were registered of what was heard."""
    return sorted({one.issue for one in touches if one.issue is not None})


def captured(
    touches: Sequence[ExpressedTouch], answered: Collection[str], first: date, last: date
) -> Captured:
    """Count what was heard in these days; `answered` are the issues of which somebody was told."""
    heard = [one for one in touches if one.feedback_of is None]
    missed = tuple(one for one in heard if one.issue is None)
    registered = len(heard) - len(missed)
    told = sum(one.issue in answered for one in heard)
    return Captured(
        first,
        last,
        len(heard),
        registered,
        round(registered / len(heard), 4) if heard else None,
        told,
        round(told / registered, 4) if registered else None,
        BASELINE,
        missed,
    )
