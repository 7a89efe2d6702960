"""A service desk's log becomes issues: the same again adds nothing, a case that went on goes on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from sellers.client import Api
from sellers.importing import CrmImportError, MappingError, import_incidents, wait_until_folded
from sellers.importing.mapping import INCIDENTS
from sellers.importing.tests.served import Served, serving

HEADER = (
    "number,incident_state,sys_updated_at,opened_at,closed_at,priority,made_sla,assigned_to,caller_id,"
    "category,subcategory,u_symptom\n"
)
REST = "Caller 1,Category 1,Subcategory 2,?"
ROWS = (
    f"INC1,New,1/3/2016 09:00,1/3/2016 08:50,9/3/2016 11:00,3 - Moderate,true,?,{REST}\n"
    f"INC1,-100,1/3/2016 10:00,1/3/2016 08:50,9/3/2016 11:00,3 - Moderate,true,?,{REST}\n"
    f"INC1,Resolved,2/3/2016 10:00,1/3/2016 08:50,9/3/2016 11:00,2 - High,true,Resolver 7,{REST}\n"
    f"INC1,Active,3/3/2016 10:00,1/3/2016 08:50,9/3/2016 11:00,2 - High,false,Resolver 7,{REST}\n"
    f"INC2,New,4/3/2016 10:00,4/3/2016 09:00,?,4 - Low,true,?,?,Category 2,?,?\n"
    f"INC3,New,31/2/2016 10:00,4/3/2016 09:00,?,4 - Low,true,?,{REST}\n"
    f"INC4,New,4/3/2016 10:00,4/3/2016 09:00,?,5 - Whatever,perhaps,?,{REST}\n"
)
CLOSED = (
    f"INC1,Closed,9/3/2016 10:00,1/3/2016 08:50,9/3/2016 11:00,2 - High,false,Resolver 7,{REST}\n"
)


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(Served()) as client:
        yield client


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    directory = tmp_path / "desk"
    directory.mkdir()
    return directory


def write(desk: Path, rows: str) -> None:
    """Into an archive, beside what a Mac puts there."""
    with ZipFile(desk / "incident_event_log.csv.zip", "w") as archive:
        archive.writestr("incident_event_log.csv", HEADER + rows)
        archive.writestr("__MACOSX/._incident_event_log.csv", "nothing")


def cards(api: Api) -> dict[str, dict[str, Any]]:
    wait_until_folded(api)
    items = api.get("/issues", {"limit": 200})["items"]
    return {card["source_ref"]: card for card in items}


def test_rows_become_cases_and_every_odd_value_is_told(api: Api, desk: Path) -> None:
    write(desk, ROWS)
    done = import_incidents(desk, api, None, desk / "report.csv")
    found = cards(api)
    assert set(found) == {"INC1", "INC2", "INC4"}
    one = found["INC1"]
    assert (one["status"], one["severity"], one["kept"], one["open"]) == (
        *("Active", "high", False, True),
    )
    assert one["words"] == "Category 1 / Subcategory 2 / ?"
    assert len(one["reopened"]) == 1
    assert api.get(f"/contacts/people/{one['person'].partition('-')[2]}")["name"] == "Caller 1"
    owner = api.get(f"/organization/employees/{one['owner'].partition('-')[2]}")
    assert owner["name"] == "Resolver 7"
    assert found["INC2"]["person"] is None
    assert (found["INC4"]["severity"], found["INC4"]["kept"]) == ("moderate", None)
    with (desk / "report.csv").open(encoding="utf-8-sig") as file:
        told = {(row["line"], row["field"], row["action"]) for row in csv.DictReader(file)}
    assert told == {
        ("3", "incident_state", "repaired"),
        ("7", "sys_updated_at", "rejected"),
        ("8", "priority", "repaired"),
        ("8", "made_sla", "repaired"),
    }
    (counts,) = [counts for counts in done.counts if not counts.named]
    assert (counts.read, counts.recorded, counts.rejected, counts.repaired) == (7, 6, 1, 2)


def test_the_same_again_adds_nothing_and_what_went_on_is_added(api: Api, desk: Path) -> None:
    write(desk, ROWS)
    first = import_incidents(desk, api, None, desk / "report.csv")
    assert first.facts > 0
    again = import_incidents(desk, api, None, desk / "again.csv")
    assert (again.facts, again.total("duplicate")) == (0, 6)
    write(desk, ROWS + CLOSED)
    more = import_incidents(desk, api, None, desk / "more.csv")
    assert more.facts == 1  # That it was closed says where it stands, too.
    one = cards(api)["INC1"]
    assert (one["open"], one["fed_back"], one["closed_on"]) == (False, False, "2016-03-09")


def test_an_import_that_broke_off_ends_in_the_same_state(api: Api, desk: Path) -> None:
    class BrokenOffError(Exception):
        pass

    def break_off(done: int, _total: int) -> None:
        if done:
            raise BrokenOffError

    write(desk, ROWS)
    with pytest.raises(BrokenOffError):
        import_incidents(desk, api, None, desk / "report.csv", break_off)
    import_incidents(desk, api, None, desk / "report.csv")
    with serving(Served()) as other:
        import_incidents(desk, other, None, desk / "report.csv")
        assert cards(other) == cards(api)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("number", "nummer"), "'number'"),
        (("u_symptom", "symptom"), "'u_symptom'"),
    ],
)
def test_a_column_that_is_not_there_is_named(
    api: Api, desk: Path, change: tuple[str, str], said: str
) -> None:
    (desk / "incident_event_log.csv").write_text(HEADER.replace(*change) + ROWS)
    with pytest.raises(CrmImportError, match=said):
        import_incidents(desk, api, None, desk / "report.csv")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("zone: UTC", "zone: Mars"), "zone: 'Mars' is no IANA time zone"),
        (("Resolved: answered", "Resolved: done"), "statuses.Resolved"),
        (('kept: { "true"', '# kept: { "true"'), "columns.kept"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_by_its_field(
    api: Api, desk: Path, change: tuple[str, str], said: str
) -> None:
    mapping = desk / "mapping.yaml"
    mapping.write_text(INCIDENTS.read_text().replace(*change))
    write(desk, ROWS)
    with pytest.raises(MappingError, match=said):
        import_incidents(desk, api, mapping, desk / "report.csv")


def test_an_archive_that_is_none_or_holds_more_than_the_log_is_refused(
    api: Api, desk: Path
) -> None:
    archive = desk / "incident_event_log.csv.zip"
    archive.write_bytes(b"no zip")
    with pytest.raises(CrmImportError, match="unpacked"):
        import_incidents(desk, api, None, desk / "report.csv")
    with ZipFile(archive, "w") as two:
        two.writestr("a.csv", HEADER)
        two.writestr("b.csv", HEADER)
    with pytest.raises(CrmImportError, match="2 files"):
        import_incidents(desk, api, None, desk / "report.csv")
