"""What city.toml says of the systems that are polled: `[[service.transit.vehicle_positions]]`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from cityhall.kernel.vehicles.doors.options import only_known
from cityhall.kernel.vehicles.queries import broken_rules, unread_feeds
from cityhall.services.transit.doors.rules import RULES


@dataclass(frozen=True, slots=True)
class Source:
    """Another system's GTFS-Realtime VehiclePositions. `prefix` goes before its vehicles' ids, so none are mixed up.

    Headers with keys are in secrets.json: `{"vehicle_positions": {NAME: {"X-Api-Key": "..."}}}`.
    """

    name: str
    url: str
    every_s: float = 10.0
    prefix: str = ""


def sources() -> tuple[Source, ...]:
    """The feeds to poll. Raises ValueError that says what to mend."""
    listed = settings.CITY.options.get("transit", {}).get("vehicle_positions", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ValueError("write each feed as a table of its own: [[service.transit.vehicle_positions]].")
    found = tuple(_source(item) for item in listed)
    if len({source.name for source in found}) < len(found):
        raise ValueError("two of [[service.transit.vehicle_positions]] have one name: rename one.")
    return found


def _source(item: dict[str, Any]) -> Source:
    only_known(item, Source, "[[service.transit.vehicle_positions]]")
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


def check() -> Iterator[tuple[str, str, str]]:
    """(level, what, mend) of every finding."""
    try:
        feeds = sources()
    except ValueError as problem:
        yield "error", f"transit: {problem}", "Mend city.toml and start the city anew."
        return
    for feed in feeds:
        if urlsplit(feed.url).scheme == "http":
            yield "warning", f"transit: the vehicle positions {feed.name} come unprotected.", "Use its https address."
        yield "ok", f"transit: the vehicle positions {feed.name} are asked for every {feed.every_s:g} s.", ""
    for device, times in unread_feeds():
        yield (
            "warning",
            f"transit: {device} could not be read {times} times in the last seven days.",
            "See that its address answers with GTFS-Realtime; the log says what came instead.",
        )
    broken: dict[str, list[str]] = {}
    for rule in broken_rules():
        broken.setdefault(rule["device"], []).append(f"{rule['reason']} ({rule['count']})")
    for device, rules in broken.items():
        yield (
            "warning",
            f"transit: {device} broke rules of GTFS-Realtime in the last seven days: {', '.join(rules)}.",
            f"Tell whoever makes it; the rules are at {RULES.home}.",
        )
