"""Takes facts that are delivered to us: verified, each once, kept before we say that we have them.

    pip install standardwebhooks
    WEBHOOK_SECRET=whsec_... python examples/webhook_receiver.py --port 9000 --keep facts.db

Prints a line for each fact that is new. Nothing of the platform is imported.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import threading
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook

BODY_MAX = 2_000_000
TABLE = """CREATE TABLE IF NOT EXISTS facts (
  id TEXT PRIMARY KEY, type TEXT, stream TEXT, version INTEGER, fact TEXT)"""


class Keeper:
    """The facts that we have; each by its id, so that a repeat is nothing new."""

    def __init__(self, path: Path, secret: str) -> None:
        self.webhook = Webhook(secret)
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.lock = threading.Lock()
        with self.database:
            self.database.execute(TABLE)

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Return the status to answer, and what to say about it here."""
        try:
            fact: dict[str, Any] = self.webhook.verify(body, headers)
        # Of a signature that is no base64 the library raises another error than its own.
        except Exception as error:  # noqa: BLE001
            return 400, f"not for us: {error}"
        name = headers["webhook-id"]
        row = (name, fact["type"], fact.get("subject"), fact.get("streamversion"), body.decode())
        # What you make of a fact belongs into this transaction.
        with self.lock, self.database:
            found = self.database.execute("INSERT OR IGNORE INTO facts VALUES (?,?,?,?,?)", row)
        if found.rowcount == 0:
            return 204, f"again {name}"
        told = {"id": name, "type": fact["type"], "subject": fact.get("subject")}
        return 204, json.dumps(told)


def handler(keeper: Keeper) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if length > BODY_MAX:
                self.answer(413)
                return
            told = {name.lower(): value for name, value in self.headers.items()}
            status, said = keeper.take(told, self.rfile.read(length))
            print(said, flush=True)
            self.answer(status)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--keep", type=Path, default=Path("facts.db"))
    asked = parser.parse_args()
    secret = os.environ.get("WEBHOOK_SECRET")
    if not secret:
        sys.exit("set WEBHOOK_SECRET to what registering answered, whsec_...")
    keeper = Keeper(asked.keep, secret)
    # Several connections are open at once: who serves one after the other keeps them waiting.
    with ThreadingHTTPServer(("127.0.0.1", asked.port), handler(keeper)) as server:
        server.daemon_threads = True
        print(f"listening on {server.server_address[1]}", flush=True)
        with closing(keeper.database), suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
