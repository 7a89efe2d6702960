"""The pages for publishers and subscribers run as written.

What is published over HTTP and Kafka reaches who subscribed over HTTP and Kafka.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import aclosing
from typing import Any

import pytest

from sellers.subscribing import Subscriber
from tests.integration.conftest import SOON_S, Platform, until
from tests.integration.test_examples import example
from tests.integration.test_how_to import PAGES, ROOT, THERE, answers, blocks, pytestmark, run

__all__ = ["pytestmark"]

FENCED = re.compile(r"^ *```(?P<kind>[a-z]*)\n(?P<text>.*?)^ *```", re.DOTALL | re.MULTILINE)
# What needs a package that the platform does not have; test_examples runs it with one in its place.
ELSEWHERE = ("python examples/frame.py",)


def kafka_of(platform: Platform) -> str:
    return platform.node.settings.kafka


@pytest.mark.parametrize("page", ["publish-touches.md", "subscribe.md"])
def test_every_command_of_the_page_is_among_those_that_are_run(page: str) -> None:
    for block in FENCED.finditer((PAGES / page).read_text(encoding="utf-8")):
        if block["kind"] == "" and not block["text"].strip().startswith(ELSEWHERE):
            begins = block["text"].split(maxsplit=1)[0]
            assert begins not in {"curl", "python", "echo", "timeout"}, block["text"]


async def test_the_page_for_publishers(platform: Platform, address: str) -> None:
    kafka = kafka_of(platform)
    structured, batch, binary, plain, key, sent, answered = (
        block.replace("127.0.0.1:9092", kafka) for block in blocks("publish-touches.md")
    )
    (first,) = answers(await run(structured, address))
    assert (first["id"], first["status"]) == ("spring-1", "accepted")
    (many,) = answers(await run(batch, address))
    assert [one["status"] for one in many["events"]] == ["accepted", "rejected"]
    assert many["events"][1]["problem"]["errors"][0]["pointer"] == "#/1/data/channel"
    (by_headers,) = answers(await run(binary, address))
    assert (by_headers["id"], by_headers["status"]) == ("spring-7", "accepted")
    alone, together = answers(await run(plain, address))
    assert alone["recorded"] == 1
    assert [one["status"] for one in together["events"]] == ["accepted", "rejected"]
    (with_key,) = answers(await run(key, address))
    assert with_key["status"] == "accepted"
    assert (await run(sent, address)).strip() == "sent 1"
    told = await run(answered, address)
    assert told.startswith("sent 1")
    (refused,) = answers(told)
    assert (refused["id"], refused["status"]) == ("spring-5", "rejected")
    assert refused["problem"]["errors"][0]["pointer"] == "#/data/channel"
    for one in (first, many["events"][0], by_headers, alone, together["events"][0], with_key):
        await platform.read("/contacts/people/1/timeline", one["token"])
    # Six over HTTP, and one over Kafka, which is moved in its own time.
    await until(lambda: _touched(platform, "1", 7))


async def test_the_page_for_subscribers(platform: Platform, address: str) -> None:
    discovered = {"title": "Ten", "stage": "Engaging", "on": "2026-01-05"}
    answer = await platform.post("/opportunities/followed/discover", discovered)
    await platform.read("/opportunities/followed", answer.json()["token"])
    copied, followed, pulled = (
        block.replace("KAFKA", kafka_of(platform)) for block in blocks("subscribe.md")
    )
    await until(lambda: _copied(copied, address))
    told = await run(followed, address)
    assert "event: ready" in told, "curl tells when it holds all there was"
    assert told.count("opportunity-followed") >= 2, "both tell of it"
    assert "x-behind: 0" in (await run(pulled, address)).lower()
    (program,) = re.findall(
        r"^```python\n(.*?)^```",
        (PAGES / "subscribe.md").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    said = await _followed(program.replace(THERE, address))
    assert "opportunity-followed Engaging" in said
    assert "in all" in said


async def _copied(block: str, address: str) -> bool:
    return "opportunity-followed" in await run(block, address)


async def _followed(program: str) -> str:
    """Run the page's program until it has told how many there are in all."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", f"{program}\nimport asyncio\nasyncio.run(follow())"),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(SOON_S):
            while "in all" not in said:
                line = await child.stdout.readline()
                assert line, said
                said += line.decode()
    finally:
        child.kill()
        await child.communicate()
    return said


async def _touched(platform: Platform, person: str, count: int) -> bool:
    answer = await platform.get(f"/contacts/people/{person}")
    return answer.status_code == 200 and answer.json()["touch_count"] == count


async def test_what_is_published_both_ways_is_told_to_subscribers_both_ways(
    platform: Platform, address: str
) -> None:
    """In over HTTP and Kafka; out as server-sent events and on the view's topic."""
    kafka, who = kafka_of(platform), "told"
    words = ("--kafka", kafka, "--view", "person_card")
    key = f"person-{who}"
    async with (
        Subscriber(address, "person_card") as subscriber,
        aclosing(subscriber.changes()) as changes,
        example("kafka_copy.py", *words) as copy,
    ):
        assert (await copy.line()).startswith("whole ")
        body = {"person": key, "channel": "call"}
        told = await platform.post("/touches", body, idempotency_key=f"{who}-http")
        assert told.status_code == 202, told.text
        event = {"id": f"{who}-kafka", "data": {"person": key, "channel": "email"}}
        publishing = ("--kafka", kafka, "--source", "/campaigns")
        line = json.dumps(event).encode()
        async with example("publish_touches.py", *publishing, said=line) as sent:
            assert await sent.line() == "sent 1"
        seen: Any = None
        async with asyncio.timeout(SOON_S):
            async for changed in changes:
                seen = dict(changed).get(key, seen)
                if seen is not None and seen["touch_count"] == 2:
                    break
            while (await copy.told(key))["touch_count"] != 2:
                pass
    assert seen["touch_count"] == 2
