"""The basemap: vector tiles of the city's own OSM file, in one PMTiles file. See README.md beside this file."""

from cityhall.engines.basemap.build import BasemapError, BasemapInfo, build
from cityhall.engines.basemap.style import style

__all__ = ["BasemapError", "BasemapInfo", "build", "style"]
