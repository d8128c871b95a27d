"""The basemap's look: quiet, so that what the city shows on it stands out. A MapLibre style, light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Kind = Literal["light", "dark"]
COLORS: dict[str, dict[str, str]] = {
    "light": {
        "ground": "#f4f2ec",
        "residential": "#efece4",
        "industrial": "#e9e6e6",
        "commercial": "#f1e9e2",
        "school": "#f0ead9",
        "hospital": "#f5e6e4",
        "park": "#d3e7c8",
        "wood": "#c3ddb8",
        "grass": "#dcebcf",
        "pitch": "#c8e2c0",
        "sand": "#f3e8c6",
        "water": "#a9d0e5",
        "building": "#e3ded4",
        "building_line": "#d3cdc0",
        "casing": "#d5cfc3",
        "motorway": "#f7cf8f",
        "trunk": "#f9dca6",
        "primary": "#fdeac0",
        "road": "#ffffff",
        "path": "#cfc6b5",
        "cycleway": "#7fb48f",
        "rail": "#b4aea6",
        "label": "#4a4a45",
        "halo": "#fbfaf6",
        "water_label": "#3f7794",
        "park_label": "#4d7a45",
    },
    "dark": {
        "ground": "#161b21",
        "residential": "#1a2027",
        "industrial": "#1d2228",
        "commercial": "#1f2228",
        "school": "#20231f",
        "hospital": "#261f22",
        "park": "#1c2c23",
        "wood": "#1a2b20",
        "grass": "#1d2a22",
        "pitch": "#203226",
        "sand": "#2a281f",
        "water": "#0d2b3c",
        "building": "#232a33",
        "building_line": "#2d3641",
        "casing": "#12161b",
        "motorway": "#6b5732",
        "trunk": "#5d5036",
        "primary": "#4b4636",
        "road": "#333c47",
        "path": "#3a4149",
        "cycleway": "#2f5c41",
        "rail": "#4a525c",
        "label": "#c2c8cf",
        "halo": "#12161b",
        "water_label": "#7fb3d0",
        "park_label": "#86b68f",
    },
}
WIDTHS = {  # pixels at zoom 8, 12, 16, 19
    "motorway": (1.0, 3.0, 13.0, 44.0),
    "trunk": (0.8, 2.6, 12.0, 40.0),
    "primary": (0.6, 2.2, 11.0, 38.0),
    "secondary": (0.4, 1.6, 9.5, 34.0),
    "tertiary": (0.3, 1.2, 8.0, 30.0),
    "minor": (0.2, 0.7, 6.5, 26.0),
    "service": (0.1, 0.3, 3.0, 14.0),
}
Layer = dict[str, Any]


def style(
    kind: Kind,
    *,
    tiles_url: str,
    languages: Sequence[str] = (),
    attribution: str = "© OpenStreetMap contributors",
    glyphs_url: str | None = None,
) -> dict[str, Any]:
    """The MapLibre style (style specification version 8) over the tiles at `tiles_url`, a PMTiles file.

    Labels are in the first of `languages` that a thing has a name in, else as it is called on the spot. They are drawn
    with the reader's own fonts unless `glyphs_url` names a server of glyphs.
    """
    color = COLORS[kind]
    text = ["coalesce", *[["get", f"name:{language}"] for language in languages], ["get", "name"], ""]
    made: dict[str, Any] = {
        "version": 8,
        "name": f"Cityhall {kind}",
        "sources": {
            "basemap": {"type": "vector", "url": f"pmtiles://{tiles_url}", "attribution": attribution},
        },
        "layers": [
            {"id": "ground", "type": "background", "paint": {"background-color": color["ground"]}},
            *_areas(color),
            *_roads(color),
            *_labels(color, text),
        ],
    }
    if glyphs_url:
        made["glyphs"] = glyphs_url
    return made


def _layer(identity: str, type: str, source: str, paint: Layer, **more: Any) -> Layer:
    return {"id": identity, "type": type, "source": "basemap", "source-layer": source, "paint": paint, **more}


def _match(color: dict[str, str], kinds: Sequence[str]) -> list[Any]:
    pairs = [part for kind in kinds for part in (kind, color[kind])]
    return ["match", ["get", "kind"], *pairs, color["ground"]]


def _areas(color: dict[str, str]) -> list[Layer]:
    uses = ("residential", "industrial", "commercial", "school", "hospital")
    covers = ("park", "wood", "grass", "pitch", "sand")
    return [
        _layer("landuse", "fill", "landuse", {"fill-color": _match(color, uses)}),
        _layer("landcover", "fill", "landcover", {"fill-color": _match(color, covers)}),
        _layer("water", "fill", "water", {"fill-color": color["water"]}),
        _layer(
            "waterway",
            "line",
            "waterway",
            {"line-color": color["water"], "line-width": _zoomed((0.5, 1.5, 5.0, 14.0))},
        ),
        _layer(
            "building",
            "fill",
            "building",
            {
                "fill-color": color["building"],
                "fill-outline-color": color["building_line"],
                "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0, 14.5, 1],
            },
            minzoom=13,
        ),
    ]


def _zoomed(widths: Sequence[float], more: float = 0.0) -> list[Any]:
    stops = [part for zoom, width in zip((8, 12, 16, 19), widths, strict=True) for part in (zoom, width + more)]
    return ["interpolate", ["exponential", 1.5], ["zoom"], *stops]


def _road(identity: str, kind: str, color: str, more: float = 0.0, **paint: Any) -> Layer:
    return _layer(
        identity,
        "line",
        "road",
        {"line-color": color, "line-width": _zoomed(WIDTHS[kind], more), **paint},
        filter=["==", ["get", "kind"], kind],
        layout={"line-cap": "round", "line-join": "round"},
    )


def _roads(color: dict[str, str]) -> list[Layer]:
    fills = {"motorway": color["motorway"], "trunk": color["trunk"], "primary": color["primary"]}
    order = ("service", "minor", "tertiary", "secondary", "primary", "trunk", "motorway")
    dashed = {"line-width": _zoomed((0.2, 0.5, 2.0, 5.0)), "line-dasharray": [2, 1.5]}
    return [
        _layer(
            "path",
            "line",
            "road",
            {"line-color": color["path"], **dashed},
            filter=["==", ["get", "kind"], "path"],
            minzoom=14,
        ),
        *[_road(f"{kind}-casing", kind, color["casing"], 1.6, **{"line-opacity": _fade(kind)}) for kind in order],
        *[_road(kind, kind, fills.get(kind, color["road"])) for kind in order],
        _layer(
            "cycleway",
            "line",
            "road",
            {"line-color": color["cycleway"], "line-width": _zoomed((0.3, 0.8, 2.4, 6.0))},
            filter=["==", ["get", "kind"], "cycleway"],
            minzoom=13,
        ),
        _layer(
            "rail",
            "line",
            "rail",
            {
                "line-color": color["rail"],
                "line-width": _zoomed((0.4, 1.0, 2.5, 5.0)),
                "line-dasharray": [4, 2],
            },
        ),
    ]


def _fade(kind: str) -> list[Any]:
    start = 12 if kind in ("service", "minor", "tertiary") else 9
    return ["interpolate", ["linear"], ["zoom"], start, 0, start + 2, 1]


def _label(identity: str, source: str, text: list[Any], color: str, halo: str, size: list[Any], **more: Any) -> Layer:
    layout = {
        "text-field": text,
        "text-font": ["sans-serif"],
        "text-size": size,
        **more.pop("layout", {}),
    }
    paint = {"text-color": color, "text-halo-color": halo, "text-halo-width": 1.4}
    return _layer(identity, "symbol", source, paint, layout=layout, **more)


def _size(*stops: float) -> list[Any]:
    return ["interpolate", ["linear"], ["zoom"], *stops]


def _labels(color: dict[str, str], text: list[Any]) -> list[Layer]:
    halo = color["halo"]
    along = {"symbol-placement": "line", "text-max-angle": 30, "symbol-spacing": 350}
    return [
        _label(
            "road-name",
            "road",
            text,
            color["label"],
            halo,
            _size(13, 10, 17, 13),
            minzoom=13,
            filter=["all", ["has", "name"], ["!", ["in", ["get", "kind"], ["literal", ["service", "path"]]]]],
            layout=along,
        ),
        _label(
            "water-name",
            "water",
            text,
            color["water_label"],
            halo,
            _size(10, 11, 16, 15),
            layout={"text-max-width": 6},
        ),
        _label(
            "poi-name",
            "poi",
            text,
            color["label"],
            halo,
            _size(14, 10, 18, 12.5),
            minzoom=15,
            filter=["!=", ["get", "kind"], "park"],
            layout={"text-max-width": 7, "text-padding": 8},
        ),
        _label(
            "park-name",
            "poi",
            text,
            color["park_label"],
            halo,
            _size(13, 10.5, 17, 13),
            filter=["==", ["get", "kind"], "park"],
            layout={"text-max-width": 6, "text-padding": 24},
        ),
        _label(
            "place-name",
            "place",
            text,
            color["label"],
            halo,
            _size(8, 12, 14, 15),
            maxzoom=16,
            layout={"text-max-width": 7, "text-letter-spacing": 0.04},
        ),
    ]
