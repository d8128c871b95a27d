"""Vector tiles (Mapbox Vector Tile 2.1) from arrays. See README.md beside this file."""

from cityhall.engines.tiles.columns import Column
from cityhall.engines.tiles.index import Index
from cityhall.engines.tiles.mercator import EXTENT, bounds_of, to_world
from cityhall.engines.tiles.points import POINTS, count_squares, cut_points, encode_points
from cityhall.engines.tiles.shapes import encode_shapes
from cityhall.engines.tiles.values import Values

__all__ = [
    "EXTENT",
    "POINTS",
    "Column",
    "Index",
    "Values",
    "bounds_of",
    "count_squares",
    "cut_points",
    "encode_points",
    "encode_shapes",
    "to_world",
]
