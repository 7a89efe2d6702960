"""Which rows a report can have, by how they are named. Pure.

A row that can exist and is empty comes to nothing; of one that cannot, whoever asks is told so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from services.analytics.cells import Axis, Per
from services.analytics.kpi_measures import term_of
from services.analytics.periods import BANDS
from services.analytics.pipeline import TOTAL, Key
from services.analytics.traits import AGES, OLDEST
from shared.errors import InvalidError, NotFoundError
from shared.hand_offs import STEPS
from shared.references import ID

FIELD = "query/key"


@dataclass(frozen=True, slots=True)
class Keys:
    """What keys the rows of a report have.

    `stream`: they are streams of this kind, which may be called by their names, too. `told`: they
    are words that somebody chose, so that only what was told shows which there are.
    """

    says: str
    fits: Callable[[str], bool] = lambda _: False
    stream: str | None = None
    told: Axis | Literal["segment"] | None = None
    # Whether there is a row of what has no such key.
    nameless: bool = False

    def meant(self, key: Key, names: Mapping[str, str], told: Collection[str] = ()) -> set[Key]:
        """Return all keys that may be meant; `names` are of streams, `told` words so far.

        Raises:
            InvalidError: there cannot be such a row.
            NotFoundError: nothing is known of that name.

        """
        if key is None:
            if not self.nameless:
                raise InvalidError(f"which row: {self.says}", field=FIELD)
            return {None}
        kind = f"{self.stream}-"
        named = {one for one, name in names.items() if name == key and one.startswith(kind)}
        if self.fits(key) or (key and key in told):
            named.add(key)
        if named:
            return {*named}
        if self.stream is None and self.told is None:
            raise InvalidError(f"{key!r} is none: {self.says}", field=FIELD)
        raise NotFoundError(f"nothing is called {key!r} here: {self.says}", field=FIELD)


def of_stream(kind: str, says: str) -> Keys:
    fits = re.compile(rf"{kind}-{ID}").fullmatch
    return Keys(f"{says}, `{kind}-...`", lambda key: fits(key) is not None, stream=kind)


def of_words(axis: Axis, says: str) -> Keys:
    return Keys(f"{says} that was told of", told=axis, nameless=True)


def one_of(keys: Iterable[str]) -> Keys:
    held = sorted(keys)
    return Keys(f"one of {', '.join(held)}", lambda key: key in held)


def of_period(per: Per) -> Keys:
    def fits(key: str) -> bool:
        try:
            term_of(per, key)
        except ValueError:
            return False
        return True

    written = {"day": "2026-03-31", "week": "2026-W05", "month": "2026-03", "quarter": "2026-Q1"}
    return Keys(f"a {per}, as {written[per]}", fits)


def or_none(keys: Keys) -> Keys:
    return replace(keys, nameless=True)


# Whatever is asked for by something else than a key.
ANY = Keys("anything", lambda _: True, nameless=True)
SELLER = or_none(of_stream("employee", "a colleague"))
UNIT = or_none(of_stream("unit", "a unit of ours"))
PRODUCT = or_none(of_stream("product", "a product"))
COMPANY = or_none(of_stream("company", "a company"))
SEGMENT = or_none(Keys("a segment that was told of", told="segment"))
STAGE = of_words("stage", "a stage")
PERIODS: Mapping[str, Keys] = {per: of_period(per) for per in get_args(Per)}
# What rows of most reports are of.
USUAL: Mapping[str, Keys] = {
    "total": one_of([TOTAL]),
    "seller": SELLER,
    "manager": SELLER,
    "team": UNIT,
    "division": UNIT,
    "region": UNIT,
    **PERIODS,
}
# Of some, a company is one that we are; of others, one that buys.
OURS: Mapping[str, Keys] = {**USUAL, "company": UNIT}
THEIRS: Mapping[str, Keys] = {
    **USUAL,
    "company": COMPANY,
    "product": PRODUCT,
    "segment": SEGMENT,
    "stage": STAGE,
}
# What is open is of none, and what was decided as soon as it was found was like nothing before.
LIKE: Mapping[str, Keys] = {
    "age": one_of([OLDEST, *(text for _, text in AGES)]),
    "quality": one_of(BANDS.values()),
}
PIPELINE: Mapping[str, Keys] = {**THEIRS, **LIKE, "quarter": or_none(PERIODS["quarter"])}
ORDERS: Mapping[str, Keys] = {**THEIRS, "our_company": UNIT, "step": one_of(["won", *STEPS])}
DEALS: Mapping[str, Keys] = {**THEIRS, **{by: or_none(keys) for by, keys in LIKE.items()}}
