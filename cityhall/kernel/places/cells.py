"""H3 cells: the city's address space. Coarser cells hide a home; rolled up they are a heat map.

Source: Uber H3, https://h3geo.org/docs/core-library/restable/ (resolution 10: about 76 m edges; 8: about 530 m).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import h3

from cityhall.kernel.places.point import EARTH_RADIUS_M

FINE = 10
BLOCK = 8
MOST_SPANS = 40


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


def spans(bounds: tuple[float, float, float, float], resolution: int = FINE) -> list[tuple[int, int]]:
    """(first, last) numbers between which all cells of a resolution that touch a box lie, and some near by.

    `bounds` are west, south, east, north in degrees. An H3 index holds its parents, so the children of a coarse cell
    are one stretch of numbers, which an index of a database finds at once. At most about MOST_SPANS.
    """
    west, south, east, north = bounds
    metre = math.degrees(1 / EARTH_RADIUS_M)
    shrink = max(0.01, math.cos(math.radians(max(abs(south), abs(north)))))
    fine = h3.average_hexagon_edge_length(resolution, unit="m")
    for coarse in range(resolution, -1, -1):
        edge = h3.average_hexagon_edge_length(coarse, unit="m")
        # Cells are chosen by their middle: a child may stick out of its parent, and an edge be longer than the mean.
        pad = metre * (1.6 * edge + 1.6 * fine)
        wide, high = east - west + 2 * pad / shrink, north - south + 2 * pad
        if wide * shrink * high / (1.5 * math.sqrt(3) * (metre * edge) ** 2) <= MOST_SPANS:
            break
    across = pad / shrink
    left, right, low, up = west - across, east + across, max(-89.9, south - pad), min(89.9, north + pad)
    ring = [(low, left), (low, right), (up, right), (up, left)]
    return [
        _children(h3.str_to_int(cell), coarse, resolution) for cell in h3.h3shape_to_cells(h3.LatLngPoly(ring), coarse)
    ]


def _children(cell: int, coarse: int, resolution: int) -> tuple[int, int]:
    """The first and last number that a child can have: its digits below the parent's are 0 to 6, three bits each."""
    digits = ((1 << 3 * (15 - coarse)) - 1) ^ ((1 << 3 * (15 - resolution)) - 1)
    sixes = int("110" * (resolution - coarse) or "0", 2) << 3 * (15 - resolution)
    first = (cell & ~(15 << 52) & ~digits) | resolution << 52
    return first, first | sixes


def roll_up(cells: Iterable[int], resolution: int) -> Counter[int]:
    """How many of `cells` lie in each cell of a coarser `resolution`."""
    return Counter(coarsen(cell, resolution) for cell in cells)
