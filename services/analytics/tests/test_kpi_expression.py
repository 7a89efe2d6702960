"""Where an expression is wrong is where whoever wrote it is pointed to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.analytics.kpi_expression import ExpressionError, parse
from services.analytics.kpi_measures import KPI_MEASURES
from services.analytics.tests.world import World

AT = re.compile(r"at character (\d+)")


def refusal(text: str) -> str | None:
    """Return the cause for which it is refused; None: it is taken."""
    try:
        parse(text, KPI_MEASURES)
    except ExpressionError as error:
        return str(error)
    return None


def place(cause: str) -> int:
    """Return which character a refusal points at, from 1 on."""
    told = AT.search(cause)
    assert told, cause
    return int(told[1])


# Each is wrong where the arrow points, which is left out.
WRONG = (
    "won ↓lost",
    "won + (lost ↓won)",
    "won + lost ↓** 2",
    "(won + 1) ↓// (lost)",
    "won ↓if lost else 1",
    "won ↓and lost",
    "won ↓> 3",
    "won ↓= 3",
    "won↓, lost",
    "won↓(3)",
    "won↓.real",
    "won + ↓True",
    "won + ↓[lost]",
    "won * ↓+ lost",
    "(won + ↓) * lost",
    "won + lost↓) / 2",
    "won / ↓(won + lost",
    "won +↓",
    "won +↓  ",
    "  won + ↓sales",
    "won + ↓가나 * 2",
    "(won +\n  ↓sales)",
    "(won + # of all\r\n lost ↓** 2)",
    "won + ↓1e999",
    "won + ↓3j",
    "won + ↓0777",
    "won\n↓+ lost ",
)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_pointed_at(text: str) -> None:
    cause = refusal(text.replace("↓", ""))
    assert cause
    assert place(cause) == text.index("↓") + 1


@pytest.mark.parametrize(
    "text", ["won", " -won * (lost + 1_0.5e-3) # of all", "(won\n+ .5)", "won - -lost", "((won))"]
)
def test_what_can_be_computed_is_pointed_at_nowhere(text: str) -> None:
    assert refusal(text) is None


@for_all(st.text(alphabet="won lstej_+-*/().019가\n#=,", max_size=40))
def test_whatever_is_written_is_pointed_at_within_it(text: str) -> None:
    cause = refusal(text)
    if cause is not None and cause != "it names no measure":
        assert 1 <= place(cause) <= len(text) + 1


async def test_n_02_a_refused_definition_says_in_the_field_where_it_is_wrong(world: World) -> None:
    told = {"name": "Rate", "expression": "100 * won / (won + lots)"}
    answer = await world.client.post("/analytics/kpis/rate/define", json=told)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "#/expression"
    assert error["detail"] == "there is no measure 'lots', at character 20"
    assert "at character 20" in answer.json()["detail"]
    told["expression"] = "100 * won ** 2"
    answer = await world.client.post("/analytics/kpis/rate/define", json=told)
    assert answer.json()["errors"][0]["detail"].endswith("at character 11")
