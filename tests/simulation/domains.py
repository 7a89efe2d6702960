"""Two tiny domains, a stranger that reads both, and touches: just enough for every rule to matter.

They borrow released facts, so that nothing new enters the registry; what those mean is our own:
a fact's field says what the decider knew, so that a decision on an old state can be seen. Promises
are the real issues, with their rules, their view and their timer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from services.contacts.defaults import ContactsDefaults
from services.issues.model import Issue
from services.issues.model import decide as decide_promise
from services.issues.model import evolve as evolve_promise
from services.issues.projections import IssueCard, issue_card
from services.issues.timers import answer_deadline
from shared.command import Command
from shared.decider import Decider
from shared.errors import DomainError
from shared.events import Envelope, Event
from shared.events.issues import FeedbackGiven, IssueAssigned
from shared.events.opportunities import (
    OpportunityCorrected,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityWon,
    ProductRepriced,
    StageAdvanced,
)
from shared.events.touches import TouchRecorded
from shared.policies import Policy, Reaction
from shared.projection import Projection
from shared.service import Domain
from shared.timers import Timer

ROWS = ("row-1", "row-2")
DEALS = {"opportunity-a": "x", "opportunity-b": "x", "opportunity-c": "y"}
ACCOUNTS = ("x", "y")
TOO_LONG = "x" * 1_050_000

Kind = Literal["add", "win", "erase", "poison", "big", "refuse"]


class RefusedError(DomainError):
    """The rule of this little world."""


class Act(Command):
    """Record these facts, all or none."""

    kinds: tuple[Kind, ...]


class React(Command):
    """What the policy asks of an account because of a won deal."""

    deal: str
    refuse: bool = False


class Note(Command):
    """What a client asks of an account."""

    words: str


class Mirror(Command):
    """What another system's row says of a product now."""

    price: int


def decide_product(price: int | None, mirror: Mirror) -> list[Event]:
    if price == mirror.price:
        return []
    return [ProductRepriced(price=Decimal(mirror.price), currency="USD")]


def price_of(_price: int | None, event: Event) -> int:
    assert isinstance(event, ProductRepriced)
    return int(event.price)


def decide_deal(seen: int, act: Act) -> list[Event]:
    if "refuse" in act.kinds:
        raise RefusedError
    return [_deal_fact(kind, seen + place) for place, kind in enumerate(act.kinds)]


def _deal_fact(kind: Kind, seen: int) -> Event:
    match kind:
        case "win":
            return OpportunityWon(value=Decimal(seen), currency="USD")
        case "erase":
            return OpportunityLost(reason=str(seen))
        case "poison":
            return OpportunityReassigned(owner=str(seen), reason="unstated")
        case "big":
            return OpportunityCorrected(title=str(seen), reason=TOO_LONG)
        case _:
            return StageAdvanced(stage=str(seen))


def decide_account(seen: int, command: React | Note) -> list[Event]:
    if isinstance(command, Note):
        return [FeedbackGiven(result=str(seen))]
    if command.refuse:
        raise RefusedError
    return [IssueAssigned(owner=str(seen))]


def knew(event: Event) -> int:
    """How many facts of its stream the decider had seen when it decided this one."""
    for name in ("stage", "value", "owner", "title", "result"):
        if (told := getattr(event, name, None)) is not None:
            return int(told)
    assert isinstance(event, OpportunityLost)
    return int(event.reason or "")


def one_more(seen: int, _event: Event) -> int:
    return seen + 1


@dataclass(frozen=True, slots=True)
class Deal:
    """Answers: what happened to this deal since it was last erased?"""

    key: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Answers: how much happened around this account, in whatever order it came?"""

    key: str
    facts: tuple[str, ...] = ()
    count: int = 0


@dataclass(slots=True)
class Release:
    """What is deployed at the moment. A bad one cannot fold one kind of fact."""

    bad: bool = False
    version: int = 1


class PoisonError(Exception):
    """The bug of a bad release."""


@dataclass(frozen=True, slots=True)
class Domains:
    """The domains of one process, as its release has them."""

    release: Release
    version: int
    deals: Domain = field(init=False)
    accounts: Domain = field(init=False)
    insight: Domain = field(init=False)

    def __post_init__(self) -> None:
        deal, around = self.deal(), self.around("account", published=True)
        decider = {
            "opportunity": Decider(0, decide_deal, one_more),
            "product": Decider(None, decide_product, price_of),
        }
        # Touches are taken in by the rules of contacts.
        deals = Domain(
            "opportunities",
            decider,
            (deal, around),
            intake=("touches",),
            defaults=ContactsDefaults(),
        )
        answering = {
            "issue": Decider(0, decide_account, one_more),
            "promise": Decider(Issue(), decide_promise, evolve_promise),
        }
        card = self.card()
        timer = Timer(
            answer_deadline.name, projection=card, due="due_at", fire=answer_deadline.fire
        )
        accounts = Domain("issues", answering, (card,), policies=(celebrate(),), timers=(timer,))
        insight = Domain("insight", {}, (self.around("insight", published=False),))
        for name, domain in (("deals", deals), ("accounts", accounts), ("insight", insight)):
            object.__setattr__(self, name, domain)

    def deal(self) -> Projection[Deal]:
        projection = Projection("deal", version=self.version, view=Deal, published=True)

        def fold(deal: Deal, _event: Event, at: Envelope) -> Deal:
            self._check(at)
            return replace(deal, facts=(*deal.facts, at.id))

        for event in (StageAdvanced, OpportunityWon, OpportunityReassigned, OpportunityCorrected):
            projection.on(event)(fold)

        @projection.on(OpportunityLost)
        def erased(_deal: Deal, _event: Event, _at: Envelope) -> None:
            return None

        return projection

    def card(self) -> Projection[IssueCard]:
        """Return the real view in this release's version, of promises only."""
        projection = Projection(
            issue_card.name,
            version=self.version,
            view=IssueCard,
            indexes=issue_card.indexes,
            streams=("promise",),
        )
        projection.folds |= issue_card.folds
        return projection

    def around(self, name: str, *, published: bool) -> Projection[Account]:
        projection = Projection(name, version=self.version, view=Account, published=published)

        def fold(view: Account, _event: Event, at: Envelope) -> Account:
            self._check(at)
            return replace(view, facts=tuple(sorted((*view.facts, at.id))), count=view.count + 1)

        for event in (StageAdvanced, OpportunityWon, OpportunityReassigned, TouchRecorded):
            projection.on(event, account_of)(fold)
        if name == "insight":
            for event in (IssueAssigned, FeedbackGiven):
                projection.on(event, account_of)(fold)
        return projection

    def _check(self, at: Envelope) -> None:
        if self.release.bad and isinstance(at.data, OpportunityReassigned):
            raise PoisonError


def account_of(at: Envelope) -> Sequence[str]:
    if isinstance(at.data, TouchRecorded):
        return (at.data.person.removeprefix("person-"),)
    return (DEALS.get(at.stream) or at.stream.removeprefix("issue-"),)


def celebrate() -> Policy[Any]:
    policy: Policy[Any] = Policy("celebrate")

    @policy.on(OpportunityWon)
    def won(event: OpportunityWon, at: Envelope) -> Iterable[Reaction]:
        refuse = event.value % 4 == 3
        yield Reaction(f"issue-{DEALS[at.stream]}", React(deal=at.stream, refuse=refuse))

    return policy
