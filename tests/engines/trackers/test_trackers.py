"""What our decoders make of frames that the tests encode themselves: places, alarms, answers, damage."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.trackers import PROTOCOLS, Message, Options, Unreadable, decode, frames, protocol
from cityhall.engines.trackers.values import Position
from tests.engines.trackers import encoders as make

AT = 1_767_323_045.0  # 2026-01-02 03:04:05 UTC
IMEI = "867520001234567"
places = st.tuples(st.floats(-89, 89), st.floats(-179, 179))
moments = st.integers(1_600_000_000, 1_900_000_000).map(float)


def only(message: Message) -> Position:
    (report,) = message.reports
    assert report.position
    return report.position


def kinds(message: Message) -> list[str]:
    return [alarm.kind for report in message.reports for alarm in report.alarms]


def first(name: str, stream: bytes) -> bytes:
    (frame,) = frames(name).feed(stream)
    return frame


def near(found: Position, lat: float, lon: float, at: float) -> None:
    assert found.lat == pytest.approx(lat, abs=1e-5) and found.lon == pytest.approx(lon, abs=1e-5)
    assert found.at == at and found.valid


@given(places, moments, st.integers(0, 200), st.integers(0, 359))
def test_gt06_says_where_and_when(place: tuple[float, float], at: float, kmh: int, course: int) -> None:
    cell = struct.pack(">HBH", 724, 5, 4711) + (99).to_bytes(3, "big")
    message = decode("gt06", make.gt06(0x12, make.gt06_place(at, *place, kmh, course) + cell))
    position = only(message)
    near(position, *place, at)
    assert position.speed == pytest.approx(kmh / 3.6) and position.course == course and position.satellites == 9
    assert message.intact and not kinds(message)


@given(places, moments)
def test_jt808_says_where_and_when_by_its_own_clock(place: tuple[float, float], at: float) -> None:
    frame = first("jt808", make.jt808(0x0200, make.jt808_location(at, *place, kmh=36)))
    message = decode("jt808", frame)
    position = only(message)
    near(position, *place, at)
    assert position.speed == pytest.approx(10) and position.course == 90 and position.altitude == 30
    assert message.device == "013912345678"
    # A device whose clock is set to UTC is taken for one.
    assert only(decode("jt808", frame, Options(utc_offset_s=0))).at == at + 8 * 3600


@given(places, moments, st.sampled_from([0x08, 0x8E, 0x10]))
def test_teltonika_says_where_and_when(place: tuple[float, float], at: float, codec: int) -> None:
    record = make.teltonika_record(at, *place, {239: (1, 1), 66: (12_345, 2), 16: (77, 4), 78: (0, 8)}, codec)
    message = decode("teltonika", make.teltonika([record, record], codec))
    assert len(message.reports) == 2 and message.acknowledgement == b"\0\0\0\2"
    position = message.reports[1].position
    assert position
    near(position, *place, at)
    assert position.speed == pytest.approx(10) and position.course == 270 and position.satellites == 9
    assert message.reports[0].attributes["power"] == pytest.approx(12.345)
    assert message.reports[0].attributes["ignition"] is True


@given(places)
def test_queclink_and_suntech_say_where(place: tuple[float, float]) -> None:
    lat, lon = round(place[0], 6), round(place[1], 6)
    fields = f"GL300,0,0,1,2,36.0,92,70.0,{lon:.6f},{lat:.6f},20260102030405,0460,0000,18D8,6141,00,80"
    position = only(decode("queclink", first("queclink", make.queclink("FRI", IMEI, fields))))
    near(position, lat, lon, AT)
    assert position.speed == pytest.approx(10) and position.altitude == 70
    position = only(decode("suntech", first("suntech", make.suntech_alert("100850000", AT, lat, lon, 42))))
    near(position, lat, lon, AT)
    assert position.speed == pytest.approx(5) and position.satellites == 9


def test_a_panic_button_is_an_sos_in_every_protocol() -> None:
    record = make.teltonika_record(AT, -30, -51, {236: (1, 1)}, priority=2, event=236)
    fields = "GL300,0,0,1,1,0.0,0,70.0,-51.2,-30.0,20260102030405,0460,0000,18D8,6141,00,80"
    pressed = {
        "gt06": make.gt06_alarm(AT, -30, -51, 0x01),
        "jt808": make.jt808(0x0200, make.jt808_location(AT, -30, -51, alarms=1)),
        "suntech": make.suntech_alert("100850000", AT, -30, -51, 42),
        "queclink": make.queclink("SOS", IMEI, fields),
        "watch": b"[3G*8308373902*005F*AL,020126,030405,A,30.000000,S,51.000000,W,"
        b"0.00,0.0,0.0,4,15,44,0,0,00010000,1,1,724,5,1,2,3]",
        "h02": b"*HQ,355488020113911,V1,030405,A,3000.0000,S,05100.0000,W,0.05,0,020126,FFFFFFFD#",
        "tk103": b"(864768011069660,ZC25,020126,A,3000.0000S,05100.0000W,0.68,030405,208.19,64.50,9)",
        "gotop": b"860264050778076,CMD-KEY,A,DATE:020126,TIME:030405,LAT:30.0000000S,LON:051.0000000W,"
        b"Speed:000.0,057-21,01.60#",
        "its": b"$EPB,EMR,869867036066035,NM,02012026,030405,A,30.000000,S,51.000000,W,12.0,0.0,0.000,G,,0,724,5,"
        b"ECFB,36EF*226F7BD1\r\n",
        "topin": bytes.fromhex("787801990d0a"),
    }
    for name, stream in pressed.items():
        assert kinds(decode(name, first(name, stream))) == ["sos"], name
    personal = Options(model="TMT250")
    assert kinds(decode("teltonika", make.teltonika([record]), personal)) == ["sos"]
    # What a vehicle's device calls only an alarm is one.
    assert kinds(decode("teltonika", make.teltonika([record]))) == ["general"]


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("gt06", make.gt06_alarm(AT, 1, 1, 0x7D)),
        ("gt06", make.gt06(0x13, bytes([0b101000, 4, 3, 0, 2]))),
        ("gt06", make.gt06(0x95, make.clock(AT) + bytes([0x33]))),
        ("suntech", b"ST300EMG;100850000;04;313;20260102;03:04:05;c9;+01.0;+001.0;0;0;9;1;12;12.6;100000;77"),
        (
            "suntech",
            b"ALT;0840037569;3FFFFF;84;1.0.6;0;20260102;03:04:05;4490;724;11;05D3;33;1.0;1.0;0;0;18;0;1;0;250;;",
        ),
        ("queclink", b"+RESP:GTZZZ,1A0800,867520001234567,GL300,1,20260102030405,11F0"),
        ("teltonika", make.teltonika([make.teltonika_record(AT, 1, 1, {}, priority=2, event=9)])),
        ("teltonika", make.teltonika([make.teltonika_record(AT, 1, 1, {253: (9, 1)})])),
        ("jt808", make.jt808(0x0200, make.jt808_location(AT, 1, 1, items=bytes([0x70, 6, 0, 0, 0, 1, 0, 0x55])))),
        ("watch", b"[3G*8308373902*0002*AL]"),
    ],
)
def test_a_code_that_nobody_knows_is_an_unknown_alarm(name: str, frame: bytes) -> None:
    message = decode(name, frame)
    assert kinds(message) == ["unknown"] and message.reports[0].alarms[0].code


def test_what_is_known_to_be_no_alarm_is_none() -> None:
    for code in (0x00, 0xFE, 0xFF):
        assert not kinds(decode("gt06", make.gt06_alarm(AT, 1, 1, code)))


def test_log_ins_name_the_device_and_say_nothing_else() -> None:
    login = decode("gt06", make.gt06(0x01, bytes.fromhex("0" + IMEI) + b"\x10\x0b" + bytes.fromhex("3e88")))
    # 0x3e8 is 10:00 hours, and the 8 says west.
    assert (login.kind, login.device, login.reports, login.utc_offset_s) == ("login", IMEI, (), -36_000.0)
    assert login.acknowledgement == make.gt06(0x01, b"", 1)
    login = decode("teltonika", struct.pack(">H", 15) + IMEI.encode())
    assert (login.kind, login.device, login.reports, login.acknowledgement) == ("login", IMEI, (), b"\x01")
    login = decode("jt808", first("jt808", make.jt808(0x0100, b"\0\x2c\0\0" + b"70111" * 5, serial=3)))
    assert (login.kind, login.device, login.reports) == ("login", "013912345678", ())
    answer = first("jt808", login.acknowledgement)
    assert answer[1:3] == b"\x81\x00" and answer[13:16] == b"\0\x03\0" and answer[16:-2] == b"013912345678"


def test_answers_are_what_the_device_waits_for() -> None:
    alarm = make.gt06_alarm(AT, 1, 1, 1, serial=0x1234)
    assert decode("gt06", alarm).acknowledgement == make.gt06(0x16, b"", 0x1234)
    location = first("jt808", make.jt808(0x0200, make.jt808_location(AT, 1, 1), serial=0x7E7D))
    raw = decode("jt808", location).acknowledgement
    assert b"\x7e" not in raw[1:-1], "the answer is escaped"
    answer = first("jt808", raw)
    assert answer[1:3] == b"\x80\x01" and answer[13:18] == b"\x7e\x7d\x02\x00\x00"
    report = decode("queclink", make.queclink("SOS", IMEI, "GL300,0,0", count="0A1B"))
    assert report.acknowledgement == b"+SACK:0A1B$" and report.device == IMEI
    beat = decode("queclink", b"+ACK:GTHBD,1A0401,135790246811220,,20260102030405,11F0$")
    assert beat.acknowledgement == b"+SACK:GTHBD,1A0401,11F0$" and not beat.reports
    datagram = make.teltonika_datagram(IMEI, [make.teltonika_record(AT, 1, 2, {})] * 2)
    message = decode("teltonika", datagram)
    assert message.device == IMEI and message.acknowledgement == bytes.fromhex("0005cafe010302")
    watch = decode("watch", b"[3G*8800000015*0002*LK]")
    assert watch.acknowledgement == b"[3G*8800000015*0002*LK]"


@pytest.mark.parametrize("place", range(2, 60, 3))
def test_a_damaged_frame_gets_no_answer(place: int) -> None:
    for name, good in (
        ("gt06", make.gt06_alarm(AT, 1, 1, 1)),
        ("teltonika", make.teltonika([make.teltonika_record(AT, 1, 2, {1: (1, 1)})])),
        ("jt808", first("jt808", make.jt808(0x0200, make.jt808_location(AT, 1, 1, alarms=1)))),
    ):
        assert decode(name, good).acknowledgement
        bad = bytearray(good)
        bad[place % (len(good) - 3)] ^= 0x10
        try:
            message = decode(name, bytes(bad))
        except Unreadable:
            continue
        assert not message.intact and not message.acknowledgement, name


def test_jt808_of_2019_has_a_longer_head() -> None:
    frame = first("jt808", make.jt808(0x0200, make.jt808_location(AT, -30, -51, 1), "13912345678", version=1))
    message = decode("jt808", frame)
    assert message.device == "13912345678" and kinds(message) == ["sos"]
    answer = first("jt808", message.acknowledgement)
    assert answer[3] & 0x40 and answer[5] == 1 and answer[6:16] == frame[6:16]


def test_jt808_batches_and_parts() -> None:
    locations = [make.jt808_location(AT + step, -30, -51, alarms=step == 2) for step in range(3)]
    content = struct.pack(">HB", 3, 1) + b"".join(struct.pack(">H", len(one)) + one for one in locations)
    whole = decode("jt808", first("jt808", make.jt808(0x0704, content)))
    assert [report.position.at for report in whole.reports if report.position] == [AT, AT + 1, AT + 2]
    assert kinds(whole) == ["sos"] and all(report.attributes["archive"] for report in whole.reports)
    cut = frames("jt808")
    pieces = [content[:40], content[40:70], content[70:]]
    out = []
    for number, piece in enumerate(pieces, 1):
        out += cut.feed(make.jt808(0x0704, piece, serial=number, part=(3, number)))
    parts, joined = out[:3], out[3:]
    assert [decode("jt808", part).kind for part in parts] == ["part"] * 3
    assert all(decode("jt808", part).acknowledgement and not decode("jt808", part).reports for part in parts)
    (message,) = (decode("jt808", frame) for frame in joined)
    assert message.reports == whole.reports and message.intact


STREAMS: dict[str, list[bytes]] = {
    "gt06": [
        make.gt06_alarm(AT, 1, 1, 1),
        make.gt06(0x13, bytes([0, 4, 3, 0, 2]), 2),
        make.gt06(0x94, b"\0\x04\xd2", long=True),
    ],
    "teltonika": [
        struct.pack(">H", 15) + IMEI.encode(),
        make.teltonika([make.teltonika_record(AT, 1, 2, {})]),
        b"\xff",
    ],
    "jt808": [make.jt808(0x0002, b"", serial=0x7E7E), make.jt808(0x0200, make.jt808_location(AT, 1, 1))],
    "queclink": [make.queclink("SOS", IMEI, "GL300,0"), make.queclink("FRI", IMEI, "GL300,1", "0001")],
    "suntech": [make.suntech_alert("100850000", AT, 1, 1, 42), make.suntech_alert("100850000", AT, 1, 1, 41)],
    "watch": [b"[3G*8800000015*0002*LK]", b"[3G*8800000015*0008*PULSE,72]"],
    "tk103": [b"(027044702512BP00027044702512HSO)", b"(013632651491,ZC20,040613,040137,6,42,112,0)"],
}


@pytest.mark.parametrize("name", sorted(STREAMS))
@given(data=st.data())
def test_pieces_of_any_size_give_the_same_frames(name: str, data: st.DataObject) -> None:
    stream = b"".join(STREAMS[name])
    whole = frames(name).feed(stream)
    assert len(whole) == len(STREAMS[name])
    cut, found = frames(name), []
    while stream:
        size = data.draw(st.integers(1, 40))
        found += cut.feed(stream[:size])
        stream = stream[size:]
    assert found == whole and cut.malformed == 0


@pytest.mark.parametrize("name", sorted(STREAMS))
@given(garbage=st.binary(max_size=80))
def test_after_garbage_a_good_frame_comes_through(name: str, garbage: bytes) -> None:
    """At the latest the second one: garbage may look like the beginning of a frame, and end with the first."""
    good = STREAMS[name][1]
    cut = frames(name)
    found = cut.feed(garbage)
    filling = good * (2 + cut.LONGEST // len(good)) if name == "teltonika" else good * 12
    found = cut.feed(filling)
    assert frames(name).feed(good)[0] in found
    assert len(cut.rest) <= cut.LONGEST


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
@given(data=st.binary(max_size=120))
def test_nothing_stops_a_decoder(name: str, data: bytes) -> None:
    cut = frames(name)
    for frame in [data, *cut.feed(data), *cut.feed(data)]:
        try:
            message = decode(name, frame)
        except Unreadable:
            continue
        assert not message.acknowledgement or message.intact


MADE: list[tuple[str, Callable[[], bytes]]] = [
    ("gt06", lambda: make.gt06_alarm(AT, 1, 1, 1)),
    ("jt808", lambda: first("jt808", make.jt808(0x0200, make.jt808_location(AT, 1, 1, items=b"\x01\x04\0\0\0\x09")))),
    ("teltonika", lambda: make.teltonika([make.teltonika_record(AT, 1, 2, {1: (1, 1), 66: (9, 2)}, 0x8E)], 0x8E)),
    ("queclink", lambda: make.queclink("FRI", IMEI, "GL300,0,0,1,1,0.0,0,70.0,-51.2,-30.0,20260102030405,,,,,00,80")),
    ("suntech", lambda: make.suntech_alert("100850000", AT, 1, 1, 42)),
]


@pytest.mark.parametrize(("name", "build"), MADE)
@given(changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_of_any_kind_stops_nothing(
    name: str, build: Callable[[], bytes], changes: list[tuple[int, int]]
) -> None:
    frame = bytearray(build())
    for place, value in changes:
        frame[place % len(frame)] = value
    try:
        message = decode(name, bytes(frame))
    except Unreadable:
        return
    assert not message.acknowledgement or message.intact


def test_memory_stays_bounded_whatever_comes() -> None:
    fillers = (
        b"\x00", b"x", b"(", b"[", b"\x7e", b"\xe7", b"*", b"$", b"+RESP:GT", b"A", b"yy\xff\xff", b"yy\x0f\xf0",
        b"\0\x0f1",
        b"xx\xff\r\n", b"\r\n", b"($)", b"($))))", b"\0\0\0\0\0\0\x0f\0\x08", b"}\x7d", b"+RSP\0\0\0\0\0\x0f\xff",
        b"#", b"\x02\0",
    )  # fmt: skip
    began = time.process_time()
    for name in PROTOCOLS:
        for filler in fillers:
            cut = frames(name)
            for _piece in range(8):
                cut.feed(filler * (4096 // len(filler)))
                assert len(cut.rest) <= cut.LONGEST, name
            for _byte in range(64):
                cut.feed(filler[:1])
    # 8.5 MB of the worst that a flood can be: what is sent costs seconds, and not hours.
    assert time.process_time() - began < 60


def test_a_protocol_that_nobody_knows_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match="gt06"):
        protocol("morse")
