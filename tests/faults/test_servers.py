"""Servers and networks fail under steady load: nothing lost, nothing twice, all in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import brokers, network
from tests.faults.scenario import Told
from tests.faults.test_kills import needs_kafka

pytestmark = pytest.mark.timeout(600)


def assert_good(told: Told) -> None:
    """Also that something was under way, or the fault proved nothing."""
    assert told.wrong == [], told.said
    assert told.touches > 50
    assert told.decisions > 10


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


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("play", [brokers.two_at_once])
def test_at_length(play: Callable[[Path], Told], tmp_path: Path) -> None:
    needs_kafka()
    assert_good(play(tmp_path))
