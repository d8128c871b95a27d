"""Messages read from bytes that anybody may have sent."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from cityhall.engines.asap.message import LONGEST_NUMBER, ROOT, Alarm, AsapError, Notice, Status
from cityhall.engines.untrusted_xml import root_of

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES = 256 * 1024
LONGEST_TEXT = 2000
EVENT, PLACE, STATION = "AlarmEvent", "AlarmServiceLocation", "AlarmMonitoringStation"
ADDED = f"{EVENT}/AlarmEventAugmentation"
DETAILS = (
    f"{EVENT}/AlarmEventDetailsText",
    f"{ADDED}/AlarmConfirmationText",
    f"{ADDED}/CallToPremiseText",
    f"{ADDED}/AlarmAudibleDescriptionText",
    f"{ADDED}/AlarmConfirmationURI",
    f"{PLACE}/LocationDescriptionText",
    f"{PLACE}/LocationCrossStreet/CrossStreetDescriptionText",
    f"{PLACE}/AlarmEventLocationAugmentation/LocationDirectionsText",
    f"{PLACE}/AlarmEventLocationAugmentation/LocationInformationText",
)
STREET = (
    "StreetNumberText",
    "StreetPredirectionalText",
    "StreetName",
    "StreetCategoryText",
    "StreetPostdirectionalText",
)
COORDINATE = f"{PLACE}/LocationTwoDimensionalGeographicCoordinate"
ON_MAP = f"{PLACE}/LocationMapLocation/Map"
VEHICLE = ("ConveyanceColorPrimaryText", "VehicleMakeCode", "VehicleModelCode")
PLATE = "/Vehicle/ConveyanceRegistrationPlateIdentification/IdentificationID"
CALL = ("ServiceCall/ActivityIdentification/IdentificationID", "CallForServiceIdentification/IdentificationID")
"""Where the city's own number is: as we write it, and as an earlier version of ours did."""


def read(data: bytes, zone: tzinfo = UTC) -> Alarm | Notice:
    """The message of a document; moments without an offset are of `zone`. Raises AsapError, with the reason."""
    root = _parse(data)
    number = _text(root, f"{EVENT}/ActivityIdentification/IdentificationID")
    if not number or len(number) > LONGEST_NUMBER or not number.isprintable():
        raise AsapError(f"It names no alarm: AlarmEvent has no number of 1 to {LONGEST_NUMBER} letters.")
    at = _moment(_text(root, f"{EVENT}/ActivityDate/DateTime"), zone)
    said = _text(root, f"{EVENT}/ActivityStatus/StatusText")
    if not said:
        return _alarm(root, number, at)
    status = Status.of(said)
    if status is None:
        raise AsapError(f"Its status {said[:40]!r} is none of {', '.join(Status)}.")
    return Notice(
        number,
        status,
        at,
        _text(root, f"{EVENT}/ActivityDescriptionText"),
        _text(root, f"{EVENT}/ActivityReasonText"),
        _text(root, f"{EVENT}/ActivityDisposition/DispositionText"),
        _text(root, CALL[0]) or _text(root, CALL[1]),
    )


def _parse(data: bytes) -> _Element:
    """The message's element, alone or in an envelope."""
    root = root_of(data, AsapError, f"It is too large: at most {MOST_BYTES // 1024} KiB are read.", MOST_BYTES)
    if str(root.tag).rpartition("}")[2] == ROOT:
        return root
    inside = root.find(f".//{{*}}{ROOT}")
    if inside is None:
        raise AsapError(f"It holds no {ROOT}.")
    return inside


def _alarm(root: _Element, number: str, at: datetime | None) -> Alarm:
    lon, lat = _degrees(root, "Longitude", 180), _degrees(root, "Latitude", 90)
    if lon is None or lat is None:
        lon, lat = _on_map(root)
    return Alarm(
        number,
        _text(root, f"{EVENT}/AlarmEventCategoryText") or _text(root, f"{EVENT}/ActivityCategoryText"),
        at,
        "\n".join(filter(None, (*(_text(root, path) for path in DETAILS), _vehicle(root))))[:LONGEST_TEXT],
        _text(root, f"{ADDED}/BuildingSensorDetailsText"),
        _text(root, f"{STATION}/AlarmMonitoringStationAugmentation/SourceIDText"),
        _text(root, f"{STATION}/OrganizationName"),
        _text(root, f"{PLACE}/LocationName"),
        _address(root),
        lon,
        lat,
        _text(root, "/ContactInformation//TelephoneNumberFullID"),
    )


def _address(root: _Element) -> str:
    """The address as it is written in one line, else put together from its parts."""
    full = _text(root, f"{PLACE}/LocationAddress/AddressFullText")
    if full:
        return full
    parts = f"{PLACE}/LocationAddress/StructuredAddress"
    street = " ".join(filter(None, (_text(root, f"{parts}/LocationStreet/{name}") for name in STREET)))
    names = ("AddressBuildingText", "AddressSecondaryUnitText", "LocationCityName")
    rest = (_text(root, f"{parts}/{name}") for name in names)
    return ", ".join(filter(None, (street, *rest)))


def _vehicle(root: _Element) -> str:
    """A car whose alarm it is, in a line: colour, make and model, plate."""
    words = [_text(root, f"/Vehicle/{name}") for name in VEHICLE]
    return " ".join(filter(None, (*words, _text(root, PLATE))))


def _text(root: _Element, path: str) -> str:
    """What stands first at a path of names, in whatever namespaces; after an empty name, at any depth below."""
    wild = "/".join(f"{{*}}{name}" if name else "" for name in path.split("/"))
    found = root.findtext(f"./{wild}")
    return " ".join((found or "").split())[:LONGEST_TEXT]


def _moment(text: str, zone: tzinfo) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _degrees(root: _Element, name: str, most: int) -> float | None:
    """An angle of degrees, minutes and seconds, whose sign is the degrees' (NIEM core 2.0); None where it is none."""
    where = f"{COORDINATE}/GeographicCoordinate{name}/{name}"
    texts = [_text(root, f"{where}{part}Value") for part in ("Degree", "Minute", "Second")]
    if not texts[0]:
        return None
    try:
        degrees, minutes, seconds = (float(text or 0) for text in texts)
    except ValueError:
        return None
    if not (0 <= minutes < 60 and 0 <= seconds < 60 and math.isfinite(degrees)):
        return None
    value = math.copysign(abs(degrees) + minutes / 60 + seconds / 3600, -1 if texts[0].startswith("-") else 1)
    return value if abs(value) <= most else None


def _on_map(root: _Element) -> tuple[float | None, float | None]:
    """Longitude and latitude where they stand as decimal degrees of a map: its vertical and horizontal coordinate."""
    try:
        lon, lat = (float(_text(root, f"{ON_MAP}{way}CoordinateText")) for way in ("Vertical", "Horizontal"))
    except ValueError:
        return None, None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else (None, None)
