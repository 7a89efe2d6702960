"""What may happen to a person: who it is, where, and whether two entries are one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Literal, assert_never

from pydantic import Field, StringConstraints

from services.contacts.defaults import ContactsDefaults
from services.contacts.erasing import (
    ConsentCommand,
    Consents,
    ErasePerson,
    GiveConsent,
    PersonErasedError,
    WithdrawConsent,
    decide_consent,
    erase_person,
)
from services.contacts.held import Affiliations, begun, ended, taken_back
from services.contacts.identities import (
    ClaimIdentity,
    ReleaseIdentity,
    decide_claim,
    one_spelling,
)
from services.contacts.owners import AssignPersonOwner, assigned
from services.contacts.promotions import (
    PlanPromotion,
    Sameness,
    decide_promotion,
    known_by,
)
from services.contacts.statements import (
    Statement,
    StatementCommand,
    Topic,
    decide_statement,
    topic_of,
)
from shared.command import DatedCommand, HappenedCommand
from shared.errors import DomainError, NotFoundError
from shared.events.contacts import (
    AffiliationEnded,
    AffiliationKind,
    ConsentGiven,
    ConsentWithdrawn,
    IdentityClaimed,
    IdentityReleased,
    PersonAffiliated,
    PersonDetailsStated,
    PersonErased,
    PersonEvent,
    PersonMerged,
    PersonOwnerAssigned,
    PersonRegistered,
    PersonToldApart,
    PersonUnmerged,
    PromotionPlanned,
)
from shared.handovers import TakeOver
from shared.held import Owner, owned
from shared.references import CompanyStream, PersonStream

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class PersonUnknownError(NotFoundError):
    """Nobody of that id is in our book."""


class PersonAlreadyRegisteredError(DomainError):
    """A person is registered once."""


class NotAffiliatedError(DomainError):
    """The person is not with this company, or was not on that day."""


class AlreadyMergedError(DomainError):
    """The entry is part of another one; un-merge it there first."""


class NotMergedError(DomainError):
    """The entry is not part of another one."""


@dataclass(frozen=True, slots=True)
class Person:
    """Only what a rule needs to know. What a screen needs lives in projections.py."""

    name: str | None = None
    affiliations: Affiliations = ()
    # What was taken back since we were last told of that company: once is once.
    mistakes: frozenset[tuple[str, date | None]] = frozenset()
    # How the person goes and is reached, as told last, and since when.
    details: Mapping[str, str] = field(default_factory=dict)
    details_on: date | None = None
    merged_into: str | None = None
    apart: frozenset[str] = frozenset()
    # Of names that were claimed or released: whether they are the person's.
    claims: Mapping[str, bool] = field(default_factory=dict)
    owners: tuple[Owner, ...] = ()
    # What was stated last about each thing.
    stated: Mapping[Topic, Statement] = field(default_factory=dict)
    promoted: Mapping[Sameness, PromotionPlanned] = field(default_factory=dict)
    consents: Consents = field(default_factory=dict)
    erased: bool = False


class RegisterPerson(HappenedCommand):
    name: Name
    email: str | None = Field(None, max_length=320)
    phone: str | None = Field(None, max_length=50)
    language: str | None = Field(None, max_length=35)


class StateDetails(HappenedCommand):
    """Another name, address or number from that date on; what is left out stays as it was."""

    name: Name | None = None
    email: str | None = Field(None, max_length=320)
    phone: str | None = Field(None, max_length=50)
    language: str | None = Field(None, max_length=35)


class Affiliate(DatedCommand):
    company: CompanyStream
    kind: AffiliationKind = "employee"
    role: str | None = Field(None, max_length=200)


class EndAffiliation(DatedCommand):
    company: CompanyStream
    reason: Literal["moved", "left", "mistaken"] = "left"


class MergePerson(HappenedCommand):
    others: ClassVar[tuple[str, ...]] = ("into",)

    into: PersonStream
    reason: Reason | None = None


class UnmergePerson(HappenedCommand):
    reason: Reason | None = None


class TellApart(HappenedCommand):
    others: ClassVar[tuple[str, ...]] = ("other",)

    other: PersonStream


IdentityCommand = MergePerson | UnmergePerson | TellApart | ClaimIdentity | ReleaseIdentity
IdentityEvent = PersonMerged | PersonUnmerged | PersonToldApart | IdentityClaimed | IdentityReleased
PersonCommand = (
    RegisterPerson
    | StateDetails
    | Affiliate
    | EndAffiliation
    | IdentityCommand
    | PlanPromotion
    | AssignPersonOwner
    | TakeOver
    | StatementCommand
    | ErasePerson
    | ConsentCommand
)


def decide_person(
    person: Person, command: PersonCommand, rules: ContactsDefaults
) -> list[PersonEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if person.erased:
        if isinstance(command, ErasePerson):
            return []
        raise PersonErasedError
    if isinstance(command, RegisterPerson):
        return _register(person, command)
    if person.name is None:
        raise PersonUnknownError
    return _of_somebody(person, command, rules)


def _of_somebody(  # noqa: PLR0911 - a table
    person: Person, command: PersonCommand, rules: ContactsDefaults
) -> list[PersonEvent]:
    match command:
        case StateDetails():
            return _state_details(person, command)
        case Affiliate() | EndAffiliation():
            return _move(person, command)
        case MergePerson() | UnmergePerson() | TellApart() | ClaimIdentity() | ReleaseIdentity():
            return _identify(person, command)
        case ErasePerson():
            return [*erase_person(command)]
        case GiveConsent() | WithdrawConsent():
            return [*decide_consent(person.consents, command)]
        case AssignPersonOwner() | TakeOver():
            told = assigned(person.owners, command)
            return [] if told is None else [PersonOwnerAssigned(**told._asdict())]
        case _:
            assert not isinstance(command, RegisterPerson)
            return _address(person, command, rules)


def _address(
    person: Person, command: PlanPromotion | StatementCommand, rules: ContactsDefaults
) -> list[PersonEvent]:
    if isinstance(command, PlanPromotion):
        return [*decide_promotion(person.promoted, command, rules)]
    return [*decide_statement(person.stated, command, rules)]


def _register(person: Person, command: RegisterPerson) -> list[PersonEvent]:
    if person.name is not None:
        raise PersonAlreadyRegisteredError(f"{person.name} is in our book already")
    return [PersonRegistered(**command.model_dump(exclude={"date_unknown"}))]


def _state_details(person: Person, command: StateDetails) -> list[PersonEvent]:
    stated = PersonDetailsStated(**command.model_dump(exclude={"date_unknown"}))
    sooner = stated.on and person.details_on and stated.on < person.details_on
    known = _details(stated).items() <= person.details.items()
    return [] if known and not (sooner and _details(stated)) else [stated]


def _details(event: PersonRegistered | PersonDetailsStated) -> dict[str, str]:
    return event.model_dump(exclude={"on"}, exclude_none=True)


def _move(person: Person, command: Affiliate | EndAffiliation) -> list[PersonEvent]:
    if isinstance(command, EndAffiliation):
        return _end(person, command)
    company, kind, role, on = command.company, command.kind, command.role, command.on
    # An earlier day of the same role puts its date right; a later one says nothing new.
    if begun(person.affiliations, company, kind, role, on) == person.affiliations:
        return []
    return [PersonAffiliated(company=company, kind=kind, role=role, on=on)]


def _identify(person: Person, command: IdentityCommand) -> list[PersonEvent]:
    match command:
        case MergePerson(into=into, reason=reason, on=on):
            if person.merged_into == into:
                return []
            if person.merged_into is not None:
                raise AlreadyMergedError(f"it is part of {person.merged_into}", field="#/into")
            return [PersonMerged(into=into, reason=reason, on=on)]
        case UnmergePerson(reason=reason, on=on):
            if person.merged_into is None:
                raise NotMergedError
            return [PersonUnmerged(survivor=person.merged_into, reason=reason, on=on)]
        case TellApart(other=other, on=on):
            return [] if other in person.apart else [PersonToldApart(other=other, on=on)]
        case ClaimIdentity() | ReleaseIdentity():
            return [*decide_claim(person.claims, command)]
        case _:
            assert_never(command)


def _end(person: Person, command: EndAffiliation) -> list[PersonEvent]:
    company, on = command.company, command.on
    mistaken = command.reason == "mistaken"
    if mistaken and (company, on) in person.mistakes:
        return []
    change = taken_back if mistaken else ended
    if change(person.affiliations, company, on) == person.affiliations:
        known = any(one.company == company for one in person.affiliations)
        raise NotAffiliatedError(
            f"not with {company}" + (f" on {on}" if known and on else ""),
            field="#/on" if known else "#/company",
        )
    return [AffiliationEnded(company=company, reason=command.reason, on=on)]


def evolve_person(person: Person, event: PersonEvent) -> Person:  # noqa: PLR0911 - a table
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case PersonRegistered(name=name):
            return replace(_told(person, event), name=name)
        case PersonDetailsStated():
            return _told(person, event)
        case PersonAffiliated() | AffiliationEnded():
            return _moved(person, event)
        case (
            PersonMerged()
            | PersonUnmerged()
            | PersonToldApart()
            | IdentityClaimed()
            | IdentityReleased()
        ):
            return _identified(person, event)
        case PersonErased():
            return Person(erased=True)
        case ConsentGiven() | ConsentWithdrawn():
            return replace(person, consents={**person.consents, event.purpose: event})
        case PersonOwnerAssigned(owner=owner, on=on):
            return replace(person, owners=owned(person.owners, owner, on))
        case _:
            return _addressed(person, event)


def _addressed(person: Person, event: PromotionPlanned | Statement) -> Person:
    if isinstance(event, PromotionPlanned):
        known = dict.fromkeys(known_by(event), event)
        return replace(person, promoted={**person.promoted, **known})
    return replace(person, stated={**person.stated, topic_of(event): event})


def _identified(person: Person, event: IdentityEvent) -> Person:
    match event:
        case PersonMerged(into=into):
            return replace(person, merged_into=into)
        case PersonUnmerged():
            return replace(person, merged_into=None)
        case PersonToldApart(other=other):
            return replace(person, apart=person.apart | {other})
        case IdentityClaimed(identity=identity):
            return replace(person, claims={**person.claims, one_spelling(identity): True})
        case IdentityReleased(identity=identity):
            return replace(person, claims={**person.claims, one_spelling(identity): False})
        case _:
            assert_never(event)


def _told(person: Person, event: PersonRegistered | PersonDetailsStated) -> Person:
    details = {**person.details, **_details(event)}
    return replace(person, details=details, details_on=event.on)


def _moved(person: Person, event: PersonAffiliated | AffiliationEnded) -> Person:
    match event:
        case PersonAffiliated(company=company, kind=kind, role=role, on=on):
            return replace(
                person,
                affiliations=begun(person.affiliations, company, kind, role, on),
                mistakes=frozenset(one for one in person.mistakes if one[0] != company),
            )
        case AffiliationEnded(company=company, reason="mistaken", on=on):
            rest = taken_back(person.affiliations, company, on)
            return replace(person, affiliations=rest, mistakes=person.mistakes | {(company, on)})
        case AffiliationEnded(company=company, on=on):
            return replace(person, affiliations=ended(person.affiliations, company, on))
        case _:
            assert_never(event)
