"""The demo shows what the platform can do: every kind of fact occurs, and every view has some."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import orjson
import pytest

from sellers.demo.days import ZONE
from sellers.demo.generator import demo_company
from sellers.demo.items import SOURCE, TOUCHES
from services.analytics.main import domain as analytics
from services.calendar.agenda_views import AgendaCard
from services.calendar.days import Span
from services.calendar.defaults import CalendarDefaults
from services.calendar.entry_views import EntryCard, entry_card
from services.calendar.figures import Told
from services.calendar.main import domain as calendar
from services.calendar.overwork import Worked, overworked
from services.calendar.series_views import series_card
from services.campaigns.attribution import attributed, campaign_opportunity, campaign_person
from services.campaigns.main import domain as campaigns
from services.campaigns.projections import campaign_card
from services.contacts.duplicates import candidates, duplicate_block, pairs
from services.contacts.identities import identity_card
from services.contacts.main import domain as contacts
from services.contacts.person_views import person_card
from services.contacts.promotions import all_promotions, person_promotions, repeated
from services.contacts.sources import touch_sources
from services.contacts.touches import NewTouch, Sent, touch_fact
from services.issues.main import domain as issues
from services.opportunities.main import domain as opportunities
from services.organization.main import domain as organization
from shared.command import DatedCommand
from shared.events import REGISTRY, Envelope
from shared.events.contacts import MoveNoticed
from shared.service import Domain
from shared.testing import recorded
from shared.workplaces import Workplace

END = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
SHOWN = (organization, contacts, opportunities, issues, calendar, campaigns, analytics)
DOMAINS = {domain.name: domain for domain in SHOWN}

# Kinds of facts that the demo does not tell, each with the reason.
UNTOLD = {
    "analytics.figures_looked_at.v1": "nobody has looked at anybody before the demo is opened",
    "calendar.agenda_feed_opened.v1": "whoever opens an address is told it once, and nobody else",
    "calendar.agenda_feed_revoked.v1": "no address was opened",
    "calendar.agenda_key_registered.v1": "a key is made by its owner, where nobody else is",
    "calendar.overwork_found.v1": "the running platform looks, when a week is over",
    "calendar.agenda_overwork_seen.v1": "the inbox is left to whoever tries the demo",
    "calendar.agenda_url_fetched.v1": "the demo reads nothing from elsewhere",
    "contacts.consent_given.v1": "consent is asked of people, and the demo's are nobody",
    "contacts.consent_withdrawn.v1": "nobody has given any",
    "contacts.person_erased.v1": "whoever is erased is not shown any more",
    "organization.key_issued.v1": "a key is told once, to whoever asked for it",
    "organization.key_revoked.v1": "no key was issued",
    "contacts.fields_read.v1": "nobody has read anything before somebody opens the demo",
    "contacts.person_owner_assigned.v1": "who answers for a company answers for its people",
    "contacts.visit_follow_up_reassigned.v1": "what is left is handed over when all is folded",
    "organization.handover_items_moved.v1": "what is left is handed over when all is folded",
    "contacts.move_acknowledged.v1": "the notice is named after a fact of the running platform",
    "issues.commitment_broken.v1": "the timers of the running platform say so",
    "issues.commitment_reassigned.v1": "what is left is handed over when all is folded",
    "issues.deadline_missed.v1": "whoever waits is answered in time, so far",
    "issues.service_level_told.v1": "another system judges it",
    "issues.status_told.v1": "another system's word",
    "opportunities.engagement_corrected.v1": "puts right what another system mistook",
    "opportunities.opportunity_corrected.v1": "puts right what another system mistook",
    "opportunities.outcome_corrected.v1": "puts right what another system mistook",
    "organization.handover_called_off.v1": "whoever leaves, leaves",
    "organization.handover_rescheduled.v1": "whoever leaves, leaves on the day",
    "organization.unit_placed_under.v1": "units are formed where they stand",
    "organization.workcalendar_holiday_withdrawn.v1": "holidays stay",
}

# Views in which it leaves nothing.
EMPTY = {
    "feed_access": "no address was opened",
    "fields_read": "nobody has read anything before somebody opens the demo",
    "erasure": "whoever is erased is not shown any more",
    "person_consents": "consent is asked of people, and the demo's are nobody",
    "key_card": "a key is told once, to whoever asked for it",
    "looks": "nobody has looked at anybody before the demo is opened",
    "overwork_told": "the running platform looks, when a week is over",
}


class Demo:
    """What the demo comes to: each domain's decisions and what its policies do of it."""

    def __init__(self, size: int, end: date = END) -> None:
        self.end = end
        self.states: dict[str, Any] = {}
        self.versions: Counter[str] = Counter()
        self.facts: list[Envelope] = []
        for item in demo_company(7, size, end):
            body = orjson.dumps(dict(item.command))
            if item.domain == TOUCHES:
                sent = Sent(NewTouch.model_validate_json(body), SOURCE, item.id)
                self.facts.append(touch_fact(sent, now=NOW, actor="demo", correlation_id="demo"))
            elif item.domain in DOMAINS:
                kind = DOMAINS[item.domain].decider(item.stream)
                self._decide(
                    item.domain, item.stream, kind.commands[item.type].model_validate_json(body)
                )

    def _decide(self, domain: str, stream: str, command: Any) -> None:
        kind = DOMAINS[domain].decider(stream)
        state = self.states.get(stream, kind.initial)
        dated = command.dated(self.end) if isinstance(command, DatedCommand) else command
        facts = kind.decide(state, dated)
        for fact in facts:
            state = kind.evolve(state, fact)
        told = recorded(*facts, stream=stream, after=self.versions[stream], occurred_at=NOW)
        self.states[stream] = state
        self.versions[stream] += len(facts)
        self.facts += told
        for at in told:
            for policy in DOMAINS[domain].policies:
                for reaction in policy.react(at):
                    self._decide(domain, reaction.stream, reaction.command)


@cache
def told() -> tuple[Envelope, ...]:
    return tuple(Demo(40).facts)


def test_every_kind_of_fact_occurs_or_is_left_out_for_a_reason() -> None:
    topics = {domain.name for domain in SHOWN}
    wanted = {wire for wire, event in REGISTRY.items() if event.topic in topics}
    occurred = {at.wire for at in told()}
    assert wanted - occurred == set(UNTOLD)


@pytest.mark.parametrize("domain", SHOWN, ids=lambda domain: domain.name)
def test_every_view_has_something_to_show(domain: Domain) -> None:
    shown = {one.name: len(one.replay(told())) for one in domain.projections}
    assert {name for name, count in shown.items() if count == 0} <= set(EMPTY)


def test_what_is_computed_when_asked_has_something_to_show_too() -> None:
    cards = person_card.replay(told())
    alike = candidates(pairs(duplicate_block.replay(told()).values()), cards, 0.5)
    assert any(one.score > 0.9 for one in alike)
    views = person_promotions.replay(told()).values()
    again = [day for one in views for _, day in repeated(all_promotions([one]), 30) if day]
    assert again
    latest = max(at.data.on for at in told() if isinstance(at.data, MoveNoticed) and at.data.on)
    assert latest == END
    grades = {
        source.grade for view in touch_sources.replay(told()).values() for source in view.sources
    }
    assert {"CEO", "과장", "unstated"} <= grades


def test_the_calendar_shows_that_plans_came_out_in_every_way() -> None:
    cards = entry_card.replay(told()).values()
    assert {card.status for card in cards} >= {
        "planned",
        "done",
        "missed",
        "displaced",
        "cancelled",
    }
    by = {card.displaced_by for card in cards} - {None}
    assert by <= {card.entry for card in cards if card.unplanned}
    assert any(card.moves for card in cards)
    rhythms = [one for one in series_card.replay(told()).values() if one.activity == "rhythm"]
    assert any(len(one.owners) > 1 for one in rhythms)
    held = Counter(card.series for card in cards if card.status == "done")
    assert any(held[one.series] > 2 for one in rhythms)


def test_campaigns_are_answered_sold_from_and_judged() -> None:
    cards = campaign_card.replay(told()).values()
    assert {card.state for card in cards} >= {"started", "ended"}
    people = list(campaign_person.replay(told()).values())
    sold = list(campaign_opportunity.replay(told()).values())
    for card in cards:
        came = attributed(
            [one for one in people if one.campaign == card.called],
            [one for one in sold if one.campaign == card.called],
        )
        assert came.reached
        if card.state == "ended":
            assert card.feedback
            assert came.responses
            assert came.won_value
    names = identity_card.replay(told()).values()
    assert any(one.touches and one.owner for one in names)
    assert any(one.unresolved for one in names)


def test_nobody_learns_what_somebody_does_in_private() -> None:
    cards = [one for one in entry_card.replay(told()).values() if one.category == "private"]
    assert cards
    assert {(one.title, one.place, one.note, one.people) for one in cards} == {
        (None, None, None, ())
    }


def test_somebody_works_too_much() -> None:
    by_seller: dict[str, list[EntryCard]] = {}
    for card in entry_card.replay(told()).values():
        by_seller.setdefault(card.seller or "", []).append(card)
    chosen, span = CalendarDefaults(), Span(END - timedelta(days=28), END, ZONE)
    found = [
        one
        for seller, cards in by_seller.items()
        for one in overworked(
            Worked(seller, None, Told(cards, Workplace(ZONE, chosen)), AgendaCard("agenda-1")),
            span, END, chosen,
        )
    ]  # fmt: skip
    assert found
    assert len({one.seller for one in found}) < len(by_seller) / 4
