"""Where vehicles were, as the one map replays it: from the history, for those that everybody may see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from cityhall.kernel.places.declares import Sighting
from cityhall.kernel.vehicles.kinds import public_kinds
from cityhall.kernel.vehicles.models import WAS_PUBLIC_SQL
from cityhall.services.transit.models import FeedVersion, Line
from cityhall.services.transit.realtime.history import TABLE

MOST = 400_000
"""Sightings of one answer: an hour of a thousand vehicles."""
_SQL = f"""
SELECT at, vehicle, lon, lat, bearing, status, route, delay_s FROM {TABLE} h
WHERE day BETWEEN %s AND %s AND at >= %s AND at < %s AND {WAS_PUBLIC_SQL}
ORDER BY at LIMIT %s
"""


def sightings(start: datetime, end: datetime) -> Iterator[Sighting]:
    """Every vehicle's places between two moments, in order; those of hidden vehicles never."""
    zone = settings.CITY.zone
    lines = {
        line.gtfs_id: (line.short_name, f"#{line.color}" if line.color else "")
        for line in Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE)
    }
    # A vehicle whose day is over by the city's clock may still be on its way for a moment.
    days = [start.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date()]
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [*days, start, end, list(public_kinds()), MOST])
        rows = cursor.fetchall()
    for at, vehicle, lon, lat, bearing, status, route, delay in rows:
        name, color = lines.get(route, ("", ""))
        told = {"id": vehicle, "name": name, "color": color, "bearing": bearing, "status": status, "delay": delay}
        yield Sighting(vehicle, at, lon, lat, told)
