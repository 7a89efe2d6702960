"""Where nothing is connected to, in every way to write it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from shared.addresses import AddressRefusedError, address_of, allowed

INSIDE = (
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",  # noqa: S104 - nothing binds to it here
    "10.0.0.1",
    "172.16.5.4",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",  # metadata of most clouds
    "169.254.170.2",  # of containers
    "100.64.0.1",  # carrier's NAT
    "100.100.100.200",  # metadata of another cloud
    "168.63.129.16",  # the machine beneath
    "192.0.0.192",  # metadata of another
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata over IPv6
    "fe80::1",
    "fec0::1",
    "ff02::1",
)
# The resolver of a machine reads these as 127.0.0.1, or as an address beside it.
WRITTEN = (
    "2130706433",
    "0x7f000001",
    "017700000001",
    "127.1",
    "0",
    "localhost",
    "2852039166",  # 169.254.169.254
)


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_inside_is_connected_to(address: str) -> None:
    assert not allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_the_internet_is(address: str) -> None:
    assert allowed(ip_address(address), ())


def test_a_network_of_our_own_is_where_it_was_named() -> None:
    named = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::9"):
        assert allowed(ip_address(address), named)
    for address in ("10.2.2.3", "fd00:2::9", "127.0.0.1"):
        assert not allowed(ip_address(address), named)


@pytest.mark.parametrize("host", WRITTEN)
async def test_a_name_is_what_it_stands_for(host: str) -> None:
    with pytest.raises(AddressRefusedError):
        await address_of(host, 443, ())


async def test_one_address_inside_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the second connection would go where the first was not allowed to."""
    mixed = [ip_address("93.184.215.14"), ip_address("10.0.0.1")]
    monkeypatch.setattr("shared.addresses._look_up", lambda _host, _port: mixed)
    with pytest.raises(AddressRefusedError, match="in a network"):
        await address_of("example.com", 443, ())
    monkeypatch.setattr("shared.addresses._look_up", lambda _host, _port: mixed[:1])
    assert await address_of("example.com", 443, ()) == mixed[0]
