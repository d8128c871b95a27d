"""Looking at the states of all vehicles for what is out of the ordinary. No database: values in, findings out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cityhall.engines.headway import gaps

LONGEST_SILENCE_S = 3600.0
"""After this a silent vehicle is taken to be off the road."""
MANY, UNHEARD_S = 4, 30.0
"""So many vehicles, more than half of them unheard for so long: then a receiver is not what is at fault."""
STEP_S = (0.3, 3.0)
"""Speeds so far apart tell an acceleration; over longer times a stop in between could hide."""
MOVED_M = 12.0
"""Less than this is no movement, whatever the receiver's noise says."""
ENDS_M = 120.0
"""At the ends of a line buses stand together as they should."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A vehicle as its state has it, and as the timetable knows its trip. Seconds, metres, m/s; NaN for not known.

    `phase` is usual seconds of travel from the trip's start to where it is, `planned_gap` the headway that is meant
    there; `due_end` when its trip should be over (Unix seconds); `round_s` the length of a round of a loop, NaN else.
    """

    vehicle: str
    at: float
    lon: float
    lat: float
    speed: float = math.nan
    status: str = "unmatched"
    delay: float = math.nan
    route: str = ""
    direction: int = -1
    trip: str = ""
    at_stop: bool = False
    along: float = math.nan
    length: float = math.nan
    phase: float = math.nan
    planned_gap: float = math.nan
    due_end: float = math.nan
    round_s: float = math.nan
    headway_line: bool = False


@dataclass(slots=True)
class Track:
    """What is remembered of a vehicle from look to look."""

    at: float
    speed: float
    still_since: float
    lon: float
    lat: float


@dataclass
class Memory:
    """What the watch remembers; empty after a start, and full again after one look."""

    tracks: dict[str, Track] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's value for a vehicle now, ordinary or not. `other` is the vehicle it is bunched with."""

    rule: str
    vehicle: str
    value: float
    other: str = ""


def look(states: Sequence[Seen], now: float, memory: Memory) -> list[Finding]:
    """Every value that a rule of `rules.py` is about, of every vehicle; `memory` is changed."""
    found: list[Finding] = []
    blind = deaf(states, now)
    for seen in states:
        found += [one for one in _alone(seen, now, memory) if not (blind and one.rule == "silent")]
    found += _bunched([seen for seen in states if now - seen.at < 60])
    heard = {seen.vehicle for seen in states}
    for gone in set(memory.tracks) - heard:
        del memory.tracks[gone]
    return found


def deaf(states: Sequence[Seen], now: float) -> bool:
    """Whether it is we who do not hear: most of the vehicles on trips have fallen silent together."""
    ages = [now - seen.at for seen in states if seen.trip and now - seen.at < LONGEST_SILENCE_S]
    return len(ages) >= MANY and sum(age > UNHEARD_S for age in ages) > len(ages) / 2


def _alone(seen: Seen, now: float, memory: Memory) -> list[Finding]:
    name, silence = seen.vehicle, now - seen.at
    on_trip = bool(seen.trip) and seen.status not in ("unmatched",)
    found = []
    ending = seen.due_end < seen.at + 180 or seen.along > seen.length - ENDS_M
    if on_trip and silence < LONGEST_SILENCE_S and not ending:
        # A vehicle that ends its work falls silent too, and should.
        found.append(Finding("silent", name, silence))
    if silence > 60:
        return found
    if on_trip and not math.isnan(seen.delay) and not seen.headway_line:
        # A line that runs by headway has no timetable to be late by.
        found += [Finding("late", name, seen.delay), Finding("early", name, -seen.delay)]
    found.append(Finding("off_route", name, float(seen.status == "off_route")))
    found.append(Finding("wrong_way", name, float(seen.status == "wrong_way")))
    if not math.isnan(seen.speed):
        found.append(Finding("speeding", name, seen.speed))
    return found + _moved(seen, on_trip, memory)


def _moved(seen: Seen, on_trip: bool, memory: Memory) -> list[Finding]:
    """Hard braking and standing still, which need what was there before."""
    found: list[Finding] = []
    before = memory.tracks.get(seen.vehicle)
    if before is None:
        memory.tracks[seen.vehicle] = Track(seen.at, seen.speed, seen.at, seen.lon, seen.lat)
        return found
    span = seen.at - before.at
    if STEP_S[0] <= span <= STEP_S[1] and not math.isnan(seen.speed) and not math.isnan(before.speed):
        found.append(Finding("braking", seen.vehicle, (before.speed - seen.speed) / span))
    if span > 0:
        before.at, before.speed = seen.at, seen.speed
    east = (seen.lon - before.lon) * math.cos(math.radians(seen.lat))
    if math.hypot(east, seen.lat - before.lat) * 111_195 > MOVED_M or seen.at_stop or not on_trip or _at_end(seen):
        before.still_since, before.lon, before.lat = seen.at, seen.lon, seen.lat
    found.append(Finding("standing", seen.vehicle, seen.at - before.still_since))
    return found


def _at_end(seen: Seen) -> bool:
    return seen.along < ENDS_M or seen.along > seen.length - ENDS_M


def _bunched(states: Sequence[Seen]) -> list[Finding]:
    """The gap of each vehicle to the one before it on its line, as a share of what is meant."""
    lines: dict[tuple[str, int], list[Seen]] = defaultdict(list)
    for seen in states:
        if seen.route and not math.isnan(seen.phase) and seen.status in ("on_route", "reckoned"):
            lines[seen.route, seen.direction].append(seen)
    found = []
    for together in lines.values():
        round_s = together[0].round_s
        apart = gaps(np.array([seen.phase for seen in together]), None if math.isnan(round_s) else round_s)
        for place, seen in enumerate(together):
            if math.isnan(seen.planned_gap) or seen.planned_gap <= 0:
                continue
            ahead = apart.ahead[place]
            share = 9.0 if math.isnan(ahead) or _at_end(seen) else float(ahead) / seen.planned_gap
            other = together[apart.before[place]].vehicle if apart.before[place] >= 0 else ""
            found.append(Finding("bunched", seen.vehicle, round(share, 3), other))
    return found
