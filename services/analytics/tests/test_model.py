"""What may be decided about the figures that a company measures itself by (N-02, N-03)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.analytics.kpi_expression import ExpressionError, parse
from services.analytics.kpi_measures import KPI_MEASURES
from services.analytics.main import domain
from services.analytics.model import (
    AlreadyHeldError,
    CoachKpi,
    DefineKpi,
    DefinitionUnknownError,
    KpiRetiredError,
    KpiUnknownError,
    RetireKpi,
    SwitchKpi,
    stands,
)
from services.analytics.tests.world import KIM
from shared.errors import InvalidError
from shared.events.analytics import KpiCoached, KpiDefined, KpiEvent, KpiRetired, KpiSwitched
from shared.testing import check_decider, commands, facts, given

decider, reviews = domain.deciders["kpi"], domain.deciders["review"]
DAY = date(2026, 3, 2)
WIN_RATE = "100 * won / (won + lost)"


def define(**more: Any) -> DefineKpi:
    told = {"name": "Win rate", "expression": WIN_RATE, "measured_in": "percent", "on": DAY}
    return DefineKpi(**(told | more))


def defined(number: int, **more: Any) -> KpiDefined:
    told = define(**more).model_dump(exclude={"date_unknown"})
    return KpiDefined(**told, definition=number)


ASKED = st.one_of(
    st.sampled_from([define(), define(expression="won"), define(target=5, direction="down")]),
    commands(SwitchKpi | RetireKpi),
)


@for_all(st.lists(facts(KpiEvent), max_size=6), st.lists(ASKED, max_size=6))
def test_n_02_any_facts_evolve_and_nothing_is_done_twice(
    history: list[Any], asked: list[Any]
) -> None:
    check_decider(decider, history, asked)


def test_n_02_the_first_definition_holds_at_once_a_later_one_when_it_is_switched() -> None:
    first, second = defined(1), defined(2, expression="won")
    given(decider).when(define()).then(first, KpiSwitched(definition=1, on=DAY))
    known = (first, KpiSwitched(definition=1, on=DAY))
    given(decider, *known).when(define(expression="won")).then(second)
    given(decider, *known).when(define()).then_nothing()
    switch = SwitchKpi(definition=2, on=DAY)
    given(decider, *known, second).when(switch).then(KpiSwitched(definition=2, on=DAY))
    given(decider, *known).when(switch).then_refused(DefinitionUnknownError)
    given(decider).when(switch).then_refused(KpiUnknownError)


def test_what_is_retired_is_neither_defined_nor_switched() -> None:
    known = (defined(1), KpiSwitched(definition=1), KpiRetired(reason="enough"))
    given(decider, *known).when(define(expression="lost")).then_refused(KpiRetiredError)
    given(decider, *known).when(SwitchKpi(definition=1)).then_refused(KpiRetiredError)
    given(decider, *known).when(RetireKpi(reason="again")).then_nothing()


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("won +", "no expression"),
        ("__import__('os')", "only"),
        ("won ** 9", "only"),
        ("won.real", "only"),
        ("sales", "no measure 'sales'"),
        ("1 / 3", "names no measure"),
        ("won if lost else 1", "only"),
        ("(" * 60 + "won" + ")" * 60 + "+ 'a'", "only"),
        ("won" + " + won" * 60, "deep"),
        ("-" * 300 + "won", "deep"),
        ("won * " + "9" * 600, "characters"),
        ("True + won", "only"),
        ("1e999 * won", "beyond"),
        ("1e21 * won", "beyond"),
        ("1j + won", "only"),
        ("\x00", "no expression"),
    ],
)
def test_an_expression_that_cannot_be_computed_is_refused_with_its_cause(
    expression: str, cause: str
) -> None:
    with pytest.raises(ExpressionError, match=cause):
        parse(expression, KPI_MEASURES)
    with pytest.raises(ValidationError) as refused:
        define(expression=expression)
    assert [error["loc"] for error in refused.value.errors()] == [("expression",)]


@for_all(st.text(alphabet="won lstej_+-*/().019", max_size=40))
def test_whatever_is_written_is_computed_or_refused(text: str) -> None:
    try:
        expression = parse(text, KPI_MEASURES)
    except ExpressionError:
        return
    value = expression.value(dict.fromkeys(expression.names, Decimal(3)))
    assert value is None or value.is_finite()


def test_by_nothing_nothing_is_divided() -> None:
    rate = parse(WIN_RATE, KPI_MEASURES)
    assert rate.value({}) is None
    assert rate.value({"won": Decimal(1), "lost": Decimal(3)}) == 25


def test_what_is_too_large_to_be_told_is_not_told() -> None:
    large = parse("1e20 * won", KPI_MEASURES)
    assert large.value({"won": Decimal(1)}) == 10**20
    assert large.value({"won": Decimal(2)}) is None


def test_thresholds_come_in_the_order_of_the_direction() -> None:
    up = define(target=60, warns_at=50, alarms_at=40)
    assert decider.decide(decider.initial, up)
    wrong = define(target=60, warns_at=40, alarms_at=50)
    with pytest.raises(InvalidError):
        decider.decide(decider.initial, wrong)
    falling = define(direction="down", target=5, warns_at=10, alarms_at=20)
    told = decider.decide(decider.initial, falling)[0]
    assert [stands(told, Decimal(value)) for value in (5, 10, 11, 21)] == [
        *("good", "good", "warning", "alarm"),
    ]
    assert stands(told, None) == "unstated"
    assert stands(defined(1), Decimal(1)) == "unstated"
    assert stands(defined(1, target=50), Decimal(49)) == "warning"


def test_by_product_only_what_is_kept_by_product() -> None:
    decider.decide(decider.initial, define(product="product-x"))
    with pytest.raises(InvalidError) as refused:
        decider.decide(decider.initial, define(product="product-x", expression="touches / won"))
    assert "touches" in str(refused.value)


def test_n_03_a_review_is_written_down_once() -> None:
    hold = CoachKpi(
        kpi="kpi-1", coach="employee-han", of=KIM, period="2026-03", facts="One of three.", on=DAY
    )
    held = KpiCoached(**hold.model_dump())
    given(reviews).when(hold).then(held)
    given(reviews, held).when(hold).then_nothing()
    other = hold.model_copy(update={"facts": "Two."})
    given(reviews, held).when(other).then_refused(AlreadyHeldError)
    with pytest.raises(ValidationError):
        CoachKpi(kpi="kpi-1", coach="employee-han", of=KIM, period="March", facts="x", on=DAY)
