"""Numbers and moments as anybody may write them: read, or none, and never an error."""

from __future__ import annotations

from datetime import UTC, date, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from cityhall.kernel.errors import Invalid
from cityhall.kernel.values import box, clock_time, day, decimal, moment, position, url_parts, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("007", 7), ("9223372036854775807", 2**63 - 1)),
        *(
            (wrong, None)
            for wrong in ("", "-1", "1.0", " 1", "1_0", "²", "٣", "1\0", "9223372036854775808", "9" * 5000)
        ),
    ],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert whole(text) == number
    assert whole(text, 6) == (number if number == 0 else None)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59-12:00",
        "2026-02-03T04:05 02:00",
    ],
)
def test_moments_can_be_reckoned_with(text: str, zone: str) -> None:
    found = moment(text, ZoneInfo(zone))
    assert found is not None
    assert found - timedelta(days=90) < found.astimezone(UTC) < found.astimezone(ZoneInfo(zone)) + timedelta(days=90)


@pytest.mark.parametrize(
    "text", ["", "now", "10000-01-01", "2026-02-30", "2026-02-03T25:00", "2026-02-03\0", "-0001-01-01"]
)
def test_what_is_no_moment(text: str) -> None:
    assert moment(text, UTC) is None


def test_a_moment_is_of_the_zone_it_names_or_of_ours() -> None:
    ours = moment("2026-02-03T04:05", ZoneInfo("Asia/Seoul"))
    assert ours == moment("2026-02-02T19:05Z", UTC) == moment("2026-02-02T21:05 02:00", UTC)


@pytest.mark.parametrize(
    "text", ["http://[", "http://a:99999999/", "http://a:x/", "http://[::1", "http://\u2100.example/"]
)
def test_what_is_no_address(text: str) -> None:
    parts = url_parts(text)
    assert not parts.scheme and not parts.hostname and parts.port is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), ("-0.25", -0.25), ("1e3", 1000.0), *((bad, None) for bad in ("", "nan", "inf", "1_0", "٣", "1,5"))],
)
def test_numbers(text: str, number: float | None) -> None:
    assert decimal(text) == number


def test_days_and_times_of_the_clock() -> None:
    assert day(" 2026-11-27 ") == date(2026, 11, 27) and clock_time("08:05") == time(8, 5)
    assert clock_time("08:05:30+02:00") == time(8, 5, 30)
    for wrong in ("", "2026-02-30", "20261127x", "27/11/2026", "2026-11-27\0", "٢٠٢٦-11-27"):
        assert day(wrong) is None
    for wrong in ("", "25:00", "8", "noon", "٠٨:٠٥"):
        assert clock_time(wrong) is None
    # From these others can be reckoned.
    assert day("9999-12-31") + timedelta(days=7) and day("0001-01-01") - timedelta(days=7)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "nan,1", "181,0", "0,91", "1,inf", "1,,2"])
def test_what_is_no_position_names_its_field(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        position(text, "from")
    assert refusal.value.field == "from" and refusal.value.mend


def test_boxes() -> None:
    assert position("-51.2,-30", "from") == (-51.2, -30.0)
    assert box("-9.2,38.7,-9.1,38.8") == (-9.2, 38.7, -9.1, 38.8)
    assert box("-9.2,38.7,0,-9.1,38.8,50") == (-9.2, 38.7, -9.1, 38.8)
    assert box("170,-20,-170,-10", across=True) == (170.0, -20.0, -170.0, -10.0)
    for wrong in (
        "",
        "1,2,3",
        "1,2,3,4,5",
        "0,1,1,0",
        "170,-20,-170,-10",
        "0,0,181,1",
        "0,0,nan,1",
        "0,0,1,1,x",
        "0,0,1,1,",
    ):
        with pytest.raises(Invalid) as refusal:
            box(wrong, "area")
        assert refusal.value.field == "area" and refusal.value.code == "bad_box"
