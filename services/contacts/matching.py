"""Whether two entries of our book are one person: a score between 0 and 1, and its reasons. Pure.

Each reason adds its weight or takes it away; what is unknown says nothing. `blocks` are the words
that two entries of one person share although something in them differs: only those are compared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import exp

from services.contacts.names import (
    PersonName,
    distance,
    email_key,
    parsed,
    personal,
    phone_key,
    sound,
)

# Weighed so that one sure sign (the same mailbox) or two good ones (the same name and company)
# pass a score of a half, and a shared switchboard does not make two names one person.
WEIGHTS = {
    "same e-mail": 6.0,
    "same phone": 4.0,
    "same mailbox name at another address": 3.0,
    "same mailbox name, made of the name": 0.9,
    "same name": 3.5,
    "same name in another script": 3.0,
    "names sound the same": 2.5,
    "names differ by a slip": 2.0,
    "abbreviated name": 1.5,
    "same company": 1.5,
    "other name": -6.0,
    "another mailbox at the same address": -3.0,
    "other phone": -0.5,
}
EVEN = 4.5
# Shorter names are too short for one slip to be told from another name.
HAN_MIN, LETTERS_MIN, TWO_SLIPS_MIN = 3, 5, 12
# Of a Chinese-character name, every way to leave one out is few words up to this length.
HAN_MAX = 6
# The beginning of a given name that may stand for it (`Dan` for `Daniel`), if it is no initial.
SHORT_MIN = 3


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a person that can tell whether another entry is the same one."""

    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for one person, or against, and how much."""

    what: str
    weight: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How sure we are, and why."""

    score: float
    reasons: tuple[Reason, ...]


def likeness(one: Known, other: Known) -> Likeness:
    """Say how sure it is that both are one person."""
    found = [
        what
        for what in (_name(one, other), _email(one, other), _phone(one, other))
        if what is not None
    ]
    if set(one.companies) & set(other.companies):
        found.append("same company")
    reasons = tuple(Reason(what, WEIGHTS[what]) for what in found)
    total = sum(reason.weight for reason in reasons)
    return Likeness(round(1 / (1 + exp(EVEN - total)), 3), reasons)


def _name(one: Known, other: Known) -> str | None:
    pairs = product(map(parsed, one.names), map(parsed, other.names))
    said = [what for a, b in pairs if (what := compared(a, b)) is not None]
    return max(said, key=WEIGHTS.__getitem__, default=None)


def compared(one: PersonName, other: PersonName) -> str | None:
    """Return what two names say, or None: in scripts that cannot be compared."""
    if not one.tokens or not other.tokens:
        return None
    if one.joined == other.joined:
        return "same name"
    if one.latin and other.latin:
        return _compared_as_read(one, other)
    if one.latin or other.latin:
        return None
    slip = min(len(one.joined), len(other.joined)) >= HAN_MIN
    slip = slip and distance(one.joined, other.joined) == 1
    return "names differ by a slip" if slip else "other name"


def _compared_as_read(one: PersonName, other: PersonName) -> str:
    if one.latin == other.latin:
        return "same name in another script"
    if _sounds(one) == _sounds(other):
        return "names sound the same"
    if _abbreviated(one.latin, other.latin) or _abbreviated(other.latin, one.latin):
        return "abbreviated name"
    return "names differ by a slip" if _slipped(one, other) else "other name"


def _sounds(name: PersonName) -> list[str]:
    return sorted(map(sound, name.latin))


def _abbreviated(short: tuple[str, ...], full: tuple[str, ...]) -> bool:
    """Whether each token of one begins one of the other, and one of them is written out."""
    if min(len(short), len(full)) <= 1:
        return False
    rest, written = list(full), 0
    for token in sorted(short, key=len, reverse=True):
        meant = next((one for one in rest if one.startswith(token)), None)
        if meant is None or (1 < len(token) < SHORT_MIN and token != meant):
            return False
        written += token == meant
        rest.remove(meant)
    return written > 0


def _slipped(one: PersonName, other: PersonName) -> bool:
    """Whether a typist's slip or two explains the difference."""
    a, b = _letters(one), _letters(other)
    longest = max(len(a), len(b))
    slips = 2 if longest >= TWO_SLIPS_MIN else 1
    return longest >= LETTERS_MIN and distance(a, b) <= slips


def _letters(name: PersonName) -> str:
    # A Korean syllable is two or three keys: what one slip changes is a letter of it.
    if name.tokens == name.latin:
        return " ".join(name.latin)
    return " ".join(sorted(unicodedata.normalize("NFD", token) for token in name.tokens))


def _email(one: Known, other: Known) -> str | None:
    ours, theirs = set(map(email_key, one.emails)), set(map(email_key, other.emails))
    if not ours or not theirs:
        return None
    if ours & theirs:
        return "same e-mail"
    boxes = {local for local, _ in ours} & {local for local, _ in theirs}
    if any(map(personal, boxes)):
        names = [parsed(name) for name in (*one.names, *other.names)]
        made = all(_made_of(box, names) for box in boxes)
        # A namesake elsewhere has the same one.
        return f"same mailbox name{', made of the name' if made else ' at another address'}"
    same = {domain for _, domain in ours} & {domain for _, domain in theirs}
    return "another mailbox at the same address" if same else None


def _made_of(box: str, names: Iterable[PersonName]) -> bool:
    letters = "".join(one for one in box if one.isalnum())
    return any(
        letters in ("".join(order), "".join(reversed(order)))
        for name in names
        for order in ([*map(sound, name.latin)], name.latin)
    ) or any(sorted(map(sound, box.replace("_", ".").split("."))) == _sounds(one) for one in names)


def _phone(one: Known, other: Known) -> str | None:
    ours, theirs = set(map(phone_key, one.phones)), set(map(phone_key, other.phones))
    if not ours - {None} or not theirs - {None}:
        return None
    return "same phone" if (ours & theirs) - {None} else "other phone"


def blocks(name: str | None, email: str | None, phone: str | None) -> tuple[str, ...]:
    """Return the words under which an entry is found by those that may be the same person."""
    found = set(_email_blocks(email)) if email else set()
    number = phone_key(phone) if phone else None
    if number is not None:
        found.add(f"phone:{number}")
    if name:
        found |= set(_name_blocks(parsed(name)))
    return tuple(sorted(found))


def _email_blocks(email: str) -> Iterator[str]:
    local, domain = email_key(email)
    yield f"email:{local}@{domain}"
    if personal(local):
        yield f"mailbox:{local}"


def _name_blocks(name: PersonName) -> Iterator[str]:
    """Return words that survive one slip, another order, and another way to write a sound."""
    if name.latin:
        tokens = (name.latin[0], name.latin[-1]) if len(name.latin) > 1 else ()
        yield "sound:" + "+".join(_sounds(name))
        for whole, part in (tokens, tokens[::-1]) if tokens else ():
            yield f"begin:{whole}+{part[:2]}"
            yield f"end:{whole}+{part[-3:]}"
    else:
        yield f"name:{name.joined}"
        if HAN_MIN <= len(name.joined) <= HAN_MAX:
            for place in range(len(name.joined)):
                yield f"name:{name.joined[:place]}{name.joined[place + 1 :]}"
