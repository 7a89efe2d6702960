"""Builds `.venv` from the lock files. Rule: only the standard library, and no work twice.

Everything is installed by hash and as wheels, so no package runs code on this machine while it is
installed. The embedded servers get a virtual environment of their own inside `.venv`: they are
programs that we start, and our code must not be able to import them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
ENGINES = VENV / "engines"
STAMP = VENV / "stamp"
LOCKS = ("requirements/dev.lock", "requirements/embedded.lock")
DOT_S = 1.5
WHEELS_ONLY = ("--require-hashes", "--only-binary", ":all:")
# Compiling every module of every package takes as long as downloading them; Python does it when
# needed.
QUIET = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile")


def python_key() -> str:
    """Wheels belong to one Python, and the scripts inside a virtual environment to one place."""
    return digest(f"{sys.version} {ROOT}".encode())


def packages_key() -> str:
    return digest(*((ROOT / name).read_bytes() for name in LOCKS))


def project_key() -> str:
    """The tables that decide what our own installation looks like; tool settings do not."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tables = [settings["project"], settings["build-system"], settings["tool"]["setuptools"]]
    return digest(repr(tables).encode())


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (this is a program, and its reader is waiting)


def pip(environment: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [environment / "bin/python", "-m", "pip", "install", *QUIET, *arguments]
    # What the build backend warns of is as we want it: editable, and without the tests.
    quiet = os.environ | {"PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(command, cwd=ROOT, env=quiet)  # noqa: S603  (built here)


def finished(running: subprocess.Popen[bytes]) -> int:
    """Wait for its end; a dot every second and a half shows whoever waits that it goes on."""
    dots = False
    while True:
        try:
            code = running.wait(DOT_S)
        except subprocess.TimeoutExpired:
            print("  ." if not dots else ".", end="", flush=True)  # noqa: T201  (as in say)
            dots = True
            continue
        if dots:
            say("")
        return code


def create() -> None:
    """Empty environments; those of another Python are replaced: its wheels would not load."""
    say("  environments ...")
    for environment in (VENV, ENGINES):
        venv.create(environment, with_pip=True, clear=environment.exists(), symlinks=True)


def install_packages() -> None:
    """Both environments side by side, the embedded servers being the longer download."""
    say("  packages (by hash, wheels only) ...")
    engines = pip(ENGINES, *WHEELS_ONLY, "-r", LOCKS[1])
    packages = pip(VENV, *WHEELS_ONLY, "-r", LOCKS[0])
    if finished(packages) != 0:
        engines.terminate()
        engines.wait()
        sys.exit("setup: the packages could not be installed; the message above says why")
    if finished(engines) != 0:
        if os.environ.get("CI"):
            sys.exit("setup: the embedded servers could not be installed")
        say("  The embedded servers are not available for this machine. Give KAFKA_BOOTSTRAP and")
        say("  MONGO_URL instead; everything else is ready.")


def install_project() -> None:
    """Neither isolation nor dependencies: what it needs is there, so this touches no network."""
    say("  sellers itself, editable ...")
    own = pip(VENV, "--no-build-isolation", "--no-deps", "--no-index", "--editable", ".")
    if finished(own) != 0:
        sys.exit("setup: the project itself could not be installed; the message above says why")


def main() -> None:
    steps = (
        (python_key(), create),
        (packages_key(), install_packages),
        (project_key(), install_project),
    )
    # The lock is beside the environment, not inside: creating the environment empties it.
    with (ROOT / ".setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = STAMP.read_text().splitlines() if STAMP.exists() else []
        wanted = [key for key, _ in steps]
        if done == wanted:
            return
        started = time.monotonic()
        say(f"Setting up .venv with Python {sys.version.split()[0]}")
        # A step whose input changed is done again, and so is every step after it.
        first = next(n for n, key in enumerate(wanted) if done[n : n + 1] != [key])
        for number, (_, step) in enumerate(steps[first:], first):
            step()
            STAMP.write_text("\n".join(wanted[: number + 1]))
        say(f"Ready in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
