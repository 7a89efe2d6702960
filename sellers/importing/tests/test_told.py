"""What an import tells about what it did not take: unread columns, and names that were refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sellers.client import Api
from sellers.importing import import_crm, wait_until_folded
from sellers.importing.folded import Behind
from sellers.importing.tests.served import Served, serving

ROOT = Path(__file__).resolve().parents[3]
MAPPING = """
source: otherco
dates: "%Y-%m-%d"
currency: USD

products:
  file: {file}
  columns: {{ name: product, price: price }}

opportunities:
  file: deals.csv
  columns:
    key: id
    stage: stage
    product: {{ column: product, unlisted: {unlisted} }}
    value: value
    currency: currency
  stages:
    Open: Engaging
    Sold: {{ stage: Engaging, outcome: won }}
"""


HEADER = "id,stage,product,value,currency\n"


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(Served()) as client:
        yield client


def test_how_far_views_are_is_told_in_words_for_whoever_waits() -> None:
    behind = Behind.of({"contacts.keeper_v1": 0, "issues.keeper_v1": 1_200, "issues.x": 300})
    assert behind.records == 1_500
    assert behind.where == "issues.keeper_v1: 1,200, issues.x: 300"
    assert behind.told(2_000) == (
        "views and figures catch up: 25 %, 1 of 3 are complete, "
        "the others behind by 1,200 facts at most"
    )


class Lag:
    """Answers how far two projections of the same name are, one answer after the other."""

    def __init__(self, *left: tuple[int, int]) -> None:
        self._left = list(left)

    def get(self, _: str) -> dict[str, Any]:
        left = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        rows = [
            {"domain": domain, "collection": "keeper_v1", "written": 9, "folded": 9 - n, "lag": n}
            for domain, n in zip(("contacts", "issues"), left, strict=True)
        ]
        return {"projections": rows, "outbox": {}}


def test_each_domain_s_own_is_waited_for_whatever_it_is_called() -> None:
    said: list[str] = []
    wait_until_folded(cast("Api", Lag((5, 0), (5, 0), (2, 0), (0, 0))), said.append)
    assert [words.split(": ")[1].split(",")[0] for words in said] == ["0 %", "0 %", "60 %"]


def test_columns_that_nobody_mapped_are_named(api: Api, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(file="products.csv", unlisted="reject"))
    (tmp_path / "products.csv").write_text("product,price,weight,,colour\nPump,1,2,3,4\n")
    (tmp_path / "deals.csv").write_text(HEADER + "O1,Open,Pump,,\n")
    summary = import_crm(tmp_path, api, tmp_path / "mapping.yaml", tmp_path / "report.csv")
    assert summary.notes == ["products.csv: not read, because not mapped: weight, colour"]


@pytest.mark.parametrize(
    ("unlisted", "action"), [("reject", "rejected"), ("leave_out", "repaired")]
)
def test_what_the_platform_refused_is_not_listed(
    api: Api, tmp_path: Path, unlisted: str, action: str
) -> None:
    """Its row has no place of its own: the origin, made of file and name, is too long."""
    file, pump = f"{'p' * 150}.csv", "Pump" * 45
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(file=file, unlisted=unlisted))
    (tmp_path / file).write_text(f"product,price\n{pump},1\nBelt,1\n")
    (tmp_path / "deals.csv").write_text(f"{HEADER}O1,Open,{pump},,\nO2,Open,Belt,,\n")
    summary = import_crm(tmp_path, api, tmp_path / "mapping.yaml", tmp_path / "report.csv")
    with summary.report.open(encoding="utf-8-sig", newline="") as told:
        found = [(r["file"], r["line"], r["field"], r["action"]) for r in csv.DictReader(told)]
    assert found == [(file, "2", "origin", "rejected"), ("deals.csv", "2", "product", action)]


@pytest.mark.parametrize("code", ["dollars", "U$D", "12", "ÜSD"])
def test_what_is_no_currency_rejects_its_row_and_small_letters_are_one(
    api: Api, tmp_path: Path, code: str
) -> None:
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(file="products.csv", unlisted="reject"))
    (tmp_path / "products.csv").write_text("product,price\nPump,1\n")
    (tmp_path / "deals.csv").write_text(f"{HEADER}O1,Sold,Pump,5,{code}\nO2,Sold,Pump,5,eur\n")
    summary = import_crm(tmp_path, api, tmp_path / "mapping.yaml", tmp_path / "report.csv")
    with summary.report.open(encoding="utf-8-sig", newline="") as told:
        (found,) = csv.DictReader(told)
    assert (found["line"], found["field"], found["action"]) == ("2", "currency", "rejected")
    assert "is no currency like USD" in found["reason"]
    wait_until_folded(api)
    (card,) = api.get("/opportunities")["items"]
    assert card["value_currency"] == "EUR"


def test_rows_of_two_systems_never_meet(api: Api, tmp_path: Path) -> None:
    """Each has a row O1 in a file of the same name; told again, each is the very same row."""
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(file="products.csv", unlisted="reject"))
    (tmp_path / "products.csv").write_text("product,price\nPump,1\n")
    (tmp_path / "deals.csv").write_text(f"{HEADER}O1,Open,Pump,,\n")
    told = []
    for source in ("ours", "theirs", "ours"):
        summary = import_crm(
            tmp_path, api, tmp_path / "mapping.yaml", tmp_path / "report.csv", source=source
        )
        counts = summary.of("deals.csv")
        told.append((counts.recorded, counts.unchanged, counts.duplicate))
    assert told == [(1, 0, 0), (1, 0, 0), (0, 0, 1)]


def test_a_report_without_a_name_of_its_own_is_told_with_its_whole_path_and_kept_out_of_git(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(file="products.csv", unlisted="reject"))
    (tmp_path / "products.csv").write_text("product,price\nPump,1\n")
    (tmp_path / "deals.csv").write_text(f"{HEADER}O1,Open,Pump,,\n")
    summary = import_crm(tmp_path, api, tmp_path / "mapping.yaml")
    assert summary.report.parent == tmp_path
    assert summary.report.exists()
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert any(summary.report.match(pattern) for pattern in ignored if pattern)


LISTED = """
source: otherco
dates: "%Y-%m-%d"
currency: USD

companies:
  file: companies.csv
  columns:
    name: name
    parent: {{ column: parent, unlisted: reject }}

opportunities:
  file: deals.csv
  columns:
    key: id
    stage: stage
    company: {{ column: company, unlisted: {unlisted} }}
  stages:
    Open: Engaging
"""


@pytest.mark.parametrize(
    ("unlisted", "action"), [("reject", "rejected"), ("leave_out", "repaired")]
)
def test_a_name_whose_row_was_rejected_is_not_listed(
    api: Api, tmp_path: Path, unlisted: str, action: str
) -> None:
    (tmp_path / "mapping.yaml").write_text(LISTED.format(unlisted=unlisted))
    (tmp_path / "companies.csv").write_text("name,parent\nAlpha,\nBeta,Nobody\n")
    (tmp_path / "deals.csv").write_text("id,stage,company\nO1,Open,Beta\nO2,Open,Alpha\n")
    summary = import_crm(tmp_path, api, tmp_path / "mapping.yaml", tmp_path / "report.csv")
    with summary.report.open(encoding="utf-8-sig", newline="") as told:
        found = [(r["file"], r["line"], r["field"], r["action"]) for r in csv.DictReader(told)]
    assert found == [
        ("companies.csv", "3", "parent", "rejected"),
        ("deals.csv", "2", "company", action),
    ]
