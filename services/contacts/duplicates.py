"""Which entries of our book are worth comparing, because they share a word. Pure folds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from services.contacts.matching import Likeness, Reason, blocks, likeness
from services.contacts.person_views import PersonCard, known
from shared.events import Envelope
from shared.events.contacts import PersonDetailsStated, PersonRegistered
from shared.projection import Projection

# A word that more entries share says nothing; of those only so many are kept, always the same.
BLOCK_MAX = 30


@dataclass(frozen=True, slots=True)
class Block:
    """Answers: which entries share this word, and may therefore be one person? (C-02).

    The word is noted blind: a block says who shares one, not which.
    """

    word: str
    people: tuple[str, ...] = ()
    shared: bool = False


duplicate_block = Projection(
    "duplicate_block",
    version=2,
    view=Block,
    indexes=("shared",),
    streams=("person",),
    opens=True,
)


def _words(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, PersonRegistered | PersonDetailsStated)
    told = map(at.words.plain, (at.data.name, at.data.email, at.data.phone))
    return tuple(sorted(map(at.words.blind, blocks(*told))))


def _added(block: Block, person: str) -> Block:
    people = tuple(sorted({*block.people, person})[: BLOCK_MAX + 1])
    return replace(block, people=people, shared=1 < len(people) <= BLOCK_MAX)


@duplicate_block.on(PersonRegistered, keys=_words)
def entered(block: Block, event: PersonRegistered, at: Envelope) -> Block:
    return _added(block, at.stream)


@duplicate_block.on(PersonDetailsStated, keys=_words)
def entered_again(block: Block, event: PersonDetailsStated, at: Envelope) -> Block:
    return _added(block, at.stream)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two entries that may be one person, how sure that is, and why."""

    one: str
    other: str
    one_name: str | None
    other_name: str | None
    score: float
    reasons: tuple[Reason, ...]


def pairs(found: Iterable[Block]) -> Iterator[tuple[str, str]]:
    """Return those who share a word, each pair once."""
    seen = {pair for block in found if block.shared for pair in combinations(block.people, 2)}
    yield from sorted(seen)


def candidates(
    compared: Iterable[tuple[str, str]], cards: dict[str, PersonCard], least: float
) -> list[Candidate]:
    """Score pairs of entries, the surest first; those that somebody told apart are left out."""
    found = []
    for one, other in compared:
        first, second = cards.get(one), cards.get(other)
        if first is None or second is None or not _open(first, second):
            continue
        like: Likeness = likeness(known(first), known(second))
        if like.score >= least:
            found.append(Candidate(one, other, first.name, second.name, like.score, like.reasons))
    return sorted(found, key=lambda pair: (-pair.score, pair.one, pair.other))


def _open(one: PersonCard, other: PersonCard) -> bool:
    if other.person in one.told_apart or one.person in other.told_apart:
        return False
    if one.erased_on is not None or other.erased_on is not None:
        return False  # Who cannot be read cannot be told from others of whom nobody can.
    return one.merged_into is None and other.merged_into is None
