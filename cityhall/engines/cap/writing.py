"""Messages written as CAP 1.2, in UTF-8."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from cityhall.engines.cap import rules
from cityhall.engines.cap.message import Alert, Area, CapError, Circle, Info, Named, Point, Reference, Resource

if TYPE_CHECKING:
    from lxml.etree import _Element

SPACE = "urn:oasis:names:tc:emergency:cap:1.2"


def write(alert: Alert) -> bytes:
    """The message as a document. What is not valid CAP 1.2 is never written: raises CapError, with the reason."""
    from lxml import etree

    root = etree.Element(f"{{{SPACE}}}alert", nsmap={None: SPACE})
    try:
        _alert(root, alert)
    except ValueError as problem:
        # Characters that XML has no way to write.
        raise CapError(f"It cannot be written: {problem}.") from None
    if why := rules.problem(root):
        raise CapError(why)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return text


def moment(value: datetime) -> str:
    """As section 3.3.2 asks: whole seconds, the offset in numbers, UTC as -00:00. Raises CapError without an offset."""
    if value.tzinfo is None:
        raise CapError(f"{value} has no offset from UTC.")
    text = value.isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text


def reference(value: Reference) -> str:
    return f"{value.sender},{value.identifier},{moment(value.sent)}"


def _add(parent: _Element, name: str, value: object) -> None:
    """Nothing where there is nothing to say: CAP has no empty elements."""
    from lxml import etree

    if value is None or value == "":
        return
    etree.SubElement(parent, f"{{{SPACE}}}{name}").text = moment(value) if isinstance(value, datetime) else str(value)


def _each(parent: _Element, name: str, values: Iterable[object]) -> None:
    for value in values:
        _add(parent, name, value)


def _within(parent: _Element, name: str) -> _Element:
    from lxml import etree

    return etree.SubElement(parent, f"{{{SPACE}}}{name}")


def _named(parent: _Element, name: str, pairs: Named) -> None:
    for key, value in pairs:
        pair = _within(parent, name)
        # Both must be there, also where the value is empty.
        _within(pair, "valueName").text = key
        _within(pair, "value").text = value


def _words(values: tuple[str, ...]) -> str:
    """Apart by spaces; what holds a space in double quotes."""
    if any('"' in value for value in values):
        raise CapError("Addresses and incidents cannot hold double quotes.")
    return " ".join(f'"{value}"' if " " in value else value for value in values)


def _alert(root: _Element, alert: Alert) -> None:
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", alert.sent)
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add(root, "source", alert.source)
    _add(root, "scope", alert.scope)
    _add(root, "restriction", alert.restriction)
    _add(root, "addresses", _words(alert.addresses))
    _each(root, "code", alert.codes)
    _add(root, "note", alert.note)
    _add(root, "references", " ".join(map(reference, alert.references)))
    _add(root, "incidents", _words(alert.incidents))
    for info in alert.infos:
        _info(_within(root, "info"), info)


def _info(parent: _Element, info: Info) -> None:
    _add(parent, "language", info.language)
    _each(parent, "category", info.categories)
    _add(parent, "event", info.event)
    _each(parent, "responseType", info.response_types)
    _add(parent, "urgency", info.urgency)
    _add(parent, "severity", info.severity)
    _add(parent, "certainty", info.certainty)
    _add(parent, "audience", info.audience)
    _named(parent, "eventCode", info.event_codes)
    _add(parent, "effective", info.effective)
    _add(parent, "onset", info.onset)
    _add(parent, "expires", info.expires)
    _add(parent, "senderName", info.sender_name)
    _add(parent, "headline", info.headline)
    _add(parent, "description", info.description)
    _add(parent, "instruction", info.instruction)
    _add(parent, "web", info.web)
    _add(parent, "contact", info.contact)
    _named(parent, "parameter", info.parameters)
    for resource in info.resources:
        _resource(_within(parent, "resource"), resource)
    for area in info.areas:
        _area(_within(parent, "area"), area)


def _resource(parent: _Element, resource: Resource) -> None:
    _add(parent, "resourceDesc", resource.description)
    _add(parent, "mimeType", resource.mime_type)
    _add(parent, "size", resource.size)
    _add(parent, "uri", resource.uri)
    _add(parent, "derefUri", resource.content)
    _add(parent, "digest", resource.digest)


def _area(parent: _Element, area: Area) -> None:
    _add(parent, "areaDesc", area.description)
    _each(parent, "polygon", (" ".join(map(_point, corners)) for corners in area.polygons))
    _each(parent, "circle", map(_circle, area.circles))
    _named(parent, "geocode", area.geocodes)
    _add(parent, "altitude", _number(area.altitude))
    _add(parent, "ceiling", _number(area.ceiling))


def _circle(circle: Circle) -> str:
    return f"{_point(circle.centre)} {_number(circle.radius_km)}"


def _point(point: Point) -> str:
    """Latitude first. A metre is the fifth decimal; the seventh is finer than any map."""
    lon, lat = point
    return f"{_number(lat)},{_number(lon)}"


def _number(value: float | None) -> str | None:
    """Without an exponent, which CAP's numbers have not."""
    return None if value is None else f"{value:.7f}".rstrip("0").rstrip(".")
