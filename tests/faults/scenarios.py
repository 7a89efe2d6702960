"""Every fault by its name; each is played in a folder of its own."""

from __future__ import annotations

from tests.faults import brokers, network
from tests.faults.scenario import Scenario

ALL: dict[str, Scenario] = {
    "brokers": brokers.one_after_the_other,
    "two-brokers": brokers.two_at_once,
    "broker-network": network.broker_away,
    "store-network": network.store_away,
}
