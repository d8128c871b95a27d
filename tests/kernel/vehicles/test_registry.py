"""Registering receivers and base stations, by page, API and command line's action; and what may be seen of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.devices.models import Device, DropCount
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import BaseStation, Receiver
from cityhall.kernel.vehicles.registry import change_receiver, register_receiver, register_station

pytestmark = pytest.mark.django_db
CHIEF = system("test")


@pytest.fixture
def officer() -> Client:
    person = Person.objects.create_user(email="tech@city.example", password="a long password")
    grant(CHIEF, person, "kernel.technician")
    client = Client()
    client.force_login(person)
    return client


def test_a_receiver_is_registered_once_and_told_in_the_journal() -> None:
    receiver, key = register_receiver(CHIEF, vehicle="7", address="203.0.113.7", public_id="rx-7", corrections=True)
    assert (receiver.vehicle.public_id, receiver.address, len(key)) == ("7", "203.0.113.7/32", 43)
    with pytest.raises(Conflict):
        register_receiver(CHIEF, vehicle="8", address="mqtt", public_id="rx-7")
    change_receiver(CHIEF, "rx-7", vehicle="9", address="2001:db8::/48")
    told = list(Entry.objects.filter(subject="rx-7").order_by("pk").values_list("type", flat=True))
    assert told == ["device.registered", "transit.receiver.registered", "transit.receiver.changed"]
    assert Receiver.objects.get().vehicle.public_id == "9" and Receiver.objects.get().corrections


@pytest.mark.parametrize(
    "wrong",
    [{"address": "here"}, {"address": "10.0.0.1/8"}, {"protocol": "morse"}, {"vehicle": " "}, {"public_id": "a/b"}],
)
def test_what_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        register_receiver(CHIEF, **{"vehicle": "7", "address": "203.0.113.7"} | wrong)  # type: ignore[arg-type]
    assert not Device.objects.exists()


def test_nobody_without_the_role_may() -> None:
    with pytest.raises(Denied):
        register_receiver(ANONYMOUS, vehicle="7", address="203.0.113.7")
    with pytest.raises(Denied):
        register_station(ANONYMOUS, mountpoint="BASE", point=Point(1, 1), country="KOR")
    assert Client().get("/transit/receivers/").status_code == 302
    for path in ("receivers", "stations", "drops"):
        assert Client().get(f"/api/vehicles/{path}").status_code == 403
        assert Client().get(f"/api/transit/{path}").status_code == 403
    stranger = Client()
    stranger.force_login(Person.objects.create_user(email="any@city.example", password="a long password"))
    assert stranger.get("/transit/receivers/").status_code == 403


@pytest.mark.parametrize("room", ["vehicles", "transit"])
def test_the_api_registers_changes_and_shows(officer: Client, room: str) -> None:
    made = officer.post(
        f"/api/{room}/receivers",
        {"vehicle": "7", "address": "203.0.113.0/24", "id": "rx-7"},
        content_type="application/json",
    )
    assert made.status_code == 201 and made.json()["id"] == "rx-7"
    changed = officer.patch(f"/api/{room}/receivers/rx-7", {"corrections": True}, content_type="application/json")
    assert changed.status_code == 204
    (seen,) = officer.get(f"/api/{room}/receivers").json()
    assert seen["corrections"] and seen["vehicle"] == "7" and seen["last_seen"] is None
    assert officer.patch(f"/api/{room}/receivers/x", {}, content_type="application/json").status_code == 404
    wrong = officer.post(f"/api/{room}/receivers", {"vehicle": "7", "address": "x"}, content_type="application/json")
    assert wrong.status_code == 422 and wrong.json()["field"] == "address"


@pytest.mark.parametrize("room", ["vehicles", "transit"])
def test_the_page_registers_and_shows_the_key_once(officer: Client, room: str) -> None:
    sent: dict[str, Any] = {"vehicle": "7", "address": "mqtt", "protocol": "ubx", "public_id": "rx-7"}
    page = officer.post(f"/{room}/receivers/", sent)
    key = page.context["key"]
    assert page.status_code == 200 and key[1] in page.content.decode()
    page = officer.get(f"/{room}/receivers/").content.decode()
    assert "rx-7" in page and key[1] not in page
    again = officer.post(f"/{room}/receivers/", sent)
    assert again.status_code == 422 and again.context["form"].errors["public_id"]
    assert officer.post(f"/{room}/receivers/rx-7/switch/", {"to": "off"}).status_code == 302
    assert not Device.objects.get(public_id="rx-7").enabled


def test_drops_are_seen_by_device_reason_and_day(officer: Client) -> None:
    register_receiver(CHIEF, vehicle="7", address="mqtt", public_id="rx-7")
    for device, reason, count in (("rx-7", "stale", 3), ("", "unknown_address", 9), ("parking-1", "replay", 2)):
        DropCount.objects.create(day="2026-11-24", device=device, reason=reason, count=count)
    found = officer.get("/api/transit/drops?days=365").json()
    assert [(one["device"], one["reason"], one["count"]) for one in found] == [
        ("", "unknown_address", 9),
        ("rx-7", "stale", 3),
    ]


def test_a_station_keeps_its_login_sealed(officer: Client) -> None:
    made = officer.post(
        "/api/transit/stations",
        {
            **{"mountpoint": "SEOGWIPO", "lon": 126.5, "lat": 33.2, "country": "KOR", "id": "base-1"},
            "source": "ntrip://city:s%40cret@caster.example/SGPO",
        },
        content_type="application/json",
    )
    assert made.status_code == 201
    station = BaseStation.objects.get()
    assert station.source == "ntrip://caster.example:2101/SGPO" and b"cret" not in bytes(station.login)
    (seen,) = officer.get("/api/transit/stations").json()
    assert seen["mountpoint"] == "SEOGWIPO" and not seen["connected"]
    told = Entry.objects.get(type="transit.base_station.registered")
    assert "cret" not in str(told.data)


@pytest.mark.parametrize(
    "wrong", [{"mountpoint": "a b"}, {"country": "kr"}, {"source": "http://x/y"}, {"source": "ntrip://x:port/Y"}]
)
def test_a_station_that_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        register_station(CHIEF, **{"mountpoint": "BASE", "point": Point(1, 1), "country": "KOR"} | wrong)  # type: ignore[arg-type]
