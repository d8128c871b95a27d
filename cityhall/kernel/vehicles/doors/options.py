"""What city.toml says of the doors: `[service.vehicles.doors]`, or `[service.transit.doors]` as it was called first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings

from cityhall.engines.trackers import PROTOCOLS

NMEA_PORT = 10110
"""IANA's port for NMEA 0183."""
NTRIP_PORT = 2101
"""IANA's port for NTRIP."""
NAMES = ("vehicles", "transit")
"""Services under which the table may stand: the second is from when receivers were the buses' own."""


DANGER = ("sos", "general", "unknown", "accident", "fallDown")
"""Alarms of trackers that somebody must look at now."""


@dataclass(frozen=True, slots=True)
class Options:
    """`receiver_port` takes NMEA 0183 and UBX over TCP, `ntrip_port` gives out corrections; 0: that door is shut.

    `trackers` are the ports of trackers' protocols by their names, `tracker_alarms` the kinds of their alarms that are
    urgent.
    """

    host: str = "0.0.0.0"
    receiver_port: int = 0
    ntrip_port: int = 0
    trackers: Mapping[str, int] = field(default_factory=dict)
    tracker_alarms: tuple[str, ...] = DANGER


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
    trackers = table.get("trackers", {})
    if not isinstance(trackers, dict) or set(trackers) - set(PROTOCOLS):
        known = ", ".join(PROTOCOLS)
        raise ValueError(f"trackers in {where} names protocols and their ports: use {known}, as in {{ gt06 = 5023 }}.")
    ports = {"receiver_port": table.get("receiver_port", 0), "ntrip_port": table.get("ntrip_port", 0)}
    for name, port in [*ports.items(), *trackers.items()]:
        if type(port) is not int or not 0 <= port <= 65535:
            raise ValueError(f"{name} = {port!r} in {where} is no port: use 0 to 65535, 0 for none.")
    alarms = table.get("tracker_alarms", list(DANGER))
    if not isinstance(alarms, list) or not all(isinstance(one, str) for one in alarms):
        raise ValueError(f'tracker_alarms in {where} is no list of alarms: write ["sos", "general", "unknown"].')
    if not isinstance(table.get("host", ""), str):
        raise ValueError(f'host in {where} is no address: write host = "0.0.0.0".')
    return Options(**table | {"trackers": trackers, "tracker_alarms": tuple(alarms)})


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
    of_trackers = Receiver.objects.filter(protocol__in=PROTOCOLS)
    for name in sorted(set(of_trackers.values_list("protocol", flat=True))):
        if not doors.trackers.get(name):
            number, port = of_trackers.filter(protocol=name).count(), PROTOCOLS[name].port
            yield (
                "warning",
                f"vehicles: {number} trackers of {name} are registered, and their door is shut.",
                f"Write trackers = {{ {name} = {port} }} under service.vehicles.doors in city.toml.",
            )
    registered = Receiver.objects.exclude(address="mqtt").exclude(protocol__in=PROTOCOLS).count()
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
