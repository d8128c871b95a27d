"""Vector tiles (Mapbox Vector Tile 2.1) from arrays. See README.md beside this file."""

from cityhall.engines.tiles.columns import Column
from cityhall.engines.tiles.mercator import EXTENT, bounds_of, to_world
from cityhall.engines.tiles.points import POINTS, cut_points, encode_points
from cityhall.engines.tiles.shapes import encode_shapes

__all__ = ["EXTENT", "POINTS", "Column", "bounds_of", "cut_points", "encode_points", "encode_shapes", "to_world"]
