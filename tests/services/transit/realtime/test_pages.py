"""Officers enter notices by a form; riders read them on the pages of stops and lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.people.models import Person
from cityhall.services.transit.models import Cancellation, Detour, Notice, ServiceAlert

CONTROL = "/transit/control"


@pytest.fixture
def desk(dispatcher: Person, client: Client) -> Client:
    client.force_login(dispatcher)
    return client


def alert_form(**more: Any) -> dict[str, Any]:
    return {"cause": "WEATHER", "effect": "DETOUR", "severity": "SEVERE", "header_en": "Snow", "header_ko": "눈"} | more


def test_an_alert_is_entered_changed_taken_back_and_brought_back(desk: Client) -> None:
    assert "Riders have been told nothing yet" in desk.get(f"{CONTROL}/alerts/").content.decode()
    made = desk.post(f"{CONTROL}/alerts/new/", alert_form(routes=["R1"], stops="square\n", from_0="2026-01-01T08:00"))
    assert made.status_code == 302
    alert = ServiceAlert.objects.get()
    assert alert.informed == [{"route": "R1"}, {"stop": "square"}] and alert.header["ko"] == "눈"
    assert alert.periods == [["2026-01-01T08:00:00-03:00", None]]
    page = desk.get(made.headers["Location"]).content.decode()
    assert "Snow" in page and 'value="2026-01-01T08:00"' in page and '<option value="R1" selected>' in page
    desk.post(made.headers["Location"], alert_form(header_en="Much snow", routes=["R1"]))
    assert ServiceAlert.objects.get().header["en"] == "Much snow" and ServiceAlert.objects.get().periods == []
    for step, state, header in (
        ("undo", Notice.State.IN_FORCE, "Snow"),
        ("withdraw", Notice.State.WITHDRAWN, "Snow"),
        ("undo", Notice.State.IN_FORCE, "Snow"),
    ):
        assert desk.post(f"{CONTROL}/alerts/{alert.pk}/{step}/").status_code == 302
        alert.refresh_from_db()
        assert (alert.state, alert.header["en"]) == (state, header)
    assert "Snow" in desk.get(f"{CONTROL}/alerts/").content.decode()


def test_what_is_refused_is_said_beside_its_field_and_nothing_typed_is_lost(desk: Client) -> None:
    page = desk.post(f"{CONTROL}/alerts/new/", alert_form(stops="nowhere"))
    text = page.content.decode()
    assert page.status_code == 422 and "nowhere is not in the timetable" in text and 'value="Snow"' in text
    assert re.search(r'aria-describedby="[^"]*id_stops_error[^"]*"[^>]*>\s*nowhere', text), (
        "the error is read with its field"
    )
    path = desk.post(
        f"{CONTROL}/detours/new/", {"route": "R1", "starts_at": "2026-01-01T08:00", "cause": "STRIKE", "path": "1,x"}
    )
    assert path.status_code == 422 and "This is no place: 1,x" in path.content.decode()
    assert not ServiceAlert.objects.exists()


def test_a_cancellation_and_a_detour_are_entered(desk: Client) -> None:
    day = {"service_day": "2019-05-15", "cause": "STRIKE"}
    made = desk.post(
        f"{CONTROL}/cancellations/new/", day | {"route": "R1", "from_time": "08:00", "until_time": "09:00"}
    )
    assert made.status_code == 302
    cancelled = Cancellation.objects.get()
    assert (cancelled.from_second, cancelled.until_second) == (8 * 3600, 9 * 3600)
    assert "08:00" in desk.get(made.headers["Location"]).content.decode()
    places = {"path": "-51.23, -30.03\n-51.22,-30.02", "temporary_stops": "-51.22,-30.02, Church, north"}
    made = desk.post(
        f"{CONTROL}/detours/new/",
        {"route": "R1", "direction": "0", "starts_at": "2026-01-01T08:00", "closed_stops": "square", "cause": "STRIKE"}
        | places,
    )
    detour = Detour.objects.get()
    assert detour.path == [[-51.23, -30.03], [-51.22, -30.02]]
    assert detour.temporary_stops == [{"name": "Church, north", "lon": -51.22, "lat": -30.02}]
    page = desk.get(made.headers["Location"]).content.decode()
    assert "Church, north" in page and "Change the words" in page
    drawn = Client().get("/map/layers/transit/detours.geojson").json()["features"]
    assert [feature["geometry"]["coordinates"] for feature in drawn] == [detour.path]
    assert "diverted" in drawn[0]["properties"]["name"]
    listed = desk.get(f"{CONTROL}/alerts/").content.decode()
    assert "diverted" in listed and f"/alerts/{detour.alert_id}/withdraw/" not in listed


def test_riders_read_it_where_it_concerns_them_in_their_language(desk: Client) -> None:
    desk.post(f"{CONTROL}/alerts/new/", alert_form(routes=["R1"]))
    rider = Client(headers={"Accept-Language": "ko"})
    for path in ("/transit/alerts/", "/transit/lines/R1/", "/transit/stops/square/"):
        assert "눈" in rider.get(path).content.decode(), path
    for path in ("/transit/lines/R2/", "/transit/stops/north/"):
        assert "눈" not in rider.get(path).content.decode(), path


def test_the_desk_is_for_those_who_may(city: Path, client: Client) -> None:
    for path in ("alerts/", "alerts/new/", "cancellations/", "detours/new/"):
        assert client.get(f"{CONTROL}/{path}").status_code == 302
    client.force_login(Person.objects.create_user("rider@example.org", "secret-enough-1"))
    for path in ("alerts/", "alerts/new/", "cancellations/", "detours/new/"):
        assert client.get(f"{CONTROL}/{path}").status_code == 403
    assert client.post(f"{CONTROL}/alerts/1/undo/").status_code == 403
    assert "No alert has been entered" in client.get("/transit/alerts/").content.decode()


def test_what_is_not_there_is_said_so(desk: Client) -> None:
    assert desk.get(f"{CONTROL}/alerts/99/").status_code == 404
    assert desk.post(f"{CONTROL}/detours/99/withdraw/").status_code == 404
    assert desk.get(f"{CONTROL}/alerts/99/withdraw/").status_code == 405
