"""Heat maps by H3 cell and counts by zone, as GeoJSON."""

from __future__ import annotations

from typing import Any

import h3
import numpy as np
import shapely

from cityhall.kernel.places.cells import cells_of, outline
from cityhall.kernel.places.zones import outlines
from cityhall.services.map.reading import Answers
from cityhall.services.map.selection import Selection

EDGE_DEGREES = 360.0 / 40_075_016.7
COARSEST, FINEST = 4, 11


def resolution_for(zoom: float) -> int:
    """The H3 resolution whose cells are about 30 px wide at a zoom."""
    return max(COARSEST, min(FINEST, round((zoom - 1.0) / 1.4)))


def _step(resolution: int) -> float:
    """A sixth of a cell's edge in degrees: how far points may be moved before they are counted."""
    return float(h3.average_hexagon_edge_length(resolution, unit="m")) * EDGE_DEGREES / 6


def heat(answers: Answers, selection: Selection, resolution: int) -> dict[str, Any]:
    """How many features lie in each H3 cell: a FeatureCollection of hexagons with `count` and `share` (of the most)."""
    lon, lat, weights = answers.places(selection, _step(resolution))
    cells, place = np.unique(np.array(cells_of(lon.tolist(), lat.tolist(), resolution), np.int64), return_inverse=True)
    counts = np.bincount(place, weights, cells.size)
    most = float(counts.max(initial=1.0))
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [outline(cell)]},
            "properties": {"count": int(count), "share": round(count / most, 4)},
        }
        for cell, count in zip(cells.tolist(), counts.tolist(), strict=True)
    ]
    return {"type": "FeatureCollection", "features": features, "most": int(most), "resolution": resolution}


def choropleth(answers: Answers, selection: Selection) -> dict[str, Any]:
    """How many features lie in each zone: `count`, and `rate` a thousand people where its population is known."""
    # Whole zones are counted, also those that the view cuts: half a district's number would be no number.
    whole = Selection(None, selection.since, selection.until, selection.values)
    lon, lat, weights = answers.places(whole, 0.0002)
    free = np.ones(lon.size, np.bool_)
    features = []
    for zone, shape in outlines():
        if zone.kind != "district":
            continue
        near = np.flatnonzero(
            free & (lon >= zone.west) & (lon <= zone.east) & (lat >= zone.south) & (lat <= zone.north)
        )
        inside = near[shapely.intersects_xy(shape, lon[near], lat[near])]
        # What lies on a border belongs to one side of it only.
        free[inside] = False
        count = int(weights[inside].sum())
        rate = round(count * 1000 / zone.population, 2) if zone.population else None
        features.append(
            {
                "type": "Feature",
                "geometry": zone.geometry,
                "properties": {"name": zone.name, "count": count, "rate": rate, "population": zone.population},
            }
        )
    most = max((feature["properties"]["count"] for feature in features), default=0)
    for feature in features:
        feature["properties"]["share"] = round(feature["properties"]["count"] / most, 4) if most else 0
    return {"type": "FeatureCollection", "features": features, "most": most}
