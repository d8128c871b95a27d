"""H3 cells: the city's address space. Coarser cells hide a home; rolled up they are a heat map.

Source: Uber H3, https://h3geo.org/docs/core-library/restable/ (resolution 10: about 76 m edges; 8: about 530 m).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import h3

FINE = 10
BLOCK = 8


def cell_of(lon: float, lat: float, resolution: int = FINE) -> int:
    """The H3 cell of a place, as the 64-bit integer the database keeps."""
    return int(h3.str_to_int(h3.latlng_to_cell(lat, lon, resolution)))


def coarsen(cell: int, resolution: int = BLOCK) -> int:
    """The cell of a coarser resolution that holds `cell`; itself where it is as coarse already."""
    text = h3.int_to_str(cell)
    if h3.get_resolution(text) <= resolution:
        return cell
    return int(h3.str_to_int(h3.cell_to_parent(text, resolution)))


def outline(cell: int) -> list[list[float]]:
    """The closed ring of a cell as GeoJSON positions [lon, lat]."""
    ring = [[lon, lat] for lat, lon in h3.cell_to_boundary(h3.int_to_str(cell))]
    return [*ring, ring[0]]


def center(cell: int) -> tuple[float, float]:
    """(lon, lat) of the middle of a cell: what is published of a place that must not be told exactly."""
    lat, lon = h3.cell_to_latlng(h3.int_to_str(cell))
    return lon, lat


def roll_up(cells: Iterable[int], resolution: int) -> Counter[int]:
    """How many of `cells` lie in each cell of a coarser `resolution`."""
    return Counter(coarsen(cell, resolution) for cell in cells)
