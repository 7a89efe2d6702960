"""The accounts of deploy/k8s on Apache Kafka: each is enough for what runs under it, and no more.

The broker here speaks TLS, authenticates by SCRAM and refuses whatever no rule allows, with the
rules that the manifests give to Strimzi.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import yaml

from sellers.processes import HOST, free_ports
from services.contacts.touch_events import STRUCTURED, TYPE
from services.contacts.touch_inbox import fact_of
from shared.clock import SystemClock
from shared.kafka import log_of
from shared.log import LogUnavailableError, Partition, Record
from tests.conftest import running
from tests.integration.guarded_kafka import (
    ROOT,
    GuardedKafka,
    Rules,
    grant,
    rules_of,
    users_of_the_manifests,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(540)]

# Tells which account somebody needs who sends touches by Kafka.
PAGE = ROOT / "docs" / "operations" / "install.md"
MASTER_KEY = b64encode(bytes(32)).decode()
READY_S, SOON_S = 400.0, 60.0


def declared() -> Rules:
    """Return the rules of each user, and of the one that the page tells how to make."""
    shown = yaml.safe_load(PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    return {**users_of_the_manifests(), shown["metadata"]["name"]: rules_of(shown)}


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    users = declared()
    with running(GuardedKafka(tmp_path_factory.mktemp("guarded") / "kafka", users)) as log:
        await grant(log.address, users)
        yield log


def told(log: GuardedKafka, user: str) -> dict[str, str]:
    return {f"SELLERS_{name}".upper(): str(value) for name, value in log.told(user).items()}


class Processes:
    """Parts of the platform, each under its own account."""

    def __init__(self, log: Any, mongo: str, folder: Path) -> None:
        self._log, self._mongo, self._folder = log, mongo, folder
        self.ports: dict[str, int] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, user: str, *words: str) -> None:
        (self.ports[name],) = free_ports(1)
        own = {
            "SELLERS_MONGO": self._mongo,
            "SELLERS_ACCESS": "open",
            "SELLERS_MASTER_KEY": MASTER_KEY,
            "SELLERS_PORT": str(self.ports[name]),
            "SELLERS_INSTANCE": name,
            "SELLERS_DATA_DIR": str(self._folder / name),
        }
        with (self._folder / f"{name}.log").open("wb") as out:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *words],
                env={**os.environ, **told(self._log, user), **own},
                stdout=out,
                stderr=out,
            )

    def said(self, name: str) -> str:
        text = (self._folder / f"{name}.log").read_text(errors="replace")
        return f"{name}: {text[-3_000:]}"

    def get(self, name: str, path: str, **headers: str) -> httpx.Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        url = f"http://{HOST}:{self.ports[name]}{path}"
        return httpx.get(url, headers=named, timeout=20)

    def is_ready(self, name: str) -> bool:
        assert self.running[name].poll() is None, self.said(name)
        try:
            return self.get(name, "/readyz").status_code == 200
        except httpx.HTTPError:
            return False


def until(holds: Callable[[], bool], within_s: float, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.3)


@pytest.fixture(scope="module")
def processes(
    guarded: Any, mongo_engine: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    job = subprocess.run(
        [sys.executable, "-m", "sellers", "topics", "--apply"],
        env={**os.environ, **told(guarded, "sellers-topics")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert job.returncode == 0, job.stderr
    assert job.stdout.startswith("created: ")
    all_of_them = Processes(guarded, mongo_engine.address, tmp_path_factory.mktemp("parts"))
    try:
        for kind, domain in (
            ("api", "contacts"),
            ("projector", "contacts"),
            ("api", "calendar"),
            ("projector", "campaigns"),
        ):
            node = ("sellers.node", kind, domain)
            all_of_them.start(f"{domain}-{kind}", f"sellers-{domain}", *node)
        all_of_them.start("platform", "sellers-platform", "sellers.node", "platform")
        worker = ("services.analytics.stream", "--serve-probes")
        all_of_them.start("worker", "sellers-analytics", *worker)
        waiting = list(all_of_them.running)

        def ready() -> bool:
            waiting[:] = [name for name in waiting if not all_of_them.is_ready(name)]
            return not waiting

        until(ready, READY_S, lambda: "\n".join(map(all_of_them.said, waiting)))
        yield all_of_them
    finally:
        for process in all_of_them.running.values():
            process.terminate()
        for process in all_of_them.running.values():
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_a_touch_goes_all_the_way(processes: Processes) -> None:
    contacts = f"http://{HOST}:{processes.ports['contacts-api']}"
    sent = httpx.post(
        f"{contacts}/touches?source=test",
        json={"person": "person-guarded", "channel": "call"},
        headers={"idempotency-key": "guarded"},
        timeout=20,
    )
    assert sent.status_code == 202, sent.text

    def folded() -> bool:
        # Of the domains that fold touches, these run here.
        trace = processes.get("platform", f"/trace/{sent.json()['stream']}")
        views = trace.json()["views"] if trace.status_code == 200 else []
        ours = [view["folded_version"] for view in views if view["domain"] == "contacts"]
        return bool(ours) and all(ours)

    until(folded, SOON_S, lambda: processes.said("contacts-projector"))

    def counted() -> bool:
        rows = processes.get("platform", "/lag").json()["projections"]
        ours = {row["collection"]: row for row in rows if row["domain"] == "campaigns"}
        return bool(ours["campaign_person_v1"]["written"]) and not any(
            row["lag"] for row in ours.values()
        )

    until(counted, SOON_S, lambda: processes.said("campaigns-projector"))

    def measured() -> bool:
        rows = processes.get("platform", "/lag").json()["projections"]
        (worker,) = (row for row in rows if row["collection"].startswith("measures_"))
        return bool(worker["written"] and not worker["lag"])

    until(measured, SOON_S, lambda: processes.said("worker"))


async def test_marketing_may_send_touches_to_the_inbox(processes: Processes, guarded: Any) -> None:
    sent = {
        "id": "spring",
        "source": "/campaigns",
        "data": {"person": "person-1", "channel": "campaign"},
    }
    event = {**sent, "specversion": "1.0", "type": TYPE, "time": "2026-03-02T09:00:00Z"}
    value, headers = json.dumps(event).encode(), (("content-type", STRUCTURED.encode()),)
    log = await log_of(guarded.account("marketing"))
    try:
        await log.append("touches-inbox", "any", value, headers)
    finally:
        await log.close()
    record = Record("touches-inbox", 0, 0, b"any", value, headers)
    path = f"/trace/{fact_of(record, SystemClock().now()).stream}"

    def moved() -> bool:
        return processes.get("platform", path).status_code == 200

    until(moved, SOON_S, lambda: processes.said("contacts-projector"))


async def test_marketing_hears_what_it_has_to_act_on(processes: Processes, guarded: Any) -> None:
    wrong = json.dumps({"specversion": "1.0", "id": "wrong", "source": "/campaigns"}).encode()
    log = await log_of(guarded.account("marketing"))
    heard: list[Record] = []

    async def begin(partitions: Sequence[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, 0)

    try:
        await log.append("touches-inbox", "any", wrong, (("content-type", STRUCTURED.encode()),))
        answers = await log.subscribe(["touches-answers"], "marketing.test", begin)
        async with asyncio.timeout(SOON_S):
            while not heard:
                heard = await answers.fetch(10, 1.0)
        await answers.close()
    finally:
        await log.close()
    (told,) = [json.loads(record.value or b"")["data"] for record in heard]
    assert (told["status"], told["id"]) == ("rejected", "wrong")


def test_a_decision_is_published_and_its_view_too(processes: Processes) -> None:
    contacts = f"http://{HOST}:{processes.ports['contacts-api']}"
    path = f"{contacts}/contacts/people/guarded/register"
    sent = httpx.post(path, json={"name": "Ada"}, timeout=20)
    assert sent.status_code == 202, sent.text
    token = sent.json()["token"]
    read = processes.get("contacts-api", "/contacts/people/guarded", x_at_least=token)
    assert read.json()["name"] == "Ada"
    # The view's own topic is written by the projector, and everything of it has arrived.

    def published() -> bool:
        rows = processes.get("platform", "/topics").json()["topics"]
        return any(row["name"] == "views.person_card" and row["records"] for row in rows)

    until(published, SOON_S, lambda: processes.said("contacts-projector"))


def test_the_calendar_may_note_a_look(processes: Processes) -> None:
    query = "/calendar/time?seller=employee-ada&first=2026-01-05&last=2026-01-11"
    shown = processes.get("calendar-api", query, x_actor="employee-boss")
    assert shown.status_code == 200, shown.text

    def published() -> bool:
        rows = processes.get("platform", "/topics").json()["topics"]
        return any(row["name"] == "analytics" and row["records"] for row in rows)

    until(published, SOON_S, lambda: processes.said("calendar-api"))


def test_the_platform_reads_every_topic(processes: Processes) -> None:
    topics = processes.get("platform", "/topics").json()["topics"]
    assert [row["name"] for row in topics if row["partitions_found"] != row["partitions"]] == []
    page = processes.get("platform", "/events?limit=10")
    assert page.status_code == 200, page.text


def test_the_platform_tells_what_changes_in_a_view(processes: Processes) -> None:
    platform, contacts = (
        f"http://{HOST}:{processes.ports[name]}" for name in ("platform", "contacts-api")
    )
    with httpx.stream("GET", f"{platform}/views/person_card/changes", timeout=SOON_S) as changes:
        lines = changes.iter_lines()
        assert any("event: ready" in line for line in lines)
        path = f"{contacts}/contacts/people/watched/register"
        assert httpx.post(path, json={"name": "Ada"}, timeout=20).status_code == 202
        assert any("person-watched" in line for line in lines)


def test_nothing_was_refused_to_anybody(processes: Processes) -> None:
    for name in processes.running:
        assert "Authorization" not in processes.said(name)


@pytest.mark.parametrize(
    ("user", "topic", "why"),
    [
        ("sellers-alerts", "contacts", "Authorization"),
        ("sellers-contacts", "opportunities", "Authorization"),
        ("sellers-platform", "contacts", "Authorization"),
        ("sellers-topics", "contacts", "Authorization"),
        ("sellers-contacts", "touches-inbox", "Authorization"),
        ("marketing", "touches-answers", "Authorization"),
        # Who may not even see a topic is told that there is none.
        ("marketing", "touches", "there is no topic"),
    ],
)
async def test_an_account_may_not_write_what_is_another_s(
    processes: Processes, guarded: Any, user: str, topic: str, why: str
) -> None:
    log = await log_of(guarded.account(user))
    try:
        with pytest.raises(LogUnavailableError, match=why):
            await log.append(topic, "person-forged", b"{}")
    finally:
        await log.close()
