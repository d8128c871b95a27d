"""What makes a message a valid one: the schema of its version, and what the standard asks beyond the schema.

Rules and their sections are CAP 1.2's (OASIS Standard CAP-V1.2, 1 July 2010, section 3.2); 1.0 and 1.1 say the same of
the elements that they have. Only what the standard says an element MUST, or defines it to be, is asked here: what is
merely unwise is nobody's reason to refuse a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cityhall.engines.cap.message import CapError
from cityhall.engines.cap.parsing import DSIG, version_of

if TYPE_CHECKING:
    from lxml.etree import XMLSchema, _Element

NAMES = ("identifier", "sender")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)?")
EARTH_KM = 40_075
"""Around the equator: a circle is not wider."""
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")


def problem(alert: _Element) -> str:
    """Why this `alert` element is not valid by its version, in one sentence; "" where it is."""
    return _against_schema(alert) or next(_against_rules(alert), "")


@cache
def _schema(version: str) -> XMLSchema:
    from lxml import etree

    text = files(__package__).joinpath("schemas", f"cap{version.replace('.', '')}.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text))


def _against_schema(alert: _Element) -> str:
    version = version_of(alert)
    if version != "1.2":
        # Their schemas forgot the signature that their own section 3.3.2.1 allows.
        alert = deepcopy(alert)
        for signature in alert.findall(f"{{{DSIG}}}Signature"):
            alert.remove(signature)
    schema = _schema(version)
    if schema.validate(alert):
        return ""
    return plain(schema.error_log[0]) if len(schema.error_log) else f"It does not follow the schema of CAP {version}."


def plain(error: Any) -> str:
    """A finding of libxml2's validator as a sentence without namespaces and types."""
    text = re.sub(r"\{[^}\s]*:[^}\s]*\}", "", str(error.message))
    element = re.search(r"Element '([^']*)'", text)
    name = element[1] if element else "alert"
    expected = re.search(r"Expected is (?:one of )?\( ([^)]*) \)", text)
    wanted = f": {expected[1].replace(', ', ' or ')} is due" if expected else ""
    if error.type_name == "SCHEMAV_ELEMENT_CONTENT":
        if "Missing child" in text:
            return f"Something is missing in <{name}>{wanted}."
        return f"<{name}> stands where it may not{wanted}."
    value = re.search(r"The value '(.*?)' is not|: '(.*?)' is not a valid value", text, re.DOTALL)
    if value:
        said = (value[1] if value[1] is not None else value[2])[:60]
        return f"<{name}> says {said!r}, which it may not." if said else f"<{name}> is empty."
    return f"<{name}> breaks the schema: {text[:160]}"


def _against_rules(alert: _Element) -> Iterator[str]:
    space = str(alert.tag).rpartition("}")[0] + "}"

    def said(name: str) -> str:
        return (alert.findtext(f"{space}{name}") or "").strip()

    for name in NAMES:
        if not said(name) or re.search(r"[\s,<&]", said(name)):
            yield f"<{name}> must be there without spaces, commas, < and &."
    if said("scope") == "Restricted" and not said("restriction"):
        yield "Its scope is Restricted, and no <restriction> says to what."
    if said("scope") == "Private" and not said("addresses"):
        yield "Its scope is Private, and no <addresses> say to whom."
    kind = said("msgType")
    if kind in ("Update", "Cancel", "Ack", "Error") and not said("references"):
        yield f"It is of type {kind}, and no <references> say of which message."
    yield from _of_references(said("references"))
    for area in alert.iterfind(f"{space}info/{space}area"):
        yield from _of_area(area, space)


def _of_references(text: str) -> Iterator[str]:
    for one in text.split():
        parts = one.split(",")
        if len(parts) != 3 or not parts[0] or not parts[1] or not MOMENT.fullmatch(parts[2]):
            yield f"<references> holds {one[:80]!r}, which is not sender,identifier,sent."


def _of_area(area: _Element, space: str) -> Iterator[str]:
    for element in area.iterfind(f"{space}polygon"):
        try:
            points(element.text or "")
        except CapError as problem:
            yield str(problem)
    for element in area.iterfind(f"{space}circle"):
        try:
            circle(element.text or "")
        except CapError as problem:
            yield str(problem)
    if area.find(f"{space}ceiling") is not None and area.find(f"{space}altitude") is None:
        yield "An area has a <ceiling> and no <altitude>."


def points(text: str) -> tuple[tuple[float, float], ...]:
    """A `polygon`: (longitude, latitude) of its corners, the last as the first. Raises CapError, with the reason."""
    found = tuple(_pair(pair, "polygon") for pair in text.split())
    if len(found) < 4:
        raise CapError("A <polygon> needs at least four points.")
    if found[0] != found[-1]:
        raise CapError("A <polygon> does not end where it begins.")
    return found


def circle(text: str) -> tuple[tuple[float, float], float]:
    """A `circle`: centre as (longitude, latitude), radius in kilometres. Raises CapError, with the reason."""
    parts = text.split()
    if len(parts) != 2 or not NUMBER.fullmatch(parts[1]) or not 0 <= float(parts[1]) <= EARTH_KM:
        raise CapError(f"A <circle> says {text[:60]!r}, which is not a point and a radius.")
    return _pair(parts[0], "circle"), float(parts[1])


def _pair(text: str, where: str) -> tuple[float, float]:
    lat, comma, lon = text.partition(",")
    if not comma or not NUMBER.fullmatch(lat) or not NUMBER.fullmatch(lon):
        raise CapError(f"A <{where}> says {text[:60]!r}, which is not latitude,longitude.")
    if abs(float(lat)) > 90 or abs(float(lon)) > 180:
        raise CapError(f"A <{where}> says {text[:60]!r}, which is nowhere on the Earth.")
    return float(lon), float(lat)
