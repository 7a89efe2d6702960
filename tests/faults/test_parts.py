"""The harness's own parts: a proxy that lets all through, or a truth that finds nothing, lies."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path

import pytest

from shared.clock import SystemClock
from shared.events import decode, encode
from shared.events.contacts import PersonDetailsStated, PersonRegistered
from shared.testing import recorded
from tests.faults import report
from tests.faults.again import again
from tests.faults.proxy import Proxy
from tests.faults.release import V1, V2, upgraded
from tests.faults.scenario import Told
from tests.faults.scenarios import ALL
from tests.faults.truth import Findings, place

HELD_S = 0.4


@contextmanager
def echoing() -> Iterator[int]:
    """A server that says back whatever it is told."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=echo, args=(connection,), daemon=True).start()

        def echo(connection: socket.socket) -> None:
            with connection:
                try:
                    while said := connection.recv(1_000):
                        connection.sendall(said)
                except OSError:
                    return  # It was cut.

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def asked(connection: socket.socket, what: bytes) -> float:
    """Return after how many seconds it came back."""
    began = time.monotonic()
    connection.sendall(what)
    came = b""
    while len(came) < len(what):
        part = connection.recv(1_000)
        if not part:
            raise ConnectionResetError
        came += part
    assert came == what
    return time.monotonic() - began


def test_a_proxy_lets_through_delays_holds_and_cuts() -> None:
    with echoing() as port, Proxy(port) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
            asked(connection, b"through")
            proxy.delay(HELD_S / 2)
            assert asked(connection, b"later") >= HELD_S  # There and back.
            proxy.heal()
            proxy.hold()
            threading.Timer(HELD_S, proxy.heal).start()
            assert asked(connection, b"what was held arrives") >= HELD_S * 0.9
            proxy.cut()
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                asked(connection, b"never")
        with (
            socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as refused,
            pytest.raises((ConnectionResetError, BrokenPipeError)),
        ):
            asked(refused, b"nor a new one")
        proxy.heal()
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as again:
            asked(again, b"back")


def test_what_lies_twice_is_no_disorder_and_what_lies_before_its_predecessor_is() -> None:
    first, second = recorded(
        PersonRegistered(name="Ada"), PersonDetailsStated(phone="1"), stream="person-1"
    )
    good, bad = Findings(), Findings()
    for found, order in ((good, (first, first, second)), (bad, (second, first))):
        versions: dict[int, object] = {}
        for fact in order:
            place(versions, fact, found)  # type: ignore[arg-type]
    assert (good.wrong, good.again, good.disorder) == ([], 1, 0)
    assert bad.disorder == 2


def test_a_fork_is_found() -> None:
    (one,) = recorded(PersonRegistered(name="Ada"), stream="person-1")
    (other,) = recorded(PersonRegistered(name="Eve"), stream="person-1")
    found, versions = Findings(), {1: one}
    place(versions, other.__class__(**{**vars_of(other), "id": SystemClock().new_id()}), found)
    assert found.wrong == ["person-1@1: two facts, a fork"]


def vars_of(fact: object) -> dict[str, object]:
    return {name: getattr(fact, name) for name in fact.__dataclass_fields__}  # type: ignore[attr-defined]


def test_the_next_release_reads_what_this_one_wrote() -> None:
    (_, said) = recorded(
        PersonRegistered(name="Ada"), PersonDetailsStated(phone="1"), stream="person-1"
    )
    written = encode(said)
    assert V1.encode() in written
    with upgraded():
        assert decode(written).wire == V2
        assert V2.encode() in encode(decode(written))
    assert decode(written).wire == V1


def test_a_page_gets_the_rows_that_were_measured_and_keeps_the_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: faults -->\n<!-- end -->\nafter\n")
    for name, took in (("one", 1), ("two", 2), ("one", 3)):
        told = Told("a fault | a pipe", "memory", seconds=took)
        report.write(page, "faults", report.FAULTS, [report.of_scenario(name, told)])
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    rows = [(line.split("|")[1].strip(), line.split("|")[-2].strip()) for line in lines[4:-2]]
    assert rows == [("`one`", "3 s"), ("`two`", "2 s")]
    with pytest.raises(ValueError, match="no table"):
        report.write(page, "other", report.FAULTS, [])


def test_rounds_go_by_other_seeds_and_end_at_the_first_that_is_bad() -> None:
    said: list[str] = []
    order: list[tuple[str, int]] = []

    def play(fault: str, seed: int) -> Findings:
        order.append((fault, seed))
        wrong = ["one is lost"] if (fault, seed) == ("storm", 12) else []
        return Findings(wrong=wrong, touches=5, decisions=2, lost=len(wrong))

    tally = again(("flood", "storm", "poison"), 20, 10, play, said.append)
    rounds = [(fault, seed) for seed in (10, 11) for fault in ("flood", "storm", "poison")]
    assert order == [*rounds, ("flood", 12), ("storm", 12)]
    assert tally.bad
    assert tally.rounds == 2
    told, *lines = tally.lines()
    assert told.startswith("2 of 20 rounds good, 8 faults played in ")
    assert "40 touches and 16 decisions acknowledged, lost 1, twice 0" in told
    assert lines == ["  flood: 3 good, 0 bad", "  storm: 2 good, 1 bad", "  poison: 2 good, 0 bad"]
    assert sum("BAD" in line for line in said) == 1


def test_rounds_that_are_all_good_are_told_as_such() -> None:
    tally = again(("flood",), 3, 1, lambda _fault, _seed: Findings(touches=1), lambda _line: None)
    assert (tally.bad, tally.rounds) == (False, 3)


@pytest.mark.parametrize("name", ALL)
def test_every_fault_goes_by_its_seed(name: str) -> None:
    assert signature(ALL[name]).parameters["seed"].default == 1
