"""Kill -9 of every part amid an import and live touches: nothing lost, nothing counted twice."""

from __future__ import annotations

import shutil
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from sellers.engines import ApacheKafka, kafka_jars
from tests.conftest import missing_is_a_skip
from tests.faults import export
from tests.faults.campaign import PARTS, Outcome, play

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform != "linux", reason="the children's end is Linux's to tell"),
]

REAL = Path(__file__).resolve().parents[3] / "shared/data/crm-sales"


def assert_nothing_wrong(outcome: Outcome) -> None:
    """Also that no kill hit a platform without work, which would prove nothing."""
    assert outcome.wrong == [], [str(kill) for kill in outcome.kills]
    assert sorted(kill.victim for kill in outcome.kills) == sorted(PARTS)
    assert outcome.touches > 0


def needs_kafka() -> None:
    """Fetch what the broker needs; without Java or Maven that is a skip, in CI a failure."""
    with missing_is_a_skip():
        kafka_jars()
        ApacheKafka(Path()).command()


@pytest.mark.connected
def test_one_seed(tmp_path: Path) -> None:
    assert_nothing_wrong(play("embedded", 1, tmp_path))


@pytest.mark.kafka
def test_one_seed_on_apache_kafka(tmp_path: Path) -> None:
    needs_kafka()
    assert_nothing_wrong(play("kafka", 1, tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_export(tmp_path: Path) -> None:
    """With the export that the published figures were computed from, where it is at hand."""
    if not REAL.exists():
        pytest.skip(f"{REAL} is not here")
    assert_nothing_wrong(play("embedded", 2, tmp_path, REAL, batch=200))


def test_the_figures_of_an_export_are_counted_from_its_text(tmp_path: Path) -> None:
    """The harness's own sums: a wrong truth would prove anything."""
    folder = export.generate(tmp_path, seed=3, rows=200)
    sums = export.figures(folder)
    total = sums["total"]["total"]
    assert total.count == 200
    assert set(sums["product"]) == set(export.PRODUCTS)
    for axis in ("stage", "product", "seller", "manager", "region"):
        values = sums[axis].values()
        assert sum(each.count for each in values) == 200
        assert sum((each.value_won for each in values), Decimal(0)) == total.value_won
    assert sum(each.won for each in export.closed_by_quarter(folder).values()) == total.won
    (folder / export.PIPELINE).write_text(
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
        "A,Seller 0,GTXPro,,Won,01-02-17,03-04-17,100\n"
        "B,Seller 0,GTX Pro,,Lost,01-02-17,31-12-17,0\n"
    )
    assert export.figures(folder)["product"] == {"GTX Pro": export.Sum(2, 1, 1, Decimal(100))}
    assert set(export.closed_by_quarter(folder)) == {"2017-Q2", "2017-Q4"}
    shutil.rmtree(folder)
