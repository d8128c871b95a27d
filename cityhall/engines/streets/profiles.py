"""Who may use a way, in which direction and how fast.

Source: OpenStreetMap wiki, "OSM tags for routing/Access restrictions" and "Key:highway"; speeds by class are those a
city sees outside the peak, not the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Profile = Literal["walk", "wheelchair", "bike", "drive"]
PROFILES: tuple[Profile, ...] = ("walk", "wheelchair", "bike", "drive")
WALK_SPEED = 1.33  # m/s
BIKE_SPEED = 4.4
STEPS_SPEED = 0.7

DRIVE_SPEED = {  # m/s
    "motorway": 24.0,
    "motorway_link": 14.0,
    "trunk": 18.0,
    "trunk_link": 12.0,
    "primary": 12.0,
    "primary_link": 10.0,
    "secondary": 11.0,
    "secondary_link": 9.0,
    "tertiary": 9.5,
    "tertiary_link": 8.0,
    "unclassified": 8.0,
    "residential": 7.0,
    "living_street": 3.0,
    "service": 4.0,
}
ON_FOOT = frozenset(DRIVE_SPEED) - {"motorway", "motorway_link"} | {
    "footway",
    "path",
    "pedestrian",
    "steps",
    "track",
    "cycleway",
    "bridleway",
    "corridor",
    "platform",
}
BY_BIKE = (ON_FOOT - {"steps", "footway", "corridor", "platform", "bridleway", "trunk", "trunk_link"}) | {"cycleway"}
NO = frozenset({"no", "private", "military", "customers", "delivery", "agricultural", "forestry"})
YES = frozenset({"yes", "designated", "permissive", "destination", "official"})
ROUGH = frozenset({"unpaved", "gravel", "dirt", "ground", "sand", "grass", "mud", "cobblestone", "pebblestone"})


class Use(NamedTuple):
    """Speeds along a way and against it, m/s; 0 where it may not be used."""

    forward: float
    backward: float


NOT = Use(0.0, 0.0)


def _access(tags: Mapping[str, str], keys: tuple[str, ...]) -> bool | None:
    """What the most particular of `keys` that is set says; None where none is, and the kind of way decides.

    `access=yes` opens a way to all that it is built for: it lets nobody walk on a motorway or ride down steps.
    """
    for key in keys:
        value = tags.get(key)
        if value in NO:
            return False
        if value in YES:
            return True if key != "access" else None
    return None


def _oneway(tags: Mapping[str, str], *keys: str) -> int:
    """1 along the way only, -1 against it only, 0 both."""
    for key in keys:
        value = tags.get(key)
        if value in ("yes", "true", "1"):
            return 1
        if value in ("-1", "reverse"):
            return -1
        if value in ("no", "false", "0"):
            return 0
    if tags.get("junction") in ("roundabout", "circular"):
        return 1
    return 1 if tags.get("highway") in ("motorway", "motorway_link") else 0


def _directed(speed: float, oneway: int) -> Use:
    return Use(speed if oneway >= 0 else 0.0, speed if oneway <= 0 else 0.0)


def walk(tags: Mapping[str, str]) -> Use:
    """On foot: everywhere but motorways, against one-way streets too."""
    kind = tags.get("highway", "")
    allowed = _access(tags, ("foot", "access"))
    if allowed is False or (allowed is None and kind not in ON_FOOT) or kind in ("construction", "proposed"):
        return NOT
    speed = STEPS_SPEED if kind == "steps" else WALK_SPEED
    return _directed(speed, _oneway({"oneway": tags.get("oneway:foot", "no")}, "oneway"))


def wheelchair(tags: Mapping[str, str]) -> Use:
    """As on foot, without steps, rough ground and what is tagged as impossible."""
    given = tags.get("wheelchair")
    if tags.get("highway") == "steps":
        if given == "no" or tags.get("ramp:wheelchair") != "yes":
            return NOT
        return walk({**tags, "highway": "footway"})
    if given == "no":
        return NOT
    if given not in ("yes", "designated", "limited") and tags.get("surface") in ROUGH - {"cobblestone"}:
        return NOT
    return walk(tags)


def bike(tags: Mapping[str, str]) -> Use:
    """By bicycle: slower on rough ground, pushed on stairs, against one-way streets where a sign or lane allows it."""
    kind = tags.get("highway", "")
    allowed = _access(tags, ("bicycle", "vehicle", "access"))
    if allowed is False or (allowed is None and kind not in BY_BIKE):
        return NOT
    speed = BIKE_SPEED * (0.7 if tags.get("surface") in ROUGH else 1.0)
    if kind in ("footway", "pedestrian", "path") and tags.get("bicycle") != "designated":
        speed = min(speed, 2.8)
    if kind == "steps":
        speed = STEPS_SPEED
    contraflow = any(tags.get(key, "").startswith("opposite") for key in ("cycleway", "cycleway:left"))
    if contraflow or tags.get("oneway:bicycle") == "no":
        return Use(speed, speed)
    return _directed(speed, _oneway(tags, "oneway:bicycle", "oneway"))


def drive(tags: Mapping[str, str]) -> Use:
    """By car: by the class of the road, never faster than its limit."""
    speed = DRIVE_SPEED.get(tags.get("highway", ""))
    if speed is None or _access(tags, ("motorcar", "motor_vehicle", "vehicle", "access")) is False:
        return NOT
    limit = _limit(tags.get("maxspeed", ""))
    if limit:
        speed = min(speed, limit) if tags.get("highway") not in ("motorway", "trunk") else limit * 0.85
    return _directed(speed, _oneway(tags, "oneway:motor_vehicle", "oneway"))


def _limit(text: str) -> float:
    """A maxspeed in m/s, 0 where it is no number of at most three figures."""
    number, _, unit = text.partition(" ")
    if not number.isdecimal() or len(number) > 3:
        return 0.0
    return int(number) / (2.237 if unit == "mph" else 3.6)


RULES = {"walk": walk, "wheelchair": wheelchair, "bike": bike, "drive": drive}
