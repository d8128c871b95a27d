"""Messages as an alarm company's central station writes them (APCO/TMA ASAP, NIEM 2.0)."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

ALARM_SPACES = (
    b'xmlns="http://www.apcointl.com/new/commcenter911/external-alarm.xsd"'
    b' xmlns:nc="http://niem.gov/niem/niem-core/2.0"'
    b' xmlns:em="http://niem.gov/niem/domains/emergencyManagement/2.0"'
)
ANGLES = ("Degree", "Minute", "Second")


def _one(name: str, text: str) -> str:
    """An element within others ("nc:A/nc:B"), nothing without a text."""
    if not text:
        return ""
    names = name.split("/")
    return "".join(f"<{one}>" for one in names) + text + "".join(f"</{one}>" for one in reversed(names))


def _payload(inside: str) -> bytes:
    return b'<?xml version="1.0"?><AlarmPayload ' + ALARM_SPACES + b">" + inside.encode() + b"</AlarmPayload>"


def asap_alarm(
    number: str,
    *,
    type: str = "",
    at: str = "",
    details: str = "",
    zone: str = "",
    account: str = "",
    place: str = "",
    street: tuple[str, str] = ("", ""),
    city: str = "",
    degrees: Sequence[str] = (),
    telephone: str = "",
) -> bytes:
    """A notification; `degrees` are those of the longitude, its minutes and seconds, and the same of the latitude."""
    event = (
        _one("nc:ActivityIdentification/nc:IdentificationID", number)
        + _one("nc:ActivityDate/nc:DateTime", at)
        + _one("em:AlarmEventCategoryText", escape(type))
        + _one("em:AlarmEventDetailsText", escape(details))
        + _one("AlarmEventAugmentation/BuildingSensorDetailsText", escape(zone))
    )
    way = _one("nc:StreetNumberText", street[0]) + _one("nc:StreetName", street[1])
    address = _one("nc:LocationStreet", way) + _one("nc:LocationCityName", city)
    angles = "".join(
        _one(f"nc:GeographicCoordinate{axis}", "".join(_one(f"nc:{axis}{part}Value", text) for part, text in given))
        for axis, given in (
            ("Latitude", tuple(zip(ANGLES, degrees[3:], strict=False))),
            ("Longitude", tuple(zip(ANGLES, degrees[:3], strict=False))),
        )
    )
    where = (
        _one("nc:LocationAddress/nc:StructuredAddress", address)
        + _one("nc:LocationName", escape(place))
        + _one("nc:LocationTwoDimensionalGeographicCoordinate", angles)
    )
    return _payload(
        _one("AlarmEvent", event)
        + _one("AlarmMonitoringStation/AlarmMonitoringStationAugmentation/nc:SourceIDText", escape(account))
        + _one("AlarmServiceLocation", where)
        + _one("nc:ContactInformation/nc:ContactTelephoneNumber/nc:TelephoneNumberFullID", telephone)
    )


def asap_notice(number: str, status: str, text: str = "") -> bytes:
    """What a company says of an alarm."""
    event = (
        _one("nc:ActivityIdentification/nc:IdentificationID", number)
        + _one("nc:ActivityStatus/nc:StatusText", status)
        + _one("nc:ActivityDescriptionText", escape(text))
    )
    return _payload(_one("AlarmEvent", event))
