"""Every fact goes somewhere, every topic is declared, and figures and views tell the same."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from sellers.catalogue import folded_by
from sellers.node import MODULES
from services.analytics import measures
from services.analytics.entities import entity_of, evolve
from services.analytics.periods import periods
from services.analytics.tests.histories import series
from services.calendar.days import Span, together
from services.calendar.defaults import CalendarDefaults
from services.calendar.figures import Told, figures
from services.calendar.projections import EntryCard, series_card
from services.opportunities import main as opportunities
from services.opportunities.model import Discover, OpportunityCommand
from services.opportunities.projections import opportunity_card
from shared.errors import DomainError
from shared.events import REGISTRY, Envelope
from shared.events.calendar import SeriesOccurrenceTakenOut
from shared.published import topic_of
from shared.released import examples_of
from shared.service import Domain
from shared.testing import commands, recorded
from shared.topics import declared_topics
from shared.workplaces import Workplace

ZONE = ZoneInfo("Asia/Seoul")
DOMAINS = [module.domain for module in MODULES]
FACTS = {topic.name: topic for topic in declared_topics() if topic.cleanup == "keep"}
INBOXES = {topic.name: topic for topic in declared_topics() if topic.is_inbox}
ANSWERS = {t.name: t for t in declared_topics() if t.cleanup == "expire" and not t.is_inbox}
VIEWS = {topic.name: topic for topic in declared_topics() if topic.name.startswith("views.")}

# Facts that no view and no figure shows yet, each with the reason.
UNREAD: dict[str, str] = {}


def test_every_fact_reaches_a_view_or_a_figure() -> None:
    unread = {wire for wire, event in REGISTRY.items() if not folded_by(event)}
    assert unread == set(UNREAD), "fold it in a projection, or list it in UNREAD with the reason"


def test_every_topic_of_facts_is_declared_and_none_without_facts() -> None:
    assert set(FACTS) == {event.topic for event in REGISTRY.values()}


def test_every_published_view_has_its_topic_and_no_topic_is_without_a_view() -> None:
    published = {
        topic_of(projection): domain.name
        for domain in DOMAINS
        for projection in domain.projections
        if projection.published
    }
    assert {name: topic.producers for name, topic in VIEWS.items()} == {
        name: (owner,) for name, owner in published.items()
    }


@pytest.mark.parametrize("topic", list(FACTS))
def test_topics_name_who_writes_and_who_reads_them(topic: str) -> None:
    writers = {d.name for d in DOMAINS if topic in d.intake or (d.deciders and d.name == topic)}
    readers = {domain.name for domain in DOMAINS if topic in _reads(domain)}
    assert set(FACTS[topic].producers) == writers
    assert set(FACTS[topic].consumers) == readers


def test_every_inbox_is_declared_and_read_by_one_domain() -> None:
    read = {(inbox.topic, (domain.name,)) for domain in DOMAINS for inbox in domain.inboxes}
    assert {(topic.name, topic.consumers) for topic in INBOXES.values()} == read
    assert all(topic.producers == () for topic in INBOXES.values())
    assert len({inbox.name for domain in DOMAINS for inbox in domain.inboxes}) == len(INBOXES)


def test_every_topic_of_answers_is_written_by_who_reads_the_inbox_and_read_by_nobody_of_us() -> (
    None
):
    written = {
        inbox.answers.topic: (domain.name,)
        for domain in DOMAINS
        for inbox in domain.inboxes
        if inbox.answers is not None
    }
    assert {topic.name: topic.producers for topic in ANSWERS.values()} == written
    assert all(topic.consumers == () for topic in ANSWERS.values())


def _reads(domain: Domain) -> set[str]:
    topics = {topic for projection in domain.projections for topic in projection.topics}
    topics |= {topic for policy in domain.policies for topic in policy.topics}
    if domain.deciders:
        topics.add(domain.name)  # Its keeper reads what it wrote.
    if domain.name == "analytics":
        topics |= set(measures.TOPICS)
    return topics


def test_a_key_names_the_kinds_of_stream_that_are_decided() -> None:
    for domain in DOMAINS:
        if domain.deciders:
            for kind in domain.deciders:
                assert f"{kind}-…" in FACTS[domain.name].key


def kinds_of_facts() -> dict[str, str]:
    """Return which kind of stream holds a fact: the one whose `evolve` takes it."""
    kinds = {event.wire: "touch" for event in REGISTRY.values() if event.topic == "touches"}
    for domain in DOMAINS:
        for kind, decider in domain.deciders.items():
            _, taken, _ = get_type_hints(decider.evolve).values()
            kinds |= {event.wire: kind for event in get_args(taken) or (taken,)}
    return kinds


def test_a_view_follows_every_kind_of_stream_whose_facts_it_folds() -> None:
    # A fact of a stream that is not followed is passed over in silence, also by `verify`.
    kinds = kinds_of_facts()
    assert set(kinds) == set(REGISTRY)
    for domain in DOMAINS:
        for projection in domain.projections:
            folded = {kinds[event.wire] for event in projection.folds}
            assert [kind for kind in sorted(folded) if not projection.follows(f"{kind}-1")] == []


def test_the_figures_follow_every_kind_of_stream_that_contributes() -> None:
    kinds = kinds_of_facts()
    measured = {
        kinds[wire]
        for wire, event in REGISTRY.items()
        if entity_of(examples_of(event)["least"]) is not None
    }
    assert measured <= measures.STREAMS


def test_a_timer_scans_a_view_of_its_own_domain_under_a_name_of_its_own() -> None:
    timers = [(timer, domain) for domain in DOMAINS for timer in domain.timers]
    assert timers
    assert [t.name for t, domain in timers if t.projection not in domain.projections] == []
    assert len({timer.name for timer, _ in timers}) == len(timers)


def test_partitions_are_as_many_everywhere() -> None:
    # A view that combines topics is folded by one member only where their numbers agree.
    assert {topic.partitions for topic in declared_topics()} == {4}


def test_no_two_domains_claim_a_kind_of_stream_or_the_name_of_a_view() -> None:
    kinds = [kind for domain in DOMAINS for kind in domain.deciders]
    views = [projection.name for domain in DOMAINS for projection in domain.projections]
    assert len(kinds) == len(set(kinds))
    assert len(views) == len(set(views))


@for_all(st.lists(commands(OpportunityCommand), max_size=8))
def test_figures_and_cards_agree_on_how_an_opportunity_stands_now(asked: list[Any]) -> None:
    told = _decided([Discover(title="Pump"), *asked])
    history = recorded(*told, stream="opportunity-1")
    entity = entity_of(history[0])
    assert entity is not None
    for fact in history:
        entity = evolve(entity, fact, ZONE)
    card = opportunity_card.replay(history)["opportunity-1"]
    *_, period = periods(entity)
    stands = period.step
    outcome = {"won": "Won", "lost": "Lost"}
    assert stands.stage == (outcome[card.outcome] if card.outcome else card.stage)
    assert stands.on == (card.closed_on if card.outcome else card.stage_on)
    assert stands.latent == card.latent
    # Whoever won or lost it keeps that, when it is handed over afterwards.
    assert card.outcome or period.owner == (card.owner or "")


@for_all(series(1), st.sampled_from(["employee-a", "employee-b", "employee-c"]))
def test_figures_and_calendar_agree_on_what_is_planned_by_a_series(
    history: list[Envelope], seller: str
) -> None:
    card = series_card.within(ZONE).replay(history).get("series-1")
    parts = [] if card is None else list(card.parts(seller))
    gone = [fact.data.occurrence for fact in history if _takes_out(fact)]
    taken_out = [EntryCard("entry-1", series="series-1", occurrence=at) for at in gone]
    year = Span(date(2026, 1, 1), date(2026, 12, 31), ZONE)
    place = Workplace(ZONE, CalendarDefaults())
    shown = Told(together([], parts, taken_out, year), place)
    told = figures([shown], year.first, year.last, year.last, CalendarDefaults())
    sums: Counter[str] = Counter()
    for cell, amount in measures.recompute(history, ZONE)[1].items():
        if cell.axis == "time" and cell.owner == seller and cell.day <= year.last:
            sums[f"{cell.measure} {cell.value}"] += amount
    spent = {f"planned {one.category}": one.planned_minutes for one in told.categories}
    spent |= {f"entries {one.category}": one.entries for one in told.categories}
    assert {name: n for name, n in spent.items() if n} == {n: m for n, m in sums.items() if m}


def _takes_out(fact: Envelope) -> bool:
    return isinstance(fact.data, SeriesOccurrenceTakenOut)


def _decided(asked: list[Any]) -> list[Any]:
    decider = opportunities.domain.decider("opportunity-1")
    told: list[Any] = []
    for command in asked:
        try:
            told += decider.decide(decider.state(told), command)
        except DomainError:
            continue  # What is refused is no fact.
    return told
