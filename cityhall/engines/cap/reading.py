"""Messages read from CAP 1.0, 1.1 and 1.2, alone or in an envelope."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cityhall.engines.cap import rules
from cityhall.engines.cap.message import Alert, Area, CapError, Circle, Info, Named, Reference, Resource
from cityhall.engines.cap.parsing import alerts, parse, version_of

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES_TOLD = 2**53
"""A resource larger than a float counts exactly has a size that says nothing."""


def read(data: bytes) -> list[Alert]:
    """The messages of a document, all of them valid. Raises CapError, with the reason, where one is not."""
    found = []
    for element in alerts(parse(data)):
        if problem := rules.problem(element):
            raise CapError(problem)
        found.append(alert(element))
    return found


def alert(element: _Element) -> Alert:
    """What a valid `alert` element says. Raises CapError where a moment is one that no calendar has."""
    told = _Told(element)
    return Alert(
        identifier=told.text("identifier"),
        sender=told.text("sender"),
        sent=moment(told.text("sent")),
        status=told.text("status"),
        msg_type=told.text("msgType"),
        # 1.0 may leave it out, and means this.
        scope=told.text("scope") or "Public",
        source=told.text("source"),
        restriction=told.text("restriction"),
        addresses=_words(told.text("addresses")),
        codes=told.texts("code"),
        note=told.text("note"),
        references=tuple(map(_reference, told.text("references").split())),
        incidents=_words(told.text("incidents")),
        infos=tuple(map(_info, told.all("info"))),
        version=version_of(element),
    )


def moment(text: str) -> datetime:
    """A dateTime with its offset; one without, which 1.0 and 1.1 let pass, is taken as UTC. Raises CapError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CapError(f"{text[:40]!r} is no moment.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class _Told:
    """An element's children by their names in its own namespace."""

    def __init__(self, element: _Element) -> None:
        self.element = element
        self.space = str(element.tag).rpartition("}")[0] + "}"

    def all(self, name: str) -> list[_Element]:
        found: list[_Element] = self.element.findall(self.space + name)
        return found

    def text(self, name: str) -> str:
        return (self.element.findtext(self.space + name) or "").strip()

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple((one.text or "").strip() for one in self.all(name))

    def moment(self, name: str) -> datetime | None:
        text = self.text(name)
        return moment(text) if text else None

    def number(self, name: str) -> float | None:
        """None too where 1.0 or 1.1, to which it is free text, says more than a number."""
        text = self.text(name)
        return float(text) if rules.NUMBER.fullmatch(text) else None

    def named(self, name: str) -> Named:
        """Pairs; 1.0 writes each as `name=value`."""
        found = []
        for one in map(_Told, self.all(name)):
            if len(one.element):
                found.append((one.text("valueName"), one.text("value")))
            else:
                before, _, after = (one.element.text or "").strip().partition("=")
                found.append((before, after))
        return tuple(found)


def _words(text: str) -> tuple[str, ...]:
    """Words apart by spaces; a word with spaces in it stands in double quotes (section 3.2.1)."""
    return tuple(quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', text))


def _reference(text: str) -> Reference:
    sender, identifier, sent = text.split(",")
    return Reference(sender, identifier, moment(sent))


def _info(element: _Element) -> Info:
    told = _Told(element)
    return Info(
        categories=told.texts("category"),
        event=told.text("event"),
        urgency=told.text("urgency"),
        severity=told.text("severity"),
        certainty=told.text("certainty"),
        language=told.text("language") or "en-US",
        response_types=told.texts("responseType"),
        audience=told.text("audience"),
        event_codes=told.named("eventCode"),
        effective=told.moment("effective"),
        onset=told.moment("onset"),
        expires=told.moment("expires"),
        sender_name=told.text("senderName"),
        headline=told.text("headline"),
        description=told.text("description"),
        instruction=told.text("instruction"),
        web=told.text("web"),
        contact=told.text("contact"),
        parameters=told.named("parameter"),
        resources=tuple(map(_resource, told.all("resource"))),
        areas=tuple(map(_area, told.all("area"))),
    )


def _resource(element: _Element) -> Resource:
    told = _Told(element)
    size = told.number("size")
    return Resource(
        description=told.text("resourceDesc"),
        mime_type=told.text("mimeType"),
        size=int(size) if size is not None and size < MOST_BYTES_TOLD else None,
        uri=told.text("uri"),
        content=told.text("derefUri"),
        digest=told.text("digest"),
    )


def _area(element: _Element) -> Area:
    told = _Told(element)
    return Area(
        description=told.text("areaDesc"),
        polygons=tuple(map(rules.points, told.texts("polygon"))),
        circles=tuple(Circle(*rules.circle(text)) for text in told.texts("circle")),
        geocodes=told.named("geocode"),
        altitude=told.number("altitude"),
        ceiling=told.number("ceiling"),
    )
