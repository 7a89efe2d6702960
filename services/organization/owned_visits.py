"""Whose are planned visits, and what was promised at visits until it is kept. Pure folds.

A promise is a thing of its own within its visit, with an owner of its own: `visit-1/2`.
"""

from __future__ import annotations

from dataclasses import replace

from services.organization.owned_views import OwnedItem, owned_item, taken
from shared.events import Envelope
from shared.events.contacts import (
    VisitCancelled,
    VisitFollowUpKept,
    VisitFollowUpPromised,
    VisitFollowUpReassigned,
    VisitHeld,
    VisitPlanned,
)

FollowUp = VisitFollowUpPromised | VisitFollowUpReassigned | VisitFollowUpKept


def _promise(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, FollowUp)
    return (f"{at.stream}/{at.data.follow_up}",)


@owned_item.on(VisitPlanned)
def visit_planned(item: OwnedItem, event: VisitPlanned, at: Envelope) -> OwnedItem:
    planned = replace(
        item,
        kind="visit",
        title=event.purpose,
        open=True,
        due_on=event.on,
        company=event.company,
        person=event.people[0] if event.people else None,
    )
    return taken(planned, event.executive, None, at)


@owned_item.on(VisitHeld)
def visit_held(item: OwnedItem, event: VisitHeld, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(VisitCancelled)
def visit_cancelled(item: OwnedItem, event: VisitCancelled, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(VisitFollowUpPromised, keys=_promise)
def promised(item: OwnedItem, event: VisitFollowUpPromised, at: Envelope) -> OwnedItem:
    told = replace(item, kind="promise", title=event.what, open=True, due_on=event.due_on)
    return taken(told, event.owner, event.on, at)


@owned_item.on(VisitFollowUpReassigned, keys=_promise)
def reassigned(item: OwnedItem, event: VisitFollowUpReassigned, at: Envelope) -> OwnedItem:
    return taken(item, event.owner, event.on, at)


@owned_item.on(VisitFollowUpKept, keys=_promise)
def kept(item: OwnedItem, event: VisitFollowUpKept, at: Envelope) -> OwnedItem:
    return replace(item, open=False)
