from __future__ import annotations

import csv
import shutil
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sellers.client import Api, ApiError
from sellers.errors import CommandError
from sellers.importing import CrmImportError, import_crm, load_mapping, wait_until_folded, watched
from sellers.importing.crm import CsvFile, Format
from sellers.importing.mapping import DEFAULT, Opportunities, Sellers
from sellers.importing.reading import Row
from sellers.importing.rows import Translator
from sellers.importing.tests.served import Served, serving
from sellers.importing.values import Cells, Style

HERE = Path(__file__).parent
REAL = HERE.parents[3] / "shared" / "data" / "crm-sales"
ACCOUNTS = """account,sector,year_established,revenue,employees,office_location,subsidiary_of
Alpha,technolgy,1996,1100.04,2822,Korea,
Beta,medical,soon,-1,many,Japan,Alpha
Gamma,retail,2001,718.62,2448,Italy,Delta
"""
PRODUCTS = "product,series,sales_price\nGTX Pro,GTX,4821\nMG Special,MG,55\n"
TEAMS = (
    "sales_agent,manager,regional_office\nAnna,Dustin,Central\nBert,Dustin,Central\nCleo,,East\n"
)
DEALS = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(Served()) as client:
        yield client


@pytest.fixture
def export(tmp_path: Path) -> Path:
    directory = tmp_path / "export"
    directory.mkdir()
    (directory / "accounts.csv").write_text(ACCOUNTS)
    (directory / "products.csv").write_text(PRODUCTS)
    (directory / "sales_teams.csv").write_text(TEAMS)
    (directory / "sales_pipeline.csv").write_text(
        DEALS
        + "O1,Anna,GTXPro,Alpha,Won,20-10-16,01-03-17,4821\n"
        + "O2,Bert,MG Special,,Engaging,25-10-16,,\n"
        + "O3,Cleo,MG Special,Beta,Prospecting,,,\n"
        + "O4,Anna,MG Special,Beta,Lost,25-10-16,07-03-17,0\n"
    )
    return directory


def report(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def cards(api: Api) -> dict[str, dict[str, Any]]:
    wait_until_folded(api)
    items = api.get("/opportunities", {"limit": 200})["items"]
    return {card["source_ref"]: card for card in items}


def test_an_export_becomes_facts_of_its_own_dates(api: Api, export: Path, tmp_path: Path) -> None:
    summary = import_crm(export, api, report_path=tmp_path / "report.csv")
    assert [(c.what, c.read, c.recorded, c.rejected, c.repaired) for c in summary.counts] == [
        ("accounts.csv", 3, 3, 0, 3),
        ("products.csv", 2, 2, 0, 0),
        ("sales_teams.csv", 3, 3, 0, 0),
        ("named in sales_teams.csv", 5, 5, 0, 0),
        ("sales_pipeline.csv", 4, 4, 0, 1),
    ]
    assert summary.total("read") == 12, "the rows of the files, not what they name besides"
    found = cards(api)
    won, engaging, prospecting, lost = (found[key] for key in ("O1", "O2", "O3", "O4"))
    assert (won["outcome"], won["value"], won["value_currency"]) == ("won", "4821", "USD")
    assert (won["discovered_on"], won["closed_on"]) == ("2016-10-20", "2017-03-01")
    assert won["title"] == "GTX Pro · Alpha"
    assert (engaging["stage"], engaging["outcome"], engaging["company"]) == ("Engaging", None, None)
    assert (prospecting["stage"], prospecting["discovered_on"]) == ("Prospecting", None)
    assert (lost["outcome"], lost["value"], lost["closed_on"]) == ("lost", None, "2017-03-07")
    companies = {c["name"]: c for c in api.get("/contacts/companies")["items"]}
    assert companies["Beta"]["parent"] == companies["Alpha"]["company"]
    assert won["company"] == companies["Alpha"]["company"]


def test_what_was_repaired_or_left_out_stands_in_the_report(
    api: Api, export: Path, tmp_path: Path
) -> None:
    summary = import_crm(export, api, report_path=tmp_path / "report.csv")
    rows = report(summary.report)
    assert [(r["file"], r["line"], r["field"], r["value"]) for r in rows] == [
        ("accounts.csv", "2", "sector", "technolgy"),
        ("accounts.csv", "3", "revenue", "-1"),
        ("accounts.csv", "3", "year_established", "soon"),
        ("accounts.csv", "3", "employees", "many"),
        ("accounts.csv", "4", "subsidiary_of", "Delta"),
        ("sales_pipeline.csv", "2", "product", "GTXPro"),
    ]
    assert {r["action"] for r in rows} == {"repaired"}
    assert all(r["reason"] for r in rows)
    assert summary.findings == len(rows)


def test_bad_rows_are_rejected_and_the_good_ones_kept(
    api: Api, export: Path, tmp_path: Path
) -> None:
    bad = [
        "B1,Anna,MG Special,Beta,Dreaming,25-10-16,,",
        "B2,Anna,MG Special,Beta,Engaging,31-02-17,,",
        "B3,Anna,MG Special,Beta,Won,25-10-16,07-03-17,-50",
        "B4,Anna,MG Special,Beta,Won,25-10-16,07-03-17,lots",
        "B5,Anna,MG Special,Beta,Won,25-10-16,07-03-17,",
        "B6,Anna,MG Special,Beta,Won,25-10-16,24-10-16,50",
        ",Anna,MG Special,Beta,Engaging,25-10-16,,",
        "O1,Anna,MG Special,Beta,Engaging,25-10-16,,",
        "B7,Anna",
        '"B8,Anna,MG Special,Beta,Engaging,25-10-16,,',
        "B9,Anna,MG Special,Beta,Engaging,25-10-16,,,,one more",
    ]
    with (export / "sales_pipeline.csv").open("a") as file:
        file.write("\n".join(bad) + "\nO5,Anna,MG Special,Beta,Engaging,25-10-16,,\n")
    summary = import_crm(export, api, report_path=tmp_path / "report.csv")
    rejected = [r for r in report(summary.report) if r["action"] == "rejected"]
    assert [(r["line"], r["field"]) for r in rejected] == [
        ("6", "deal_stage"),
        ("7", "engage_date"),
        ("8", "close_value"),
        ("9", "close_value"),
        ("10", "close_value"),
        ("11", "close_date"),
        ("12", "opportunity_id"),
        ("13", "opportunity_id"),
        ("14", "(row)"),
        ("15", "(row)"),
        ("16", "(row)"),
    ]
    counts = summary.of("sales_pipeline.csv")
    assert (counts.read, counts.recorded, counts.rejected) == (16, 5, 11)
    assert set(cards(api)) == {"O1", "O2", "O3", "O4", "O5"}


def test_a_stage_before_the_discovery_rejects_the_row(api: Api, tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text(
        "id,phase,found,since\n1,Offer,2026-03-02,2026-02-28\n2,Offer,2026-03-02,2026-03-02\n"
    )
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        """
source: other-crm
currency: USD
opportunities:
  file: deals.csv
  columns: { key: id, stage: phase, discovered_on: found, stage_on: since }
  stages: { Offer: Proposal }
"""
    )
    summary = import_crm(tmp_path, api, mapping, tmp_path / "report.csv")
    assert [
        (r["file"], r["line"], r["field"], r["value"], r["reason"], r["action"])
        for r in report(summary.report)
    ] == [
        (
            *("deals.csv", "2", "since", "2026-02-28"),
            *("is before it was discovered, 2026-03-02", "rejected"),
        )
    ]
    assert set(cards(api)) == {"2"}


@pytest.mark.parametrize("name", ["accounts.csv", "link.csv", "mapping.yaml"])
def test_a_report_never_takes_the_place_of_what_is_imported(
    api: Api, export: Path, name: str
) -> None:
    (export / "link.csv").symlink_to("sales_pipeline.csv")
    mapping = export / "mapping.yaml"
    shutil.copy(DEFAULT, mapping)
    before = (export / name).read_bytes()
    with pytest.raises(CrmImportError, match=f"{name} is read by"):
        import_crm(export, api, mapping, export / name)
    assert (export / name).read_bytes() == before
    assert api.get("/lag")["projections"][0]["written"] == 0


def test_a_name_that_no_file_lists_is_left_out_but_not_the_opportunity(
    api: Api, export: Path, tmp_path: Path
) -> None:
    with (export / "sales_pipeline.csv").open("a") as file:
        file.write("O5,Nobody,Nothing,Nowhere,Engaging,25-10-16,07-03-17,90\n")
    summary = import_crm(export, api, report_path=tmp_path / "report.csv")
    told = {r["field"]: r for r in report(summary.report) if r["line"] == "6"}
    assert set(told) == {"sales_agent", "product", "account", "close_date", "close_value"}
    assert {r["action"] for r in told.values()} == {"repaired"}
    card = cards(api)["O5"]
    assert (card["owner"], card["product"], card["company"]) == (None, None, None)


def test_importing_again_adds_nothing_and_a_changed_row_is_a_new_decision(
    api: Api, export: Path, tmp_path: Path
) -> None:
    import_crm(export, api, report_path=tmp_path / "1.csv")
    again = import_crm(export, api, report_path=tmp_path / "2.csv")
    assert again.facts == 0
    assert again.total("duplicate") == again.total("read")
    pipeline = export / "sales_pipeline.csv"
    pipeline.write_text(
        pipeline.read_text().replace(
            "O2,Bert,MG Special,,Engaging,25-10-16,,",
            "O2,Bert,MG Special,Beta,Won,25-10-16,02-05-17,55",
        )
    )
    changed = import_crm(export, api, report_path=tmp_path / "3.csv")
    assert changed.of("sales_pipeline.csv").recorded == 1
    assert changed.facts > 0
    card = cards(api)["O2"]
    assert (card["outcome"], card["value"], card["closed_on"]) == ("won", "55", "2017-05-02")


def test_a_request_holds_as_many_rows_as_told(api: Api, export: Path, tmp_path: Path) -> None:
    rows = "".join(f"R{n},Anna,MG Special,Beta,Engaging,25-10-16,,\n" for n in range(30))
    (export / "sales_pipeline.csv").write_text(DEALS + rows)
    sizes: list[int] = []
    post = api.post

    def counted(path: str, body: Any, **more: Any) -> Any:
        if path == "/opportunities/commands":
            sizes.append(len(body["commands"]))
        return post(path, body, **more)

    api.post = counted  # type: ignore[method-assign]
    summary = import_crm(export, api, report_path=tmp_path / "1.csv", batch=8)
    assert summary.of("sales_pipeline.csv").recorded == 30
    assert sorted(sizes) == [2, 6, 8, 8, 8], "the products, and the opportunities"


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 6, 600])
def test_an_import_that_was_cut_off_ends_in_the_same_state(
    api: Api, export: Path, tmp_path: Path, after: int
) -> None:
    rows = "".join(f"R{n},Anna,MG Special,Beta,Engaging,25-10-16,,\n" for n in range(900))
    (export / "sales_pipeline.csv").write_text(DEALS + rows)

    def cut_off(done: int, total: int) -> None:
        if done == after:
            raise StoppedError

    with pytest.raises(StoppedError):
        import_crm(export, api, report_path=tmp_path / "1.csv", progress=cut_off)
    rest = import_crm(export, api, report_path=tmp_path / "2.csv")
    assert rest.of("sales_pipeline.csv").rejected == 0
    wait_until_folded(api)
    assert facts(api) == 900 + 2, "every opportunity once, and two products"
    assert import_crm(export, api, report_path=tmp_path / "3.csv").facts == 0


def facts(api: Api) -> int:
    found = api.get("/lag")["projections"]
    return max(p["written"] for p in found if p["domain"] == "opportunities")


def test_another_crm_needs_only_another_mapping(api: Api, tmp_path: Path) -> None:
    # One file in Windows' Korean, semicolons, ISO dates, decimal commas, its own stage names.
    (tmp_path / "deals.csv").write_bytes(
        (
            "번호;제목;담당자;고객사;상품;단계;발굴일;종료일;금액;통화\n"
            "1;센서 교체;김민준;가온전자;센서;계약;2026-01-05;2026-02-10;1.234.567,50;KRW\n"
            "2;;이서연;가온전자;게이트웨이;제안;2026-03-02;;;\n"
        ).encode("cp949")
    )
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        """
source: other-crm
encoding: cp949
delimiter: ";"
decimal_mark: ","
thousands_mark: "."
currency: USD
opportunities:
  file: deals.csv
  columns:
    key: 번호
    title: 제목
    owner: { column: 담당자, unlisted: register }
    company: { column: 고객사, unlisted: register }
    product: { column: 상품, unlisted: register }
    stage: 단계
    discovered_on: 발굴일
    closed_on: 종료일
    value: 금액
    currency: 통화
  stages:
    제안: Proposal
    계약: { stage: Negotiation, outcome: won }
"""
    )
    summary = import_crm(tmp_path, api, mapping, tmp_path / "report.csv")
    assert (summary.of("deals.csv").recorded, summary.findings) == (2, 0)
    assert summary.of("named in deals.csv").recorded == 5
    found = cards(api)
    assert (found["1"]["value"], found["1"]["value_currency"]) == ("1234567.50", "KRW")
    assert (found["1"]["stage"], found["1"]["title"]) == ("Negotiation", "센서 교체")
    assert (found["2"]["stage"], found["2"]["title"]) == ("Proposal", "게이트웨이 · 가온전자")
    assert import_crm(tmp_path, api, mapping, tmp_path / "again.csv").facts == 0


def test_nothing_is_sent_before_every_file_and_column_is_there(
    api: Api, export: Path, tmp_path: Path
) -> None:
    (export / "sales_pipeline.csv").write_text("opportunity_id,sales_agent\nO1,Anna\n")
    with pytest.raises(CrmImportError, match=r"sales_pipeline\.csv: the column 'deal_stage'"):
        import_crm(export, api, report_path=tmp_path / "report.csv")
    assert not (tmp_path / "report.csv").exists()
    wait_until_folded(api)
    assert api.get("/contacts/companies")["items"] == []
    with pytest.raises(CrmImportError, match="is not a directory"):
        import_crm(tmp_path / "none", api)
    (export / "sales_pipeline.csv").write_text(DEALS)
    with pytest.raises(CrmImportError, match="cannot be written"):
        import_crm(export, api, report_path=tmp_path / "none" / "report.csv")


def test_what_the_platform_refuses_is_reported_with_the_column(
    api: Api, export: Path, tmp_path: Path
) -> None:
    long_name = "z" * 190
    (export / "sales_teams.csv").write_text(
        f"sales_agent,manager,regional_office\nAnna,{long_name},{'y' * 190}\nBert,,\n"
    )
    summary = import_crm(export, api, report_path=tmp_path / "report.csv")
    rejected = [r for r in report(summary.report) if r["action"] == "rejected"]
    assert [(r["file"], r["line"], r["field"]) for r in rejected] == [
        ("sales_teams.csv", "2", "origin")
    ]
    assert summary.of("named in sales_teams.csv").rejected == 1
    assert summary.of("sales_pipeline.csv").recorded == 4


def test_an_import_waits_while_the_api_is_away(export: Path, tmp_path: Path) -> None:
    served = Served()
    said: list[str] = []
    rows = "".join(f"R{n},Anna,MG Special,Beta,Engaging,25-10-16,,\n" for n in range(900))
    (export / "sales_pipeline.csv").write_text(DEALS + rows)
    with serving(served) as first:
        port = int(served.url.rpartition(":")[2])
        import_crm(_only_lists(export, tmp_path), first, report_path=tmp_path / "0.csv")
    done: list[Any] = []
    with Api(served.url, patience_s=30, waiting=said.append) as client:
        importing = threading.Thread(
            target=lambda: done.append(import_crm(export, client, None, tmp_path / "1.csv"))
        )
        importing.start()  # while nobody answers
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
        with serving(served, port) as second:
            importing.join(40)
            assert done, "the import did not end"
            assert done[0].of("sales_pipeline.csv").recorded == 900
            assert import_crm(export, second, None, tmp_path / "2.csv").facts == 0
    assert len(said) == 1
    assert "nothing answers" in said[0]


def _only_lists(export: Path, tmp_path: Path) -> Path:
    lists = tmp_path / "lists"
    shutil.copytree(export, lists)
    (lists / "sales_pipeline.csv").write_text(DEALS)
    return lists


def test_nobody_there_is_one_line(export: Path, tmp_path: Path) -> None:
    with (
        Api("http://127.0.0.1:1") as client,
        pytest.raises(ApiError, match=r"nothing answers at http://127\.0\.0\.1:1;"),
    ):
        import_crm(export, client, report_path=tmp_path / "report.csv")


def test_an_import_that_gives_up_says_that_it_may_be_run_again(
    export: Path, tmp_path: Path
) -> None:
    """The platform goes away while it imports, and does not come back."""
    served, told = Served(), (None, None)
    with serving(served) as client:
        started = watched.crm(client, export, told, tmp_path / "1.csv", None, Console())
        assert started.facts
    with (
        Api(served.url, patience_s=0.2) as client,
        pytest.raises(CommandError, match=r"nothing answers.*run it again: nothing is lost"),
    ):
        watched.crm(client, export, told, tmp_path / "2.csv", None, Console())


@pytest.mark.skipif(not REAL.is_dir(), reason="the real export is not here")
def test_the_real_export_says_what_is_known_of_it() -> None:
    mapping = load_mapping()
    translator = Translator(mapping)
    style = Style(mapping.dates, mapping.decimal_mark, mapping.thousands_mark)
    commands: list[dict[str, Any]] = []
    repaired: dict[str, int] = {}
    for name, table in mapping.tables.items():
        file = CsvFile.open(REAL / table.file, Format("utf-8", ","), {})
        rows = [Cells(table.file, row, style) for row in file.rows() if isinstance(row, Row)]
        if not isinstance(table, Opportunities):
            kind = {"companies": "company", "products": "product", "sellers": "employee"}[name]
            for cells in rows:
                key = translator.key(table, cells)
                translator.names(name).add(key, translator.stream(kind, key))
        for cells in rows:
            made = list(translator.commands(table, translator.key(table, cells), cells))
            if isinstance(table, Opportunities):
                commands += [mirrored.command for mirrored in made]
            elif isinstance(table, Sellers):
                assert made[-1].command["unit"]
            for finding in cells.findings:
                repaired[finding.value] = repaired.get(finding.value, 0) + 1
    outcomes = [command.get("outcome") for command in commands]
    assert (outcomes.count("won"), outcomes.count("lost")) == (4_238, 2_473)
    still_open = [c["stage"] for c in commands if "outcome" not in c]
    assert (still_open.count("Engaging"), still_open.count("Prospecting")) == (1_589, 500)
    assert sum(Decimal(c["value"]) for c in commands if "value" in c) == 10_005_534
    assert sum("company" not in c for c in commands) == 1_425
    assert sum("discovered_on" not in c for c in commands) == 500
    assert repaired == {"GTXPro": 1_480, "technolgy": 12}
