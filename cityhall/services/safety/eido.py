"""Emergency Incident Data Objects: what one control centre tells another of an incident, as JSON.

NENA-STA-021.1a, EIDO 1.0 (OpenAPI document of NENA, schema EmergencyIncidentDataObjectType); places as PIDF-LO (RFC
4119, shapes by RFC 5491); types of incidents by the codes of APCO ANS 2.103, which NENA's registry takes them from.
Only what we write and read of it is here. Who has an incident is told by `incidentOwningAgencyIndicator` of the agency
that speaks: true in the answer to ours, and they have taken it over.
"""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.point import Point

VERSION = "1.0"
CONTEXT = "./JSON-LD_Contexts/EmergencyIncidentDataObjectType.jsonld"
LONGEST_ID = 200
MOST_NOTES, LONGEST_NOTE = 20, 2000
CODES = {
    "panic": "ALRPANA",
    "harassment": "HARR",
    "medical": "ALRMED",
    "fire": "FUNK",
    "burglary": "BURGLARY",
    "unit": "MAYDAY",
    "unknown": "TROUBLE",
}
"""Our kinds in the registry's codes, which any centre's program knows."""
WORDS = {
    "panic": "Call for help",
    "harassment": "Harassment",
    "medical": "Medical",
    "fire": "Fire",
    "burglary": "Burglary",
    "unit": "A unit's own emergency",
    "unknown": "Unknown",
}
"""The same for people; our own program reads `incidentTypeInternalCode`."""
_FIRES = (
    "ALRF ALRHEAT ALRPULL ALRKPAD ALRWTR ALRCO ALRCO2 ALRGAS ALRNGAS ALRPROPN EXPLOS FAIRC FAPT FARSON FBRUSH FELEC"
)
_MORE_FIRES = "FFUEL FMARINE FOTHER FSMOKE FSTRU FTRAILER FTRAIN FTRASH FTRUCK FUNK FVEH GASLEAK"
_ILL = (
    "ABDOM ALLERGIC ALRDEFIB ALRMED ALS BACK BLEEDING BLS BURN CARDIAC CHESPAIN CHOKE DIABETIC DROWN ELEC EXPOSURE EYE"
)
_MORE_ILL = "FALL HEADACHE HEMRG OD PERUNCON PREG RESP RESPARR SEIZURE SICK STROKE SUICTHRT TRAUMA TRAUMAP"
_THREATENED = "ABDUCTF ABDUCTNF ALRPANA ALRPANS ALRROBA ALRROBS ASSAULT CARJACK DVA HOSTAGE ROBBERY SHOOT STABBING"
_KINDS = {
    code: kind
    for kind, codes in (
        ("fire", f"{_FIRES} {_MORE_FIRES}"),
        ("medical", f"{_ILL} {_MORE_ILL}"),
        ("harassment", "HARR INDECENT SEXOFFNS"),
        ("burglary", "ALRBA ALRBS BURGLARY"),
        ("unit", "MAYDAY"),
        ("panic", f"{_THREATENED} THREATS"),
    )
    for code in codes.split()
}
"""Codes of others that are one of our kinds; all else is unknown."""
_GML, _SHAPES = "http://www.opengis.net/gml", "http://www.opengis.net/pidflo/1.0"


@dataclass(frozen=True, slots=True)
class Incident:
    """What is told of an incident. `notes` are (moment, text); `identifier` is the same in every message of it."""

    identifier: str
    agency: str
    number: str
    kind: str
    priority: int
    changed_at: datetime
    place: str = ""
    point: Point | None = None
    accuracy_m: float | None = None
    phone: str = ""
    notes: tuple[tuple[datetime, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """What another centre told. `owns`: whether it says that the incident is its own; None where it says nothing."""

    identifier: str
    agency: str
    kind: str
    owns: bool | None
    place: str
    point: Point | None
    accuracy_m: float | None
    phone: str
    notes: tuple[str, ...]


def identifier(slug: str, number: int, agency: str) -> str:
    """An incident's name in the whole world (NENA i3, NENA-STA-010)."""
    return f"urn:emergency:uid:incidentid:{slug.replace('-', '')}{number:012d}:{agency}"


def number_in(name: str, slug: str, agency: str) -> int | None:
    """The number in what `identifier` gave; None for another centre's."""
    own = rf"urn:emergency:uid:incidentid:{re.escape(slug.replace('-', ''))}(\d{{12,18}}):{re.escape(agency)}"
    found = re.fullmatch(own, name)
    return int(found[1]) if found else None


def incident(one: Incident) -> dict[str, Any]:
    """The document that passes an incident on. It is ours as long as the other centre has not said that it has it."""
    body = _document(one.identifier, one.agency, one.changed_at, owns=True)

    def part(name: str) -> dict[str, Any]:
        return _prologue(f"{one.identifier}:{name}", one.agency, one.changed_at)

    about = part("incident") | {
        "incidentTypeCommonRegistryText": CODES.get(one.kind, CODES["unknown"]),
        "incidentTypeInternalCode": one.kind,
        "incidentTypeInternalText": WORDS.get(one.kind, WORDS["unknown"]),
        "incidentCommonPriorityNumber": one.priority,
        "internalIncidentId": one.number,
    }
    if one.point is not None or one.place:
        place = part("location") | {"locationTypeDescriptionRegistryText": "CurrentIncident"}
        if one.place:
            place["locationDescriptionText"] = one.place
        if one.point is not None:
            place["locationByValue"] = _pidf(one.identifier, one.point, one.accuracy_m)
        body["locationComponent"] = [place]
        about["locationReference"] = [{"$ref": place["$id"]}]
    if one.phone:
        back = part("callback") | {"callBackInformationUri": [f"tel:{one.phone}"]}
        caller = part("caller") | {"personIncidentRoleRegistryText": ["Caller"], "callBackReference": _ref(back)}
        body["callbackComponent"], body["personComponent"] = [back], [caller]
        about["personReference"] = [_ref(caller)]
    notes = [
        _prologue(f"{one.identifier}:note{at}", one.agency, moment) | {"notesActionComments": html.escape(text)}
        for at, (moment, text) in enumerate(one.notes)
    ]
    if notes:
        body["notesComponent"] = notes
        about["notesReference"] = [_ref(note) for note in notes]
    return body | {"incidentComponent": about}


def answer(name: str, agency: str, at: datetime, *, owns: bool, reason: str = "") -> dict[str, Any]:
    """The document that says of another centre's incident whether we have it now; `reason` says why not."""
    body = _document(name, agency, at, owns=owns)
    if reason:
        note = _prologue(f"{name}:reason", agency, at) | {"notesActionComments": html.escape(reason)}
        body["notesComponent"] = [note]
    return body


def _document(name: str, agency: str, at: datetime, *, owns: bool) -> dict[str, Any]:
    centre = _prologue(agency, agency, at) | {
        "agencyRoleDescriptionRegistryText": ["CallReceiving"],
        "agencyType": ["psap"],
        "incidentOwningAgencyIndicator": owns,
    }
    return _prologue(name, agency, at) | {
        "eidoVersion": VERSION,
        "issuingElementIdentification": agency,
        "agencyComponent": [centre],
        "@context": {"@vocab": CONTEXT},
    }


def _prologue(name: str, agency: str, at: datetime) -> dict[str, Any]:
    return {
        "$id": name,
        "lastUpdateTimeStamp": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "updatedByAgencyReference": {"$ref": agency},
    }


def _ref(part: dict[str, Any]) -> dict[str, str]:
    return {"$ref": part["$id"]}


def _pidf(name: str, point: Point, accuracy_m: float | None) -> str:
    position = f"<gml:pos>{point.lat:.7f} {point.lon:.7f}</gml:pos>"
    shape = "gml:Point" if accuracy_m is None else "gs:Circle"
    radius = "" if accuracy_m is None else f'<gs:radius uom="urn:ogc:def:uom:EPSG::9001">{accuracy_m:.1f}</gs:radius>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" '
        'xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
        f'xmlns:gml="{_GML}" xmlns:gs="{_SHAPES}" entity="pres:{escape(name)}"><dm:device id="caller"><gp:geopriv>'
        f'<gp:location-info><{shape} srsName="urn:ogc:def:crs:EPSG::4326">{position}{radius}</{shape}>'
        "</gp:location-info><gp:usage-rules/></gp:geopriv></dm:device></presence>"
    )


def read(body: Any) -> Read:
    """What a document says. Of what it has besides nothing is kept. Raises Invalid for one that names no incident."""
    found = _dict(body)
    name, agency = _text(found.get("$id"), LONGEST_ID), _text(_dict(found.get("updatedByAgencyReference")).get("$ref"))
    if not name or not agency or found.get("eidoVersion") != VERSION:
        raise Invalid(
            _("This is no incident of another centre."),
            code="no_eido",
            mend=_("Send an EIDO 1.0 with $id, eidoVersion and updatedByAgencyReference."),
        )
    about = _dict(found.get("incidentComponent"))
    point, accuracy, place = _place(found.get("locationComponent"))
    owns = next(
        (
            one["incidentOwningAgencyIndicator"]
            for one in _dicts(found.get("agencyComponent"))
            if one.get("$id") == agency and isinstance(one.get("incidentOwningAgencyIndicator"), bool)
        ),
        None,
    )
    notes = [_text(one.get("notesActionComments"), 4 * LONGEST_NOTE) for one in _dicts(found.get("notesComponent"))]
    return Read(
        name,
        agency,
        _kind(about),
        owns,
        place,
        point,
        accuracy,
        _phone(found.get("callbackComponent")),
        tuple(plain for note in notes[:MOST_NOTES] if (plain := _plain(note))),
    )


def _kind(about: dict[str, Any]) -> str:
    own = _text(about.get("incidentTypeInternalCode"))
    if own in CODES:
        return own
    code = _text(about.get("incidentTypeCommonRegistryText"))
    if code.upper() in _KINDS:
        return _KINDS[code.upper()]
    words = f"{code} {about.get('incidentTypeInternalText')}".lower()
    return next((kind for kind in ("fire", "medical", "harassment", "burglary") if kind in words), "unknown")


def _place(parts: Any) -> tuple[Point | None, float | None, str]:
    """Point, accuracy in metres and words: of the first location that can be read."""
    words, point, accuracy = "", None, None
    for one in _dicts(parts):
        words = words or _text(one.get("locationDescriptionText"))
        if point is None and isinstance(one.get("locationByValue"), str):
            point, accuracy = _position(one["locationByValue"])
    return point, accuracy, words


def _position(pidf: str) -> tuple[Point | None, float | None]:
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        root: Element = ElementTree.fromstring(pidf, forbid_dtd=True)
        lat, lon = map(float, (root.findtext(f".//{{{_GML}}}pos") or "").split()[:2])
        radius = root.findtext(f".//{{{_SHAPES}}}radius")
        accuracy = float(radius) if radius else None
    except (ValueError, ElementTree.ParseError, DefusedXmlException):
        return None, None
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        return None, None
    return Point(lon, lat), accuracy if accuracy is not None and 0 <= accuracy < 1e6 else None


def _phone(parts: Any) -> str:
    given = [uri for one in _dicts(parts) for uri in _list(one.get("callBackInformationUri")) if isinstance(uri, str)]
    return next((uri.removeprefix("tel:")[:30] for uri in given if re.fullmatch(r"tel:\+?[0-9.()-]{3,25}", uri)), "")


def _plain(text: str) -> str:
    """A note, which is HTML 5, as text: marks taken out, what they stood round kept."""
    return html.unescape(re.sub(r"<[^>]*>", " ", text)).replace("\0", "").strip()[:LONGEST_NOTE]


def _text(value: Any, longest: int = 200) -> str:
    return value.replace("\0", "").strip()[:longest] if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]
