"""Roll-ups of sellers' commitments, frozen by whose they are (O-06): nothing is predicted. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from services.opportunities.fields import Currency, Money
from services.opportunities.record.dated import Told
from shared.command import Command, Day, HappenedCommand
from shared.dated import placed
from shared.errors import DomainError, InvalidError
from shared.events import Envelope
from shared.events.opportunities import ForecastEvent, ForecastFrozen, ForecastLine
from shared.projection import Projection
from shared.references import EmployeeStream, OpportunityStream, UnitStream


class ForecastNotTheirsError(DomainError):
    """Only whose roll-up it is freezes it."""


class Line(Command):
    """One commitment, as it is listed under `/commitments`."""

    opportunity: OpportunityStream
    seller: EmployeeStream
    confidence: Literal["commit", "upside"] = "commit"
    amount: Money
    currency: Currency
    close_on: Day


class FreezeForecast(HappenedCommand):
    """Stand by these commitments, as they are now (O-06)."""

    owner: EmployeeStream
    unit: UnitStream | None = None
    period_from: Day
    period_to: Day
    lines: tuple[Line, ...] = Field(max_length=2_000)
    note: str | None = Field(None, max_length=4_000)

    @field_validator("period_to")
    @classmethod
    def _not_before_its_start(cls, day: date, told: ValidationInfo) -> date:
        begin = told.data.get("period_from")
        if begin is not None and day < begin:
            raise ValueError(f"{day} is before {begin}")
        return day


@dataclass(frozen=True, slots=True)
class Forecast:
    """Only what a rule needs to know."""

    owner: str | None = None
    frozen: tuple[ForecastFrozen, ...] = ()


def decide_forecast(forecast: Forecast, command: FreezeForecast) -> list[ForecastEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if forecast.owner not in (None, command.owner):
        raise ForecastNotTheirsError(f"it is {forecast.owner}'s", field="#/owner")
    names = [line.opportunity for line in command.lines]
    if len(set(names)) < len(names):
        raise InvalidError("an opportunity is there twice", field="#/lines")
    for place, line in enumerate(command.lines):
        if not command.period_from <= line.close_on <= command.period_to:
            raise InvalidError(
                f"{line.close_on} is outside the period", field=f"#/lines/{place}/close_on"
            )
    lines = tuple(
        ForecastLine(**line.model_dump())
        for line in sorted(command.lines, key=lambda line: line.opportunity)
    )
    told = command.model_dump(exclude={"date_unknown", "lines"})
    frozen = ForecastFrozen(lines=lines, **told)
    return [] if frozen in forecast.frozen else [frozen]


def evolve_forecast(forecast: Forecast, event: ForecastEvent) -> Forecast:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    owner = forecast.owner or event.owner
    return replace(forecast, owner=owner, frozen=(*forecast.frozen, event))


@dataclass(frozen=True, slots=True)
class Rolled:
    """What all lines of one confidence and currency come to."""

    confidence: Literal["commit", "upside"]
    currency: str
    amount: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class FrozenLine:
    opportunity: str
    seller: str
    confidence: Literal["commit", "upside"]
    amount: Decimal
    currency: str
    close_on: date


@dataclass(frozen=True, slots=True)
class Frozen(Told):
    """A roll-up as it was frozen: every sum opens into its opportunities."""

    period_from: date
    period_to: date
    rolled: tuple[Rolled, ...]
    lines: tuple[FrozenLine, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ForecastCard:
    """Answers: what did they stand by, and when did they say so?"""

    forecast: str
    owner: str | None = None
    unit: str | None = None
    frozen: tuple[Frozen, ...] = ()


forecast_card = Projection(
    "forecast_card",
    version=1,
    view=ForecastCard,
    indexes=("owner", "unit"),
    streams=("forecast",),
)


@forecast_card.on(ForecastFrozen)
def forecast_frozen(card: ForecastCard, event: ForecastFrozen, at: Envelope) -> ForecastCard:
    lines = tuple(FrozenLine(**line.model_dump()) for line in event.lines)
    told = Frozen(event.on, event.period_from, event.period_to, roll_up(lines), lines, event.note)
    return replace(
        card,
        owner=card.owner or event.owner,
        unit=event.unit or card.unit,
        frozen=placed(card.frozen, told),
    )


def roll_up(lines: tuple[FrozenLine, ...]) -> tuple[Rolled, ...]:
    """Return the sums of what was committed, one for each confidence and currency."""
    kinds = Counter((line.confidence, line.currency) for line in lines)
    return tuple(
        Rolled(
            confidence,
            currency,
            sum(
                (
                    line.amount
                    for line in lines
                    if (line.confidence, line.currency) == (confidence, currency)
                ),
                Decimal(0),
            ),
            count,
        )
        for (confidence, currency), count in sorted(kinds.items())
    )
