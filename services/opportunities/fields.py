"""What the fields of this domain's commands may hold. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.errors import InvalidError
from shared.events.opportunities import LOST, WON

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Sentences = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
Stage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
# Figures are summed as whole ten-thousandths in 64 bits: these bounds keep every sum exact.
Money = Annotated[Decimal, Field(ge=0, max_digits=16, decimal_places=4)]
# Of a loss it is less than nothing.
SignedMoney = Annotated[Decimal, Field(max_digits=16, decimal_places=4, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


RESERVED = frozenset({WON, LOST})


def real_stage(stage: str) -> str:
    """Won and lost are outcomes with facts of their own, not stages to advance to."""
    if stage in RESERVED:
        raise InvalidError(f"{stage!r} is an outcome: use win or lose", field="#/stage")
    return stage
