"""Deliveries on servers that really run, through kill -9 of the node and of the broker."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from sellers.client import Api, ApiError
from sellers.data_dir import read_remembered
from tests.integration.started import started, until_ready

pytestmark = [
    pytest.mark.connected,
    pytest.mark.timeout(580),
    pytest.mark.skipif(sys.platform != "linux", reason="the children's end is Linux's to tell"),
]

DEALS, STEPS = 60, ("Engaging", "Proposal", "Negotiation")
SETTINGS = f"""
[webhooks]
allowed_networks = ["127.0.0.0/8"]
retry_seconds = {[0.2] * 50}
"""


@dataclass
class Receiver:
    """Takes facts slowly, refuses every seventh, and remembers what it took, in order."""

    port: int = 0
    secret: str | None = None
    came: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        time.sleep(0.01)
        with self._lock:
            self.came += 1
            if self.came % 7 == 0 or self.secret is None:
                return 503
            try:
                event = Webhook(self.secret).verify(body, headers)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test says it.
                self.wrong.append(repr(error))
                return 400
            if headers["webhook-id"] != event["id"]:
                self.wrong.append(headers["webhook-id"])
            self.taken.append(event)
            return 204


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True  # Who sent it was killed before the end: no request.
                return
            told = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(told, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # Whoever is killed hangs up in the middle.

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def wait(what: str, holds: Callable[[], Any], within_s: float = 150.0) -> Any:
    deadline = time.monotonic() + within_s
    while True:
        try:
            if found := holds():
                return found
        except ApiError:
            pass  # It is being started again.
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def decided(api: Api, first: int) -> None:
    """Let sixty deals go on from beginning to end, in bulk."""
    for deal in range(first, first + DEALS):
        stream = f"opportunity-k{deal}"
        steps = [("discover", {"title": f"Deal {deal}", "stage": "Prospecting"})]
        steps += [("advance", {"stage": stage}) for stage in STEPS]
        steps += [("win", {"value": "10.50", "currency": "USD"})]
        commands = [
            {"stream": stream, "type": kind, "command": command, "id": f"{deal}-{n}"}
            for n, (kind, command) in enumerate(steps)
        ]
        results = api.post("/opportunities/commands", {"commands": commands})["results"]
        assert {result["status"] for result in results} <= {"recorded", "duplicate"}, results


def in_the_log(url: str) -> list[dict[str, Any]]:
    import httpx2

    found: list[dict[str, Any]] = []
    with httpx2.Client(base_url=url, trust_env=False, timeout=30) as http:
        query: dict[str, Any] = {"topic": "opportunities", "limit": 1_000}
        while events := (answer := http.get("/events", params=query)).json():
            found += events
            query["after"] = answer.headers["x-after"]
    return found


def kill(path: Path, child: str) -> None:
    os.kill(read_remembered(path).children[child].pid, signal.SIGKILL)


def test_kill_9_amid_deliveries_loses_no_fact_and_no_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults, data = tmp_path / "defaults.toml", tmp_path / "data"
    defaults.write_text(SETTINGS)
    monkeypatch.setenv("SELLERS_DEFAULTS_FILE", str(defaults))
    with receiving() as receiver, started(data) as api:
        body = {"url": f"http://127.0.0.1:{receiver.port}/", "wants": ["opportunities.*"]}
        registered = api.post("/webhooks/erp/register", body)
        receiver.secret = registered["secret"]
        for number, victim in enumerate(("node", "noida-db", "node")):
            before = len(receiver.taken)
            decided(api, number * DEALS)
            wait("deliveries begin", lambda n=before: len(receiver.taken) > n + 20)
            kill(data, victim)
            until_ready(api)
        url = read_remembered(data).url
        assert url is not None
        facts = in_the_log(url)
        assert len({fact["id"] for fact in facts}) == 3 * DEALS * (len(STEPS) + 2)
        wanted = {fact["id"] for fact in facts}
        wait("every fact is taken", lambda: wanted <= {one["id"] for one in receiver.taken})
        wait("it says so", lambda: api.get("/webhooks/erp/progress")["behind"] == 0)
        failed = api.get("/webhooks/erp/deliveries", {"outcome": "failed", "limit": 200})["items"]
    assert receiver.wrong == []
    assert {one["id"] for one in receiver.taken} == wanted
    assert failed
    assert {one["status"] for one in failed} <= {503, None}
    first: dict[str, list[int]] = defaultdict(list)
    for event in receiver.taken:
        if event["streamversion"] not in first[event["subject"]]:
            first[event["subject"]].append(event["streamversion"])
    assert [s for s, versions in first.items() if versions != sorted(versions)] == []
    repeated = len(receiver.taken) - len(wanted)
    sys.stdout.write(f"{json.dumps({'facts': len(wanted), 'repeated': repeated})}\n")
