"""What city.toml says of the doors: `[service.vehicles.doors]`, or `[service.transit.doors]` as it was called first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings

NMEA_PORT = 10110
"""IANA's port for NMEA 0183."""
NTRIP_PORT = 2101
"""IANA's port for NTRIP."""
NAMES = ("vehicles", "transit")
"""Services under which the table may stand: the second is from when receivers were the buses' own."""


@dataclass(frozen=True, slots=True)
class Options:
    """`receiver_port` takes NMEA 0183 and UBX over TCP, `ntrip_port` gives out corrections; 0: that door is shut."""

    host: str = "0.0.0.0"
    receiver_port: int = 0
    ntrip_port: int = 0


def options() -> Options:
    """What is configured. Raises ValueError that says what to mend."""
    found = [name for name in NAMES if "doors" in settings.CITY.options.get(name, {})]
    if not found:
        return Options()
    where = f"[service.{found[0]}.doors]"
    if len(found) > 1:
        raise ValueError(f"the doors are described twice: keep {where} and take [service.{found[1]}.doors] away.")
    table = settings.CITY.options[found[0]]["doors"]
    if not isinstance(table, dict):
        raise ValueError(f"`doors` is not a table: write it as {where}.")
    only_known(table, Options, where)
    for name in ("receiver_port", "ntrip_port"):
        port = table.get(name, 0)
        if type(port) is not int or not 0 <= port <= 65535:
            raise ValueError(f"{name} = {port!r} in {where} is no port: use 0 to 65535, 0 for none.")
    if not isinstance(table.get("host", ""), str):
        raise ValueError(f'host in {where} is no address: write host = "0.0.0.0".')
    return Options(**table)


def only_known(table: dict[str, Any], kind: type, where: str) -> None:
    """Raises ValueError where a table holds what is no field of the dataclass `kind`."""
    known = [one.name for one in fields(kind)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ValueError(f"{where} has {', '.join(unknown)}, which is not known: use {', '.join(known)}.")


def check() -> Iterator[tuple[str, str, str]]:
    """(level, what, mend) of every finding."""
    from cityhall.kernel.vehicles.models import Receiver

    try:
        doors = options()
    except ValueError as problem:
        yield "error", f"vehicles: {problem}", "Mend city.toml and start the city anew."
        return
    registered = Receiver.objects.exclude(address="mqtt").count()
    if registered and not doors.receiver_port:
        yield (
            "warning",
            f"vehicles: {registered} receivers are registered for TCP, and the door is shut.",
            f"Write receiver_port = {NMEA_PORT} under service.vehicles.doors in city.toml.",
        )
    elif doors.receiver_port:
        yield "ok", f"vehicles: receivers are taken on port {doors.receiver_port}; {registered} are registered.", ""
    waiting = Receiver.objects.filter(address="mqtt").count()
    if waiting and not settings.MQTT_URL:
        yield (
            "warning",
            f"vehicles: {waiting} receivers are registered for MQTT, and no broker is named.",
            "Set MQTT_URL.",
        )
