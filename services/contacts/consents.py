"""Whether a person agreed to a promotion, as of a day: what is said of it, and by what. Pure.

Purposes are a company's own words. A promotion by mail is for the purpose `marketing`, or for
`marketing-email` where somebody agrees to, or refuses, that channel alone; what was told last of
the two holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.contacts.defaults import ContactsDefaults
from services.contacts.erasing import Consent, PersonConsents
from shared.held import in_order


@dataclass(frozen=True, slots=True)
class NoConsent:
    """The person does not agree to it: `withdrawn` since a day, or it was never given."""

    purpose: str
    channel: str
    withdrawn: bool
    since: date | None = None


def history_of(parts: Iterable[PersonConsents]) -> tuple[Consent, ...]:
    """Return what was told of all entries of a person, in the order of dates."""
    history: tuple[Consent, ...] = ()
    for part in parts:
        for one in part.consents:
            history = in_order(history, one)
    return history


def lacking(
    history: Sequence[Consent], channel: str, on: date | None, rules: ContactsDefaults
) -> NoConsent | None:
    """Return what speaks against a promotion on this channel on that day; None: nothing."""
    purposes = (rules.promotion_purpose, f"{rules.promotion_purpose}-{channel}")
    told = [
        one
        for one in history
        if one.purpose in purposes and (on is None or one.since is None or one.since <= on)
    ]
    if told and not told[-1].given:
        return NoConsent(told[-1].purpose, channel, withdrawn=True, since=told[-1].since)
    if not told and rules.promotion_takes == "consent":
        return NoConsent(purposes[0], channel, withdrawn=False)
    return None
