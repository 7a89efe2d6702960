"""Which promotions a person gets: none of them again too soon. Pure (C-14).

A touch that marketing sent has happened and is never refused; what is planned may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from pydantic import model_validator

from services.contacts.consents import NoConsent
from services.contacts.defaults import ContactsDefaults
from services.contacts.held import merged_by_date
from services.contacts.statements import Text, within
from services.contacts.timelines import touched_person
from shared.command import DatedCommand
from shared.errors import DomainError
from shared.events import Envelope
from shared.events.contacts import PromotionPlanned
from shared.events.touches import Channel, TouchRecorded
from shared.held import in_order
from shared.projection import Projection

Sameness = tuple[str, ...]


class PromotionRepeatedError(DomainError):
    """The person was sent the same promotion not long ago, or is about to be."""


class PlanPromotion(DatedCommand):
    """Of a campaign, or told by its words: one of both says which promotion it is."""

    channel: Channel
    campaign: Text | None = None
    words: Text | None = None
    planned_by: Text | None = None

    @model_validator(mode="after")
    def _named(self) -> Any:
        if self.campaign is None and self.words is None:
            raise ValueError("which promotion? Tell its `campaign` or its `words`")
        return self


def samenesses(channel: str, campaign: str | None, words: str | None) -> tuple[Sameness, ...]:
    """Return by what a promotion is known again: two that share one of these are the same."""
    found: list[Sameness] = [("campaign", _plain(campaign))] if campaign else []
    if words:
        found.append(("words", channel, _plain(words)))
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def known_by(planned: PromotionPlanned) -> tuple[Sameness, ...]:
    return samenesses(planned.channel, planned.campaign, planned.words)


def decide_promotion(
    promoted: Mapping[Sameness, PromotionPlanned], command: PlanPromotion, rules: ContactsDefaults
) -> list[PromotionPlanned]:
    """Refuse, or mark, what is planned for the person already, as their last plans say."""
    planned = PromotionPlanned(**command.model_dump(exclude={"date_unknown"}))
    same = [promoted[one] for one in known_by(planned) if one in promoted]
    if any(before.model_copy(update={"repeats": None}) == planned for before in same):
        return []
    window = rules.promotion_window_days
    days = [one.on for one in same if one.on and within(window, one.on, planned.on)]
    if not days:
        return [planned]
    if rules.promotion_repeated == "refuse":
        field = "#/campaign" if planned.campaign else "#/words"
        raise PromotionRepeatedError(f"planned for {max(days)}", field=field)
    return [planned.model_copy(update={"repeats": max(days)})]


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promotion that the person got (`sent`), or that is planned."""

    since: date | None
    channel: str
    campaign: str | None
    words: str | None
    sent: bool
    by: str | None
    # Planned although it had been planned for that day already.
    repeats: date | None = None


@dataclass(frozen=True, slots=True)
class PersonPromotions:
    """Answers: which promotions did this person get, which are planned, in the order of days?"""

    person: str
    promotions: tuple[Promotion, ...] = ()


person_promotions = Projection(
    "person_promotions", version=1, view=PersonPromotions, streams=("person", "touch")
)


@person_promotions.on(PromotionPlanned)
def planned(view: PersonPromotions, event: PromotionPlanned, at: Envelope) -> PersonPromotions:
    one = Promotion(
        event.on,
        event.channel,
        event.campaign,
        event.words,
        sent=False,
        by=event.planned_by,
        repeats=event.repeats,
    )
    return _with(view, one)


def _promoted(at: Envelope, zone: tzinfo) -> tuple[str, ...]:
    assert isinstance(at.data, TouchRecorded)
    ours = at.data.about == "promotion" and at.data.direction == "outbound"
    return (touched_person(at),) if ours else ()


@person_promotions.on_zoned(TouchRecorded, keys=_promoted)
def sent(
    view: PersonPromotions, event: TouchRecorded, at: Envelope, zone: tzinfo
) -> PersonPromotions:
    by = event.employee or event.publisher
    one = Promotion(at.day(zone), event.channel, event.campaign, event.subject, sent=True, by=by)
    return _with(view, one)


def _with(view: PersonPromotions, one: Promotion) -> PersonPromotions:
    # Touches of one day come in any order; what they say puts them into the same one.
    told = sorted((*view.promotions, one), key=lambda p: (p.sent, str(p)))
    promotions: tuple[Promotion, ...] = ()
    for each in told:
        promotions = in_order(promotions, each)
    return replace(view, promotions=promotions)


def all_promotions(views: Sequence[PersonPromotions]) -> tuple[Promotion, ...]:
    """Return what all entries of one person got and are about to get."""
    found: tuple[Promotion, ...] = merged_by_date(view.promotions for view in views)
    return found


@dataclass(frozen=True, slots=True)
class MayPromote:
    """Whether a promotion may be sent to a person now, and when and by whom it was last."""

    person: str
    may: bool
    again_from: date | None = None
    last_on: date | None = None
    sent: bool | None = None
    by: str | None = None
    # They do not agree to it: that is no question of days.
    no_consent: NoConsent | None = None


def may_promote(
    person: str,
    promotions: Sequence[Promotion],
    same: Sequence[Sameness],
    *,
    window: int,
    today: date,
    no_consent: NoConsent | None = None,
) -> MayPromote:
    """Look through what was sent and what is planned, also for days to come, and what they want."""
    last = [one for one in promotions if one.since is not None and _is(one, same)]
    if not last or last[-1].since is None:
        return MayPromote(person, may=no_consent is None, no_consent=no_consent)
    again = last[-1].since + timedelta(days=window)
    may = again <= today and no_consent is None
    at = last[-1]
    return MayPromote(person, may, again, at.since, at.sent, at.by, no_consent)


def _is(one: Promotion, same: Sequence[Sameness]) -> bool:
    return bool({*samenesses(one.channel, one.campaign, one.words)} & {*same})


def repeated(promotions: Sequence[Promotion], window: int) -> list[tuple[Promotion, date | None]]:
    """Return what was sent, each with the day of the same one too short a time before it."""
    got = [one for one in promotions if one.sent]
    before: dict[int, date | None] = {}
    for same in {name for one in got for name in samenesses(one.channel, one.campaign, one.words)}:
        ways = [place for place, one in enumerate(got) if _is(one, (same,))]
        for earlier, later in pairwise(ways):
            if within(window, got[earlier].since, got[later].since):
                before[later] = got[earlier].since
    return [(one, before.get(place)) for place, one in enumerate(got)]
