"""The pages on webhooks and ERPs: their commands run as written, and so does the receiver."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.integration.conftest import Platform, until
from tests.integration.test_examples import Program

pytestmark = [
    pytest.mark.connected,
    # In CI a page whose commands were not run must never look good.
    pytest.mark.skipif(
        shutil.which("curl") is None and not os.environ.get("CI"), reason="the pages use curl"
    ),
]

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "how-to"
COMMANDS = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
THERE = "http://127.0.0.1:8080"


@pytest.fixture(scope="module", autouse=True)
def into_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """As the page says: facts may be delivered on this machine, before the platform starts."""
    file = tmp_path_factory.mktemp("defaults") / "local.toml"
    file.write_text('[webhooks]\nallowed_networks = ["127.0.0.0/8"]\nretry_seconds = [0.2, 0.2]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELLERS_DEFAULTS_FILE", str(file))
        yield


async def run(block: str, address: str) -> str:
    """Run one block of a page in a shell, as somebody does who has the repository's .venv."""
    bin_dir = Path(sys.executable).parent
    child = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        block.replace(THERE, address),
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}",
            "SELLERS_URL": address,
            "COLUMNS": "200",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, errors = await child.communicate()
    assert child.returncode == 0, errors.decode()
    return out.decode()


def blocks(page: str) -> list[str]:
    found = COMMANDS.findall((PAGES / page).read_text(encoding="utf-8"))
    assert found
    return [dedent(block) for block in found]


def answers(said: str) -> list[Any]:
    """Return the JSON values that follow each other in what was printed."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while (begins := said.find("{", at)) >= 0:
        value, at = decoder.raw_decode(said, begins)
        found.append(value)
    return found


@pytest.mark.usefixtures("worker")
async def test_the_page_on_erps(platform: Platform, address: str) -> None:
    register, pull, sell, ask, back, compare, look, sum_up, define = blocks("connect-an-erp.md")
    (registered,) = answers(await run(register, address))
    assert registered["secret"].startswith("whsec_")
    assert (await run(pull, address)).startswith("[")
    _, won = answers(await run(sell, address))
    await platform.read("/opportunities/pump", won["token"])
    (card,) = answers(await run(ask, address))
    assert (card["company"], card["value"]) == ("company-ulsan", "12500.50")
    (taken,) = answers(await run(back, address))
    assert (taken["accepted"], taken["rejected"]) == (2, 0), taken
    told = await platform.read("/opportunities/reconciliation", taken["events"][-1]["token"])
    said = await run(compare, address)
    assert "order confirmed, finance invoiced" in said
    assert "1 matched, 0 waiting, 0 missing, 0 contradicts" in said
    assert said.rstrip().endswith("[]"), "nothing contradicts"
    (line,) = told["rows"]
    deliveries, history = answers(await run(look.replace("FACT", line["sent"]), address))
    assert line["opens"] == "/opportunities/history/opportunity-pump"
    assert [fact["type"] for fact in history["facts"]] == [
        "opportunities.opportunity_discovered.v1",
        "opportunities.opportunity_won.v1",
        "opportunities.hand_off_reported.v1",
        "opportunities.hand_off_reported.v1",
    ]
    await revenue(platform, address, taken["events"][-1]["token"], sum_up, define)
    # Nobody listens there, and that is to be seen.
    assert {one["type"] for one in deliveries["items"]} <= {"opportunities.opportunity_won.v1"}


async def revenue(platform: Platform, address: str, token: str, sum_up: str, define: str) -> None:
    """What came back is in the figures, and opens into its facts."""
    (row,) = (await platform.read("/analytics/orders?by=company", token))["rows"]
    assert (row["orders"], row["value_ordered_other"]) == (1, {"KRW": "12500.5"})
    said = await run(sum_up, address)
    by_company, why = answers(said[: said.index("orders and revenue by step")])
    assert by_company["rows"] == [row]
    (only,) = why["contributions"]
    amounts = (only["order_KRW"], only["finance_KRW"], only["value_KRW"])
    assert (only["stream"], amounts) == ("opportunity-pump", (125_005_000,) * 3)
    assert len(only["facts"]) == 4
    (defined,) = answers(await run(define, address))
    told = await platform.read("/analytics/kpis/invoiced/values", defined["token"])
    assert told["definition"]["expression"] == "100 * invoiced_value / won_value"


async def test_the_page_on_calendars(
    platform: Platform, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A key that is there already is never written over.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    visit, weekly, look, others, private = blocks("keep-a-calendar.md")
    answers_to_visit = answers(await run(visit, address))
    told = [*answers_to_visit, *answers(await run(weekly, address))]
    assert [one["recorded"] for one in told] == [1, 1, 1, 1]
    for one in told:
        path = one["stream"].replace("entry-", "entries/").replace("series-", "series/")
        await platform.read(f"/calendar/{path}", one["token"])
    agenda, time, *_ = answers(await run(look, address))
    assert [one["entry"] for one in agenda["items"]] == [
        "entry-monday.20260302T000000Z",
        "entry-visit-acme",
    ]
    spent = {one["category"]: one for one in time["total"]["categories"]}
    assert spent["customer"]["actual_minutes"] == 80
    imported = await run(others, address)
    assert "1 events from 1 calendars: 1 recorded, 0 known already; 0 refused" in imported
    (opened,) = answers(imported)
    feed = await platform.get(opened["path"], x_at_least=opened["token"])
    # It tells of a month back and a year ahead: of the series, and of no lunch in March 2026.
    assert (feed.status_code, feed.text.startswith("BEGIN:VCALENDAR")) == (200, True)
    assert "SUMMARY:Team" in feed.text
    assert (await platform.get(opened["caldav"])).status_code != 404
    assert "Offer for pumps" in await run(private, address)
    assert (tmp_path / "kim.key").stat().st_mode & 0o777 == 0o600


@asynccontextmanager
async def receiver(port: int, secret: str, keep: Path) -> AsyncIterator[Program]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("examples/webhook_receiver.py", "--port", str(port), "--keep", str(keep)),
        cwd=ROOT,
        env={**os.environ, "WEBHOOK_SECRET": secret},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        program = Program(child)
        assert await program.line() == f"listening on {port}"
        yield program
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def sold(platform: Platform, deal: str) -> str:
    """Record a deal that is won; return the fact that it is."""
    await platform.post(f"/opportunities/{deal}/discover", {"title": "Ten", "on": "2026-01-05"})
    answer = await platform.post(
        f"/opportunities/{deal}/win", {"value": "10", "currency": "KRW", "on": "2026-01-06"}
    )
    assert answer.status_code == 202, answer.text
    told = await platform.read(f"/opportunities/history/opportunity-{deal}")
    fact: str = told["facts"][-1]["id"]
    return fact


async def test_the_page_on_webhooks_and_its_receiver(
    platform: Platform, address: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    register, look = (block.replace(":9000", f":{port}") for block in blocks("receive-webhooks.md"))
    (registered,) = answers(await run(register, address))
    await platform.read("/webhooks/books", registered["token"])
    keep = tmp_path / "facts.db"
    async with receiver(port, registered["secret"], keep) as program:
        won = await sold(platform, "first")
        told = json.loads(await program.line())
        assert told == {
            "id": won,
            "type": "opportunities.opportunity_won.v1",
            "subject": "opportunity-first",
        }
        await until(lambda: _delivered(platform, won))
    # While it is away it is tried until that is given up; enabled again, nothing is missing.
    missed = await sold(platform, "second")
    card = await until(lambda: _disabled(platform))
    assert card["stuck_fact"] == missed
    async with receiver(port, registered["secret"], keep) as program:
        await platform.post("/webhooks/books/enable")
        assert json.loads(await program.line())["id"] == missed
        await until(lambda: _delivered(platform, missed))
        await platform.post("/webhooks/books/replay", {"recorded_from": "2026-01-01T00:00:00Z"})
        again = {f"again {won}", f"again {missed}"}
        while again:  # What the other page won comes, too, for the first time.
            again.discard(await program.line())
        # Were it gone before all of that has come, three failures would disable the webhook.
        await until(lambda: _all_delivered(platform))
    _, progress, failed = answers(await run(look, address))
    assert {one["outcome"] for one in failed["items"]} == {"failed"}
    assert {one["run"] for one in progress["items"]} == {"live", "replay-1"}
    async with receiver(port, "whsec_" + "A" * 43 + "=", keep) as program:
        await platform.post("/webhooks/books/replay", {"recorded_from": "2026-01-01T00:00:00Z"})
        assert (await program.line()).startswith("not for us: ")


async def _delivered(platform: Platform, fact: str) -> bool:
    found = await platform.read(f"/webhooks/books/deliveries?fact={fact}&outcome=delivered")
    return bool(found["items"])


async def _all_delivered(platform: Platform) -> bool:
    told = await platform.read("/webhooks/books/progress")
    return bool(told["behind"] == 0)


async def _disabled(platform: Platform) -> Any:
    card = await platform.read("/webhooks/books")
    return None if card["enabled"] else card
