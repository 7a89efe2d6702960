"""A few seconds of the load: everybody works, nobody is refused, and a failure is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.started import started
from tests.load.__main__ import DRIVER

pytestmark = [pytest.mark.connected, pytest.mark.load, pytest.mark.timeout(600)]

KINDS = {
    "/calendar/agendas/{employee}": "sellers",
    "/contacts/people/{person}/timeline after a touch": "sellers who have written something down",
    "/touches/batch of 100": "mailing systems",
    "/views/{name}/changes, all that was there": "copies of views",
    "/analytics/": "leaders",
}


@pytest.fixture(scope="module", autouse=True)
def driver() -> None:
    if not DRIVER.exists():
        said = "Locust is not installed: make loadtest"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)


def load(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.load", *words],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_company_works_and_nobody_is_refused() -> None:
    code, said = load("--users", "20", "--seconds", "12", "--size", "3")
    assert code == 0, said
    assert " 0 failed, 0 users broke" in said, said
    assert "all of it is folded" in said, said
    assert {who for route, who in KINDS.items() if route not in said} == set(), said


def test_an_empty_platform_is_told_from_one_that_works(tmp_path: Path) -> None:
    with started(tmp_path / "data") as api:
        code, said = load("--host", api.url, "--seconds", "2")
    assert code == 1
    assert "nobody there can take part" in said, said


def test_where_people_sign_in_nobody_in_particular_is_no_load(tmp_path: Path) -> None:
    how = ("--size", "1", "--sign-in")
    with started(tmp_path / "data", how=how) as api:
        code, said = load("--host", api.url, "--seconds", "2")
    assert code == 1
    assert "signs people in" in said, said
