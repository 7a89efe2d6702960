"""Finding people, companies and touches by any word of them, in whatever script. Pure.

Words that are written with spaces are found whole, names also by their beginning. Korean, Japanese
and Chinese text is found by any two or three signs that stand together, with or without spaces.

What is shown is kept sealed; by what it is found is noted blind, so that no entry says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.contacts.names import folded, parsed
from shared.events import Envelope
from shared.events.contacts import CompanyRegistered, PersonDetailsStated, PersonRegistered
from shared.events.touches import TouchRecorded
from shared.personal import Words
from shared.projection import Projection

_SIGNS = "가-힣ぁ-ゖー㐀-鿿々"
_RUN = re.compile(rf"(?P<signs>[{_SIGNS}]+)|(?P<word>[^\W_{_SIGNS}]+)")
PAIR, TRIPLE = 2, 3
# A letter of many pages is found by how it begins.
TEXT_MAX = 4_000
SHOWN_MAX = 160


def grams(text: str, *, name: bool = False) -> set[str]:
    """Return by what a text is found; a name also by its beginning and by a single sign."""
    found: set[str] = set()
    for run in _RUN.finditer(folded(text)):
        if run["signs"]:
            lengths = (1, PAIR, TRIPLE) if name else (PAIR, TRIPLE)
            found |= {gram for length in lengths for gram in _together(run["signs"], length)}
        elif name:
            found |= {run["word"][:length] for length in range(1, len(run["word"]) + 1)}
        else:
            found.add(run["word"])
    return found


def _together(signs: str, length: int) -> Iterator[str]:
    for place in range(len(signs) - length + 1):
        yield signs[place : place + length]


def wanted(query: str) -> list[str]:
    """Return what an entry must have to be found, the rarest first as far as length tells."""
    found: list[str] = []
    for run in _RUN.finditer(folded(query)):
        signs = run["signs"]
        found += _together(signs, min(TRIPLE, len(signs))) if signs else [run["word"]]
    return sorted(dict.fromkeys(found), key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """Answers: is this what somebody looks for, and what shall we show of it?"""

    key: str
    kind: str = ""
    title: str | None = None
    shown: str | None = None
    person: str | None = None
    company: str | None = None
    occurred_at: datetime | None = None
    grams: tuple[str, ...] = ()


search_entry = Projection(
    "search_entry",
    version=2,
    view=SearchEntry,
    indexes=("grams",),
    streams=("person", "company", "touch"),
    opens=True,
)


def whole(email: str) -> str:
    """Return by what an address is found as a whole, by whoever knows all of it."""
    return f"={email}"


def _found_by(entry: SearchEntry, more: set[str], words: Words) -> SearchEntry:
    return replace(entry, grams=tuple(sorted({*entry.grams, *map(words.blind, more)})))


def _person(
    entry: SearchEntry, event: PersonRegistered | PersonDetailsStated, words: Words
) -> SearchEntry:
    name, email, phone = map(words.plain, (event.name, event.email, event.phone))
    read = " ".join(parsed(name).latin) if name else ""
    more = {gram for text in (name, email, phone, read) if text for gram in grams(text, name=True)}
    digits = "".join(one for one in phone or "" if one.isdigit())
    more |= {digits, digits[-8:], whole(email or "")} - {"", whole("")}
    return replace(
        _found_by(entry, more, words),
        kind="person",
        person=entry.key,
        title=event.name or entry.title,
        shown=event.email or entry.shown,
    )


@search_entry.on(PersonRegistered)
def person_entered(entry: SearchEntry, event: PersonRegistered, at: Envelope) -> SearchEntry:
    return _person(entry, event, at.words)


@search_entry.on(PersonDetailsStated)
def person_stated(entry: SearchEntry, event: PersonDetailsStated, at: Envelope) -> SearchEntry:
    return _person(entry, event, at.words)


@search_entry.on(CompanyRegistered)
def company_entered(entry: SearchEntry, event: CompanyRegistered, at: Envelope) -> SearchEntry:
    found = _found_by(entry, grams(event.name, name=True), at.words)
    return replace(found, kind="company", company=entry.key, title=event.name)


@search_entry.on(TouchRecorded)
def touch_entered(entry: SearchEntry, event: TouchRecorded, at: Envelope) -> SearchEntry:
    told = map(at.words.plain, (event.subject, event.note))
    text = "\n".join(part for part in told if part)
    return replace(
        _found_by(entry, grams(text[:TEXT_MAX]), at.words),
        kind="touch",
        person=event.person,
        company=event.company,
        title=event.subject,
        shown=event.note,
        occurred_at=at.occurred_at,
    )
