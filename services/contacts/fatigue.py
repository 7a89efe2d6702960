"""Tells whoever publishes a promotion that the person got the same one not long ago (C-14).

What was sent has happened and is recorded all the same; the publisher learns of it with the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from services.contacts.identities import identity_card
from services.contacts.person_views import person_card
from services.contacts.promotions import Promotion, Sameness, person_promotions, samenesses
from services.contacts.reads import defaults_of, named_for
from services.contacts.statements import within
from services.contacts.touches import NewTouch, Sent
from shared.errors import UnavailableError
from shared.runtime import Runtime

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Earlier:
    """When the person got the same promotion last, of whom, and from when on it is a new one."""

    on: date
    by: str
    again_from: date


@dataclass(frozen=True, slots=True)
class Got:
    """A promotion that somebody got."""

    on: date | None
    same: frozenset[Sameness]
    by: str


def promotes(touch: NewTouch) -> bool:
    return touch.about == "promotion" and touch.direction == "outbound"


async def earlier(runtime: Runtime, sent: Sequence[Sent]) -> list[Earlier | None]:
    """Say of each touch, in their order, which of the same came before it; also among them.

    What is being folded this moment is not seen. Nothing waits for it, and nothing fails for it.
    """
    blind = await runtime.seals.blinder()
    promoted = {one.touch.with_whom(blind) for one in sent if promotes(one.touch)}
    if not promoted:
        return [None] * len(sent)
    try:
        roots, parts = await _whole(runtime, promoted)
        entries = {entry for found in parts.values() for entry in found}
        views = await runtime.reader(person_promotions).many(entries)
    except UnavailableError as error:
        log.warning("promotions_not_compared", reason=str(error))
        return [None] * len(sent)
    got = {
        root: [
            _sent(one)
            for entry in sorted(found)
            if entry in views
            for one in views[entry].promotions
            if one.sent
        ]
        for root, found in parts.items()
    }
    now, window = runtime.clock.now(), defaults_of(runtime).promotion_window_days
    told: list[Earlier | None] = []
    for one in sent:
        if not promotes(one.touch):
            told.append(None)
            continue
        before = got[roots[one.touch.with_whom(blind)]]
        new = _got(one, now, runtime.settings.zone)
        told.append(_last(before, new, window))
        before.append(new)
    return told


def _sent(one: Promotion) -> Got:
    same = frozenset(samenesses(one.channel, one.campaign, one.words))
    return Got(one.since, same, one.by or "")


def _got(sent: Sent, now: datetime, zone: ZoneInfo) -> Got:
    touch = sent.touch
    same = frozenset(samenesses(touch.channel, touch.campaign, touch.subject))
    on = (touch.occurred_at or now).astimezone(zone).date()
    return Got(on, same, touch.employee or sent.publisher)


def _last(before: Sequence[Got], new: Got, window: int) -> Earlier | None:
    same = [
        (one.on, one.by)
        for one in before
        if one.on is not None and one.same & new.same and within(window, one.on, new.on)
    ]
    if not same:
        return None
    on, by = max(same)
    return Earlier(on, by, on + timedelta(days=window))


async def _whole(
    runtime: Runtime, people: Collection[str]
) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Return which person each of these entries belongs to, and all entries of that person."""
    cards, names = runtime.reader(person_card), runtime.reader(identity_card)
    found = await names.many(people)
    whose = {one: (found[one].owner if one in found else None) or one for one in people}
    known = await cards.many(set(whose.values()))
    roots = {
        one: (known[name].merged_into if name in known else None) or name
        for one, name in whose.items()
    }
    known |= await cards.many(set(roots.values()) - known.keys())
    parts = {
        root: {root, *(known[root].identities if root in known else ())} for root in roots.values()
    }
    for one, root in roots.items():
        parts[root].add(one)
    root_of = {part: root for root, them in parts.items() for part in them}
    for entry, owner in (await named_for(runtime, root_of, None)).items():
        parts[root_of[owner]].add(entry)
    return roots, parts
