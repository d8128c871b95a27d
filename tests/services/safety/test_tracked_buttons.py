"""A tracker's panic button in the register of buttons: what the tracker says of itself, by its own port, is mended."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.engines.trackers import Alarm, Message, Report
from cityhall.kernel.cases import actions as cases
from cityhall.kernel.devices import silence
from cityhall.kernel.devices.models import DeviceState
from cityhall.kernel.errors import Conflict, Missing
from cityhall.kernel.people.models import Person
from cityhall.kernel.vehicles import inbox
from cityhall.kernel.vehicles.doors import directory, handover, trackers
from cityhall.kernel.vehicles.doors.directory import Known
from cityhall.kernel.vehicles.doors.tracked import STATE_S, Tracked
from cityhall.kernel.vehicles.registry import register_receiver
from cityhall.services.safety import buttons
from cityhall.services.safety.models import Alert, Button, Repair
from tests.engines.trackers import encoders as make
from tests.kernel.vehicles.conftest import free_port, running, wait_for
from tests.services.safety.conftest import SETTER_UP, officer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("city")]
IMEI = "867520001234567"
LAT, LON = -30.03, -51.23


@pytest.fixture
def port(settings: Any, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[int]:
    port = free_port()
    options = {"vehicles": {"doors": {"host": "127.0.0.1", "trackers": {"gt06": port}}}}
    settings.CITY = dataclasses.replace(settings.CITY, options=options)
    monkeypatch.setattr(directory, "READ_EVERY_S", 0.1)
    monkeypatch.setattr(handover, "NOTE_EVERY_S", 0.1)
    inbox.open_here()
    yield port
    inbox.close_here()


@pytest.fixture
def tracked(port: int) -> Button:
    """A taxi with a tracker, whose panic button is in the register."""
    register_receiver(SETTER_UP, vehicle="taxi 5", address="127.0.0.1", protocol="gt06", public_id=IMEI)
    button, key = buttons.put_up(SETTER_UP, "Taxi 5", "taxi", tracker=IMEI)
    assert key == "" and button.vehicle is not None and button.vehicle.public_id == "taxi 5"
    return button


@contextmanager
def connected(port: int) -> Iterator[Callable[[int], None]]:
    """A tracker that has logged in: says an alarm code with its place and its battery (66 %)."""
    with running(trackers.run):
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as way:
            way.settimeout(5)
            way.sendall(make.gt06(0x01, bytes.fromhex("0" + IMEI)))
            assert way.recv(64) == make.gt06(0x01, b"")
            yield lambda code: way.sendall(make.gt06_alarm(int(time.time()), LAT, LON, code))


def why() -> list[str]:
    return sorted(Repair.objects.values_list("why", flat=True))


def test_what_it_says_of_itself_opens_a_case_of_its_repair(port: int, tracked: Button) -> None:
    with connected(port) as say:
        say(0x00)
        wait_for(lambda: Button.objects.get().battery == 66)
        assert why() == []
        for code, known in ((0x02, "power"), (0x0E, "battery"), (0x13, "tamper")):
            say(code)
            wait_for(lambda known=known: known in why())
            say(code)
        assert Button.objects.get().tampered_at is not None
    assert why() == ["battery", "power", "tamper"], "one case of each, however often it is said"
    assert not Alert.objects.exists()


def test_its_panic_button_is_a_press_of_the_button(port: int, tracked: Button) -> None:
    with connected(port) as say:
        say(0x01)
        wait_for(Alert.objects.exists)
    alert = Alert.objects.get()
    assert (alert.button, alert.door, alert.place) == (tracked, "taxi", "Taxi 5")


def test_one_that_is_silent_is_looked_for(port: int, tracked: Button) -> None:
    now = timezone.now()
    DeviceState.objects.update_or_create(device=tracked.device, defaults={"last_seen": now, "highest": 0, "seen": 0})
    silence.look(now + timedelta(seconds=buttons.SILENCE_S + 1))
    assert buttons.look_for_silent() == 1 and why() == ["silent"]
    assert buttons.look_for_silent() == 0
    cases.act(SETTER_UP, Repair.objects.get().case_id, "resolve")


def test_a_tracker_is_one_button_and_must_be_registered(tracked: Button) -> None:
    with pytest.raises(Conflict):
        buttons.put_up(SETTER_UP, "Taxi 5 again", "taxi", tracker=IMEI)
    with pytest.raises(Missing):
        buttons.put_up(SETTER_UP, "Taxi 6", "taxi", tracker="1")
    client = Client()
    client.force_login(Person.objects.get(pk=officer("eva", "supervisor").person_id))
    register_receiver(SETTER_UP, vehicle="taxi 5", address="127.0.0.1", protocol="gt06", public_id=IMEI[::-1])
    page = client.post("/safety/buttons/", {"name": "Taxi 7", "kind": "taxi", "tracker": IMEI[::-1]})
    assert f"the button of the tracker {IMEI[::-1]}" in page.content.decode()
    assert "Its key is shown only now" not in page.content.decode()


def message(battery: int | None = None, alarms: tuple[str, ...] = (), **attributes: Any) -> Message:
    known = {"batteryLevel": battery} if battery is not None else {}
    report = Report(0.0, None, tuple(Alarm(kind, "1") for kind in alarms), known | attributes)
    return Message("position", IMEI, True, (report,))


def test_what_has_not_changed_is_not_said_with_each_position() -> None:
    one = Tracked(Known(1, IMEI, "taxi 5", "gt06", None))
    assert one.state(message(), 0) is None
    assert one.state(message(81), 0) == {"kind": "heartbeat", "battery": 81}
    assert one.state(message(80), 10) is None, "less than a step"
    assert one.state(message(79), 20) == {"kind": "heartbeat", "battery": 79}
    assert one.state(message(79, ("removing",)), 30) == {"kind": "heartbeat", "battery": 79, "tamper": True}
    assert one.state(message(79, ("removing",)), 40) is None
    assert one.state(message(79, tamper=False), 50) == {"kind": "heartbeat", "battery": 79, "tamper": False}
    assert one.state(message(None, ("powerRestored", "vibration")), 60) == {"kind": "heartbeat", "power": True}
    assert one.state(message(79), 60 + STATE_S) == {"kind": "heartbeat", "battery": 79}
    assert one.state(message(251), 10_000) is None and one.state(message(None, charge=True), 10_000) is None
