"""What Prometheus reads: it parses, its names keep the conventions, its labels are bounded."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sellers import metrics
from sellers.processes import free_ports
from shared.clock import SystemClock
from shared.gauges import Gauges, Reached
from shared.log import Partition
from shared.memory import MemoryLog
from shared.observability import serving_metrics
from shared.projector import Collections
from shared.settings import Settings
from shared.tests.tiny import build, card_projection, join, running, tiny_domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.metrics_core import Metric

# Base units of the conventions that something here is measured in.
UNITS = ("seconds", "bytes", "records", "ratio")
MADE_UP = ("milliseconds", "ms", "minutes", "hours", "kilobytes", "percent")
LABELS = {
    *("method", "route", "status", "domain", "collection", "outcome", "topic", "view", "timer"),
    # As many as are registered; a name, and gone with its webhook.
    "webhook",
    *("version", "python"),
}
# What counts things by their own name needs no unit.
COUNTED = (
    *("facts", "streams", "changes", "partitions", "pending", "overdue", "large", "down", "info"),
)


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(family: Metric, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def scraped(client: Any) -> dict[str, Metric]:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return families(answer.text)


async def test_a_touch_is_counted_where_it_goes(open_platform: Callable[..., Any]) -> None:
    async with open_platform(Settings()) as platform:
        before = await scraped(platform.client)
        touch = {"person": "person-1", "channel": "call"}
        for key in ("a", "b"):
            headers = {"Idempotency-Key": key}
            answer = await platform.client.post("/touches?source=x", json=touch, headers=headers)
            assert answer.status_code == 202
        for path in ("/contacts/people/kim", "/contacts/people/lee", "/no/such/route"):
            await platform.client.get(path)
        await platform.client.request("BREW", "/touches")
        await platform.settle()
        await platform.measuring.gauge([Partition("touches", 0)])
        after = await scraped(platform.client)

    def more(name: str, sample: str, **labels: str) -> float:
        then = value(before[name], sample, **labels) if name in before else 0
        return value(after[name], sample, **labels) - then

    requests = "sellers_http_request_duration_seconds"
    assert more(requests, f"{requests}_count", method="POST", route="/touches", status="202") == 2
    read = {"route": "/contacts/people/{person}", "status": "404"}
    assert more(requests, f"{requests}_count", **read) == 2
    assert more(requests, f"{requests}_count", route="unknown") == 1
    assert more(requests, f"{requests}_count", method="other") == 1
    assert more("sellers_touches", "sellers_touches_total", outcome="accepted") == 2
    folded = {"domain": "contacts", "collection": "measures_v1", "outcome": "folded"}
    name = "sellers_projection_records"
    views = {sample.labels["collection"] for sample in after[name].samples}
    assert {view.rpartition("_v")[0] for view in views} >= {"timeline", "person_card", "measures"}
    (timeline,) = (v for v in views if re.fullmatch(r"timeline_v\d+", v))
    folded = {"domain": "contacts", "collection": timeline, "outcome": "folded"}
    assert more(name, f"{name}_total", **folded) == 2
    batches = "sellers_projection_batch_duration_seconds"
    assert more(batches, f"{batches}_count", domain="analytics") >= 1
    assert value(after["sellers_worker_partitions"], "sellers_worker_partitions") == 1


async def test_every_series_has_a_conventional_name_and_bounded_labels(
    open_platform: Callable[..., Any],
) -> None:
    async with open_platform(Settings()) as platform:
        await platform.client.get("/contacts/people/kim.min.jun?email=kim@example.com")
        found = await scraped(platform.client)
    ours = {name: family for name, family in found.items() if name.startswith("sellers_")}
    assert len(ours) > 15
    for name, family in ours.items():
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
        assert family.documentation
        for sample in family.samples:
            assert set(sample.labels) - {"le"} <= LABELS, name
            assert not any("kim" in text for text in sample.labels.values()), name
    assert "process_resident_memory_bytes" in found
    assert "python_info" in found


@pytest.mark.parametrize("name", metrics.metrics())
def test_a_name_says_what_is_measured_and_in_what(name: str) -> None:
    metric = metrics.metrics()[name]
    (family, *_) = metric.describe()
    words = name.split("_")
    assert not set(words) & set(MADE_UP)
    assert set(metrics.labels_of(metric)) <= LABELS
    if family.type == "counter":
        assert words[-1] == "total"
    elif family.type == "histogram":
        assert words[-1] in UNITS
    else:
        assert words[-1] in (*UNITS, *COUNTED)


def test_the_page_tells_every_metric() -> None:
    text = metrics.PAGE.read_text(encoding="utf-8")
    assert text == metrics.page(text), "run `make metrics`"
    assert "`sellers_http_request_duration_seconds`" in text


def test_the_page_differs_when_the_code_does() -> None:
    text = metrics.PAGE.read_text(encoding="utf-8")
    assert metrics.page(text.replace("| gauge |", "| counter |", 1)) == text


def test_metrics_can_have_a_port_of_their_own() -> None:
    (port,) = free_ports(1)
    settings = Settings(metrics_port=port)
    with serving_metrics(settings), urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert "sellers_build_info" in families(answer.read().decode())
    with serving_metrics(settings):
        pass  # The port was given back.


def test_a_port_that_is_taken_stops_nobody() -> None:
    (port,) = free_ports(1)
    settings = Settings(metrics_port=port)
    with serving_metrics(settings), serving_metrics(settings):
        assert urlopen(f"http://127.0.0.1:{port}").status == 200


async def test_what_is_behind_and_what_is_set_aside_is_told_by_domain() -> None:
    poison, fine = "employee-poison", "employee-ada"
    async with running(build(tiny_domain(card_projection(published=True)))) as runtime:
        await runtime.service.handle(join(poison, "poison"))
        await runtime.service.handle(join(fine))
        gauges, card = Gauges(), await runtime.runners["card"].collection()
        async with asyncio.timeout(20):
            while not await runtime.store.count(Collections(card).parked, {}):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await gauges.look({"organization": runtime})
        assert gauge("sellers_parked_streams", domain="organization", collection=card) == 1
        assert gauge("sellers_parked_facts", domain="organization", collection=card) == 1
        assert gauge("sellers_tasks_down", domain="organization") == 0
        # A build that nothing folds any more is not told of for ever.
        runtime.forget(card)
        await gauges.look({"organization": runtime})
        assert gauge("sellers_parked_streams", domain="organization", collection=card) is None


def gauge(name: str, **labels: str) -> float | None:
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value(name, labels)


async def test_what_the_log_does_not_take_grows_old_in_the_outbox() -> None:
    log = MemoryLog(1)
    runtime = build(tiny_domain(), log=log)
    async with running(runtime):
        log.go(down=True)
        await runtime.service.handle(join("employee-ada"))
        runtime.clock = Later()
        await Gauges().look({"organization": runtime})
    assert gauge("sellers_outbox_pending", domain="organization") == 1
    age = gauge("sellers_outbox_oldest_age_seconds", domain="organization")
    assert age is not None
    assert 90 <= age < 120


class Later(SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(seconds=90)


class TestReached:
    ONE, TWO = Partition("touches", 0), Partition("touches", 1)

    def test_lag_is_how_long_the_log_has_reached_beyond_the_cursor(self) -> None:
        reached = Reached()
        for now, end in ((0, 10), (5, 20), (10, 20), (15, 30)):
            reached.note(now, {self.ONE: end, self.TWO: 7})
        assert reached.behind_s(20, {self.ONE: 30, self.TWO: 7}) == 0
        assert reached.behind_s(20, {self.ONE: 20}) == 5
        assert reached.behind_s(20, {self.ONE: 10, self.TWO: 7}) == 15
        assert reached.behind_s(20, {self.ONE: 30, self.TWO: 0}) == 20

    def test_a_log_that_became_shorter_is_another_log(self) -> None:
        reached = Reached()
        reached.note(0, {self.ONE: 50})
        reached.note(5, {self.ONE: 3})
        assert reached.behind_s(20, {self.ONE: 3}) == 0
        assert reached.behind_s(20, {self.ONE: 2}) == 15

    def test_it_remembers_an_hour_and_no_more(self) -> None:
        reached = Reached()
        for number in range(2_000):
            reached.note(5 * number, {self.ONE: number + 1})
        assert reached.behind_s(10_000, {self.ONE: 0}) == 3_600
