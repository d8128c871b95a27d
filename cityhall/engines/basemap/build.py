"""Cutting features into tiles: Web Mercator, simplified for each zoom, encoded as Mapbox Vector Tiles 2.1."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from cityhall.engines.basemap.features import (
    LAYERS,
    BasemapError,
    Layer,
    Layers,
    Progress,
    read_features,
    sea,
)

__all__ = ["BasemapError", "BasemapInfo", "build"]

EXTENT = 4096
BUFFER = 64 / EXTENT
MIN_ZOOM, MAX_ZOOM = 8, 14
MOST_TILES = 400_000
"""About a country at zoom 14. One stray node at 0° 0° makes a city's extract larger than that."""
PIXELS = 256
NUMBERS = frozenset({"bridge", "tunnel"})
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class BasemapInfo:
    """What was built: bounds in degrees, layers that hold something, how many tiles and bytes."""

    bounds: Bounds
    layers: tuple[str, ...]
    tiles: int
    bytes: int


def _quiet(what: str, share: float) -> None:
    pass


def _mercator(points: np.ndarray) -> np.ndarray:
    """Degrees as the unit square of Web Mercator, y southwards (EPSG:3857, scaled)."""
    lat = np.radians(np.clip(points[:, 1], -85.051129, 85.051129))
    x = points[:, 0] / 360 + 0.5
    y = 0.5 - np.log(np.tan(np.pi / 4 + lat / 2)) / (2 * np.pi)
    return np.column_stack([x, y])


@dataclass(slots=True)
class _Drawn:
    """A layer on the unit square."""

    name: str
    geometries: np.ndarray
    properties: list[dict[str, Any]]
    zooms: np.ndarray


def build(
    osm: Path,
    out: Path,
    *,
    bounds: Bounds | None = None,
    max_zoom: int = MAX_ZOOM,
    progress: Progress = _quiet,
) -> BasemapInfo:
    """Writes the tiles of an .osm.pbf file to `out`, whole or not at all; the same bytes for the same file.

    `bounds` are degrees (west, south, east, north); the data's own where left out. Tiles are of zoom 8 to `max_zoom`
    (8 to 16). Raises BasemapError for a file that is broken, and for bounds that are too large or hold nothing.
    """
    if not MIN_ZOOM <= max_zoom <= 16:
        raise BasemapError(f"Tiles of zoom {max_zoom} cannot be made. Choose one from {MIN_ZOOM} to 16.")
    layers, coast = read_features(Path(osm), progress)
    bounds = bounds or _extent(layers)
    _check(bounds, max_zoom)
    if coast:
        for face in sea(coast, bounds):
            layers["water"].add(face, 0)
    drawn = [_draw(name, layers[name]) for name in LAYERS if layers[name].geometries]
    draft = out.with_suffix(f".{os.getpid()}")
    count = 0
    try:
        with draft.open("wb") as file:
            writer = Writer(file)
            for tile_id, tile in sorted(_tiles(drawn, bounds, max_zoom, progress)):
                writer.write_tile(tile_id, tile)
                count += 1
            if not count:
                raise BasemapError(f"{Path(osm).name} holds nothing within {bounds}. Choose an extract of the city.")
            writer.finalize(_header(bounds, max_zoom), _metadata(layers))
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return BasemapInfo(bounds, tuple(layer.name for layer in drawn), count, out.stat().st_size)


def _extent(layers: Layers) -> Bounds:
    """Where the streets are; a river or a border may reach far beyond the city. Where there are none, everything."""
    everything = list(chain.from_iterable(layer.geometries for layer in layers.values()))
    west, south, east, north = shapely.total_bounds(layers["road"].geometries or everything)
    return float(west), float(south), float(east), float(north)


def _check(bounds: Bounds, max_zoom: int) -> None:
    west, south, east, north = bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BasemapError(f"{bounds} are no bounds. Give west, south, east, north in degrees.")
    columns, rows = _reach(bounds, max_zoom)
    if len(columns) * len(rows) > MOST_TILES:
        raise BasemapError(
            f"{bounds} would be {len(columns) * len(rows):,} tiles. Give the city's own bounds, or cut out the city."
        )


def _reach(bounds: Bounds, zoom: int) -> tuple[range, range]:
    """The columns and rows of tiles that `bounds` touch."""
    corners = _mercator(np.array([[bounds[0], bounds[3]], [bounds[2], bounds[1]]]))
    (west, north), (east, south) = np.clip(corners * 2**zoom, 0, 2**zoom - 1).astype(int).tolist()
    return range(west, east + 1), range(north, south + 1)


def _draw(name: str, layer: Layer) -> _Drawn:
    geometries = shapely.transform(np.array(layer.geometries, object), _mercator)
    return _Drawn(name, geometries, layer.properties, np.array(layer.zooms))


def _tiles(drawn: list[_Drawn], bounds: Bounds, max_zoom: int, progress: Progress) -> Iterator[tuple[int, bytes]]:
    for zoom in range(MIN_ZOOM, max_zoom + 1):
        progress(f"tiles of zoom {zoom}", 0.2 + 0.8 * (2.0 ** (zoom - max_zoom)))
        seen = [_at_zoom(layer, zoom, max_zoom) for layer in drawn]
        indexes = [shapely.STRtree(layer.geometries) for layer in seen]
        columns, rows = _reach(bounds, zoom)
        for x in columns:
            for y in rows:
                tile = _tile(seen, indexes, x, y, zoom)
                if tile:
                    yield zxy_to_tileid(zoom, x, y), gzip.compress(tile, 6, mtime=0)


def _at_zoom(layer: _Drawn, zoom: int, max_zoom: int) -> _Drawn:
    """What of a layer shows at a zoom, with no more corners than its pixels can tell apart."""
    rows = np.flatnonzero(layer.zooms <= zoom)
    pixel = 1 / (PIXELS * 2**zoom)
    geometries = layer.geometries[rows]
    if zoom < max_zoom:
        geometries = shapely.simplify(geometries, pixel / 2, preserve_topology=False)
        areas = shapely.area(geometries)
        large = ~np.isin(shapely.get_type_id(geometries), (3, 6)) | (areas > pixel * pixel * 2)
        keep = np.flatnonzero(large & ~shapely.is_empty(geometries))
        rows, geometries = rows[keep], geometries[keep]
    return _Drawn(layer.name, geometries, [layer.properties[row] for row in rows], layer.zooms[rows])


def _tile(seen: list[_Drawn], indexes: list[shapely.STRtree], x: int, y: int, zoom: int) -> bytes:
    size = 1 / 2**zoom
    west, north, margin = x * size, y * size, BUFFER * size
    window = (west - margin, north - margin, west + size + margin, north + size + margin)
    box = shapely.box(*window)
    layers = []
    for layer, index in zip(seen, indexes, strict=True):
        rows = np.sort(index.query(box))
        if not rows.size:
            continue
        geometries = layer.geometries[rows]
        points = shapely.get_type_id(geometries) == 0
        clipped = geometries.copy()
        clipped[~points] = _clipped(geometries[~points], window)
        features = [
            {"geometry": geometry, "properties": layer.properties[row]}
            for geometry, row in zip(clipped, rows.tolist(), strict=True)
            if geometry is not None and not geometry.is_empty
        ]
        if features:
            layers.append({"name": layer.name, "features": features})
    if not layers:
        return b""
    import mapbox_vector_tile

    # Mercator's y grows southwards here, as a tile's does.
    options = {
        "quantize_bounds": (west, north, west + size, north + size),
        "extents": EXTENT,
        "y_coord_down": True,
    }
    encoded: bytes = mapbox_vector_tile.encode(layers, default_options=options)
    return encoded


def _clipped(geometries: np.ndarray, window: Bounds) -> np.ndarray:
    """What of lines and polygons lies in a window."""
    try:
        clipped: np.ndarray = shapely.clip_by_rect(geometries, *window)
    except shapely.errors.GEOSException:
        # The quick way gives up where a corner lies on the window's edge just so.
        whole = shapely.intersection(shapely.make_valid(geometries), shapely.box(*window))
        clipped = np.array([_alike(part, made) for part, made in zip(geometries, whole, strict=True)], object)
    return clipped


def _alike(geometry: Any, made: Any) -> Any:
    """`made` without what has fewer dimensions than what it was made of."""
    if made is None:
        return None
    parts = shapely.get_parts(shapely.get_parts(made))
    kept = parts[shapely.get_dimensions(parts) == shapely.get_dimensions(geometry)]
    several = shapely.multipolygons if shapely.get_dimensions(geometry) == 2 else shapely.multilinestrings
    return several(kept) if kept.size else None


def _header(bounds: Bounds, max_zoom: int) -> dict[str, Any]:
    west, south, east, north = (round(edge * 1e7) for edge in bounds)
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_zoom": MIN_ZOOM,
        "max_zoom": max_zoom,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": min(12, max_zoom),
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _metadata(layers: Layers) -> dict[str, Any]:
    """Source: PMTiles specification 3, "JSON Metadata". A layer that is empty here is named too: the style names it,
    and a map complains of layers that it was not told of."""
    described = []
    for name in LAYERS:
        keys = sorted({key for values in layers[name].properties for key in values})
        described.append({"id": name, "fields": {key: "Number" if key in NUMBERS else "String" for key in keys}})
    return {"name": "basemap", "format": "pbf", "vector_layers": described}
