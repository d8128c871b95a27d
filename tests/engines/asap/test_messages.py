"""Alarms of alarm companies: what is read is what was written, and what is wrong is said in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.asap import Alarm, AsapError, Notice, Status, read, write
from cityhall.engines.asap.reading import MOST_BYTES
from tests.asap import ALARM_SPACES, asap_alarm, asap_notice

FULL = asap_alarm(
    "C-4711",
    type="Burglary",
    at="2026-11-28T11:59:00-03:00",
    details="Motion in the hall",
    zone="Zone 4, hall",
    account="A-77",
    street=("12", "Rua dos Andradas"),
    city="Porto Alegre",
    degrees=("-51", "13", "48", "-30", "1", "48"),
    telephone="+55 51 5550100",
)


def bare(number: str) -> bytes:
    """A notification without the XML declaration."""
    return asap_alarm(number).partition(b"?>")[2]


def test_a_notification_says_what_the_desk_needs() -> None:
    alarm = read(FULL)
    assert isinstance(alarm, Alarm)
    assert (alarm.number, alarm.type, alarm.zone, alarm.account) == ("C-4711", "Burglary", "Zone 4, hall", "A-77")
    assert alarm.address == "12 Rua dos Andradas, Porto Alegre" and alarm.telephone == "+55 51 5550100"
    assert alarm.details == "Motion in the hall" and alarm.at == datetime(2026, 11, 28, 14, 59, tzinfo=UTC)
    assert alarm.lon == pytest.approx(-51.23) and alarm.lat == pytest.approx(-30.03)


@pytest.mark.parametrize("version", ["2.0", "3.1"])
def test_elements_are_known_by_their_names_in_any_version(version: str) -> None:
    other = FULL.replace(b"niem-core/2.0", f"niem-core/{version}".encode())
    assert read(other) == read(FULL)


def test_one_in_an_envelope_is_found_and_one_without_a_place_has_none() -> None:
    inside = b"<n:Message xmlns:n='urn:x'>" + bare("7") + b"</n:Message>"
    assert read(inside) == Alarm("7")


@pytest.mark.parametrize(
    ("degrees", "found"),
    [
        (("-0", "30", "0", "0", "30", "0"), (-0.5, 0.5)),
        (("181", "0", "0", "0", "0", "0"), None),
        (("1", "61", "0", "0", "0", "0"), None),
        (("x", "0", "0", "0", "0", "0"), None),
        (("nan", "0", "0", "1", "0", "0"), None),
    ],
)
def test_an_angle_is_one_or_the_place_is_not_known(degrees: tuple[str, ...], found: tuple[float, float] | None) -> None:
    alarm = read(asap_alarm("7", degrees=degrees))
    assert isinstance(alarm, Alarm)
    assert (alarm.lon, alarm.lat) == (found or (None, None))


def test_a_moment_without_an_offset_is_the_citys() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    alarm = read(asap_alarm("7", at="2026-11-28T11:59:00"), zone)
    assert isinstance(alarm, Alarm) and alarm.at == datetime(2026, 11, 28, 14, 59, tzinfo=UTC)
    odd = read(asap_alarm("7", at="yesterday"))
    assert isinstance(odd, Alarm) and odd.at is None


@pytest.mark.parametrize("status", list(Status))
def test_what_is_written_is_read_again(status: Status) -> None:
    notice = Notice(
        "7 & <8>", status, datetime(2026, 11, 28, 12, tzinfo=UTC), "é 1 < 2", "too old", "false alarm", "12"
    )
    assert read(write(notice)) == notice


@pytest.mark.parametrize(
    ("word", "status"),
    [("ACCEPT", Status.ACCEPTED), ("Rejected", Status.REJECTED), ("Cancelled", Status.CANCEL), ("Arrival", "Arrived")],
)
def test_a_status_is_known_in_its_other_forms(word: str, status: str) -> None:
    said = read(asap_notice("7", word))
    assert isinstance(said, Notice) and said.status == status


def test_what_is_written_is_in_niems_own_names_and_order() -> None:
    from lxml import etree

    at = datetime(2026, 11, 28, 12, tzinfo=UTC)
    root = etree.fromstring(write(Notice("7", Status.CLOSED, at, "text", "reason", "false alarm", "12")))
    assert set(root.nsmap) == {"apco-alarm", "nc", "em", "j", "s"}
    event, call = root
    # ActivityType of http://niem.gov/niem/niem-core/2.0, in its sequence.
    sequence = "Identification CategoryText Date DescriptionText Name Status ReasonText Disposition".split()
    names = [etree.QName(one).localname.removeprefix("Activity") for one in event]
    assert names == [name for name in sequence if name in names] and len(names) == 6
    assert {etree.QName(one).namespace for one in event.iter() if one is not event} == {root.nsmap["nc"]}
    assert etree.QName(call).text == "{http://niem.gov/niem/domains/jxdm/4.0}ServiceCall"


def test_a_place_in_decimal_degrees_a_link_and_a_car_are_read() -> None:
    more = (
        b"<AlarmEvent><nc:ActivityIdentification><nc:IdentificationID>7</nc:IdentificationID>"
        b"</nc:ActivityIdentification><AlarmEventAugmentation><AlarmConfirmationURI>https://v.example/7"
        b"</AlarmConfirmationURI></AlarmEventAugmentation></AlarmEvent><AlarmServiceLocation>"
        b"<nc:LocationAddress><nc:StructuredAddress><nc:AddressBuildingText>Block B</nc:AddressBuildingText>"
        b"<nc:LocationCityName>Porto Alegre</nc:LocationCityName></nc:StructuredAddress></nc:LocationAddress>"
        b"<nc:LocationCrossStreet><nc:CrossStreetDescriptionText>at Rua Um</nc:CrossStreetDescriptionText>"
        b"</nc:LocationCrossStreet><nc:LocationMapLocation><nc:MapHorizontalCoordinateText>%s"
        b"</nc:MapHorizontalCoordinateText><nc:MapVerticalCoordinateText>-51.23</nc:MapVerticalCoordinateText>"
        b"</nc:LocationMapLocation></AlarmServiceLocation><nc:Vehicle><nc:ConveyanceColorPrimaryText>red"
        b"</nc:ConveyanceColorPrimaryText><nc:ConveyanceRegistrationPlateIdentification><nc:IdentificationID>ABC1D23"
        b"</nc:IdentificationID></nc:ConveyanceRegistrationPlateIdentification></nc:Vehicle>"
    )

    def given(latitude: bytes) -> Alarm:
        found = read(b"<AlarmPayload " + ALARM_SPACES + b">" + more % latitude + b"</AlarmPayload>")
        assert isinstance(found, Alarm)
        return found

    alarm = given(b"-30.03")
    assert (alarm.lon, alarm.lat, alarm.address) == (-51.23, -30.03, "Block B, Porto Alegre")
    assert alarm.details.split("\n") == ["https://v.example/7", "at Rua Um", "red ABC1D23"]
    assert [given(bad).lon for bad in (b"", b"91", b"nan", b"north")] == [None] * 4


def test_what_xml_cannot_say_is_left_out() -> None:
    read_again = read(write(Notice("7", Status.UPDATE, text="a\x00\x07b\ufffe\ud800c")))
    assert isinstance(read_again, Notice) and read_again.text == "abc"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not XML"),
        (b"\0\1", "not XML"),
        (b"<Alarm/>", "holds no AlarmPayload"),
        (b"<AlarmPayload/>", "names no alarm"),
        (asap_alarm("x" * 101), "names no alarm"),
        (asap_notice("7", "Odd"), "none of Accepted"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + bare("&x;"), "document type"),
        (b'<!DOCTYPE a SYSTEM "http://169.254.169.254/x">' + bare("7"), "document type"),
        (asap_alarm("7") + b" " * MOST_BYTES, "too large"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(AsapError, match=why):
        read(data)


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_bytes_crash_it(data: bytes) -> None:
    for document in (data, b"<AlarmPayload " + ALARM_SPACES + b">" + data + b"</AlarmPayload>"):
        try:
            read(document)
        except AsapError as problem:
            assert str(problem)
