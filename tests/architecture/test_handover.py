"""C-09: whoever leaves, whenever facts arrive: at every instant an open thing has one owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import example
from hypothesis import given as for_all
from hypothesis import strategies as st

from sellers.node import MODULES
from services.calendar.model import Cancel, Plan
from services.calendar.model import Reassign as ReassignEntry
from services.calendar.projections import entry_card
from services.contacts.model import (
    AssignCompanyOwner,
    AssignPersonOwner,
    RegisterCompany,
    RegisterPerson,
)
from services.contacts.projections import company_card, person_card
from services.contacts.visits import FollowUp, HoldVisit, PlanVisit, visit_card
from services.issues.model import Assign, Close, GiveFeedback, Register
from services.issues.projections import issue_card
from services.opportunities import main as opportunities
from services.opportunities.model import Discover, Lose, Reassign, Reopen
from services.opportunities.projections import opportunity_card
from services.opportunities.record.commands import AgreeAction
from services.organization.handovers import MoveItems, StartHandover
from services.organization.projections import owned_item
from shared.clock import derived_id
from shared.command import Command
from shared.errors import DomainError
from shared.events import Envelope
from shared.events.organization import HandedItem
from shared.projection import Projection
from shared.testing import check_projection, commands, recorded

DOMAINS = [module.domain for module in MODULES if module.domain.deciders]
DECIDERS = {kind: decider for domain in DOMAINS for kind, decider in domain.deciders.items()}
FOLLOWING = [domain for domain in DOMAINS if domain.name != "organization"]
# By what each domain itself says whose a thing is.
SAID_BY: Mapping[str, tuple[Projection[Any], str]] = {
    "company": (company_card, "owner"),
    "person": (person_card, "owner"),
    "opportunity": (opportunity_card, "owner"),
    "issue": (issue_card, "owner"),
    "entry": (entry_card, "seller"),
}
LEAVER, RECEIVER = "employee-1", "employee-2"
FOLLOWS = "follow_a_handover"
TODAY = date(2026, 1, 9)
LATER = {
    "starts_at": datetime(2026, 2, 1, 9, tzinfo=UTC),
    "ends_at": datetime(2026, 2, 1, 10, tzinfo=UTC),
}
VISIT: dict[str, Any] = {
    "company": "company-1",
    "purpose": "To thank them",
    "talking_points": ("Pumps",),
    "on": TODAY,
}
PROMISE = FollowUp(what="Send the plan", owner=LEAVER, due_on=date(2026, 2, 1))
BEGAN: tuple[tuple[str, Command], ...] = (
    ("company-1", RegisterCompany(name="Acme")),
    ("company-1", AssignCompanyOwner(owner=LEAVER)),
    ("person-1", RegisterPerson(name="Kim")),
    ("person-1", AssignPersonOwner(owner=LEAVER)),
    ("opportunity-1", Discover(title="Pumps", owner=LEAVER)),
    ("issue-1", Register(kind="complaint", words="Late.", person="person-1", owner=LEAVER)),
    ("entry-1", Plan(seller=LEAVER, category="customer", **LATER)),
    ("entry-2", Plan(seller=LEAVER, category="private", **LATER)),
    ("visit-1", PlanVisit(executive=LEAVER, **VISIT)),
    ("visit-2", PlanVisit(executive=LEAVER, **VISIT)),
    ("visit-2", HoldVisit(outcome="They like it.", follow_ups=(PROMISE,), on=TODAY)),
    ("handover-1", StartHandover(employee=LEAVER, leaves_on=TODAY)),
)


@dataclass
class World:
    """All facts in the order in which they were recorded, and how far each domain has read."""

    log: list[Envelope] = field(default_factory=list)
    told: dict[str, list[Envelope]] = field(default_factory=lambda: defaultdict(list))
    read: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    acted: set[str] = field(default_factory=set)

    def ask(self, stream: str, command: Any, actor: str = "somebody") -> None:
        """Let the domain decide; what it refuses is no fact."""
        decider, history = DECIDERS[stream.partition("-")[0]], self.told[stream]
        try:
            command.check(stream, TODAY)
            events = decider.decide(decider.state([fact.data for fact in history]), command)
        except DomainError:
            return
        facts = recorded(*events, stream=stream, after=len(history), actor=actor)
        history.extend(facts)
        self.log.extend(facts)

    def hand_over(self, behind: int = 0) -> None:
        """Hand over what a view says that may be behind by some facts."""
        views = owned_item.replay(self.log[: len(self.log) - behind])
        theirs = [one for one in views.values() if one.owner == LEAVER and one.owed(TODAY)]
        items = tuple(HandedItem(item=one.item, held_from=one.held_from) for one in theirs)
        self.ask("handover-1", MoveItems(receiver=RECEIVER, items=items, on=TODAY))

    def follow(self, domain: Any, again: int = 0) -> None:
        """Let a domain read on, some facts a second time; a command is decided once."""
        begin = max(0, self.read[domain.name] - again)
        self.read[domain.name] = len(self.log)
        for fact in self.log[begin : len(self.log)]:
            for policy in domain.policies:
                for ordinal, reaction in enumerate(policy.react(fact)):
                    name = derived_id(fact.id, policy.name, str(ordinal))
                    if name not in self.acted:
                        self.acted.add(name)
                        self.ask(reaction.stream, reaction.command, policy.name)

    def everybody_follows(self) -> None:
        for domain in FOLLOWING:
            self.follow(domain)


OWNERS = st.sampled_from([LEAVER, RECEIVER, "employee-3"])
PAST = st.none() | st.dates(date(2026, 1, 1), TODAY)
PLANNED = PAST | st.dates(TODAY, date(2026, 1, 20))
# What changes whose a thing is, or whether it is open, is asked for more often than the rest.
ASKED: tuple[tuple[str, st.SearchStrategy[Command]], ...] = (
    ("company-1", st.builds(AssignCompanyOwner, owner=OWNERS, on=PLANNED)),
    ("person-1", st.builds(AssignPersonOwner, owner=OWNERS, on=PLANNED)),
    ("opportunity-1", st.builds(Reassign, owner=OWNERS, on=PAST, reason=st.just("unstated"))),
    ("opportunity-1", st.builds(Lose, on=PAST)),
    ("opportunity-1", st.builds(Reopen, stage=st.just("Engaging"), on=PAST)),
    ("issue-1", st.builds(Assign, owner=OWNERS, on=PAST)),
    ("issue-1", st.builds(GiveFeedback, result=st.just("Sorry."))),
    ("issue-1", st.builds(Close)),
    ("entry-1", st.builds(ReassignEntry, seller=OWNERS)),
    ("entry-1", st.builds(Cancel)),
    *(
        (f"{name}-1", commands(kind))
        for name in SAID_BY
        for kind in DECIDERS[name].commands.values()
    ),
)


def _of(
    asked: Sequence[tuple[str, st.SearchStrategy[Command]]],
) -> st.SearchStrategy[tuple[str, Command]]:
    return st.one_of([st.tuples(st.just(stream), command) for stream, command in asked])


@st.composite
def lives(draw: Any) -> list[tuple[str, Any]]:
    """What happens after all began: people ask, things are handed over, domains follow."""
    step = st.one_of(
        st.tuples(st.just("ask"), _of(ASKED[:10])),
        st.tuples(st.just("ask"), _of(ASKED)),
        st.tuples(st.just("hand over"), st.integers(0, 4)),
        st.tuples(st.just("follow"), st.tuples(st.sampled_from(FOLLOWING), st.integers(0, 9))),
    )
    found: list[tuple[str, Any]] = draw(st.lists(step, max_size=12))
    return found


def _lived(steps: list[tuple[str, Any]]) -> World:
    world = World()
    for stream, command in BEGAN:
        world.ask(stream, command)
    for what, how in steps:
        match what:
            case "ask":
                world.ask(*how)
            case "hand over":
                world.hand_over(behind=how)
            case _:
                world.follow(*how)
    return world


# It was lost before its domain heard of the handover, and is reopened after.
LOST_MEANWHILE = [
    ("ask", ("opportunity-1", Lose())),
    ("hand over", 1),
    ("follow", (opportunities.domain, 0)),
    ("ask", ("opportunity-1", Reopen(stage="Engaging"))),
]
# Somebody tells later that it was in other hands before.
TOLD_LATE = [
    ("ask", ("opportunity-1", Reassign(owner=owner, on=date(2026, 1, day), reason="unstated")))
    for owner, day in (("employee-3", 5), (RECEIVER, 3))
]

# A day to come is told first; then, without a day, that it is the leaver's.
TO_COME = [
    ("ask", ("person-1", AssignPersonOwner(owner=RECEIVER, on=date(2026, 1, 10)))),
    ("hand over", 1),
    ("ask", ("person-1", AssignPersonOwner(owner=LEAVER, on=None))),
]


# What the leaver was to do for it is a fact of its own beside whose it is.
WITH_AN_ACTION = [
    ("hand over", 0),
    (
        "ask",
        ("opportunity-1", AgreeAction(action="0", what="Call", owner=LEAVER, due_on=TODAY)),
    ),
]


@example(TOLD_LATE)
@example(TO_COME)
@example(WITH_AN_ACTION)
@for_all(lives())
def test_c_09_at_every_instant_an_open_thing_has_exactly_one_owner(
    steps: list[tuple[str, Any]],
) -> None:
    world = _lived(steps)
    world.everybody_follows()
    items: dict[str, Any] = {}
    cards: dict[str, dict[str, Any]] = {kind: {} for kind in SAID_BY}
    owned: set[str] = set()
    for fact in world.log:
        kind = fact.stream.partition("-")[0]
        before = items.get(fact.stream)
        owned_item.replay([fact], items)
        if kind not in SAID_BY:
            continue
        projection, name = SAID_BY[kind]
        said = getattr(projection.replay([fact], cards[kind])[fact.stream], name)
        item = items[fact.stream]
        if fact.actor.endswith(FOLLOWS):
            # Nothing is taken from anybody else; what was to be done for it follows it.
            assert before is not None
            assert before.owner in (LEAVER, RECEIVER)
            assert item.owner == RECEIVER
        if not item.open:
            continue
        assert item.owner == said, f"{fact.stream}@{fact.version} is {said}'s"
        assert item.owner is not None or fact.stream not in owned
        owned |= {fact.stream} if item.owner else set()


@example(LOST_MEANWHILE)
@for_all(lives())
def test_c_09_in_the_end_the_leaver_has_nothing_whatever_happened_meanwhile(
    steps: list[tuple[str, Any]],
) -> None:
    world = _lived(steps)
    world.everybody_follows()
    world.hand_over()
    world.everybody_follows()
    left = [one for one in owned_item.replay(world.log).values() if one.owner == LEAVER]
    assert [one.item for one in left if one.owed(TODAY)] == []
    visits = visit_card.replay(world.log)
    assert visits["visit-1"].executive == visits["visit-2"].follow_ups[0].owner == RECEIVER
    before = len(world.log)
    world.hand_over()
    for domain in FOLLOWING:
        world.follow(domain, again=len(world.log))
    assert len(world.log) == before, "asked and told again, nothing happens"


@for_all(lives(), st.integers())
def test_c_09_whose_is_what_is_the_same_live_replayed_and_told_again(
    steps: list[tuple[str, Any]], seed: int
) -> None:
    world = _lived(steps)
    world.everybody_follows()
    check_projection(owned_item, [facts for facts in world.told.values() if facts], seed=seed)
