"""Tells whoever publishes a promotion that the person got the same one lately, or did not agree.

What was sent has happened and is recorded all the same; the publisher learns of it with the
answer (C-14).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from services.contacts.consents import NoConsent, history_of, lacking
from services.contacts.erasing import person_consents
from services.contacts.identities import identity_card
from services.contacts.person_views import person_card
from services.contacts.promotions import Promotion, Sameness, person_promotions, samenesses
from services.contacts.reads import defaults_of, named_for
from services.contacts.statements import within
from services.contacts.touches import NewTouch, Sent, folded
from shared.errors import UnavailableError
from shared.events.touches import TouchRecorded
from shared.runtime import Runtime

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Earlier:
    """When the person got the same promotion last, of whom, and from when on it is a new one."""

    on: date
    by: str
    again_from: date


@dataclass(frozen=True, slots=True)
class Noted:
    """What a publisher is told of a touch besides that it is recorded."""

    repeats: Earlier | None = None
    no_consent: NoConsent | None = None


@dataclass(frozen=True, slots=True)
class Got:
    """A promotion that somebody got."""

    on: date | None
    same: frozenset[Sameness]
    by: str


def promotes(touch: NewTouch | TouchRecorded) -> bool:
    return touch.about == "promotion" and touch.direction == "outbound"


async def noted(runtime: Runtime, sent: Sequence[Sent]) -> list[Noted]:
    """Say of each touch what `compared` says, as far as the views can be read: nothing fails."""
    try:
        return await compared(runtime, sent)
    except UnavailableError as error:
        log.warning("promotions_not_compared", reason=str(error))
        return [Noted()] * len(sent)


async def compared(runtime: Runtime, sent: Sequence[Sent]) -> list[Noted]:
    """Say of each new touch, in their order, which of the same came before it, also among them.

    And whether the person had agreed. What is being folded this moment is not seen: nothing waits
    for it.

    Raises:
        UnavailableError: the views are of a version that this release cannot read.

    """
    blind = await runtime.seals.blinder()
    promoted = {one.touch.with_whom(blind) for one in sent if promotes(one.touch)}
    if not promoted:
        return [Noted()] * len(sent)
    roots, parts = await _whole(runtime, promoted)
    entries = {entry for found in parts.values() for entry in found}
    views = await runtime.reader(person_promotions).many(entries)
    told = await runtime.reader(person_consents).many(entries)
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
    agreed = {
        root: history_of(told[entry] for entry in sorted(found) if entry in told)
        for root, found in parts.items()
    }
    now, rules = runtime.clock.now(), defaults_of(runtime)
    notes: list[Noted] = []
    for one in sent:
        if not promotes(one.touch):
            notes.append(Noted())
            continue
        root = roots[one.touch.with_whom(blind)]
        new = _got(one, now, runtime.settings.zone)
        repeats = _last(got[root], new, rules.promotion_window_days)
        notes.append(Noted(repeats, lacking(agreed[root], one.touch.channel, new.on, rules)))
        got[root].append(new)
    return await _of_new(runtime, sent, notes)


async def _of_new(runtime: Runtime, sent: Sequence[Sent], notes: Sequence[Noted]) -> list[Noted]:
    """Leave out what was sent before: it would be told that it repeats itself.

    Asked after the views, and of theirs: what is in them is known here.
    """
    noted = [one.stream for one, note in zip(sent, notes, strict=True) if note != Noted()]
    before = await folded(runtime, person_promotions, noted) if noted else frozenset()
    return [
        Noted() if one.stream in before else note for one, note in zip(sent, notes, strict=True)
    ]


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
