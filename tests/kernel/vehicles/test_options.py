"""What city.toml says of the doors, and what `cityhall check` finds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from cityhall.kernel.vehicles.doors.options import Options, check, options


def test_without_a_word_every_door_is_shut(configure: Callable[..., None]) -> None:
    configure()
    assert options() == Options(host="0.0.0.0", receiver_port=0, ntrip_port=0)


@pytest.mark.parametrize(
    "wrong",
    [{"receiver_port": 70_000}, {"receiver_port": "10110"}, {"ntrip_port": True}, {"nmea_port": 10110}, {"host": 5}],
)
@pytest.mark.django_db
def test_what_is_wrong_is_said_with_its_mend(configure: Callable[..., None], wrong: dict[str, Any]) -> None:
    configure(doors=wrong)
    with pytest.raises(ValueError, match="doors"):
        options()
    (found,) = check()
    assert found[0] == "error" and next(iter(wrong)) in found[1]


@pytest.mark.django_db
def test_what_was_written_when_receivers_were_the_buses_own_is_read(settings: Any) -> None:
    old, new = {"doors": {"ntrip_port": 2101}}, {"doors": {"ntrip_port": 2102}}

    def said(**tables: Any) -> Options:
        settings.CITY = dataclasses.replace(settings.CITY, options=tables)
        return options()

    assert said(transit=old).ntrip_port == 2101
    assert said(transit={"drives_left": True}, vehicles=new).ntrip_port == 2102
    with pytest.raises(ValueError, match="described twice"):
        said(transit=old, vehicles=new)
    assert [level for level, _what, _mend in check()] == ["error"]


def test_receivers_whose_door_is_shut_are_told_of(configure: Callable[..., None], receiver: Callable[..., str]) -> None:
    receiver("rx-1")
    receiver("rx-2", address="mqtt")
    configure()
    assert [(level, what) for level, what, _mend in check()] == [
        ("warning", "vehicles: 1 receivers are registered for TCP, and the door is shut."),
        ("warning", "vehicles: 1 receivers are registered for MQTT, and no broker is named."),
    ]
    configure(doors={"receiver_port": 10110})
    assert [level for level, _what, _mend in check()] == ["ok", "warning"]
