"""In a city with buses another service's vehicle is followed where it moves, and never as a bus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel import service as manifests
from cityhall.kernel.devices import drops
from cityhall.kernel.devices.registry import register
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.vehicles import inbox, kinds
from cityhall.kernel.vehicles import models as places
from cityhall.kernel.vehicles.declares import VehicleKind
from cityhall.kernel.vehicles.doors.signed import record_positions
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.tracking import fleet, shown
from cityhall.kernel.vehicles.tracking.tracker import LOOK_S, Tracking
from cityhall.services.transit.models import StopCall, VehicleState
from cityhall.services.transit.tracking import buses
from tests.services.transit.test_tracking import drive, follow, today

__all__ = ["today"]
Heard = list[tuple[str, list[dict[str, object]]]]


@pytest.fixture
def patrols(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The city of the tests with a service more, which runs patrol cars: only dispatchers see them."""
    patrol = VehicleKind("warden", "patrol car", "transit.view_fleet", "transit.change_fleet", hidden=True)
    safety = replace(manifests.available()["map"], slug="wardens", declares=(patrol,))
    services = manifests.city_services()
    monkeypatch.setattr(manifests, "city_services", lambda: (*services, safety))
    for cache in (kinds._kinds, kinds._public_kinds):
        cache.cache_clear()
    yield
    for cache in (kinds._kinds, kinds._public_kinds):
        cache.cache_clear()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What is published, by topic."""
    found: Heard = []
    for module in (fleet, buses):
        monkeypatch.setattr(module, "publish", lambda topic, payload: found.append((topic, payload)))
    return found


def test_a_patrol_car_on_a_line_is_on_no_trip(patrols: None, today: date, heard: Heard) -> None:
    """It drives just as the bus of the trip does, and says that it is on it."""
    Vehicle.objects.create(public_id="P1", kind="warden", label="North")
    tracking = Tracking()
    follow(tracking, drive(today, "P1", until=760, trip="out4", line="1"))
    state = places.VehicleState.objects.get()
    assert state.vehicle.public_id == "P1" and state.accuracy_m < 5
    assert state.point.lon == pytest.approx(state.measured.lon, abs=1e-5), "it is where it was measured"
    assert not VehicleState.objects.exists() and not StopCall.objects.exists()
    assert {topic for topic, _payload in heard} == {"vehicles-warden"}
    assert heard[-1][1][0]["properties"]["name"] == "North"  # type: ignore[index]
    assert Client().get("/map/layers/transit/vehicles.geojson").json()["features"] == []
    # A bus is on that trip beside it, and another tracker goes on with both.
    follow(tracking, drive(today, "B7", until=400, trip="out4"))
    assert [one.trip for one in VehicleState.objects.all()] == ["out4"]
    last = max(one.at for one in places.VehicleState.objects.all()).timestamp()
    again = Tracking(now=last + 1)
    assert [len(again.fleet_of(kind)) for kind in ("bus", "warden")] == [1, 1]


def test_who_may_hear_a_kind(patrols: None, db: None) -> None:
    dispatcher = Person.objects.create_user("dora@example.org")
    grant(system("test"), dispatcher, "transit.dispatcher")
    topic = shown.topic_of("warden")
    assert shown.may_hear(person_actor(dispatcher), topic) and not shown.may_hear(ANONYMOUS, topic)
    # Buses move on a topic of their service's.
    assert not any(shown.may_hear(person_actor(dispatcher), shown.topic_of(kind)) for kind in ("bus", "none"))
    assert Client().get(f"/live/{topic}").status_code == 404


def test_a_bus_that_becomes_a_patrol_car_leaves_the_network(patrols: None, today: date, heard: Heard) -> None:
    fixes = list(drive(today, "B7", until=600, trip="out4"))
    tracking = Tracking(now=fixes[0].at)
    follow(tracking, iter(fixes[:60]))
    assert VehicleState.objects.get().trip == "out4"
    Vehicle.objects.update(kind="warden")
    tracking.tick(now=fixes[60].at + LOOK_S)
    assert not VehicleState.objects.exists()
    heard.clear()
    later = [replace(fix, at=fix.at + 2 * LOOK_S) for fix in fixes[60:]]
    follow(tracking, iter(later))
    assert not VehicleState.objects.exists() and {topic for topic, _payload in heard} == {"vehicles-warden"}
    state = places.VehicleState.objects.get()
    assert state.at.timestamp() == pytest.approx(later[-1].at)
    # And back: it is a bus again, on the trip that it drives.
    Vehicle.objects.update(kind="bus")
    tracking.tick(now=later[-1].at + LOOK_S + 1)
    follow(tracking, (replace(fix, at=fix.at + 700) for fix in drive(today, "B7", until=300, trip="out4")))
    assert VehicleState.objects.get().line == "1"


def test_a_device_speaks_for_vehicles_of_its_own_service_only(
    patrols: None, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, str]] = []
    monkeypatch.setattr(
        drops, "count", lambda reason, number=1, *, device="", at=None: counted.append((device, reason))
    )
    Vehicle.objects.create(public_id="P1", kind="warden")
    Vehicle.objects.create(public_id="B7", kind="bus")
    now = timezone.now()
    for owner in ("transit", "wardens"):
        device, _key = register(system("test"), kind="gateway", owner=owner, public_id=owner)
        said = {"lon": -51.2, "lat": -30.03, "at": now.timestamp()}
        record_positions(device, [said | {"vehicle": name} for name in ("P1", "B7", "new")], now)
    # What nobody has entered is taken for a bus, so the buses' devices alone may speak of it.
    assert counted == [("transit", "unknown_vehicle")] + [("wardens", "unknown_vehicle")] * 2
    assert [(fix.device, fix.vehicle) for fix in inbox.take()] == [
        ("transit", "B7"),
        ("transit", "new"),
        ("wardens", "P1"),
    ]


def test_what_nobody_entered_is_counted_where_none_may_be_found(today: date, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, str, int]] = []
    monkeypatch.setattr(
        drops, "count", lambda reason, number=1, *, device="", at=None: counted.append((device, reason, number))
    )
    monkeypatch.setattr(kinds, "found_kind", lambda: "")
    follow(Tracking(), iter(list(drive(today, "X1", until=0))[:3]))
    assert counted == [("depot", "unknown_vehicle", 1)] * 3 and not Vehicle.objects.exists()
