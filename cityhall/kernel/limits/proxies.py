"""Who began a connection that came through the city's own web servers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas. Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(peer: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """Who began a connection that came from `peer` with this `X-Forwarded-For`; "" where nobody can say.

    Read from its end: each trusted proxy tells who came to it, and what stands before the first that is not trusted
    anybody may have written (RFC 7239, section 8.1).
    """
    trusted = tuple(trusted)
    told = forwarded.split(",") if forwarded else []
    client = read_address(peer)
    while client is not None and told and any(client in network for network in trusted):
        found = read_address(told.pop())
        if found is None:
            break
        client = found
    return str(client or "")


def household_of(address: str) -> str:
    """What counts as one source: an IPv4 address, and a household's /64 of IPv6 (RFC 6177)."""
    found = read_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


def read_address(text: str) -> Address | None:
    """An address with or without a port or brackets; one of IPv4 written as IPv6 is that of IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
