"""The real CRM export, imported through a kill of the API: the figures, counted independently."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sellers.client import Api
from sellers.importing import Summary, import_crm, wait_until_folded
from sellers.report import rows_of
from tests.integration.started import KillAtAThird, started, until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORT = Path(__file__).parents[3] / "shared" / "data" / "crm-sales"

pytestmark = [
    pytest.mark.connected,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not EXPORT.is_dir(), reason="the real export is not here"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crm") / "data"


@pytest.fixture(scope="module")
def api(data_dir: Path) -> Iterator[Api]:
    with started(data_dir) as client:
        yield client


@pytest.fixture(scope="module")
def imported(api: Api, data_dir: Path) -> Summary:
    """Import once; the API is killed when a third has been sent."""
    kill = KillAtAThird(data_dir)
    summary = import_crm(EXPORT, api, None, data_dir.with_name("report.csv"), kill)
    assert kill.done
    wait_until_folded(api)
    until_ready(api)
    return summary


def figures(api: Api, by: str, as_of: str | None = None) -> dict[str | None, dict[str, Any]]:
    rows = rows_of(api.get("/analytics/pipeline", {"by": by, "as_of": as_of}))
    return {row["key"]: row for row in rows}


def test_every_row_is_taken_and_every_repair_is_told(imported: Summary) -> None:
    found = {counts.what: counts for counts in imported.counts}
    assert found["sales_pipeline.csv"].read == 8_800
    assert imported.total("rejected") == 0
    assert found["sales_pipeline.csv"].repaired == 1_480
    assert found["accounts.csv"].repaired == 12
    assert imported.seconds < 120, "with a kill of the node amid it"
    report = imported.report.read_text(encoding="utf-8-sig").splitlines()
    assert len(report) == 1 + 1_492
    assert "sales_pipeline.csv,3,product,GTXPro,taken for 'GTX Pro',repaired" in report


def test_stages_and_the_total(imported: Summary, api: Api) -> None:
    stages = figures(api, "stage")
    assert {stage: row["count"] for stage, row in stages.items()} == {
        "Won": 4_238,
        "Lost": 2_473,
        "Engaging": 1_589,
        "Prospecting": 500,
    }
    (total,) = figures(api, "total").values()
    assert (total["count"], total["open"]) == (8_800, 2_089)
    assert Decimal(total["value_won"]) == 10_005_534
    assert (total["win_rate"], total["mean_cycle_days"]) == ("63.15", "51.78")


def test_quarters(imported: Summary, api: Api) -> None:
    quarters = figures(api, "quarter")
    assert {
        key: (row["won"], row["lost"], Decimal(row["value_won"]))
        for key, row in quarters.items()
        if key is not None and key.startswith("2017")
    } == {
        "2017-Q1": (531, 116, 1_134_672),
        "2017-Q2": (1_254, 778, 3_086_111),
        "2017-Q3": (1_257, 790, 2_982_255),
        "2017-Q4": (1_196, 789, 2_802_496),
    }


def test_regions_and_managers(imported: Summary, api: Api) -> None:
    regions = figures(api, "region")
    assert {key: Decimal(row["value_won"]) for key, row in regions.items()} == {
        "Central": 3_346_293,
        "West": 3_568_647,
        "East": 3_090_594,
    }
    managers = figures(api, "manager")
    assert {key: (row["won"], Decimal(row["value_won"])) for key, row in managers.items()} == {
        "Cara Losch": (480, 1_130_049),
        "Celia Rouche": (610, 1_603_897),
        "Dustin Brinkmann": (747, 1_094_363),
        "Melvin Marxen": (882, 2_251_930),
        "Rocco Neubert": (691, 1_960_545),
        "Summer Sewald": (828, 1_964_750),
    }


def test_products(imported: Summary, api: Api) -> None:
    assert {key: row["win_rate"] for key, row in figures(api, "product").items()} == {
        "GTX Plus Basic": "62.13",
        "GTX Pro": "63.56",
        "MG Special": "64.84",
        "GTX Basic": "63.72",
        "GTX Plus Pro": "64.30",
        "MG Advanced": "60.33",
        "GTK 500": "60.00",
    }


@pytest.mark.parametrize(
    ("day", "engaging"),
    [("2017-03-31", 1_330), ("2017-06-30", 1_686), ("2017-09-30", 2_409), ("2017-12-31", 1_589)],
)
def test_as_of_the_end_of_a_day(imported: Summary, api: Api, day: str, engaging: int) -> None:
    stages = figures(api, "stage", day)
    assert stages["Engaging"]["count"] == engaging
    assert "Prospecting" not in stages, "rows without a date are absent from earlier days"


def test_by_all_that_is_known_the_figures_are_the_live_ones(imported: Summary, api: Api) -> None:
    """Folded anew from the log: another way to the same numbers. Of this before 2018, nothing."""
    for known_at, wanted in (
        ("2100-01-01T00:00:00Z", figures(api, "manager", "2100-01-01")),
        ("2017-12-31T00:00:00Z", {}),
    ):
        query = {"by": "manager", "known_at": known_at, "as_of": "2100-01-01"}
        rows = rows_of(api.get("/analytics/pipeline", query))
        assert {row["key"]: row for row in rows} == wanted


def test_importing_again_adds_nothing(imported: Summary, api: Api, data_dir: Path) -> None:
    again = import_crm(EXPORT, api, None, data_dir.with_name("again.csv"))
    assert again.facts == 0
    assert again.total("duplicate") == again.total("read") == imported.total("read")
