"""NMEA 0183 sentences into positions, with pynmeagps as the oracle."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynmeagps import NMEAMessage, NMEAReader

from cityhall.engines.gnss import Epochs, Frames, Position
from cityhall.engines.gnss.epochs import WAIT_S
from cityhall.engines.gnss.nmea import checksum, sentence

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
TALKERS = st.sampled_from(["GP", "GN", "GA", "GL", "GB", "GI", "GQ"])


def decimals(low: float, high: float, digits: int = 3) -> st.SearchStrategy[float]:
    """Numbers as receivers write them: never in powers of ten."""
    return st.integers(int(low * 10**digits), int(high * 10**digits)).map(lambda whole: whole / 10**digits)


TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2059, 12, 31)).map(lambda at: at.replace(microsecond=0))


def made(talker: str, kind: str, **fields: object) -> bytes:
    if "lat" in fields:
        fields |= {"NS": "N" if fields["lat"] >= 0 else "S", "EW": "E" if fields["lon"] >= 0 else "W"}  # type: ignore[operator]
    return NMEAMessage(talker, kind, 0, **fields).serialize()


def positions(*sentences: bytes, now: datetime = NOON) -> tuple[list[Position], Epochs]:
    epochs, out = Epochs(), []
    for frame in Frames().feed(b"".join(sentences)):
        epochs.feed(frame, now.timestamp(), out)
    epochs.flush(now.timestamp() + WAIT_S, out)
    return out, epochs


@given(st.binary(max_size=250))
def test_the_checksum_is_the_xor_of_all_bytes(content: bytes) -> None:
    assert checksum(content) == reduce(xor, content, 0)


@given(
    talker=TALKERS,
    at=TIMES,
    lat=decimals(-90, 90, 7),
    lon=decimals(-180, 180, 7),
    quality=st.sampled_from([1, 2, 4, 5]),
    knots=decimals(0, 60),
    course=decimals(0, 360),
    sigma=decimals(0.01, 50),
)
def test_an_epoch_says_what_pynmeagps_reads(
    talker: str, at: datetime, lat: float, lon: float, quality: int, knots: float, course: float, sigma: float
) -> None:
    gga = made(talker, "GGA", time=at.time(), lat=lat, lon=lon, quality=quality, numSV=12, HDOP=0.7, alt=10, sep=20)
    rmc = made(
        *(talker, "RMC"),
        time=at.time(),
        date=at.date(),
        status="A",
        lat=lat,
        lon=lon,
        spd=knots,
        cog=course,
        posMode="A",
    )
    gst = made(talker, "GST", time=at.time(), stdLat=sigma, stdLong=sigma, stdAlt=1.0)
    (got,), _epochs = positions(gga, rmc, gst)
    first, second, third = (NMEAReader.parse(raw) for raw in (gga, rmc, gst))
    assert got.at == datetime.combine(second.date, second.time, UTC).timestamp()
    assert got.lat == pytest.approx(first.lat, abs=1e-9) and got.lon == pytest.approx(first.lon, abs=1e-9)
    assert got.fix_class == first.quality
    assert got.speed == pytest.approx(second.spd * 1852 / 3600)
    assert got.bearing == pytest.approx(second.cog % 360)
    assert got.sigma_m == pytest.approx(math.hypot(third.stdLat, third.stdLong))


@given(talker=TALKERS, knots=decimals(0, 60), course=decimals(0, 359), mode=st.sampled_from("ADEN"))
def test_speed_and_course_may_come_in_vtg(talker: str, knots: float, course: float, mode: str) -> None:
    gga = made(talker, "GGA", time=NOON.time(), lat=33.5, lon=126.5, quality=1)
    vtg = made(talker, "VTG", cogt=course, cogtUnit="T", sogn=knots, sognUnit="N", posMode=mode)
    (got,), _epochs = positions(gga, vtg)
    read = NMEAReader.parse(vtg)
    assert math.isnan(got.speed) if mode == "N" else got.speed == pytest.approx(read.sogn * 1852 / 3600)
    assert math.isnan(got.bearing) if mode == "N" else got.bearing == pytest.approx(read.cogt)


@pytest.mark.parametrize(
    ("measured", "received", "day"),
    [
        ("235959.50", datetime(2026, 11, 25, 0, 0, 1, tzinfo=UTC), "2026-11-24"),
        ("000000.50", datetime(2026, 11, 24, 23, 59, 58, tzinfo=UTC), "2026-11-25"),
        ("120000", NOON, "2026-11-24"),
    ],
)
def test_a_time_without_a_date_is_of_the_nearest_day(measured: str, received: datetime, day: str) -> None:
    gga = sentence(f"$GPGGA,{measured},3330.0,N,12630.0,E,1,08,1.0,10,M,20,M,,".encode())
    (got,), _epochs = positions(gga, now=received)
    assert datetime.fromtimestamp(got.at, UTC).date().isoformat() == day


def test_the_date_of_rmc_counts_also_where_the_clock_here_says_another_day() -> None:
    gga = sentence(b"$GPGGA,120000.00,3330.0,N,12630.0,E,1,08,1.0,10,M,20,M,,")
    rmc = sentence(b"$GPRMC,120000.00,A,3330.0,N,12630.0,E,0.0,0.0,231126,,,A")
    (got,), _epochs = positions(gga, rmc)
    assert NOON.timestamp() - got.at == 86_400


def test_once_the_last_sentence_is_known_a_position_goes_out_with_it() -> None:
    epochs, out = Epochs(), []
    for second in range(5):
        at = f"1200{second:02}.00".encode()
        epochs.feed(sentence(b"$GNRMC,%s,A,3330.0,N,12630.0,E,10.0,90.0,241126,,,A" % at)[:-2], NOON.timestamp(), out)
        assert len(out) == second
        epochs.feed(sentence(b"$GNGGA,%s,3330.0,N,12630.0,E,4,08,1.0,10,M,20,M,,0000" % at)[:-2], NOON.timestamp(), out)
        epochs.feed(sentence(b"$GNGST,%s,1,,,,0.3,0.4,1.0" % at)[:-2], NOON.timestamp(), out)
        assert len(out) == (0 if second == 0 else second + 1)
    assert all(one.sigma_m == pytest.approx(0.5) and one.fix_class == 4 for one in out)
    assert [one.at for one in out] == [NOON.timestamp() + second for second in range(5)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"$GPGGA,120000,3330.0,N,12630.0,E,0,00,,,M,,M,,", "no_fix"),
        (b"$GPGGA,120000,3330.0,N,12630.0,E,8,08,1.0,10,M,20,M,,", "no_fix"),
        (b"$GPGGA,120000,,,,,0,00,,,M,,M,,", "no_fix"),
        (b"$GPGGA,,,,,,0,00,,,M,,M,,", "no_fix"),
        (b"$GPGGA,120000,9130.0,N,12630.0,E,1,08,1.0,10,M,20,M,,", "no_fix"),
        (b"$GPRMC,120000,V,,,,,,,241126,,,N", "no_fix"),
        (b"$GPGGA,12000x,3330.0,N,12630.0,E,1,08,1.0,10,M,20,M,,", "malformed"),
        (b"$GPGGA,120000,3330.0", "malformed"),
    ],
)
def test_what_is_no_position_is_counted(line: bytes, reason: str) -> None:
    out, epochs = positions(sentence(line))
    assert out == [] and epochs.faults == {reason: 1}


def test_a_wrong_checksum_is_counted() -> None:
    good = sentence(b"$GPGGA,120000,3330.0,N,12630.0,E,1,08,1.0,10,M,20,M,,")
    out, epochs = positions(good.replace(b"3330", b"3331"))
    assert out == [] and epochs.faults == {"malformed": 1}


NOISE = st.lists(
    st.one_of(
        st.binary(max_size=80),
        st.sampled_from([b"$", b"\n", b"*", b"\xb5b", b"\xb5b\x01\x07\x5c\x00", b"\xd3\x00", b"$GPGGA," * 50]),
        st.text("$GPNRMCVTS,.*0123456789AF\r\n", max_size=90).map(str.encode),
    ),
    max_size=12,
).map(b"".join)


@given(noise=NOISE, cuts=st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_garbage_crashes_nothing_and_a_good_sentence_after_it_comes_through(noise: bytes, cuts: list[int]) -> None:
    good = sentence(b"$GPRMC,120000.00,A,3330.0,N,12630.0,E,0.0,0.0,241126,,,A")
    # What noise began may swallow as much as its longest frame, and no more.
    stream = noise + b"\r\n" + good * 60
    frames, epochs, out = Frames(), Epochs(), []
    place = 0
    while place < len(stream):
        size = cuts[place % len(cuts)]
        for frame in frames.feed(stream[place : place + size]):
            if frame[:1] == b"$":
                epochs.feed(frame, NOON.timestamp(), out)
        assert len(frames.rest) <= 4096
        place += size
    epochs.flush(NOON.timestamp() + WAIT_S, out)
    assert Position(NOON.timestamp(), 126.5, 33.5, 1, pytest.approx(math.nan, nan_ok=True), 0.0, 0.0) in out
