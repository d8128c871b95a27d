"""Receivers that publish to a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from pyubx2 import UBXMessage

from cityhall.kernel.vehicles.doors import mqtt
from tests.kernel.devices.test_mqtt import Broker, Publisher, broker
from tests.kernel.vehicles.conftest import Counted, Taken, epoch, running, wait_for

__all__ = ["broker"]
pytestmark = pytest.mark.broker


def test_epochs_and_frames_come_through_and_others_do_not(
    broker: Broker, settings: Any, receiver: Callable[..., str], taken: Taken, counted: Counted
) -> None:
    settings.MQTT_URL = f"mqtt://127.0.0.1:{broker.port}"
    receiver("rx-1", vehicle="7", address="mqtt")
    receiver("rx-2", vehicle="8", address="mqtt", protocol="ubx")
    receiver("tcp-only", address="127.0.0.1")
    publisher = Publisher(broker)

    def publish(topic: str, payload: bytes) -> None:
        publisher.client.publish(topic, payload, qos=0).wait_for_publish(10)

    now = time.gmtime()
    frame = UBXMessage(
        *("NAV", "NAV-PVT", 0),
        **{"year": now.tm_year, "month": now.tm_mon, "day": now.tm_mday, "hour": now.tm_hour, "min": now.tm_min},
        **{"second": now.tm_sec, "validDate": 1, "validTime": 1, "fixType": 3, "gnssFixOk": 1, "lon": 1, "lat": 1},
    ).serialize()
    with running(mqtt.run):

        def heard() -> bool:
            # What is published before the door is open is nobody's.
            publish("cityhall/nmea/nobody", epoch())
            return ("", "unknown_receiver") in counted.found

        wait_for(heard)
        counted.found.clear()
        # The end of the message ends the epoch: nothing of the next has to come first.
        publish("cityhall/nmea/rx-1", epoch(126.5, 33.5)[:-2])
        publish("cityhall/ubx/rx-2", frame)
        for topic, payload in (
            ("cityhall/nmea/tcp-only", epoch()),
            ("cityhall/nmea/rx-2", epoch()),
            ("cityhall/nmea/rx-1", b"\xb5\x62\xff" * 100),
            ("cityhall/nmea/rx-1", b"x" * (mqtt.LONGEST + 1)),
            ("cityhall/nmea/rx-1", epoch(at=time.time() - 3600)),
        ):
            publish(topic, payload)
        fixes = taken(2)
        wait_for(lambda: ("rx-1", "stale") in counted.found)
    publisher.close()
    assert [(fix.vehicle, fix.fix_class) for fix in fixes] == [("7", 4), ("8", 1)]
    assert fixes[0].sigma_m == pytest.approx(0.015)
    assert counted.found["", "unknown_receiver"] >= 2
    assert counted.found["rx-1", "oversize"] == 1 and counted.found["rx-1", "malformed"] > 0
