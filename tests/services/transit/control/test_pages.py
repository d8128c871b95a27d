"""The fleet room's doors: for dispatchers only, and what they show."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.errors import Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, system
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.register import enter as register
from cityhall.services.transit.control import quality
from cityhall.services.transit.control import room as watch
from cityhall.services.transit.control.episodes import Ledger
from cityhall.services.transit.models import Episode, StopCall, VehicleState
from tests.services.transit.control.conftest import DAY, call

Drive = Callable[..., VehicleState]
PAGES = ("", "lines/", "quality/", "quality.csv", "vehicles/B07/")


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_comes_in(city: Path, client: Client, page: str) -> None:
    answer = client.get(f"/transit/control/{page}")
    assert answer.status_code == 403
    assert client.post("/transit/control/quality/compute").status_code == 403
    assert client.get("/api/transit/fleet").status_code == 403
    # The layer and its topic are as if they were not there; where they were before leads to them.
    for old, new in (("vehicles.geojson", "/map/layers/transit/fleet.geojson"), ("live", "/live/fleet-room")):
        assert client.get(f"/transit/control/{old}").headers["Location"] == new
        assert client.get(new).status_code == 404


@pytest.mark.parametrize("page", ["", "lines/", "quality/"])
def test_an_empty_city_says_so(room: Client, page: str) -> None:
    text = room.get(f"/transit/control/{page}").content.decode()
    assert re.search(r"No vehicle is on the road|No vehicle is seen|This day has not been computed", text)


def test_every_vehicle_is_there_and_the_worst_first(room: Client, drive: Drive, eight_o_clock: datetime) -> None:
    drive("B07", delay_s=20)
    drive("B08", trip="back4", status="off_route")
    drive("B09", trip="out3", delay_s=700, next_sequence=2)
    drive("S1", kind="school", trip="", status="unmatched")
    drive("B10", ago=7200)
    state, now = watch.Room(Ledger()), eight_o_clock.timestamp()
    for second in range(0, 40, 4):
        watch.step(state, now + second)
    text = room.get("/transit/control/").content.decode()
    assert re.findall(r'<tr data-vehicle="([^"]+)" data-level="([^"]+)"', text) == [
        ("B08", "bad"),
        ("B09", "warn"),
        ("S1", "ok"),
        ("B07", "ok"),
    ]
    assert "All is well" in text and "data-well hidden" in text
    only_late = room.get("/transit/control/?state=late").content.decode()
    hidden = re.findall(r'<tr data-vehicle="([^"]+)"[^>]* hidden>', only_late)
    assert hidden == ["B08", "S1", "B07"]
    features = room.get("/map/layers/transit/fleet.geojson").json()["features"]
    assert {one["id"]: one["properties"]["states"] for one in features}["B09"] == "late"
    assert room.get("/live/fleet-room").status_code == 200
    # The watch says in the journal what it found once, however often it looks.
    assert Episode.objects.count() == 2


def test_all_is_well(room: Client, drive: Drive) -> None:
    drive("B07")
    text = room.get("/transit/control/").content.decode()
    assert "data-well>" in text and "B07" in text


def test_the_front_page_shows_the_way_in_to_dispatchers_only(room: Client, client: Client) -> None:
    assert "/transit/control/" in room.get("/").content.decode()
    assert "/transit/control/" not in client.get("/").content.decode()


def test_one_vehicle_stop_by_stop(room: Client, drive: Drive) -> None:
    drive("B07", next_sequence=1)
    call("out4", 0, 120)
    text = room.get("/transit/control/vehicles/B07/").content.decode()
    stops = re.findall(r'<th scope="row">([^<]+)</th><td class="num">([^<]+)</td>', text)
    assert stops == [("Harbour", "08:00"), ("Market Square", "08:06"), ("Hill", "08:12")]
    assert "08:02:00" in text and ">+2<" in text
    assert room.get("/transit/control/vehicles/none/").status_code == 404


def test_strings_show_what_is_planned_and_what_was_driven(room: Client, drive: Drive) -> None:
    drive("B07", along_m=300.0, delay_s=360)
    call("out4", 0, 120)
    text = room.get("/transit/control/lines/?line=R1").content.decode()
    assert text.count('class="string planned') >= 4 and text.count('class="string driven late"') == 1
    assert '<text class="vehicle"' in text and "+6" in text


def test_what_changes_is_sent_and_only_that(
    drive: Drive, eight_o_clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[dict[str, Any]]] = []
    monkeypatch.setattr(watch, "publish", lambda topic, features: sent.append(features))
    drive("B07")
    drive("B08", trip="out3")
    state, now = watch.Room(Ledger()), eight_o_clock.timestamp()
    watch.step(state, now)
    watch.step(state, now + 2)
    drive("B07", point=Point(-51.19, -30.03))
    watch.step(state, now + 4)
    VehicleState.objects.filter(vehicle__public_id="B08").update(at=eight_o_clock - timedelta(hours=2))
    watch.step(state, now + 6)
    assert [[one["id"] for one in features] for features in sent] == [["B07", "B08"], ["B07"], ["B08"]]
    assert sent[2][0]["properties"] == {"id": "B08", "gone": True}


def test_no_share_is_shown_of_too_few_calls_and_trips_on_the_way_are_told_apart(room: Client) -> None:
    """“On time 95 %” stood beside “trips run 0/2”: of the calls of trips that had not ended yet."""

    def page() -> str:
        quality.compute(system("test"), DAY)
        text = room.get(f"/transit/control/quality/?day={DAY}").content.decode()
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))

    nothing = page()
    assert "0 calls at stops were seen on this day: too few" in nothing and "none should have ended yet" in nothing
    for trip in ("out3", "out4"):
        call(trip, 0, 0, hour=7 if trip == "out3" else 8, minute=30 if trip == "out3" else 0)
    few = page()
    assert "2 calls at stops were seen on this day: too few" in few and "On time – of 2 calls seen on 2 trips" in few
    assert "of those that should have ended 0 / 3 2 more on the way or seen in part" in few and "100 %" not in few
    assert "too few calls" in few and "No call at a stop has been seen yet" in few
    known = StopCall.objects.get(trip="out4")
    for number in range(quality.ENOUGH):
        known.pk, known.sequence = None, 10 + number
        known.save()
    enough = page()
    assert "too few" not in enough.partition("Line by line")[0] and "On time 100 % of 32 calls seen" in enough


def test_quality_is_computed_and_taken_away(room: Client) -> None:
    for sequence, late_s in enumerate((0, 200, 400)):
        call("out4", sequence, late_s)
    answer = room.post("/transit/control/quality/compute", {"day": f"{DAY}"}, follow=True)
    assert "computed anew" in answer.content.decode()
    text = room.get(f"/transit/control/quality/?day={DAY}&compare=2019-05-14").content.decode()
    assert "3 calls at stops were seen" in text and "The day beside it has not been computed" in text
    rows = list(csv.DictReader(io.StringIO(room.get(f"/transit/control/quality.csv?day={DAY}").content.decode())))
    assert [row["line"] for row in rows][:2] == ["", "1"] and float(rows[1]["on_time"]) == pytest.approx(0.6667)
    assert room.get(f"/transit/control/quality.json?day={DAY}").json()["rows"][1]["calls"] == 3
    assert room.get(f"/api/transit/quality/{DAY}").json()[0]["figures"]["calls"] == 3
    assert room.get("/transit/control/quality.csv?day=2019-01-01").status_code == 404


def test_a_vehicle_is_registered_once(city: Path, dispatcher: object) -> None:
    for _turn in range(2):
        register(system("test"), "S1", kind="school", capacity=16)
    register(system("test"), "S1", kind="school", capacity=20)
    vehicle = Vehicle.objects.get()
    assert vehicle.hidden and not Entry.objects.filter(subject="S1").exists()
    kinds = Entry.objects.filter(subject=f"vehicle:{vehicle.pk}").order_by("time").values_list("type", flat=True)
    assert list(kinds) == ["vehicle.registered", "vehicle.changed"]
    with pytest.raises(Invalid):
        register(system("test"), "S2", kind="boat")
    with pytest.raises(Denied):
        register(ANONYMOUS, "S2", kind="bus")
