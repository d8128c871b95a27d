"""What the fleet room shows: every vehicle on the road with what is out of the ordinary about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from cityhall.kernel.errors import Unavailable
from cityhall.services.transit import timetables
from cityhall.services.transit.control import runs
from cityhall.services.transit.control.holding import Hold, holds
from cityhall.services.transit.control.rules import RULES
from cityhall.services.transit.control.watch import Seen
from cityhall.services.transit.models import Episode, VehicleState

KEPT = timedelta(hours=1)
"""A vehicle not heard for longer is off the road."""
UNHEARD = timedelta(minutes=10)
"""A vehicle not heard for longer is not counted as on the road; it is shown while something of it is open."""
COLORS = {"ok": "#1a7f4b", "warn": "#b8860b", "bad": "#b3261e", "off": "#76828f"}
ORDER = {rule.slug: place for place, rule in enumerate(RULES)}
LEVELS = {rule.slug: rule.level for rule in RULES}


@dataclass(frozen=True, slots=True)
class Row:
    """A vehicle as the fleet room shows it. `states` are the rules of its open episodes, the worst first.

    `level` is ok, warn, bad, or off for one on no trip; `gap` its distance to the one ahead as a share of what is
    meant; `hold_s` what its driver is advised, None where the line runs by a timetable; `stale` whether it was not
    heard for UNHEARD.
    """

    vehicle: str
    kind: str
    line: str
    route: str
    headsign: str
    trip: str
    lon: float
    lat: float
    at: float
    states: tuple[str, ...]
    level: str
    delay_s: int | None
    speed_kmh: int | None
    fix: int
    accuracy_m: float
    occupancy: int | None
    next_stop: str
    bearing: int | None
    hold_s: int | None
    hold_reason: str
    ahead_s: int | None
    behind_s: int | None
    stale: bool = False

    def feature(self) -> dict[str, Any]:
        """As GeoJSON, for the map and for the table alike."""
        values = asdict(self) | {"id": self.vehicle, "name": self.line or self.vehicle, "color": COLORS[self.level]}
        values["states"] = " ".join(self.states)
        values["url"] = f"/transit/control/vehicles/{self.vehicle}/"
        place = [values.pop("lon"), values.pop("lat")]
        return {
            "type": "Feature",
            "id": self.vehicle,
            "geometry": {"type": "Point", "coordinates": place},
            "properties": values,
        }


def states_now(now: datetime | None = None) -> list[VehicleState]:
    """States of all vehicles heard of within KEPT, hidden ones too."""
    since = (now or timezone.now()) - KEPT
    found = VehicleState.objects.filter(at__gte=since, vehicle__enabled=True).select_related("vehicle")
    return list(found.defer("memory").order_by("vehicle__public_id"))


def seen(states: Sequence[VehicleState], now: datetime | None = None) -> list[Seen]:
    """The states as the watch looks at them, with what the timetable says of their trips."""
    now = now or timezone.now()
    try:
        timetables.service()
    except Unavailable:
        return [_seen(state, None, now) for state in states]
    return [_seen(state, _trip(state), now) for state in states]


def _trip(state: VehicleState) -> runs.Trip | None:
    """The trip it is on; a school bus is on none, wherever it drives along."""
    return None if state.vehicle.hidden or not state.trip else runs.find(state.trip)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _seen(state: VehicleState, trip: runs.Trip | None, now: datetime) -> Seen:
    known: dict[str, Any] = {}
    if trip is not None:
        day = runs.service_day(state.service_day, trip, now)
        known = {
            "length": trip.length,
            "planned_gap": runs.planned_gap(trip, day),
            "due_end": trip.moment(day, -1).timestamp() + max(0, state.delay_s or 0),
            "round_s": trip.round_s(),
            "headway_line": trip.headway_line,
            "phase": math.nan if state.along_m is None else trip.phase(state.along_m),
        }
    return Seen(
        vehicle=state.vehicle.public_id,
        at=state.at.timestamp(),
        lon=state.point.lon,
        lat=state.point.lat,
        speed=_number(state.speed),
        status=VehicleState.Status.UNMATCHED if state.vehicle.hidden else state.status,
        delay=_number(state.delay_s),
        route=trip.route if trip is not None else "" if state.vehicle.hidden else state.route,
        direction=trip.direction if trip is not None else state.direction,
        trip="" if state.vehicle.hidden else state.trip,
        at_stop=state.at_stop,
        along=_number(state.along_m),
        **known,
    )


def rows(
    states: Sequence[VehicleState], looked: Sequence[Seen], episodes: Sequence[Episode], now: datetime | None = None
) -> list[Row]:
    """The rows, those that need somebody first."""
    now = now or timezone.now()
    opened: dict[str, list[str]] = {}
    for episode in episodes:
        opened.setdefault(episode.vehicle, []).append(episode.rule)
    advised = holds(list(looked))
    found = [
        replace(
            _row(state, what, opened.get(state.vehicle.public_id, []), advised.get(state.vehicle.public_id)),
            stale=now - state.at >= UNHEARD,
        )
        for state, what in zip(states, looked, strict=True)
        if now - state.at < UNHEARD or state.vehicle.public_id in opened
    ]
    return sorted(found, key=lambda row: (("bad", "warn", "ok", "off").index(row.level), row.line, row.vehicle))


def _row(state: VehicleState, what: Seen, rules: list[str], hold: Hold | None) -> Row:
    states = tuple(sorted(rules, key=lambda rule: (LEVELS.get(rule) != "bad", ORDER.get(rule, 99))))
    level = "bad" if any(LEVELS.get(rule) == "bad" for rule in states) else "warn" if states else "ok"
    trip = _trip(state) if not math.isnan(what.length) else None
    if not states and not what.trip and not state.vehicle.hidden:
        level = "off"
    return Row(
        vehicle=state.vehicle.public_id,
        kind=state.vehicle.kind,
        line=trip.line if trip else "" if state.vehicle.hidden else state.line,
        route=what.route,
        headsign=trip.headsign if trip else state.vehicle.kind_name if state.vehicle.hidden else "",
        trip=what.trip,
        lon=round(state.point.lon, 6),
        lat=round(state.point.lat, 6),
        at=round(state.at.astimezone(UTC).timestamp(), 1),
        states=states,
        level=level,
        delay_s=None if what.headway_line or state.vehicle.hidden else state.delay_s,
        speed_kmh=None if state.speed is None else round(state.speed * 3.6),
        fix=state.fix_class,
        accuracy_m=round(state.accuracy_m, 1),
        occupancy=state.occupancy,
        next_stop=_stop_name(trip, state.next_sequence),
        bearing=None if state.bearing is None else round(state.bearing),
        hold_s=None if hold is None else round(hold.hold_s),
        hold_reason="" if hold is None else hold.reason,
        ahead_s=None if hold is None or math.isnan(hold.ahead) else round(hold.ahead),
        behind_s=None if hold is None or math.isnan(hold.behind) else round(hold.behind),
    )


def _stop_name(trip: runs.Trip | None, sequence: int | None) -> str:
    if trip is None or sequence is None or not 0 <= sequence < len(trip.stops):
        return ""
    return str(timetables.service().schedule.stops.name[trip.stops[sequence]])


def geojson(bounds: tuple[float, float, float, float] | None = None) -> dict[str, Any]:
    """The fleet as a layer, hidden vehicles too: for those who may see it. A box leaves nothing out: it is small."""
    return {"type": "FeatureCollection", "features": [row.feature() for row in now_rows()]}


def now_rows() -> list[Row]:
    """The rows as of now."""
    now = timezone.now()
    states = states_now(now)
    return rows(states, seen(states, now), list(Episode.objects.filter(ended_at=None)), now)


def line_names() -> dict[str, str]:
    """Routes by GTFS id as riders know them."""
    try:
        service = timetables.service()
    except Unavailable:
        return {}
    return {route: service.line(row) for route, row in service.route_rows.items()}
