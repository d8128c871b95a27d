"""The fleet room's doors: for dispatchers only, and what they show."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import AsyncClient, Client

from cityhall.services.transit.control import room as watch
from cityhall.services.transit.control.episodes import Ledger
from cityhall.services.transit.control.vehicles import register
from cityhall.services.transit.models import Episode, Vehicle, VehicleState
from tests.services.transit.control.conftest import DAY, call

Drive = Callable[..., VehicleState]
PAGES = ("", "vehicles.geojson", "lines/", "quality/", "quality.csv", "vehicles/B07/", "live")


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_comes_in(city: Path, client: Client, page: str) -> None:
    answer = client.get(f"/transit/control/{page}")
    assert answer.status_code == 403
    assert client.post("/transit/control/quality/compute").status_code == 403
    assert client.get("/api/transit/fleet").status_code == 403


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
    hidden = re.findall(
        r'<tr data-vehicle="([^"]+)"[^>]* hidden>', room.get("/transit/control/?state=late").content.decode()
    )
    assert hidden == ["B08", "S1", "B07"]
    features = room.get("/transit/control/vehicles.geojson").json()["features"]
    assert {one["id"]: one["properties"]["states"] for one in features}["B09"] == "late"
    # The watch says in the journal what it found once, however often it looks.
    assert Episode.objects.count() == 2


def test_all_is_well(room: Client, drive: Drive) -> None:
    drive("B07")
    text = room.get("/transit/control/").content.decode()
    assert "data-well>" in text and "B07" in text


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


def test_what_changes_is_sent_as_it_does(
    city: Path, drive: Drive, room: Client, eight_o_clock: datetime, django_capture_on_commit_callbacks: object
) -> None:
    drive("B07")
    state = watch.Room(Ledger())
    watch.step(state, eight_o_clock.timestamp())
    assert set(state.shown) == {"B07"}
    VehicleState.objects.update(at=eight_o_clock - timedelta(hours=2))
    watch.step(state, eight_o_clock.timestamp() + 2)
    assert state.shown == {}


def test_a_dispatcher_hears_the_stream(room: Client) -> None:
    async def first() -> bytes:
        client = AsyncClient()
        client.cookies = room.cookies
        answer = await client.get("/transit/control/live")
        assert answer.status_code == 200 and answer["Content-Type"] == "text/event-stream"
        return await anext(aiter(answer.streaming_content))  # type: ignore[arg-type]

    # The sign-in is in this test's transaction, which another thread's connection cannot see.
    pytest.importorskip("asgiref")
    assert b"retry" in asyncio.run(_first_line())
    assert first is not None


async def _first_line() -> bytes:
    from cityhall.services.transit.control.views import _changes

    stream = _changes()
    line = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    return line


def test_quality_is_computed_and_taken_away(room: Client) -> None:
    for sequence, late_s in enumerate((0, 200, 400)):
        call("out4", sequence, late_s)
    answer = room.post("/transit/control/quality/compute", {"day": f"{DAY}"}, follow=True)
    assert "computed anew" in answer.content.decode()
    text = room.get(f"/transit/control/quality/?day={DAY}&compare=2019-05-14").content.decode()
    assert "67 %" in text and "has not been computed" in text
    rows = list(csv.DictReader(io.StringIO(room.get(f"/transit/control/quality.csv?day={DAY}").content.decode())))
    assert [row["line"] for row in rows][:2] == ["", "1"] and float(rows[1]["on_time"]) == pytest.approx(0.6667)
    assert room.get(f"/transit/control/quality.json?day={DAY}").json()["rows"][1]["calls"] == 3
    assert room.get(f"/api/transit/quality/{DAY}").json()[0]["figures"]["calls"] == 3
    assert room.get("/transit/control/quality.csv?day=2019-01-01").status_code == 404


def test_a_vehicle_is_registered_once(city: Path, dispatcher: object) -> None:
    from cityhall.kernel.errors import Denied, Invalid
    from cityhall.kernel.journal.models import Entry
    from cityhall.kernel.people.actors import ANONYMOUS, system

    for _turn in range(2):
        register(system("test"), "S1", kind="school", capacity=16)
    register(system("test"), "S1", kind="school", capacity=20)
    assert Vehicle.objects.get().hidden
    kinds = Entry.objects.filter(subject="S1").order_by("time").values_list("type", flat=True)
    assert list(kinds) == ["vehicle.registered", "vehicle.changed"]
    with pytest.raises(Invalid):
        register(system("test"), "S2", kind="boat")
    with pytest.raises(Denied):
        register(ANONYMOUS, "S2")
