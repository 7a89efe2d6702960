"""What a company may decide about the figures it measures itself by (N-02, N-03). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Literal, assert_never

from pydantic import AfterValidator, Field, StringConstraints

from services.analytics.kpi_expression import ExpressionError, parse
from services.analytics.kpi_measures import KPI_MEASURES, per_of, term_of
from shared.command import DatedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.analytics import (
    KpiCoached,
    KpiDefined,
    KpiEvent,
    KpiFrequency,
    KpiLevel,
    KpiRetired,
    KpiSwitched,
    KpiUnit,
)
from shared.references import ID, EmployeeStream, ProductStream

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Number = Annotated[Decimal, Field(max_digits=18, decimal_places=4, allow_inf_nan=False)]


KpiStream = Annotated[str, Field(pattern=rf"^kpi-{ID}$")]


def _in_the_calendar(name: str) -> str:
    try:
        term_of(per_of(name), name)
    except ValueError:
        raise ValueError("no day, week, month or quarter of any year") from None
    return name


Period = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-(\d{2}(-\d{2})?|W\d{2}|Q[1-4])$"),
    AfterValidator(_in_the_calendar),
]


class KpiUnknownError(NotFoundError):
    """Nobody defined a figure of that id."""


class DefinitionUnknownError(DomainError):
    """The figure has no definition of that number."""


class KpiRetiredError(DomainError):
    """Nobody measures themselves by it any more."""


def _computable(text: str) -> str:
    try:
        parse(text, KPI_MEASURES)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


@dataclass(frozen=True, slots=True)
class Kpi:
    """Only what a rule needs to know."""

    definitions: tuple[KpiDefined, ...] = ()
    active: int = 0
    retired: bool = False


class DefineKpi(DatedCommand):
    """Say what is computed for whom and how often, and what is wanted of it."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    expression: Annotated[str, AfterValidator(_computable)]
    measured_in: KpiUnit = "number"
    frequency: KpiFrequency = "month"
    level: KpiLevel = "seller"
    product: ProductStream | None = None
    direction: Literal["up", "down"] = "up"
    target: Number | None = None
    warns_at: Number | None = None
    alarms_at: Number | None = None


class SwitchKpi(DatedCommand):
    definition: int = Field(ge=1)
    reason: Words | None = None


class RetireKpi(DatedCommand):
    reason: Words


class CoachKpi(DatedCommand):
    """What was talked about the figure of somebody, or of a unit, in a period."""

    kpi: KpiStream
    coach: EmployeeStream
    of: Annotated[str, StringConstraints(pattern=r"^(employee|unit)-.{1,100}$|^total$")]
    period: Period
    facts: Words
    problem: Words | None = None
    cause: Words | None = None
    actions: tuple[Words, ...] = Field((), max_length=20)


KpiCommand = DefineKpi | SwitchKpi | RetireKpi


def decide_kpi(kpi: Kpi, command: KpiCommand) -> list[KpiEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if isinstance(command, DefineKpi):
        return _defined(kpi, command)
    if not kpi.definitions:
        raise KpiUnknownError
    match command:
        case SwitchKpi(definition=number, reason=reason, on=on):
            if number > len(kpi.definitions):
                raise DefinitionUnknownError(
                    f"there are {len(kpi.definitions)}", field="#/definition"
                )
            if kpi.retired:
                raise KpiRetiredError
            switched = KpiSwitched(definition=number, reason=reason, on=on)
            return [] if number == kpi.active else [switched]
        case RetireKpi(reason=reason, on=on):
            return [] if kpi.retired else [KpiRetired(reason=reason, on=on)]
        case _:
            assert_never(command)


def _defined(kpi: Kpi, command: DefineKpi) -> list[KpiEvent]:
    if kpi.retired:
        raise KpiRetiredError
    _check_product(command)
    _check_thresholds(command)
    number = len(kpi.definitions) + 1
    defined = KpiDefined(**command.model_dump(), definition=number)
    if number == 1:
        # What has no other definition is read by its first one.
        return [defined, KpiSwitched(definition=1, on=command.on)]
    return [] if _same(kpi.definitions[-1], defined) else [defined]


def _same(before: KpiDefined, now: KpiDefined) -> bool:
    left_out = {"definition", "on"}
    return before.model_dump(exclude=left_out) == now.model_dump(exclude=left_out)


def _check_product(command: DefineKpi) -> None:
    if command.product is None:
        return
    names = sorted(parse(command.expression, KPI_MEASURES).names)
    whole = [name for name in names if not KPI_MEASURES[name].by_product]
    if whole:
        cause = f"{', '.join(whole)}: not kept by product"
        raise InvalidError(cause, field="#/product")


def _check_thresholds(command: DefineKpi) -> None:
    order = [command.target, command.warns_at, command.alarms_at]
    told = [value for value in order if value is not None]
    wanted = sorted(told, reverse=command.direction == "up")
    if told != wanted:
        better = "falls" if command.direction == "up" else "rises"
        raise InvalidError(
            f"from target over warns_at to alarms_at it {better}", field="#/warns_at"
        )


def evolve_kpi(kpi: Kpi, event: KpiEvent) -> Kpi:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case KpiDefined():
            return replace(kpi, definitions=(*kpi.definitions, event))
        case KpiSwitched(definition=number):
            return replace(kpi, active=number)
        case KpiRetired():
            return replace(kpi, retired=True)
        case _:
            assert_never(event)


class AlreadyHeldError(DomainError):
    """A review is written down once."""


def decide_review(held: KpiCoached | None, command: CoachKpi) -> list[KpiCoached]:
    """Write down what was talked about; the same again is nothing new."""
    coached = KpiCoached(**command.model_dump())
    if held not in (None, coached):
        raise AlreadyHeldError
    return [coached] if held is None else []


def evolve_review(held: KpiCoached | None, event: KpiCoached) -> KpiCoached:
    return held or event


Standing = Literal["good", "warning", "alarm", "unstated"]


def stands(defined: KpiDefined, value: Decimal | None) -> Standing:
    """Say how a value stands by the thresholds; without any, by the target."""
    bounds = (defined.warns_at, defined.alarms_at)
    if value is None or (defined.target is None and bounds == (None, None)):
        return "unstated"
    sign = 1 if defined.direction == "up" else -1
    warns = defined.warns_at if bounds != (None, None) else defined.target
    if defined.alarms_at is not None and sign * value < sign * defined.alarms_at:
        return "alarm"
    if warns is not None and sign * value < sign * warns:
        return "warning"
    return "good"
