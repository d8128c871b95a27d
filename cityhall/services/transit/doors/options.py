"""What city.toml says of the doors: `[service.transit.doors]` and `[[service.transit.vehicle_positions]]`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from cityhall.services.transit.doors.judging import RULES_AT

NMEA_PORT = 10110
"""IANA's port for NMEA 0183."""
NTRIP_PORT = 2101
"""IANA's port for NTRIP."""


@dataclass(frozen=True, slots=True)
class Options:
    """`receiver_port` takes NMEA 0183 and UBX over TCP, `ntrip_port` gives out corrections; 0: that door is shut."""

    host: str = "0.0.0.0"
    receiver_port: int = 0
    ntrip_port: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Another system's GTFS-Realtime VehiclePositions. `prefix` goes before its vehicles' ids, so none are mixed up.

    Headers with keys are in secrets.json: `{"vehicle_positions": {NAME: {"X-Api-Key": "..."}}}`.
    """

    name: str
    url: str
    every_s: float = 10.0
    prefix: str = ""


def _table() -> dict[str, Any]:
    return settings.CITY.options.get("transit", {})


def options() -> Options:
    """What is configured. Raises ValueError that says what to mend."""
    table = _table().get("doors", {})
    if not isinstance(table, dict):
        raise ValueError("`doors` is not a table: write it as [service.transit.doors].")
    _only_known(table, Options, "[service.transit.doors]")
    for name in ("receiver_port", "ntrip_port"):
        port = table.get(name, 0)
        if type(port) is not int or not 0 <= port <= 65535:
            raise ValueError(f"{name} = {port!r} in [service.transit.doors] is no port: use 0 to 65535, 0 for none.")
    if not isinstance(table.get("host", ""), str):
        raise ValueError('host in [service.transit.doors] is no address: write host = "0.0.0.0".')
    return Options(**table)


def sources() -> tuple[Source, ...]:
    """The feeds to poll. Raises ValueError that says what to mend."""
    listed = _table().get("vehicle_positions", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ValueError("write each feed as a table of its own: [[service.transit.vehicle_positions]].")
    found = tuple(_source(item) for item in listed)
    if len({source.name for source in found}) < len(found):
        raise ValueError("two of [[service.transit.vehicle_positions]] have one name: rename one.")
    return found


def _source(item: dict[str, Any]) -> Source:
    _only_known(item, Source, "[[service.transit.vehicle_positions]]")
    name, url, every = item.get("name"), item.get("url"), item.get("every_s", 10.0)
    if not isinstance(name, str) or not name or len(name) > 50:
        raise ValueError("a feed of [[service.transit.vehicle_positions]] has no name (at most 50 letters).")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError(f'the vehicle positions {name!r} have no address: write url = "https://...".')
    if isinstance(every, bool) or not isinstance(every, int | float) or not 1 <= every <= 3600:
        raise ValueError(f"every_s of the vehicle positions {name!r} must be 1 to 3600 seconds.")
    if not isinstance(item.get("prefix", ""), str):
        raise ValueError(f"prefix of the vehicle positions {name!r} must be a text.")
    return Source(**item)


def _only_known(table: dict[str, Any], kind: type, where: str) -> None:
    known = [one.name for one in fields(kind)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ValueError(f"{where} has {', '.join(unknown)}, which is not known: use {', '.join(known)}.")


def check() -> Iterator[tuple[str, str, str]]:
    """(level, what, mend) of every finding."""
    from cityhall.services.transit.doors.queries import broken_rules
    from cityhall.services.transit.models import Receiver

    try:
        doors = options()
        feeds = sources()
    except ValueError as problem:
        yield "error", f"transit: {problem}", "Mend city.toml and start the city anew."
        return
    registered = Receiver.objects.exclude(address="mqtt").count()
    if registered and not doors.receiver_port:
        yield (
            "warning",
            f"transit: {registered} receivers are registered for TCP, and the door is shut.",
            f"Write receiver_port = {NMEA_PORT} under service.transit.doors in city.toml.",
        )
    elif doors.receiver_port:
        yield "ok", f"transit: receivers are taken on port {doors.receiver_port}; {registered} are registered.", ""
    waiting = Receiver.objects.filter(address="mqtt").count()
    if waiting and not settings.MQTT_URL:
        yield (
            "warning",
            f"transit: {waiting} receivers are registered for MQTT, and no broker is named.",
            "Set MQTT_URL.",
        )
    for feed in feeds:
        if urlsplit(feed.url).scheme == "http":
            yield "warning", f"transit: the vehicle positions {feed.name} come unprotected.", "Use its https address."
        yield "ok", f"transit: the vehicle positions {feed.name} are asked for every {feed.every_s:g} s.", ""
    broken: dict[str, list[str]] = {}
    for rule in broken_rules():
        broken.setdefault(rule["device"], []).append(f"{rule['reason']} ({rule['count']})")
    for device, rules in broken.items():
        yield (
            "warning",
            f"transit: {device} broke rules of GTFS-Realtime in the last seven days: {', '.join(rules)}.",
            f"Tell whoever makes it; the rules are at {RULES_AT}.",
        )
