"""Whose are the issues, and the promises to customers: open until dealt with. Pure folds."""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

from services.organization.owned_views import OwnedItem, owned_item, taken
from shared.events import Envelope
from shared.events.issues import (
    CommitmentKept,
    CommitmentMade,
    CommitmentMoved,
    CommitmentReassigned,
    CommitmentWithdrawn,
    DeadlineSet,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueRegistered,
)
from shared.personal import cut

TITLE_MAX = 200


@owned_item.on(IssueRegistered)
def issue_registered(item: OwnedItem, event: IssueRegistered, at: Envelope) -> OwnedItem:
    found = replace(
        item,
        kind="issue",
        title=cut(event.words, TITLE_MAX),
        open=True,
        stage=f"{event.kind}, {event.severity}",
        company=event.company,
        person=event.person,
    )
    if event.owner is None:
        return replace(found, owner=None, owner_since=None)
    return taken(found, event.owner, event.on, at)


@owned_item.on(IssueAssigned)
def issue_assigned(item: OwnedItem, event: IssueAssigned, at: Envelope) -> OwnedItem:
    return taken(item, event.owner, event.on, at)


@owned_item.on_zoned(DeadlineSet)
def deadline_set(item: OwnedItem, event: DeadlineSet, at: Envelope, zone: tzinfo) -> OwnedItem:
    day = event.answer_by.astimezone(zone).date()
    return replace(item, due_on=day, next_step="answer the customer", next_step_on=day)


@owned_item.on(FeedbackGiven)
def feedback_given(item: OwnedItem, event: FeedbackGiven, at: Envelope) -> OwnedItem:
    return replace(item, due_on=None, next_step="close it", next_step_on=None)


@owned_item.on(IssueClosed)
def issue_closed(item: OwnedItem, event: IssueClosed, at: Envelope) -> OwnedItem:
    return replace(item, open=False, next_step=None)


@owned_item.on_zoned(CommitmentMade)
def commitment_made(
    item: OwnedItem, event: CommitmentMade, at: Envelope, zone: tzinfo
) -> OwnedItem:
    found = replace(
        item,
        kind="commitment",
        title=cut(event.what, TITLE_MAX),
        open=True,
        company=event.company,
        person=event.person,
        due_on=event.due_by.astimezone(zone).date() if event.due_by is not None else None,
    )
    return taken(found, event.owner, event.on, at)


@owned_item.on_zoned(CommitmentMoved)
def commitment_moved(
    item: OwnedItem, event: CommitmentMoved, at: Envelope, zone: tzinfo
) -> OwnedItem:
    return replace(item, due_on=event.due_by.astimezone(zone).date())


@owned_item.on(CommitmentReassigned)
def commitment_reassigned(item: OwnedItem, event: CommitmentReassigned, at: Envelope) -> OwnedItem:
    return taken(item, event.owner, event.on, at)


@owned_item.on(CommitmentKept)
def commitment_kept(item: OwnedItem, event: CommitmentKept, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(CommitmentWithdrawn)
def commitment_withdrawn(item: OwnedItem, event: CommitmentWithdrawn, at: Envelope) -> OwnedItem:
    return replace(item, open=False)
