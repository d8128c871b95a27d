"""Numbers and moments as anybody may write them: read, or none, and never an error."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from cityhall.kernel.values import moment, url_parts, whole


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
