"""Where a row is: its shape checked, counted and brought into the form that is kept. Shapes of others: see apart.py."""

from __future__ import annotations

import json
import math
from typing import Any

import shapely
from django.utils.translation import gettext as _
from shapely.validation import explain_validity

from cityhall.services.map.datasets import limits
from cityhall.services.map.datasets.limits import too_large
from cityhall.services.map.datasets.reading import Fault

FAMILIES = {
    "Point": "point",
    "LineString": "line",
    "MultiLineString": "line",
    "Polygon": "area",
    "MultiPolygon": "area",
}
Place = tuple[str, float, float, dict[str, Any] | None]
"""Its family, the longitude and latitude of its point or middle, and its geometry as GeoJSON where it is no point."""


class Placing:
    """Checks shapes, one after another. `family` is the first one's, and all others'."""

    def __init__(self) -> None:
        self.family = ""
        self.vertices = 0

    def place(self, number: int, shape: Any) -> Place:
        """Where row `number` is. Raises Fault for what cannot be drawn, TooMany past the limit of vertices."""
        if shape.geom_type == "MultiPoint" and len(shape.geoms) == 1:
            shape = shape.geoms[0]
        family = FAMILIES.get(shape.geom_type)
        if shape.is_empty or family is None:
            raise Fault(number, "geometry", _("%(kind)s cannot be drawn") % {"kind": shape.geom_type})
        self.family = self.family or family
        if family != self.family:
            raise Fault(number, "geometry", _("it is no %(kind)s, as the first row is") % {"kind": self.family})
        west, south, east, north = shape.bounds
        if not all(map(math.isfinite, shape.bounds)) or west < -180 or east > 180 or south < -90 or north > 90:
            swapped = abs(south) <= 180 and abs(west) <= 90 and abs(south) > 90
            hint = _("; are longitude and latitude exchanged?") if swapped else ""
            raise Fault(number, "geometry", _("it lies outside the world") + hint)
        self.vertices += int(shapely.count_coordinates(shape))
        if self.vertices > limits.VERTICES:
            raise too_large(_("vertices"), limits.VERTICES)
        if family == "area" and not shape.is_valid:
            raise Fault(number, "geometry", _("its outline crosses itself: %(why)s") % {"why": explain_validity(shape)})
        if family == "point":
            return family, shape.x, shape.y, None
        middle = shape.representative_point()
        return family, middle.x, middle.y, json.loads(shapely.to_geojson(shapely.force_2d(shape)))
