"""The network between the platform and one server is cut, loses everything for a while, or is slow.

Whoever looks at the truth afterwards goes around the proxy: the fault is the platform's alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sellers.engines import ApacheKafka, NoidaKafka, SecantusMongo
from sellers.processes import HOST, free_ports
from tests.conftest import running as started
from tests.faults.plant import Address, Plant
from tests.faults.proxy import Proxy
from tests.faults.scenario import Load, Told, compare, load, telling

CUT_S = 5.0
# Longer than the platform waits for an acknowledgement of the log (10 s): what it has given up
# lands all the same once the network is there again.
HELD_S = 13.0
SLOW_S = 5.0
LATENCY_S = 0.15


class KafkaBehind(ApacheKafka):
    """A broker that names a proxy's port as its own; clients follow what it advertises."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        (self.inner,) = free_ports(1)
        self.advertised = 0

    def _settings(self) -> str:
        base = super()._settings()
        listeners = next(line for line in base.splitlines() if line.startswith("listeners="))
        more = {
            "listeners": f"{listeners.partition('=')[2]},BEHIND://{HOST}:{self.inner}",
            "advertised.listeners": f"PLAINTEXT://{self.address},BEHIND://{HOST}:{self.advertised}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,BEHIND:PLAINTEXT,"
            "CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
        }
        # Of two lines for one setting, the later one counts.
        return base + "".join(f"{key}={value}\n" for key, value in more.items())


def broker_away(work: Path, *, seed: int = 1, held_s: float = HELD_S) -> Told:
    """Between the platform and Apache Kafka: cut, held, slow, and cut amid being slow."""
    told = Told("network to the broker cut, held, slow", "Apache Kafka; SecantusDB")
    broker = KafkaBehind(work / "kafka")
    with (
        telling(told),
        Proxy(broker.inner) as proxy,
        started(SecantusMongo(work / "mongo")) as store,
        _advertising(broker, proxy),
        Plant(work, Address(f"{HOST}:{proxy.port}"), store) as plant,
        load(plant, work, first=seed) as running,
    ):
        _disturb(proxy, running, told, held_s)
        compare(plant, running, broker.address, told)
    return told


def store_away(work: Path, *, seed: int = 1, held_s: float = HELD_S) -> Told:
    """Between the platform and its store, on the embedded servers."""
    told = Told("network to the store cut, held, slow", "noida-db; SecantusDB")
    with (
        telling(told),
        started(NoidaKafka(work / "kafka")) as log,
        started(SecantusMongo(work / "mongo")) as store,
        Proxy(store.port) as proxy,
        Plant(work, log, Address(store.address.replace(str(store.port), str(proxy.port)))) as plant,
        load(plant, work, first=seed) as running,
    ):
        _disturb(proxy, running, told, held_s)
        compare(plant, running, log.address, told, embedded=True)
    return told


@contextmanager
def _advertising(broker: KafkaBehind, proxy: Proxy) -> Iterator[None]:
    broker.advertised = proxy.port
    with started(broker):
        yield


def _disturb(proxy: Proxy, running: Load, told: Told, held_s: float) -> None:
    for what, begin, seconds in (
        ("cut", proxy.cut, CUT_S),
        ("held", proxy.hold, held_s),
        ("slow", lambda: proxy.delay(LATENCY_S), SLOW_S),
    ):
        began = time.monotonic()
        begin()
        meanwhile = running.for_s(seconds)
        if what == "slow":
            proxy.cut()
        proxy.heal()
        running.goes_on()
        gap = running.longest_gap_s(began)
        told.say(
            f"{what} for {seconds:g} s: {meanwhile} acknowledged meanwhile, "
            f"{gap:.1f} s without an acknowledgement"
        )
    told.check(proxy.connections > 0, "nothing went through the proxy")
