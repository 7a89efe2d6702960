"""Every fault by its name; each is played in a folder of its own."""

from __future__ import annotations

from tests.faults import backlog, brokers, disk, foreign, groups, network, rebuilding, slowness
from tests.faults.scenario import Scenario

ALL: dict[str, Scenario] = {
    "brokers": brokers.one_after_the_other,
    "two-brokers": brokers.two_at_once,
    "broker-network": network.broker_away,
    "store-network": network.store_away,
    "lost-store": rebuilding.lost_store,
    "lost-keys": rebuilding.lost_keys,
    "old-backup": rebuilding.old_backup,
    "next-release": rebuilding.next_release,
    "published-twice": foreign.published_twice,
    "poison": foreign.poison,
    "flood": foreign.flood,
    "storm": groups.storm,
    "full-disk": disk.full_disk,
    "slow-consumers": slowness.slow_consumers,
    "clock-jumps": slowness.clock_jumps,
    "backlog": backlog.catch_up,
}
