"""A CRM export in the shape of the real one, from a seed, and its figures straight from the files.

The figures are computed here from the text of the rows: nothing of ours is asked.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

ACCOUNTS, SELLERS, MANAGERS = 40, 24, 6
REGIONS = ("Central", "West", "East")
PRODUCTS = {"GTX Basic": 550, "GTX Pro": 4821, "MG Special": 55, "GTK 500": 26768}
# How the real export writes one of its products in its opportunities.
MISSPELT = {"GTXPro": "GTX Pro"}
STAGES = (("Won", 48), ("Lost", 28), ("Engaging", 18), ("Prospecting", 6))
BEGIN = date(2016, 10, 20)
PIPELINE = "sales_pipeline.csv"
Row = dict[str, str]


def generate(folder: Path, seed: int, rows: int) -> Path:
    """Write the four files."""
    random = Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    accounts = [f"Account {number}" for number in range(ACCOUNTS)]
    _write(
        folder / "accounts.csv",
        "account,sector,year_established,revenue,employees,office_location,subsidiary_of",
        (
            [a, "technolgy", "1996", "1100.04", "2822", "Korea", random.choice(["", accounts[0]])]
            if a != accounts[0]
            else [a, "retail", "1999", "251.41", "495", "Japan", ""]
            for a in accounts
        ),
    )
    _write(
        folder / "products.csv",
        "product,series,sales_price",
        ([product, product.split()[0], str(price)] for product, price in PRODUCTS.items()),
    )
    sellers = [f"Seller {number}" for number in range(SELLERS)]
    _write(
        folder / "sales_teams.csv",
        "sales_agent,manager,regional_office",
        (
            [seller, f"Manager {n % MANAGERS}", REGIONS[n % MANAGERS % len(REGIONS)]]
            for n, seller in enumerate(sellers)
        ),
    )
    _write(
        folder / PIPELINE,
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,"
        "close_value,engage_quarter,close_quarter",
        (
            _opportunity(f"{seed:X}-{number:05}", sellers, accounts, random)
            for number in range(rows)
        ),
    )
    return folder


def _opportunity(key: str, sellers: list[str], accounts: list[str], random: Random) -> list[str]:
    (stage,) = random.choices([s for s, _ in STAGES], [weight for _, weight in STAGES])
    engaged = BEGIN + timedelta(days=random.randint(0, 400))
    closed = engaged + timedelta(days=random.randint(1, 130))
    product = random.choice([*PRODUCTS, *MISSPELT])
    price = PRODUCTS[MISSPELT.get(product, product)]
    return [
        key,
        random.choice(sellers[:-2]),  # Two sellers have no deals.
        product,
        random.choice(accounts) if random.random() > 0.15 else "",
        stage,
        "" if stage == "Prospecting" else f"{engaged:%d-%m-%y}",
        f"{closed:%d-%m-%y}" if stage in ("Won", "Lost") else "",
        {"Won": str(int(price * random.uniform(0.6, 1.3))), "Lost": "0"}.get(stage, ""),
        "",
        "",
    ]


def _write(path: Path, header: str, rows: Iterable[list[str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


@dataclass(slots=True)
class Sum:
    """What is counted of the opportunities under one key."""

    count: int = 0
    won: int = 0
    lost: int = 0
    value_won: Decimal = field(default_factory=Decimal)

    def add(self, row: Row) -> None:
        self.count += 1
        self.won += row["deal_stage"] == "Won"
        self.lost += row["deal_stage"] == "Lost"
        if row["deal_stage"] == "Won":
            self.value_won += Decimal(row["close_value"])


def figures(folder: Path) -> dict[str, dict[str, Sum]]:
    """Return {axis: {key: sums}} of an export's opportunities."""
    teams = {row["sales_agent"]: row for row in _read(folder / "sales_teams.csv")}
    found: dict[str, dict[str, Sum]] = defaultdict(lambda: defaultdict(Sum))
    for row in _read(folder / PIPELINE):
        team = teams[row["sales_agent"]]
        keys = {
            "total": "total",
            "stage": row["deal_stage"],
            "product": MISSPELT.get(row["product"], row["product"]),
            "seller": row["sales_agent"],
            "manager": team["manager"],
            "region": team["regional_office"],
        }
        for axis, key in keys.items():
            found[axis][key].add(row)
    return {axis: dict(sums) for axis, sums in found.items()}


def closed_by_quarter(folder: Path) -> dict[str, Sum]:
    """Return what was won and lost by the quarter in which it was closed."""
    found: dict[str, Sum] = defaultdict(Sum)
    for row in _read(folder / PIPELINE):
        if row["close_date"]:
            on = datetime.strptime(row["close_date"], "%d-%m-%y").date()  # noqa: DTZ007
            found[f"{on.year}-Q{(on.month + 2) // 3}"].add(row)
    return dict(found)


def stages(folder: Path) -> Counter[str]:
    return Counter(row["deal_stage"] for row in _read(folder / PIPELINE))


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
