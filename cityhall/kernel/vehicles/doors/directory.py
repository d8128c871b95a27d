"""Which receivers may speak, from where: the registry as a process remembers it, read anew every few seconds."""

from __future__ import annotations

import ipaddress
import logging
import threading
from dataclasses import dataclass

from cityhall.kernel.vehicles.models import Receiver

READ_EVERY_S = 5.0
"""A receiver that is registered, changed or switched off is noticed within this time."""
GNSS = frozenset({"nmea", "ubx"})
"""Protocols of receivers; all others are trackers'."""
MQTT = "mqtt"
"""`Receiver.address` of one that comes through the broker, which says who may publish on its topic."""

log = logging.getLogger("cityhall.transit.doors")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Known:
    """A receiver that may speak. `pk` is its device's; `network` where it may connect from, None for the broker.

    `words` are what its device's properties say of a tracker ("model=VL103", "utc_offset_s=0").
    """

    pk: int
    public_id: str
    vehicle: str
    protocol: str
    network: Network | None
    words: tuple[str, ...] = ()


def network_of(address: str) -> Network | None:
    """The network that a registered address names, None for MQTT. Raises ValueError where it is neither."""
    return None if address == MQTT else ipaddress.ip_network(address, strict=True)


class Directory:
    """All the receivers of the city of some protocols that are switched on. One thread refreshes it, others look up.

    `ready` is set once it has been read.
    """

    def __init__(self, protocols: frozenset[str] = GNSS) -> None:
        self.protocols = protocols
        self.ready = threading.Event()
        self.by_id: dict[str, Known] = {}
        self._by_network: dict[Network, tuple[Known, ...]] = {}

    def refresh(self) -> None:
        """Reads the registry. Raises Django's database errors, and then knows what it knew."""
        rows = Receiver.objects.filter(
            device__enabled=True, vehicle__enabled=True, protocol__in=self.protocols
        ).values_list(
            "device_id", "device__public_id", "vehicle__public_id", "protocol", "address", "device__properties"
        )
        known = []
        for row in rows:
            try:
                known.append(Known(*row[:4], network_of(row[4]), _words(row[5])))
            except ValueError:
                # One that somebody wrote past the actions keeps the others' doors open; it is not heard itself.
                log.error("receiver %s may not speak: its address %r is none", row[1], row[4])
        by_network: dict[Network, list[Known]] = {}
        for one in known:
            if one.network is not None:
                by_network.setdefault(one.network, []).append(one)
        self.by_id = {one.public_id: one for one in known}
        self._by_network = {network: tuple(there) for network, there in by_network.items()}
        self.ready.set()

    def at(self, address: str) -> list[Known]:
        """The receivers that may connect from an IP address."""
        ip = _ip(address)
        found: list[Known] = []
        # Most are registered for one address, or all of an operator's for one network: there are few to look through.
        for length in {network.prefixlen for network in self._by_network if network.version == ip.version}:
            found += self._by_network.get(ipaddress.ip_network((ip, length), strict=False), ())
        return found

    def find(self, public_id: str, address: str) -> Known | None:
        """The receiver of that id, where it may connect from that IP address."""
        known = self.by_id.get(public_id)
        if known is None or known.network is None or _ip(address) not in known.network:
            return None
        return known


def _words(properties: object) -> tuple[str, ...]:
    said = properties.get("tracker") if isinstance(properties, dict) else None
    return tuple(map(str, said)) if isinstance(said, list) else ()


def _ip(address: str) -> Address:
    ip = ipaddress.ip_address(address.partition("%")[0])
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
