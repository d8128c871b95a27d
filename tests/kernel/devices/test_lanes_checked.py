"""`cityhall check` says where positions are heard by MQTT and presses by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from cityhall.kernel.database.slots import slot
from cityhall.kernel.devices.checks import findings
from cityhall.kernel.devices.mqtt import ORDINARY, URGENT

pytestmark = pytest.mark.django_db(transaction=True)


def wrong() -> list[str]:
    return [what for level, what, _mend in findings() if level == "error"]


def test_a_lane_that_nobody_serves_is_told_of(settings: Any) -> None:
    settings.MQTT_URL = "mqtt://127.0.0.1:1"
    assert wrong() == [], "nothing runs: there is nothing to say"
    with slot(ORDINARY.slots):
        assert ["no process takes what is urgent" in one for one in wrong()] == [True]
        with slot(URGENT.slots):
            assert wrong() == []
        settings.MQTT_URL = ""
        assert wrong() == []
