"""Where we may connect to. Rule: nowhere inside our own network unless told so.

Whoever may name an address could otherwise look at what only our servers reach. So a name is looked
up once, every address behind it is checked, and the very address that was checked is connected to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import Executor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.errors import SellersError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Of all that IPv6 has, only this is the internet. Addresses that stand for others are outside.
PUBLIC_6 = ip_network("2000::/3")
# Public by their number, and no part of the internet: protocol assignments, where one cloud keeps
# its metadata, the machine beneath every machine of another, and tunnels that stand for others.
REFUSED = tuple(
    map(
        ip_network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2002::/16", "2001::/23")
    )
)
INSIDE = (
    "it is in a network to which nothing is sent and from which nothing is fetched, unless the "
    "deployment's file of defaults names it"
)


class AddressRefusedError(SellersError):
    """Nothing is connected to there, or nobody knows where that is."""


def network(text: str) -> str:
    """Return what names a network, as 10.1.0.0/16, or raise ValueError."""
    ip_network(text)
    return text


def allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether we may connect there: it is public, or of a network that was named for it."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    one = mapped or address
    if any(one in named for named in networks):
        return True
    if any(one in refused for refused in REFUSED):
        return False
    if isinstance(one, IPv6Address) and one not in PUBLIC_6:
        return False
    return one.is_global and not one.is_multicast


async def address_of(
    host: str, port: int, networks: Sequence[Network], threads: Executor | None = None
) -> Address:
    """Return an address behind a name. All of them have to be allowed: the next time it is another.

    Raises:
        AddressRefusedError: one is not, or there is none.

    """
    loop = asyncio.get_running_loop()
    try:
        addresses = await loop.run_in_executor(threads, _look_up, host, port)
    except (OSError, UnicodeError) as error:
        raise AddressRefusedError("nobody knows where that is") from error
    if not addresses or not all(allowed(one, networks) for one in addresses):
        raise AddressRefusedError(INSIDE)
    return addresses[0]


def _look_up(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
