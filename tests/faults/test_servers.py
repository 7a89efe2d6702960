"""Servers, networks, disks and clocks fail under steady load: nothing lost, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import brokers, network, rebuilding
from tests.faults.disk import may_mount
from tests.faults.scenario import Scenario, Told
from tests.faults.scenarios import ALL
from tests.faults.test_kills import needs_kafka

pytestmark = pytest.mark.timeout(900)

# The others are played at length, by `make test-faults`: these stand for their kind each time.
QUICK = {"brokers", "broker-network", "store-network", "lost-store"}
ON_KAFKA = {
    "two-brokers",
    "published-twice",
    "poison",
    "flood",
    "slow-consumers",
    "backlog",
    "storm",
}


def assert_good(told: Told) -> None:
    """Also that something was under way, or the fault proved nothing."""
    assert told.wrong == [], told.said
    assert told.touches >= 50
    assert told.decisions >= 10


@pytest.mark.kafka
def test_one_of_three_brokers_is_lost_and_then_another(tmp_path: Path) -> None:
    needs_kafka()
    assert_good(brokers.one_after_the_other(tmp_path))


@pytest.mark.kafka
def test_the_network_to_the_broker_fails(tmp_path: Path) -> None:
    needs_kafka()
    assert_good(network.broker_away(tmp_path))


@pytest.mark.connected
def test_the_network_to_the_store_fails(tmp_path: Path) -> None:
    assert_good(network.store_away(tmp_path, held_s=4.0))


# Two to four minutes.
@pytest.mark.slow
@pytest.mark.connected
def test_a_lost_store_is_folded_again_from_the_log(tmp_path: Path) -> None:
    assert_good(rebuilding.lost_store(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.kafka] if name in ON_KAFKA else [])
        for name in ALL
        if name not in QUICK
    ],
)
def test_at_length(name: str, tmp_path: Path) -> None:
    if name in ON_KAFKA:
        needs_kafka()
    if name == "full-disk" and (why := may_mount()) is not None:
        pytest.skip(why)
    play: Scenario = ALL[name]
    assert_good(play(tmp_path))
