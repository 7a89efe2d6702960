"""Let a whole company work on a platform: `python -m tests.load --users 40 --seconds 60`.

Starts a platform of its own on free ports, with people who sign in, unless `--host` names one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from sellers.client import Api, ApiError
from sellers.errors import CommandError
from sellers.issuing.signing import NoKeyError
from tests.bench.freshness import until_folded
from tests.integration.started import started
from tests.load.people import NobodyError, Signing, cast, elsewhere, signed_in

ROOT = Path(__file__).parent.parent.parent
DRIVER = ROOT / ".cache/load/bin/python"
LOCUSTFILE = Path(__file__).parent / "locustfile.py"
# Beyond its own time: users arrive, and what is under way ends.
SLACK_S = 90
START_S = 600.0
OK, FAILED = 0, 1
OWNER_ONLY = 0o600


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def own(work: Path, size: int) -> Iterator[tuple[Api, Signing]]:
    """Start a platform with a demo company, and sign its people in."""
    say(f"starting a platform with a company of {size} sellers ...")
    began = time.monotonic()
    data = work / "data"
    words = ("--size", str(size), "--sign-in")
    with started(data, START_S, words) as api:
        say(f"{api.url} is ready after {time.monotonic() - began:.0f} s")
        with signed_in(api.url, data) as found:
            yield found


def drive(work: Path, url: str, told: dict[str, object], users: int, seconds: int) -> int:
    """Run the driver, in an environment and a process of its own; return its exit code."""
    path = work / "cast.json"
    path.touch(OWNER_ONLY)
    path.write_text(json.dumps(told), encoding="utf-8")
    words = ("--headless", "--host", url, "--users", str(users), "--run-time", f"{seconds}s")
    words += (
        "--spawn-rate",
        f"{max(1.0, users / 5):.0f}",
        "--loglevel",
        "WARNING",
        "--only-summary",
    )
    driver = subprocess.Popen(
        [str(DRIVER), "-m", "locust", "-f", str(LOCUSTFILE), *words],
        cwd=work,
        env={**os.environ, "LOAD_CAST": str(path)},
    )
    try:
        return driver.wait(seconds + SLACK_S)
    except KeyboardInterrupt:
        return driver.wait(SLACK_S)  # It has heard the same, and tells what it has found.
    finally:
        if driver.poll() is None:
            driver.send_signal(signal.SIGKILL)
            driver.wait()


def loaded(chosen: argparse.Namespace) -> int:
    """Return 0 where every request was answered, and everything recorded was folded."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder, ExitStack() as stack:
        work = Path(folder)
        there: AbstractContextManager[tuple[Api, Signing]]
        if chosen.host is None:
            there = own(work, chosen.size)
        elif chosen.data is not None:
            there = signed_in(chosen.host, chosen.data)
        else:
            there = elsewhere(chosen.host, chosen.tokens)
        api, signing = stack.enter_context(there)
        told = cast(api, signing)
        say(f"{chosen.users} users for {chosen.seconds} s on {api.url}")
        code = drive(work, api.url, told, chosen.users, chosen.seconds)
        if chosen.host is None:
            began = time.monotonic()
            until_folded(api, say)
            say(f"all of it is folded {time.monotonic() - began:.1f} s later")
        return code


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--users", type=int, default=40, help="how many at once")
    parser.add_argument("--seconds", type=int, default=60, help="for how long")
    parser.add_argument(
        "--size", type=int, default=10, help="sellers of the company it starts with"
    )
    parser.add_argument("--host", help="a platform that runs, as http://127.0.0.1:8080")
    parser.add_argument("--data", type=Path, help="its data directory, whose key signs people in")
    parser.add_argument("--tokens", type=Path, help="tokens and keys for it, as JSON")
    chosen = parser.parse_args()
    if min(chosen.users, chosen.seconds, chosen.size) < 1:
        parser.error("--users, --seconds and --size are 1 at least")
    try:
        return OK if loaded(chosen) == OK else FAILED
    except (NobodyError, NoKeyError, ApiError, CommandError, OSError, ValueError) as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
