"""The register of vehicles by page, API and table: who may do what, what is told, and what a hidden kind keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel import service as manifests
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.vehicles import importing, kinds, register, registry
from cityhall.kernel.vehicles.declares import VehicleKind
from cityhall.kernel.vehicles.models import Vehicle
from tests.pages import main_of

pytestmark = pytest.mark.django_db
CHIEF = system("test")
PASSWORD = "a long password"


def person(role: str = "", scope: str = "") -> Person:
    made = Person.objects.create_user(f"{role or 'anybody'}{scope.replace(':', '-')}@city.example", password=PASSWORD)
    if role:
        grant(CHIEF, made, role, scope=scope)
    return made


def signed_in(role: str = "", scope: str = "") -> Client:
    client = Client()
    client.force_login(person(role, scope))
    return client


def told(public_id: str) -> list[str]:
    return list(Entry.objects.filter(subject=public_id).order_by("pk").values_list("type", flat=True))


def test_an_officer_enters_changes_and_switches_off_by_the_pages() -> None:
    officer = signed_in("transit.dispatcher")
    assert "No vehicle is entered yet." in officer.get("/vehicles/").content.decode()
    sent = {"public_id": "B 7/1", "kind": "bus", "label": "Harbour bus", "capacity": "60", "wheelchair": "yes"}
    assert officer.post("/vehicles/?of=transit", sent)["Location"] == "/vehicles/?of=transit"
    vehicle = Vehicle.objects.get()
    assert (vehicle.public_id, vehicle.kind, vehicle.capacity, vehicle.wheelchair) == ("B 7/1", "bus", 60, True)
    again = officer.post("/vehicles/", sent)
    assert again.status_code == 422 and again.context["form"].errors["public_id"]
    registry.register_receiver(CHIEF, vehicle="B 7/1", address="mqtt", public_id="rx-7")
    page = officer.get("/vehicles/?q=harbour").content.decode()
    assert "B 7/1" in page and "rx-7" in page and "/vehicles/one/B%207/1/" in page
    assert "No vehicle is called so." in officer.get("/vehicles/?q=other").content.decode()
    changed = officer.post("/vehicles/one/B%207/1/", {"kind": "shuttle", "label": "", "capacity": "", "wheelchair": ""})
    assert changed.status_code == 302
    vehicle.refresh_from_db()
    assert (vehicle.kind, vehicle.label, vehicle.capacity, vehicle.wheelchair) == ("shuttle", "", None, None)
    for turn in ("off", "off", "on"):
        officer.post("/vehicles/switch/B%207/1/", {"to": turn})
    assert Vehicle.objects.get().enabled
    assert told("B 7/1") == ["vehicle.registered", "vehicle.changed", "vehicle.disabled", "vehicle.enabled"]
    assert set(Entry.objects.filter(subject="B 7/1").values_list("stream", flat=True)) == {"transit"}
    assert officer.get("/vehicles/one/none/").status_code == 404
    # Who may not see devices is not told of them.
    assert "rx-7" not in officer.get("/vehicles/one/B%207/1/").content.decode()


def test_the_page_goes_on_where_it_ended() -> None:
    for number in range(130):
        register.enter(CHIEF, f"B{number:03}", kind="bus")
    officer = signed_in("transit.dispatcher")
    first = officer.get("/vehicles/").content.decode()
    assert "B099" in first and "B100" not in first and "after=B099" in first
    second = main_of(officer.get("/vehicles/?after=B099"))
    assert "B100" in second and "B129" in second and "after=" not in second
    assert "B100" not in officer.get("/vehicles/?after=B099&kind=school").content.decode()


def test_the_api_does_the_same() -> None:
    officer = signed_in("transit.dispatcher")
    body: dict[str, Any] = {"id": "S/1", "kind": "school", "capacity": 16}
    assert officer.post("/api/vehicles/", body, content_type="application/json").status_code == 201
    assert officer.post("/api/vehicles/", body, content_type="application/json").status_code == 409
    boat = officer.post("/api/vehicles/", body | {"id": "2", "kind": "boat"}, content_type="application/json")
    assert boat.status_code == 422 and boat.json()["field"] == "kind" and "shuttle" in boat.json()["mend"]
    (seen,) = officer.get("/api/vehicles/").json()
    assert (seen["id"], seen["hidden"], seen["capacity"], seen["receivers"]) == ("S/1", True, 16, [])
    assert officer.get("/api/vehicles/?kind=bus").json() == []
    path = "/api/vehicles/one/S/1"
    assert officer.patch(path, {"capacity": None, "enabled": False}, content_type="application/json").status_code == 204
    vehicle = Vehicle.objects.get()
    assert vehicle.capacity is None and not vehicle.enabled and vehicle.kind == "school"
    assert officer.patch(path, {"capacity": 40_000}, content_type="application/json").status_code == 422


@pytest.mark.parametrize("role", ["", "kernel.technician", "transit.timetable"])
def test_nobody_else_sees_or_changes_anything(role: str) -> None:
    register.enter(CHIEF, "S1", kind="school")
    stranger = signed_in(role)
    assert Client().get("/vehicles/").status_code == 302
    for path in ("/vehicles/", "/vehicles/one/S1/", "/vehicles/one/none/", "/api/vehicles/"):
        assert stranger.get(path).status_code == 403, path
    assert stranger.post("/vehicles/switch/S1/", {"to": "off"}).status_code == 403
    change = stranger.patch("/api/vehicles/one/S1", {"kind": "bus"}, content_type="application/json")
    assert change.status_code == 403
    assert Client().get("/api/vehicles/").status_code == 403
    with pytest.raises(Denied):
        register.enter(ANONYMOUS, "S2", kind="bus")
    with pytest.raises(Denied):
        register.enter(ANONYMOUS, "S2", kind="no such kind")
    assert Vehicle.objects.get().enabled and Vehicle.objects.get().kind == "school"


def test_a_kind_that_no_service_declares_is_shown_to_nobody_but_administrators() -> None:
    Vehicle.objects.create(public_id="boat-1", kind="boat")
    assert Vehicle.objects.get().hidden and not Vehicle.objects.public().exists()
    officer = person_actor(person("transit.dispatcher"))
    with pytest.raises(Missing):
        register.find(officer, "boat-1")
    chief = Client()
    chief.force_login(Person.objects.create_superuser("chief@city.example", PASSWORD))
    assert "boat-1" in chief.get("/vehicles/").content.decode()
    assert chief.get("/vehicles/one/boat-1/").status_code == 200


def test_two_services_may_not_declare_one_kind(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = [
        (manifests.available()[slug], VehicleKind("bus", "bus", "a.see", "a.change")) for slug in ("transit", "map")
    ]
    monkeypatch.setattr(kinds, "declared", lambda kind: twice)
    with pytest.raises(manifests.ServiceError, match="transit and map both"):
        kinds._kinds.__wrapped__(("transit", "map"))


def test_a_receiver_needs_a_vehicle_where_none_may_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    patrol = (manifests.available()["map"], VehicleKind("patrol", "patrol", "map.see", "map.change", hidden=True))
    monkeypatch.setattr(kinds, "kinds", lambda: {"patrol": patrol})
    with pytest.raises(Missing):
        registry.register_receiver(CHIEF, vehicle="P1", address="mqtt")
    register.enter(CHIEF, "P1", kind="patrol")
    registry.register_receiver(CHIEF, vehicle="P1", address="mqtt")
    assert Vehicle.objects.get().hidden and Entry.objects.filter(stream="map", type="vehicle.registered").exists()


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fleet.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_fleet_is_imported_and_again(tmp_path: Path) -> None:
    fleet = table(tmp_path, 'id,kind,label,capacity,wheelchair\nB1,bus,"Ágata, 1",60,yes\nS1,school,,,\nB2,bus,,,no\n')
    assert importing.import_csv(CHIEF, fleet) == importing.import_csv(CHIEF, fleet) == 3
    rows = Vehicle.objects.values_list("public_id", "kind", "label", "capacity", "wheelchair")
    assert list(rows) == [
        ("B1", "bus", "Ágata, 1", 60, True),
        ("B2", "bus", "", None, False),
        ("S1", "school", "", None, None),
    ]
    assert told("B1") == ["vehicle.registered"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id,kind\nB1,bus\nB2,boat\n", "line 3"),
        ("id,kind\nB1,bus\n,bus\n", "line 3"),
        ("id,kind,capacity\nB1,bus,\nB2,bus,many\n", "line 3"),
        ("id,kind,capacity\nB1,bus,40000\n", "line 2"),
        ("id,kind,wheelchair\nB1,bus,perhaps\n", "line 2"),
        ("id,kind\nB1,bus,60\n", "line 2"),
        ("id\nB1\n", "columns"),
        ("id,kind,seats\nB1,bus,60\n", "columns"),
        ("", "columns"),
        ('id,kind\n"B1,bus\n', "CSV"),
    ],
)
def test_of_a_table_with_a_fault_nothing_is_entered(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        importing.import_csv(CHIEF, table(tmp_path, text))
    assert not Vehicle.objects.exists()


def test_what_cannot_be_is_refused() -> None:
    for wrong in ({"kind": "boat"}, {"capacity": -1}, {"label": "x" * 101}):
        with pytest.raises(Invalid):
            register.enter(CHIEF, "B1", **{"kind": "bus"} | wrong)  # type: ignore[arg-type]
    for public_id in (" ", "x" * 101, "a\0b"):
        with pytest.raises(Invalid):
            register.enter(CHIEF, public_id, kind="bus")
    register.enter(CHIEF, "B1", kind="bus")
    with pytest.raises(Conflict):
        register.enter(CHIEF, "B1", kind="bus", again=False)
