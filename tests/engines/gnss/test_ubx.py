"""UBX NAV-PVT into positions, with pyubx2 as the oracle."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyubx2 import UBXMessage, UBXReader

from cityhall.engines.gnss import Frames, Position, nav_pvt

GOOD = {
    **{"year": 2026, "month": 11, "day": 24, "hour": 12, "min": 0, "second": 0, "validDate": 1, "validTime": 1},
    **{"fixType": 3, "gnssFixOk": 1, "lon": 126.5, "lat": 33.5, "hAcc": 14, "gSpeed": 8000, "headMot": 90.5},
}


def made(**fields: object) -> bytes:
    return UBXMessage("NAV", "NAV-PVT", 0, **GOOD | fields).serialize()


@given(
    at=st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)),
    lon=st.floats(-180, 180),
    lat=st.floats(-90, 90),
    accuracy=st.integers(0, 100_000),
    speed=st.integers(0, 60_000),
    heading=st.floats(0, 360),
)
def test_a_frame_says_what_pyubx2_reads(
    at: datetime, lon: float, lat: float, accuracy: int, speed: int, heading: float
) -> None:
    time = {"year": at.year, "month": at.month, "day": at.day, "hour": at.hour, "min": at.minute, "second": at.second}
    raw = made(**time, nano=at.microsecond * 1000, lon=lon, lat=lat, hAcc=accuracy, gSpeed=speed, headMot=heading)
    got, read = nav_pvt(Frames().feed(raw)[0]), UBXReader.parse(raw)
    assert isinstance(got, Position)
    assert got.at == pytest.approx(at.replace(tzinfo=UTC).timestamp(), abs=1e-6)
    assert (got.lon, got.lat) == pytest.approx((read.lon, read.lat), abs=1e-9)
    assert got.sigma_m == pytest.approx(read.hAcc / 1000)
    assert got.speed == pytest.approx(read.gSpeed / 1000)
    assert got.bearing == pytest.approx(read.headMot % 360, abs=1e-6)


@pytest.mark.parametrize(
    ("fields", "fix_class"),
    [
        ({"carrSoln": 2, "diffSoln": 1}, 4),
        ({"carrSoln": 1, "diffSoln": 1}, 5),
        ({"diffSoln": 1}, 2),
        ({}, 1),
        ({"fixType": 1}, 0),
    ],
)
def test_the_class_of_the_fix(fields: dict[str, int], fix_class: int) -> None:
    got = nav_pvt(made(**fields))
    assert isinstance(got, Position) and got.fix_class == fix_class


@pytest.mark.parametrize(
    "fields", [{"gnssFixOk": 0}, {"fixType": 0}, {"fixType": 5}, {"validTime": 0}, {"validDate": 0}]
)
def test_no_fix_is_none(fields: dict[str, int]) -> None:
    assert nav_pvt(made(**fields)) == "no_fix"


def test_an_impossible_date_is_malformed() -> None:
    assert nav_pvt(made(month=13)) == "malformed"


def test_other_messages_are_passed_over() -> None:
    assert nav_pvt(UBXMessage("NAV", "NAV-STATUS", 0, gpsFix=3).serialize()) is None


def test_an_accuracy_that_is_not_known_is_none() -> None:
    got = nav_pvt(made(hAcc=2**32 - 1))
    assert isinstance(got, Position) and math.isnan(got.sigma_m)


@given(
    noise=st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b"\xb5b", b"$GN", b"\n"]))),
    cut=st.integers(1, 99),
)
def test_a_good_frame_after_garbage_comes_through(noise: list[bytes], cut: int) -> None:
    stream = b"".join(noise) + b"\n" + made() * 45
    frames, found = Frames(), []
    for place in range(0, len(stream), cut):
        found += [frame for frame in frames.feed(stream[place : place + cut]) if frame[:2] == b"\xb5b"]
        assert len(frames.rest) <= 4096
    assert any(isinstance(nav_pvt(frame), Position) for frame in found)
