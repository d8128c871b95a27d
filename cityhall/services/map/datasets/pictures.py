"""Maps of other servers: what a WMS offers, the addresses of its pictures, and whether our page can draw them.

WMS 1.3.0 is OGC 06-042, 1.1.1 is OGC 01-068r3. Both are asked in Web Mercator, whose axes are east and north in either:
only degrees (EPSG:4326) are turned round in 1.3.0.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image

from cityhall.kernel.errors import Invalid
from cityhall.services.map.datasets.outside import ask, unanswered
from cityhall.services.map.models import OutsideMap

CRS = "EPSG:3857"
VERSIONS = ("1.3.0", "1.1.1")
FORMATS = ("image/png", "image/jpeg")
HALF_M = math.pi * 6_378_137
"""Half the width of the world's square in Web Mercator."""
PIXELS = 512
KINDS = ("PNG", "JPEG", "WEBP", "GIF")
SAID_MOST = 200
# What GetMap and GetCapabilities write themselves: people paste addresses with all of it.
_OWN = frozenset(
    "service version request layers styles crs srs bbox width height format transparent exceptions".split()
)


@dataclass(frozen=True)
class WebMapService:
    """What a WMS says of itself. `url` is its address without parameters of a request; `layers` are (name, title)."""

    url: str
    version: str
    title: str
    format: str
    layers: tuple[tuple[str, str], ...]


def read_wms(url: str) -> WebMapService:
    """Asks a WMS what it has. Raises Invalid for what is none, or gives nothing in Web Mercator; TooMany."""
    url = _base(url)
    answer = ask(f"{url}{_joined(url)}SERVICE=WMS&REQUEST=GetCapabilities", accept="text/xml", redirects=0)
    try:
        root = ElementTree.fromstring(answer.body)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as problem:
        raise _no_wms() from problem
    for part in root.iter():
        # 1.3.0 has a namespace, 1.1.1 has none; the names are the same.
        part.tag = str(part.tag).rpartition("}")[2]
    version = root.get("version", "")
    if root.tag not in ("WMS_Capabilities", "WMT_MS_Capabilities") or version not in VERSIONS:
        raise _no_wms()
    offered = [part.text for part in root.findall("Capability/Request/GetMap/Format")]
    layers = tuple(dict.fromkeys(_named(root.find("Capability/Layer"), frozenset())))
    chosen = next((one for one in FORMATS if one in offered), "")
    if not layers or not chosen:
        raise Invalid(
            _("This WMS gives no pictures in Web Mercator (%(crs)s).") % {"crs": CRS},
            field="url",
            mend=_("Ask whoever runs it to offer that."),
        )
    return WebMapService(url, version, _text(root, "Service/Title"), chosen, layers)


def _named(layer: Any, inherited: frozenset[str]) -> list[tuple[str, str]]:
    """(name, title) of a layer and those in it that can be drawn in Web Mercator; what it offers, its parts inherit."""
    if layer is None:
        return []
    own = [part.text or "" for tag in ("CRS", "SRS") for part in layer.findall(tag)]
    offered = inherited | frozenset(" ".join(own).split())
    name = _text(layer, "Name")
    found = [(name, _text(layer, "Title") or name)] if name and CRS in offered else []
    return found + [pair for inner in layer.findall("Layer") for pair in _named(inner, offered)]


def _text(part: Any, path: str) -> str:
    return " ".join((part.findtext(path) or "").split())[:SAID_MOST]


def _no_wms() -> Invalid:
    return Invalid(
        _("This is no WMS of version 1.3.0 or 1.1.1."),
        field="url",
        mend=_("Its address is the one that answers to GetCapabilities."),
    )


def _base(url: str) -> str:
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0].lower() not in _OWN]
    return urlunsplit(parts._replace(query=urlencode(kept), fragment=""))


def _joined(url: str) -> str:
    return "&" if "?" in url else "?"


def tiles(one: OutsideMap) -> str:
    """The template of an outside map's pictures, as MapLibre fills it: {z}/{x}/{y}, or {bbox-epsg-3857}."""
    if one.kind == OutsideMap.Kind.XYZ:
        return one.url
    crs = "CRS" if one.version == "1.3.0" else "SRS"
    asked = f"SERVICE=WMS&VERSION={one.version}&REQUEST=GetMap&STYLES=&{crs}={CRS}&FORMAT={one.format}&TRANSPARENT=TRUE"
    size = f"WIDTH={PIXELS}&HEIGHT={PIXELS}"
    return f"{one.url}{_joined(one.url)}{asked}&LAYERS={quote(one.layer)}&{size}&BBOX={{bbox-epsg-3857}}"


def check(one: OutsideMap) -> None:
    """Asks for the picture of the city's middle, as a reader's browser will. Raises Invalid, TooMany."""
    answer = ask(_middle(tiles(one)), accept="image/*", redirects=0, origin=settings.PUBLIC_URL)
    try:
        with Image.open(io.BytesIO(answer.body), formats=KINDS) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise unanswered(_("it sends no picture: %(said)s") % {"said": _said(answer.body)}) from problem
    if answer.headers.get("access-control-allow-origin") not in ("*", settings.PUBLIC_URL):
        raise Invalid(
            _("This server lets no other page use its pictures."),
            field="url",
            mend=_("Whoever runs it can allow it (Access-Control-Allow-Origin)."),
        )


def _middle(template: str) -> str:
    """The template filled for the tile in which the city's middle is."""
    z = round(settings.CITY.zoom)
    from cityhall.engines.tiles import to_world

    u, v = to_world(*settings.CITY.center)
    x, y = int(float(u) * (1 << z)), int(float(v) * (1 << z))
    step = 2 * HALF_M / (1 << z)
    west, north = x * step - HALF_M, HALF_M - y * step
    box = f"{west},{north - step},{west + step},{north}"
    values = {"{z}": z, "{x}": x, "{y}": y, "{bbox-epsg-3857}": box}
    for name, value in values.items():
        template = template.replace(name, str(value))
    return template


def _said(body: bytes) -> str:
    """What a server says in the place of a picture: the text of its exception, else the first of what it sent."""
    try:
        text = " ".join("".join(ElementTree.fromstring(body).itertext()).split())
    except (ElementTree.ParseError, DefusedXmlException, ValueError):
        text = " ".join(body[:SAID_MOST].decode(errors="replace").split())
    return "".join(sign for sign in text[:SAID_MOST] if sign.isprintable()) or "–"
