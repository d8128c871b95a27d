"""Where help is needed, by H3 cell: residents where the city knows them, else past alerts over an even floor."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from cityhall.engines.streets import PROFILES, Snap, StreetGraph
from cityhall.kernel.places import zones
from cityhall.kernel.places.cells import BLOCK, cells_of, center
from cityhall.services.safety.models import Alert

PAST = timedelta(days=365)
MOST = 50_000
FLOOR = 0.5
"""So much of the demand is spread evenly over all streets: where nobody has called yet somebody may."""
SNAP_M = 800.0
"""The middle of a cell is not further from its streets."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Cells with streets that cars may use, each with its `share` of the demand, and its place on the streets."""

    cells: list[int]
    share: npt.NDArray[np.float64]
    snaps: list[Snap | None]
    residents: bool


def demand(graph: StreetGraph, now: datetime) -> Demand:
    """The demand of the whole city; its shares sum to 1."""
    column = PROFILES.index("drive")
    crossings = np.unique(graph.tail[graph.main[:, column] & (graph.speed[:, column] > 0).any(axis=1)])
    cells = sorted(set(cells_of(graph.lon[crossings].tolist(), graph.lat[crossings].tolist(), BLOCK)))
    lon, lat = np.array([center(cell) for cell in cells]).reshape(-1, 2).T
    share, residents = _residents(lon, lat), True
    if share is None:
        share, residents = _calls(cells, now), False
    return Demand(cells, share, graph.network("drive").snap_all(lon, lat, SNAP_M), residents)


def _residents(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """Each zone's population spread evenly over its cells; None where no zone says how many live there."""
    known = zones.outlines()
    if not any(zone.population for zone, _outline in known):
        return None
    found = [zones.zone_at(*place, among=known) for place in zip(lon.tolist(), lat.tolist(), strict=True)]
    cells_in = Counter(zone.pk for zone in found if zone is not None)
    people = np.array([(zone.population or 0) / cells_in[zone.pk] if zone is not None else 0.0 for zone in found])
    return people / people.sum() if people.sum() > 0 else None


def _calls(cells: list[int], now: datetime) -> npt.NDArray[np.float64]:
    """Where real alerts of a year came from, over a floor that is even."""
    real = Alert.objects.filter(received_at__gte=now - PAST, exercise=False, part_of=None, point__isnull=False)
    points = real.exclude(outcome__in=("false", "defect")).order_by("-pk").values_list("point", flat=True)[:MOST]
    places = [point for point in points if point is not None]
    calls = Counter(cells_of([point.lon for point in places], [point.lat for point in places], BLOCK))
    counts = np.array([calls[cell] for cell in cells], np.float64)
    even = np.full(len(cells), 1.0 / max(1, len(cells)))
    return FLOOR * even + (1 - FLOOR) * counts / counts.sum() if counts.sum() > 0 else even
