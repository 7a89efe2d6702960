"""Facts about the people we sell to and the companies where they happen to be.

Streams: `person-<id>`, `company-<id>`, `visit-<id>` (of an executive), `segment-<id>` and
`reading-<list>`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from shared.events.base import Dated
from shared.events.touches import Channel
from shared.personal import Personal

AffiliationKind = Literal["employee", "dealer", "self"]
BuyingRole = Literal["decision_maker", "influencer", "user", "gatekeeper", "none"]
ConsentSource = Literal["web_form", "email", "paper", "spoken", "import", "other"]
# Chosen, not told in words: what is said of an erasure must say nothing about anybody.
ErasureReason = Literal[
    "asked_for", "consent_withdrawn", "no_longer_needed", "unlawful", "legal_duty", "mistake"
]
ErasureBasis = Literal["gdpr_17", "pipa_36", "appi_35", "ccpa_105", "contract", "company_rule"]
HandoverReason = Literal["handover", "leave", "territory", "unstated"]
Stance = Literal["opposed", "critical", "neutral", "positive", "supportive"]


class PersonRegistered(Dated, wire="contacts.person_registered.v1"):
    """Someone entered our book for the first time (C-01). A company is not needed (C-15)."""

    name: Personal
    email: Personal | None = None
    phone: Personal | None = None
    language: str | None = None


class PersonAffiliated(Dated, wire="contacts.person_affiliated.v1"):
    """From this date the person works for, deals for, or is this company (C-08, C-15)."""

    company: str
    kind: AffiliationKind = "employee"
    role: Personal | None = None


class AffiliationEnded(Dated, wire="contacts.affiliation_ended.v1"):
    """The person is no longer with this company; the history stays with the person (C-08)."""

    company: str
    reason: Literal["moved", "left", "mistaken"] = "left"


class PersonDetailsStated(Dated, wire="contacts.person_details_stated.v1"):
    """From this date the person goes by, or is reached by, something else; what is left out stays.

    A dated statement: the newest is current, and who looks for an old address still finds it.
    """

    name: Personal | None = None
    email: Personal | None = None
    phone: Personal | None = None
    language: str | None = None


class PersonMerged(Dated, wire="contacts.person_merged.v1"):
    """Two entries of our book are one person (C-02): this one is read as part of the other.

    Facts go on naming the entry that they were told of, so that the merge can be undone.
    """

    into: str
    reason: Personal | None = None


class PersonUnmerged(Dated, wire="contacts.person_unmerged.v1"):
    """They are two people after all; each has again what was told of it, also meanwhile (C-02)."""

    survivor: str
    reason: Personal | None = None


class PersonToldApart(Dated, wire="contacts.person_told_apart.v1"):
    """Somebody looked: these two are not one person, however alike they seem (C-02)."""

    other: str


class IdentityClaimed(Dated, wire="contacts.identity_claimed.v1"):
    """An address, number or foreign id is the person's, also where touches named it (C-14).

    `identity` begins with its kind: `email:`, `phone:` or `external:`.
    """

    identity: Personal


class IdentityReleased(Dated, wire="contacts.identity_released.v1"):
    """It is not the person's, or not any more; touches that name it are not theirs (C-14)."""

    identity: Personal


class BuyingRoleStated(Dated, wire="contacts.buying_role_stated.v1"):
    """From this date the person has this say in what the company buys; `none`: no more (C-10)."""

    company: str
    role: BuyingRole


class OpinionStated(Dated, wire="contacts.opinion_stated.v1"):
    """What the person thinks of us, a product or a competitor, as far as we could tell (C-05).

    A dated statement; the newest about the same thing is the current stance. `touch` is where it
    was said.
    """

    about: Literal["us", "product", "competitor", "other"]
    subject: str | None = None
    stance: Stance
    words: Personal | None = None
    touch: str | None = None
    stated_by: str | None = None


class AdvocacyStated(Dated, wire="contacts.advocacy_stated.v1"):
    """Whether the person recommends our company, or this seller personally (C-18)."""

    seller: str | None = None
    recommends: Literal["yes", "no", "unsure"]
    touch: str | None = None


class AccessStated(Dated, wire="contacts.access_stated.v1"):
    """How easily this colleague of ours reaches the person, an executive of a customer (C-17)."""

    employee: str
    ease: Literal["easily", "with_effort", "not_at_all"]


class QuestionAsked(Dated, wire="contacts.question_asked.v1"):
    """Somebody of ours asked the person this question of a survey (C-12).

    `repeats`: the same question had been asked on that day already, and was asked all the same.
    """

    question: str
    survey: str | None = None
    asked_by: str | None = None
    repeats: date | None = None


class QuestionAnswered(Dated, wire="contacts.question_answered.v1"):
    """What the person answered to a question of a survey (C-12)."""

    question: str
    answer: Personal
    survey: str | None = None


class PromotionPlanned(Dated, wire="contacts.promotion_planned.v1"):
    """Marketing is about to send the person this promotion (C-14).

    The same one is one of the same campaign, or the same words on the same channel. `repeats`: it
    had been planned for that day already, and was planned all the same.
    """

    channel: Channel
    campaign: str | None = None
    words: str | None = None
    planned_by: str | None = None
    repeats: date | None = None


class PersonOwnerAssigned(Dated, wire="contacts.person_owner_assigned.v1"):
    """From this date a colleague answers for the person, whatever the company (C-09)."""

    owner: str
    reason: HandoverReason = "unstated"


class ConsentGiven(Dated, wire="contacts.consent_given.v1"):
    """From this date the person agrees to this use of what we know, and how we know (M4)."""

    purpose: str
    source: ConsentSource
    evidence: Personal | None = None


class ConsentWithdrawn(Dated, wire="contacts.consent_withdrawn.v1"):
    """From this date the person does not agree to it (any more)."""

    purpose: str
    source: ConsentSource
    evidence: Personal | None = None


class PersonErased(Dated, wire="contacts.person_erased.v1"):
    """The person is forgotten: the key of their words is destroyed, nothing more is told of them.

    Who holds words about them that were opened has to destroy them too. `facts` and `touches`:
    how many there are; `in_the_clear`: of these, how many are older than sealing (M4). `entries`:
    what was told of the person by names that were theirs; those keys are destroyed, too.
    """

    reason: ErasureReason
    basis: ErasureBasis
    facts: int
    touches: int
    in_the_clear: int = 0
    entries: tuple[str, ...] = ()


class CompanyRegistered(Dated, wire="contacts.company_registered.v1"):
    """A company entered our book."""

    name: str


class CompanyPlacedUnder(Dated, wire="contacts.company_placed_under.v1"):
    """The company belongs to a parent company."""

    parent: str


class CompanyDescribed(Dated, wire="contacts.company_described.v1"):
    """A source stated what kind of company this is. A dated statement; the newest is current."""

    stated_by: str
    sector: str | None = None
    founded_year: int | None = None
    revenue: Decimal | None = None
    revenue_unit: str | None = None
    employee_count: int | None = None
    location: str | None = None


class CompanyOwnerAssigned(Dated, wire="contacts.company_owner_assigned.v1"):
    """From this date a colleague answers for the company (C-08)."""

    owner: str
    reason: HandoverReason = "unstated"


class MoveNoticed(Dated, wire="contacts.move_noticed.v1", whose=("person",)):
    """The owner of a company has to know that somebody moved (C-08).

    `there`: with the company in this role now, new or in another role; `gone`: no longer with it;
    `mistaken`: was not with it after all. `notice` is the fact that told the move, `moved_on` its
    day, `on` the day from which the owner is told.
    """

    notice: str
    owner: str
    person: str
    what: Literal["there", "gone", "mistaken"]
    role: Personal | None = None
    moved_on: date | None = None


class MoveAcknowledged(Dated, wire="contacts.move_acknowledged.v1"):
    """A colleague of ours has taken notice of the move (C-08)."""

    notice: str
    by: str


class VisitPlanned(Dated, wire="contacts.visit_planned.v1"):
    """An executive of ours will visit a customer, for a purpose, with points to talk about (C-13).

    `on` is the day of the visit. Planned again, it replaces what was planned before.
    """

    executive: str
    company: str
    purpose: str
    people: tuple[str, ...] = ()
    talking_points: tuple[str, ...] = ()


class VisitHeld(Dated, wire="contacts.visit_held.v1"):
    """The visit took place. Without a promise of ours it says why there is none (C-13)."""

    outcome: str
    no_follow_up_because: str | None = None


class VisitCancelled(Dated, wire="contacts.visit_cancelled.v1"):
    """The visit does not take place."""

    reason: str | None = None


class VisitFollowUpPromised(Dated, wire="contacts.visit_follow_up_promised.v1"):
    """At the visit we promised something; somebody answers for it until a day (C-13)."""

    follow_up: str
    what: str
    owner: str
    due_on: date


class VisitFollowUpKept(Dated, wire="contacts.visit_follow_up_kept.v1"):
    """What was promised at the visit is done (C-13)."""

    follow_up: str


class VisitFollowUpReassigned(Dated, wire="contacts.visit_follow_up_reassigned.v1"):
    """Another colleague answers for what was promised at the visit (C-09)."""

    follow_up: str
    owner: str
    reason: HandoverReason = "unstated"


class SegmentSaved(Dated, wire="contacts.segment_saved.v1"):
    """People whose history has all of this are a segment, for sales and marketing alike (C-16).

    Saved again, it replaces what was saved before. Days count back from when it is asked.
    """

    name: str
    owner: str | None = None
    company: str | None = None
    affiliation: AffiliationKind | None = None
    language: str | None = None
    buying_role: BuyingRole | None = None
    stance: Stance | None = None
    recommends: Literal["yes", "no", "unsure"] | None = None
    within_days: int | None = None
    touches_min: int | None = None
    touches_max: int | None = None
    about: str | None = None


class SegmentDropped(Dated, wire="contacts.segment_dropped.v1"):
    """Nobody needs the segment any more."""

    reason: str | None = None


class FieldsRead(Dated, wire="contacts.fields_read.v1"):
    """Somebody asked for these fields of a view by name, for the first time on this day (C-07).

    Nobody is named: what is worth keeping is asked here, not who looked.
    """

    fields: tuple[str, ...]


PersonEvent = (
    PersonRegistered
    | PersonAffiliated
    | AffiliationEnded
    | PersonDetailsStated
    | PersonMerged
    | PersonUnmerged
    | PersonToldApart
    | IdentityClaimed
    | IdentityReleased
    | BuyingRoleStated
    | OpinionStated
    | AdvocacyStated
    | AccessStated
    | QuestionAsked
    | QuestionAnswered
    | PromotionPlanned
    | PersonOwnerAssigned
    | ConsentGiven
    | ConsentWithdrawn
    | PersonErased
)
CompanyEvent = (
    CompanyRegistered
    | CompanyPlacedUnder
    | CompanyDescribed
    | CompanyOwnerAssigned
    | MoveNoticed
    | MoveAcknowledged
)
VisitEvent = (
    VisitPlanned
    | VisitHeld
    | VisitCancelled
    | VisitFollowUpPromised
    | VisitFollowUpKept
    | VisitFollowUpReassigned
)
SegmentEvent = SegmentSaved | SegmentDropped
ContactsEvent = PersonEvent | CompanyEvent | VisitEvent | SegmentEvent | FieldsRead
