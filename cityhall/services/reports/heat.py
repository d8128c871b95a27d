"""How many reports lie where: a roll-up by H3 cell that is right at every moment and holds no writer up.

A change adds rows of +1 and -1 in its own transaction; a job folds them. Reading sums both, so it does not matter
when the job ran. Coarser cells come from the number of the fine one: an H3 index holds its parents
(https://h3geo.org/docs/core-library/h3Indexing/: the resolution in bits 52 to 55, three bits a digit below).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import h3
from django.db import connection, transaction

from cityhall.kernel.cases.workflow import OPEN
from cityhall.kernel.places.cells import outline, spans
from cityhall.kernel.places.point import EARTH_RADIUS_M
from cityhall.services.reports.models import CellCount, Report

Bounds = tuple[float, float, float, float]
FINE = 9
"""Resolution of the roll-up: hexagons of about 200 m edges."""
SENSITIVE = 8
"""Resolution to which the place of a sensitive report is coarsened: about 530 m edges."""
COARSEST = 5


def count(report: Report, delta: int) -> CellCount:
    """The row to add for a report that appears (+1) or goes (-1)."""
    return CellCount(cell=report.cell, category_id=report.category_id, open=report.state in OPEN, count=delta)


def fold() -> int:
    """Puts the rows of each cell, category and openness together into one; gives how many rows there were."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Only where there is something to put together: a quiet city is not written anew every minute. Rows that are
        # being added meanwhile are not seen and stay for the next time.
        cursor.execute(
            """
            WITH several AS (
                SELECT cell, category_id, open FROM reports_cellcount
                GROUP BY 1, 2, 3 HAVING count(*) > 1 OR sum(count) = 0
            ), gone AS (
                DELETE FROM reports_cellcount AS c USING several AS s
                WHERE c.cell = s.cell AND c.category_id = s.category_id AND c.open = s.open
                RETURNING c.cell, c.category_id, c.open, c.count
            )
            INSERT INTO reports_cellcount (cell, category_id, open, count)
            SELECT cell, category_id, open, sum(count) FROM gone GROUP BY 1, 2, 3 HAVING sum(count) <> 0
            """
        )
        cursor.execute("SELECT count(*) FROM reports_cellcount")
        return int(cursor.fetchone()[0])


def resolution_at(zoom: float) -> int:
    """The resolution whose hexagons are about 30 px wide at a zoom of the map."""
    return int(min(FINE, max(COARSEST, round(zoom / 1.4))))


def cells(
    resolution: int,
    bounds: Bounds | None = None,
    *,
    category_ids: list[int] | None = None,
    only_open: bool = True,
) -> list[tuple[int, int]]:
    """(H3 cell, reports) of a box or the whole city, at a resolution of at most FINE.

    Cells that touch the box are counted whole; some near it may come along, and their count may be of a part of them.
    """
    resolution = min(resolution, FINE)
    # A parent has its resolution in bits 52-55 and sevens in all digits below it.
    sevens = (1 << 3 * (15 - resolution)) - 1
    source, where, values = "reports_cellcount", ["count <> 0"], list[Any]()
    if bounds is not None:
        source += " JOIN unnest(%s::bigint[], %s::bigint[]) AS span (first, last) ON cell BETWEEN first AND last"
        values += map(list, zip(*spans(_with_whole_cells(bounds, resolution), FINE), strict=True))
    if only_open:
        where.append("open")
    if category_ids:
        where.append("category_id = ANY(%s)")
        values.append(category_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT (cell & ~(15::bigint << 52)) | (%s::bigint << 52) | %s::bigint AS parent, sum(count)::int
            FROM {source} WHERE {" AND ".join(where)} GROUP BY 1 HAVING sum(count) > 0
            """,
            [resolution, sevens, *values],
        )
        return [(int(cell), int(number)) for cell, number in cursor.fetchall()]


def _with_whole_cells(bounds: Bounds, resolution: int) -> Bounds:
    """A box that holds all of each cell that touches `bounds`."""
    west, south, east, north = bounds
    up = math.degrees(2.5 * h3.average_hexagon_edge_length(resolution, unit="m") / EARTH_RADIUS_M)
    across = up / max(0.01, math.cos(math.radians(max(abs(south), abs(north)))))
    return west - across, south - up, east + across, north + up


def heat_geojson(resolution: int, bounds: Bounds | None = None, **chosen: Any) -> dict[str, Any]:
    """The cells that have reports as GeoJSON hexagons with their `count`."""
    features = []
    for cell, number in cells(resolution, bounds, **chosen):
        ring = _ring(cell)
        if bounds is None or _touches(ring, bounds):
            geometry = {"type": "Polygon", "coordinates": [ring]}
            features.append({"type": "Feature", "geometry": geometry, "properties": {"count": number}})
    return {"type": "FeatureCollection", "features": features}


# A city has a few thousand cells, and every map asks for them again.
_ring = lru_cache(maxsize=20_000)(outline)


def _touches(ring: list[list[float]], bounds: Bounds) -> bool:
    west, south, east, north = bounds
    lons, lats = [lon for lon, _lat in ring], [lat for _lon, lat in ring]
    return max(lons) >= west and min(lons) <= east and max(lats) >= south and min(lats) <= north
