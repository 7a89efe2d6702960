"""The real log of a service desk, imported through a kill: the figures, counted independently."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sellers.importing import Summary, import_incidents, wait_until_folded
from sellers.report import rows_of
from tests.integration.started import KillAtAThird, started, until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sellers.client import Api

LOG = Path(__file__).parents[3] / "shared" / "data" / "incidents"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1_500),
    pytest.mark.skipif(not LOG.is_dir(), reason="the real log is not here"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("incidents") / "data"


@pytest.fixture(scope="module")
def api(data_dir: Path) -> Iterator[Api]:
    with started(data_dir) as client:
        yield client


@pytest.fixture(scope="module")
def imported(api: Api, data_dir: Path) -> Summary:
    """Import once; the API is killed when a third has been sent."""
    kill = KillAtAThird(data_dir)
    report = data_dir.with_name("report.csv")
    summary = import_incidents(LOG, api, None, report, kill)
    assert kill.done
    wait_until_folded(api, still_s=300.0)
    until_ready(api)
    return summary


def rows(api: Api, **query: Any) -> dict[str | None, dict[str, Any]]:
    return {row["key"]: row for row in rows_of(api.get("/analytics/issues", query))}


def test_every_row_is_taken_and_every_odd_value_told(imported: Summary) -> None:
    (counts,) = [counts for counts in imported.counts if not counts.named]
    assert (counts.read, counts.rejected, counts.repaired) == (141_712, 0, 5)
    assert imported.report.read_text(encoding="utf-8-sig").count(",incident_state,-100,") == 5


def test_cases_reopened_and_whether_their_level_was_kept(imported: Summary, api: Api) -> None:
    total = rows(api, by="total")["total"]
    assert (total["cases"], total["open"], total["reopened"]) == (24_918, 0, 275)
    assert (total["kept"], total["missed"]) == (15_803, 9_115)


def test_cases_by_how_severe_they_were_in_the_end(imported: Summary, api: Api) -> None:
    found = {key: (row["cases"], row["kept"]) for key, row in rows(api).items()}
    assert found == {
        "critical": (270, 5),
        "high": (408, 2),
        "moderate": (23_466, 15_145),
        "low": (774, 651),
    }


@pytest.mark.parametrize(("day", "still_open"), [("2016-03-31", 3_353), ("2016-05-31", 2_044)])
def test_what_was_open_when_a_day_ended(
    imported: Summary, api: Api, day: str, still_open: int
) -> None:
    assert rows(api, by="total", as_of=day)["total"]["open"] == still_open


def test_how_often_one_status_followed_another(imported: Summary, api: Api) -> None:
    moves = {key: row["moved"] for key, row in rows(api, by="move").items()}
    assert (
        moves.items()
        >= {
            "Resolved→Closed": 24_917,
            "Active→Resolved": 12_048,
            "New→Active": 7_936,
            "New→Resolved": 6_347,
            "Resolved→Active": 317,
        }.items()
    )


def test_importing_again_adds_nothing(imported: Summary, api: Api, data_dir: Path) -> None:
    again = import_incidents(LOG, api, None, data_dir.with_name("again.csv"))
    assert again.facts == 0


def test_the_log_says_the_same(imported: Summary, api: Api) -> None:
    *_, verdict = api.lines("/verify")
    assert verdict["equal"], verdict["differences"][:3]
