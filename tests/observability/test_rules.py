"""The dashboard and the alerts ask for what is measured, and every alert leads to its runbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client import REGISTRY

from sellers import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
RULES = yaml.safe_load((ROOT / "deploy/observability/alerts.yaml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy/observability/grafana/sellers.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PAGE = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
HELP = re.compile(r"https://sellers\.example/docs/observability\.md#([a-z-]+)")
# Prometheus sets these on every series that it reads.
OF_SCRAPES = {"job", "instance"}


def series() -> dict[str, set[str]]:
    """Every series that Prometheus gets from us or makes about us, with its labels."""
    found: dict[str, set[str]] = {"up": set()}
    for name, metric in metrics.metrics().items():
        (family, *_) = metric.describe()
        labels = set(metrics.labels_of(metric))
        if family.type == "histogram":
            found[f"{name}_bucket"] = labels | {"le"}
            found |= {f"{name}_{end}": labels for end in ("count", "sum")}
        else:
            found[name] = labels
    for family in REGISTRY.collect():
        if family.name.startswith(("process_", "python_")):
            found |= {sample.name: set(sample.labels) for sample in family.samples}
    return found


SERIES = series()


def parts(node: Any) -> Iterator[Any]:
    """Yield an expression and everything within it."""
    yield node
    for name in ("lhs", "rhs", "expr", "args", "vector_selector", "param"):
        held = getattr(node, name, None)
        for one in held if isinstance(held, list) else [held]:
            if isinstance(one, promql.Expr):
                yield from parts(one)


def grouped(node: Any) -> set[str]:
    modifier = getattr(node, "modifier", None)
    if not isinstance(node, promql.AggregateExpr) or modifier is None:
        return set()
    return set(modifier.labels)


def asked(expression: str) -> list[tuple[str, set[str]]]:
    """Return the series that an expression asks for, each with the labels it names of them."""
    parsed = promql.parse(expression)
    everywhere = set().union(*(grouped(node) for node in parts(parsed)))
    return [
        (node.name, {matcher.name for matcher in node.matchers.matchers} | everywhere)
        for node in parts(parsed)
        if isinstance(node, promql.VectorSelector)
    ]


def wrong(expression: str) -> list[str]:
    """Name what an expression asks for that nobody measures."""
    found = []
    for name, labels in asked(expression):
        if name not in SERIES:
            found.append(f"no series {name}")
        elif unknown := labels - SERIES[name] - OF_SCRAPES:
            found.append(f"{name} has no label {', '.join(sorted(unknown))}")
    return found or ([] if asked(expression) else ["asks for nothing"])


def filled(expression: str) -> str:
    """Return what Prometheus is asked once Grafana has filled in the choices."""
    text = expression.replace("$__rate_interval", "5m")
    return re.sub(r"\$(job|domain)\b", ".*", text)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("sum(rate(sellers_no_such_total[5m])) > 0", "no series sellers_no_such_total"),
        ('sellers_parked_streams{stream="a"}', "sellers_parked_streams has no label stream"),
        ("sum by (route) (sellers_outbox_pending)", "sellers_outbox_pending has no label route"),
        (
            "max(sellers_outbox_pending) and absent(sellers_gone) == 1",
            "no series sellers_gone",
        ),
        ("vector(1)", "asks for nothing"),
    ],
)
def test_a_wrong_expression_is_noticed(expression: str, problem: str) -> None:
    assert wrong(expression) == [problem]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_measured(rule: dict[str, Any]) -> None:
    assert wrong(rule["expr"]) == []
    parsed = promql.parse(rule["expr"])
    assert isinstance(parsed, promql.BinaryExpr), "an alert compares"


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Sellers[A-Z][A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    if "for" in rule:
        assert promql.parse_duration(rule["for"])
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "runbook_url"}
    labels = set(re.findall(r"\$labels\.(\w+)", annotations["summary"]))
    # What is summed over keeps the labels that it is summed by, and no other.
    nodes = list(parts(promql.parse(rule["expr"])))
    sums = [grouped(node) for node in nodes if isinstance(node, promql.AggregateExpr)]
    plain = set().union(*(SERIES[name] for name, _ in asked(rule["expr"]))) | OF_SCRAPES
    assert labels <= (set().union(*sums) if sums else plain)
    (anchor,) = HELP.fullmatch(annotations["runbook_url"]).groups()  # type: ignore[union-attr]
    assert anchor in runbooks()


def test_alerts_have_names_of_their_own_and_every_runbook_is_needed() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(names) == len(set(names)) >= 15
    led_to = {HELP.fullmatch(rule["annotations"]["runbook_url"])[1] for rule in ALERTS}  # type: ignore[index]
    assert led_to == set(runbooks())


@pytest.mark.parametrize("anchor", re.findall(r"^### (.+)$", PAGE, re.MULTILINE))
def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_do(anchor: str) -> None:
    text = runbooks()[slug(anchor)]
    starts = [paragraph.split("** ")[0].strip("*\n ") for paragraph in text.split("\n\n**")]
    assert [start for start in starts if start] == ["Means", "Look at", "Do"]


def slug(heading: str) -> str:
    """Return the anchor that a heading gets where Markdown is shown."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def runbooks() -> dict[str, str]:
    _, _, text = PAGE.partition("\n## Runbooks\n")
    pieces = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return {slug(title): body for title, body in zip(pieces[1::2], pieces[2::2], strict=True)}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_shows_what_is_measured(panel: dict[str, Any]) -> None:
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    for target in panel["targets"]:
        assert wrong(filled(target["expr"])) == []
        said = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        known = set().union(*(SERIES[name] for name, _ in asked(filled(target["expr"]))))
        assert said <= known | OF_SCRAPES


def test_the_dashboard_can_be_imported_and_shows_every_metric() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(places) == len(set(places))
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)
    chosen = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert set(chosen) == {"datasource", "job", "domain"}
    for name in ("job", "domain"):
        metric, label = re.fullmatch(
            r"label_values\((\w+), (\w+)\)", chosen[name]["definition"]
        ).groups()  # type: ignore[union-attr]
        assert label in SERIES[metric] | OF_SCRAPES
    shown = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for panel in PANELS
        for target in panel["targets"]
        for name, _ in asked(filled(target["expr"]))
    }
    assert set(metrics.metrics()) - shown == set()
