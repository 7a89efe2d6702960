"""Sends the platform whatever its own description allows, and whatever it forbids.

`python -m tests.hostile.attack [--seconds 75] [--seed 1] [words for schemathesis ...]`
(`make test-hostile`). Every operation of the merged OpenAPI is called by schemathesis with all of
its checks: nothing produces a 500, every answer is what the description says, and nobody is
answered who shows no token. Before that each is knocked at once, and every operation has to be
really reached (`reached.py`). The platform is in memory and a small demo company is on it, so that
half of the ids that are asked for exist.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from sellers.client import Api
from sellers.demo.generator import demo_company
from sellers.demo.load import load_demo
from shared.reading import Token
from tests.hostile.platform import TOKEN
from tests.hostile.reached import knock, unreached

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DESCRIPTION = ROOT / "docs" / "api" / "openapi.json"
SECONDS, SEED = 75, 1
COMPANY = (1, 2, date(2026, 11, 1))  # its seed, sellers, and the day after its last facts
EXISTING = 0.5
IDS_MAX = 20
START_S, STOP_S = 60.0, 15.0


class NotStartedError(Exception):
    """The platform in memory did not come up."""


@contextmanager
def platform(log: Path) -> Iterator[str]:
    """Yield the address of a platform of its own process, whose log goes to a file."""
    command = [sys.executable, "-m", "tests.hostile.platform"]
    with (
        log.open("wb") as told,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=told) as process,
    ):
        try:
            address = process.stdout.readline().decode().strip() if process.stdout else ""
            if not address:
                raise NotStartedError(log.read_text())
            yield address
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def load(address: str) -> None:
    """Record the demo company, as soon as the platform serves."""
    with Api(address, patience_s=START_S, token=TOKEN) as api:
        load_demo(api, *COMPANY)


def ids() -> dict[str, list[str]]:
    """Return ids that exist by the name of the path's parameter, and whole streams."""
    found: dict[str, list[str]] = defaultdict(list)
    streams = dict.fromkeys(item.stream for item in demo_company(*COMPANY))
    for stream in streams:
        kind, _, name = stream.partition("-")
        parameter = {"workcalendar": "calendar"}.get(kind, kind)
        if len(found[parameter]) < IDS_MAX:
            found[parameter].append(name)
            found["stream"].append(stream)
    return found


def token() -> str:
    """Return what a POST of this company was answered with, for the hooks."""
    return Token(next(item.stream for item in demo_company(*COMPANY)), 1).encode()


def configuration(folder: Path) -> Path:
    """Write what schemathesis is to do, with the ids of this company."""
    lines = [(HERE / "schemathesis.toml").read_text()]
    for parameter, names in ids().items():
        lines.append(f"[dictionaries.{parameter}]\nvalues = {orjson.dumps(names).decode()}\n")
    lines.append("[parameters]\n")
    for parameter in ids():
        drawn = f'{{ dictionary = "{parameter}", probability = {EXISTING} }}'
        lines.append(f'"path.{parameter}" = {drawn}\n')
    path = folder / "schemathesis.toml"
    path.write_text("".join(lines))
    return path


def attack(seconds: int, seed: int, more: list[str]) -> int:
    """Return 0 where everything held; what did not is told with the request that shows it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        log, reached = folder / "platform.log", folder / "reached.txt"
        with platform(log) as address:
            load(address)
            # The description as it is committed, which is what others build on.
            where = ("run", str(DESCRIPTION), "--url", address, "--seed", str(seed))
            budget = ("--max-time", str(seconds)) if seconds else ()
            shown = ("--header", f"Authorization: Bearer {TOKEN}")
            configured = ("--config-file", str(configuration(folder)))
            description = orjson.loads(DESCRIPTION.read_bytes())
            reached.write_text("".join(knock(address, TOKEN, description, ids())))
            command = ("schemathesis", *configured, *where, *shown, *budget)
            tool = Path(sys.prefix) / "bin" / command[0]
            seeing = os.environ | {
                "PYTHONPATH": str(ROOT),
                "HOSTILE_TOKEN": token(),
                "HOSTILE_REACHED": str(reached),
            }
            done = subprocess.run([tool, *command[1:], *more], check=False, env=seeing, cwd=folder)
        bugs = [line for line in log.read_text().splitlines() if "request_failed" in line]
        for line in bugs:
            sys.stdout.write(f"{line}\n")
        missed = unreached(description, reached.read_text().splitlines())
        for operation, answers in missed.items():
            sys.stdout.write(f"not reached: {operation}: answered {answers or 'nothing'}\n")
    return 1 if bugs or missed else done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="Send the platform what nobody should send.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="0: each phase once")
    parser.add_argument("--seed", type=int, default=SEED)
    given, more = parser.parse_known_args()
    return attack(given.seconds, given.seed, more)


if __name__ == "__main__":
    sys.exit(main())
