"""`sellers report`: figures, read over HTTP. Rule: what the API did not answer is not computed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from sellers.connecting import connect, err, out
from sellers.console import waiting
from sellers.errors import OneLineErrors
from sellers.report import (
    Row,
    attainment_table,
    forecast_table,
    inflow_table,
    issues_table,
    pipeline_table,
    rows_of,
    slippage_table,
    stages_table,
    workload_table,
    yield_table,
)
from sellers.reviewing import (
    ATTENTION_MAX,
    adoption_table,
    campaigns_table,
    diet_table,
    growth_table,
    losses_table,
    needing_attention,
    orders_table,
    quality_table,
    reconciliation_table,
)
from services.analytics.cells import Per
from services.analytics.report_by import (
    AdoptionBy,
    DealsBy,
    ForecastBy,
    GrowthBy,
    IssuesBy,
    OrdersBy,
    PipelineBy,
    QualityBy,
    WorkloadBy,
    YieldBy,
)

report = typer.Typer(help="Figures, read over HTTP.", cls=OneLineErrors)


def _day(words: str) -> Any:
    return typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help=words)


AsOf = Annotated[
    datetime | None, _day("As it was at the end of this day, by when things happened.")
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%S%z"],
        metavar="INSTANT",
        help="By what had been recorded until then alone: 2026-04-01T09:00:00Z.",
    ),
]
First = Annotated[datetime | None, _day("The first day of the period.")]
Last = Annotated[datetime | None, _day("Its last day.")]
AsJson = Annotated[bool, typer.Option("--json", help="A list of objects instead.")]
Unit = Annotated[str | None, typer.Option(help="Who is in this unit or below it: unit-...")]
Product = Annotated[str | None, typer.Option(help="This product's alone: product-...")]
Seller = Annotated[str | None, typer.Option(help="This colleague's alone: employee-...")]


@report.command("pipeline")
def pipeline(
    context: typer.Context,
    by: Annotated[
        PipelineBy,
        typer.Option(help="What the figures are grouped by; a region is a division of ours."),
    ] = "stage",
    as_of: AsOf = None,
    known_at: KnownAt = None,
    seller: Seller = None,
    as_json: AsJson = False,
) -> None:
    """Show open, won and lost opportunities, their value, win rate and days to win."""
    _show(
        context,
        "pipeline",
        {"by": by, "seller": seller, "as_of": as_of, "known_at": known_at},
        as_json,
        pipeline_table,
    )


@report.command("forecast")
def forecast(
    context: typer.Context,
    by: Annotated[ForecastBy, typer.Option(help="What it is rolled up by.")] = "seller",
    first: First = None,
    last: Last = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    unit: Unit = None,
    seller: Seller = None,
    as_json: AsJson = False,
) -> None:
    """Show what sellers stand by, for what closes within a period: nothing is predicted."""
    query = {
        "by": by,
        "from": first,
        "to": last,
        "as_of": as_of,
        "known_at": known_at,
        "unit": unit,
        "seller": seller,
    }
    _show(context, "forecast", query, as_json, forecast_table)


@report.command("attainment")
def attainment(
    context: typer.Context,
    on: Annotated[datetime | None, _day("Targets whose period this day is in.")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    unit: Annotated[str | None, typer.Option(help="This unit's targets: unit-...")] = None,
    owner: Annotated[
        str | None, typer.Option(help="This colleague's targets: employee-...")
    ] = None,
    product: Product = None,
    as_json: AsJson = False,
) -> None:
    """Show targets and how far each is reached by what was won, and by what is committed."""
    query = {"on": on, "as_of": as_of, "known_at": known_at, "unit": unit}
    query |= {"owner": owner, "product": product}
    _show(context, "attainment", query, as_json, attainment_table)


@report.command("yield")
def yields(
    context: typer.Context,
    by: Annotated[YieldBy, typer.Option(help="What the figures are grouped by.")] = "seller",
    first: First = None,
    last: Last = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    seller: Seller = None,
    as_json: AsJson = False,
) -> None:
    """Show what was won in a period, and how many touches were spent in it."""
    query = {"by": by, "from": first, "to": last, "seller": seller}
    query |= {"as_of": as_of, "known_at": known_at}
    _show(context, "yield", query, as_json, yield_table)


@report.command("issues")
def issues(
    context: typer.Context,
    by: Annotated[IssuesBy, typer.Option(help="What the cases are counted by.")] = "severity",
    as_of: AsOf = None,
    known_at: KnownAt = None,
    seller: Seller = None,
    as_json: AsJson = False,
) -> None:
    """Show what customers complain of, open and closed, or how cases moved, as of a day."""
    query = {"by": by, "seller": seller, "as_of": as_of, "known_at": known_at}
    _show(context, "issues", query, as_json, issues_table)


@report.command("workload")
def workload(
    context: typer.Context,
    by: Annotated[WorkloadBy, typer.Option(help="What the time is summed by.")] = "seller",
    first: First = None,
    last: Last = None,
    unit: Unit = None,
    seller: Seller = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show where the time went, which plans were kept, and what is carried at the end."""
    query = {"by": by, "from": first, "to": last, "unit": unit, "seller": seller}
    query |= {"as_of": as_of, "known_at": known_at}
    _show(context, "workload", query, as_json, workload_table)


@report.command("inflow")
def inflow(
    context: typer.Context,
    per: Annotated[Per, typer.Option(help="How long a period is.")] = "month",
    by: Annotated[DealsBy | None, typer.Option(help="Of all these days together, by this.")] = None,
    first: Annotated[datetime | None, _day("The first day.")] = None,
    last: Annotated[datetime | None, _day("The last day.")] = None,
    unit: Unit = None,
    seller: Seller = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show what was discovered, won and lost in each period."""
    query = {"per": per, "by": by, "first": first, "last": last, "unit": unit, "seller": seller}
    query |= {"as_of": as_of, "known_at": known_at}
    _show(context, "inflow", query, as_json, lambda rows, _: inflow_table(rows, by or per))


@report.command("stages")
def stages(
    context: typer.Context,
    by: Annotated[DealsBy, typer.Option(help="What it is counted by.")] = "stage",
    first: First = None,
    last: Last = None,
    unit: Unit = None,
    seller: Seller = None,
    stage: Annotated[str | None, typer.Option(help="What was in this stage alone.")] = None,
    product: Product = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show what passed each stage in how many days, and what was won from there."""
    query = {"by": by, "from": first, "to": last, "unit": unit, "seller": seller}
    query |= {"stage": stage, "product": product, "as_of": as_of, "known_at": known_at}
    _show(context, "stages", query, as_json, stages_table)


@report.command("adoption")
def adoption(
    context: typer.Context,
    by: Annotated[AdoptionBy, typer.Option(help="Whose weeks are summed.")] = "seller",
    first: First = None,
    last: Last = None,
    unit: Unit = None,
    seller: Seller = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show how regularly sellers enter what happens, and leaders answer it."""
    query = {"by": by, "from": first, "to": last, "unit": unit, "seller": seller}
    query |= {"as_of": as_of, "known_at": known_at}
    _show(context, "adoption", query, as_json, adoption_table)


@report.command("data-quality")
def data_quality(
    context: typer.Context,
    by: Annotated[QualityBy, typer.Option(help="Whose data it is.")] = "seller",
    unit: Unit = None,
    seller: Seller = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show how fresh, complete and consistent the data is that reports are made of."""
    query = {"by": by, "unit": unit, "seller": seller, "as_of": as_of, "known_at": known_at}
    _show(context, "data-quality", query, as_json, quality_table)


@report.command("data-diet")
def data_diet(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, help="Looked back so many days.")] = 365,
    as_json: AsJson = False,
) -> None:
    """Show which fields are collected and not used, or hardly ever filled in."""
    with waiting(err, "reading the log"):
        rows = rows_of(connect(context).get("/data-diet", {"days": days}))
    _tell(rows, diet_table(rows), as_json)


@report.command("campaigns")
def campaigns(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="Those in this state alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show whom each campaign reached, who answered, and what was sold because of it."""
    with waiting(err, "reading what came of them"):
        rows = rows_of(connect(context).get("/campaigns/figures", {"state": state}))
    _tell(rows, campaigns_table(rows), as_json)


@report.command("growth")
def growth(
    context: typer.Context,
    by: Annotated[GrowthBy, typer.Option(help="Whose growth it is.")] = "segment",
    first: First = None,
    last: Last = None,
    seller: Seller = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show how accounts grow: what they buy, leave us of it, say of us, and who stays."""
    query = {"by": by, "from": first, "to": last, "seller": seller}
    query |= {"as_of": as_of, "known_at": known_at}
    _show(context, "growth", query, as_json, growth_table)


@report.command("losses")
def losses(
    context: typer.Context,
    first: First = None,
    last: Last = None,
    unit: Unit = None,
    seller: Annotated[str | None, typer.Option(help="This colleague's alone.")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show what time is lost to, since when, and whether somebody acted on it."""
    query = {"from": first, "to": last, "unit": unit, "seller": seller}
    query |= {"as_of": as_of, "known_at": known_at}
    _show(context, "losses", query, as_json, losses_table)


@report.command("orders")
def orders(
    context: typer.Context,
    by: Annotated[
        OrdersBy,
        typer.Option(help="What the figures are grouped by; a company is a customer."),
    ] = "month",
    first: First = None,
    last: Last = None,
    unit: Unit = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    seller: Seller = None,
    as_json: AsJson = False,
) -> None:
    """Show what was won, and what of it was ordered, contracted, fulfilled and invoiced."""
    query = {
        "by": by,
        "from": first,
        "to": last,
        "unit": unit,
        "seller": seller,
        "as_of": as_of,
        "known_at": known_at,
    }
    _show(context, "orders", query, as_json, orders_table)


@report.command("reconciliation")
def reconciliation(
    context: typer.Context,
    first: First = None,
    last: Last = None,
    state: Annotated[
        str | None, typer.Option(help="matched, waiting, missing or contradicts alone.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every row, not only the first that need attention.")
    ] = False,
    owner: Annotated[
        str | None, typer.Option(help="What this colleague won alone: employee-...")
    ] = None,
    company: Annotated[
        str | None, typer.Option(help="What this customer bought alone: company-...")
    ] = None,
    today: Annotated[datetime | None, _day("As of this day.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what of what was won order, contract, fulfilment and finance say otherwise or not."""
    query = {"from": _said(first), "to": _said(last), "state": state}
    query |= {"owner": owner, "company": company, "today": _said(today)}
    with waiting(err, "comparing both sides"):
        answer = connect(context).get("/opportunities/reconciliation", query)
    rows = rows_of(answer)
    shown = rows if everything or state is not None else needing_attention(rows)
    most = None if everything else ATTENTION_MAX
    _tell(rows, reconciliation_table(shown, answer["counts"], most), as_json)


@report.command("slippage")
def slippage(
    context: typer.Context,
    by: Annotated[DealsBy, typer.Option(help="What it is counted by.")] = "seller",
    first: First = None,
    last: Last = None,
    unit: Unit = None,
    seller: Seller = None,
    stage: Annotated[str | None, typer.Option(help="What was in this stage alone.")] = None,
    product: Product = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Show how often closings were put off, and how late what was won came."""
    query = {"by": by, "from": first, "to": last, "unit": unit, "seller": seller}
    query |= {"stage": stage, "product": product, "as_of": as_of, "known_at": known_at}
    _show(context, "slippage", query, as_json, slippage_table)


def _show(
    context: typer.Context,
    name: str,
    asked: dict[str, Any],
    as_json: bool,
    table: Callable[[list[Row], str], Table],
) -> None:
    query = {word: _said(said) for word, said in asked.items()}
    with waiting(err, "reading the figures"):
        rows = rows_of(connect(context).get(f"/analytics/{name}", query))
    _tell(rows, table(rows, asked.get("by", "")), as_json)


def _tell(rows: list[Row], table: Table, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        out.print(table)


def _said(said: Any) -> Any:
    """Return an instant with its zone, and a day without one, as the API reads them."""
    if not isinstance(said, datetime):
        return said
    return said.isoformat() if said.tzinfo is not None else said.date().isoformat()
