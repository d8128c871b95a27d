"""What `cityhall check` finds of the systems that are polled."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from cityhall.services.transit.doors.options import check


@pytest.mark.parametrize(
    ("said", "levels"),
    [
        ([], []),
        ([{"name": "trams", "url": "http://x/vp.pb"}], ["warning", "ok"]),
        ([{"name": "trams", "url": "https://x/vp.pb"}], ["ok"]),
        ([{"name": "trams"}], ["error"]),
        ({"name": "trams"}, ["error"]),
    ],
)
@pytest.mark.django_db
def test_polled_systems_are_looked_at(settings: Any, said: Any, levels: list[str]) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, options={"transit": {"vehicle_positions": said}})
    assert [level for level, _what, _mend in check()] == levels
