"""The map page and what it asks for: counts, facets, heat, districts, tables, replay, saved views, the wall screen."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.kernel.journal import append
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.journal.sealer import seal
from cityhall.kernel.people.actors import ANONYMOUS, Actor, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places.declares import Layer, Sighting
from cityhall.kernel.places.layers import all_layers
from cityhall.kernel.service import Service
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.map import actions, opendata, reading, replay
from cityhall.services.map.downloads import geojson, rows
from cityhall.services.map.models import SavedView, Trail
from cityhall.services.map.reading import forget, read
from cityhall.services.map.selection import Selection
from cityhall.services.map.tasks import forget_deleted
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.realtime import history

pytestmark = pytest.mark.django_db
VEHICLES = "transit/vehicles"
DEEP: Any = []
for _level in range(300):
    DEEP = [DEEP]


def get(path: str, **query: Any) -> Any:
    answer = Client().get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_counts_and_facets_follow_the_view(fleet: Any) -> None:
    everything = get(f"/map/summary/{VEHICLES}/", facets="1")
    assert everything["count"] == 40
    facets = {facet["field"]: facet for facet in everything["facets"]}
    assert facets["status"]["counts"] == [{"value": "on_route", "count": 30}, {"value": "off_route", "count": 10}]
    assert facets["status"]["label"] == "Status"
    assert sum(count for _, _, count in facets["delay"]["bars"]) == 40
    part = get(f"/map/summary/{VEHICLES}/", facets="1", bbox="-51.26,-30.06,-51.241,-30.041", status="on_route")
    assert part["count"] == 3
    # A facet's own choice does not hide its other values.
    assert {one["value"] for one in part["facets"][1]["counts"]} >= {"on_route"}
    statuses = next(facet for facet in part["facets"] if facet["field"] == "status")
    assert sum(one["count"] for one in statuses["counts"]) == 5


def test_roll_ups_count_each_feature_once(fleet: Any, districts: None) -> None:
    for zoom in ("8", "12", "17"):
        heat = get(f"/map/heat/{VEHICLES}/", zoom=zoom)
        assert sum(one["properties"]["count"] for one in heat["features"]) == 40
    zones = get(f"/map/zones/{VEHICLES}/")
    counts = {one["properties"]["name"]: one["properties"] for one in zones["features"]}
    assert counts["West"]["count"] + counts["East"]["count"] == 40 and counts["West"]["rate"] == counts["West"]["count"]
    assert Client().get(f"/map/heat/{VEHICLES}/?zoom=far").status_code == 422


@pytest.mark.parametrize("held", [True, False], ids=["in memory", "asked of the database"])
def test_how_many_there_were_when(fleet: Any, monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    """Over time, of what the view and the choices leave; the same numbers as `datetime` gives everywhere else."""
    if not held:
        monkeypatch.setattr(reading, "HELD_BYTES", 0)
    end = timezone.now().replace(microsecond=0)
    for number, state in enumerate(fleet):
        VehicleState.objects.filter(pk=state.pk).update(at=end - timedelta(seconds=5 * number + 2))

    def during(start: int, until: int) -> str:
        first, last = (end - timedelta(seconds=5 * steps) for steps in (start, until))
        return f"{first:%Y-%m-%dT%H:%M:%SZ}/{last:%Y-%m-%dT%H:%M:%SZ}"

    counts = get(f"/map/timeline/{VEHICLES}/", datetime=during(48, 0))["counts"]
    assert counts == [0] * 8 + [1] * 40
    chosen = get(f"/map/timeline/{VEHICLES}/", datetime=during(48, 0), status="off_route")["counts"]
    assert sum(chosen) == 10 == get(f"/map/summary/{VEHICLES}/", datetime=during(48, 0), status="off_route")["count"]
    part = get(f"/map/timeline/{VEHICLES}/", datetime=during(20, 10))["counts"]
    assert sum(part) == 10 == get(f"/map/summary/{VEHICLES}/", datetime=during(20, 10))["count"]
    assert Client().get(f"/map/tiles/{VEHICLES}/0/0/0.mvt?datetime={during(900, 800)}").status_code == 204
    for wrong in ("", "2026-01-01T00:00:00Z/..", "2026-01-01T00:00:00Z"):
        assert Client().get(f"/map/timeline/{VEHICLES}/?datetime={wrong}").status_code == 422


def test_the_table_behind_a_layer(fleet: Any) -> None:
    page = Client().get(f"/map/table/{VEHICLES}/").content.decode()
    assert "40 rows in this view" in page and "bus-1<" in page and "on its route" in page
    assert page.count("<tr>") == 41
    empty = Client().get(f"/map/table/{VEHICLES}/?bbox=0,0,1,1").content.decode()
    assert "Nothing here" in empty


def test_the_pages(fleet: Any) -> None:
    page = Client().get("/map/").content.decode()
    assert "Buses now" in page and 'data-layer="transit/vehicles"' in page
    chosen = Client().get("/map/?layers=transit.stops,recycling.points").content.decode()
    assert '{"layers": {"transit/stops": {}, "recycling/points": {}}}' in chosen
    screen = Client().get("/map/screen/").content.decode()
    assert "data-screen" in screen and "on the road" in screen
    assert get("/map/numbers/")["numbers"][0]["value"] == 40


def layer(**more: Any) -> Layer:
    return Layer("things", "Things", "point", public_fields=("name",), **more)


SERVICE = Service(slug="test", name="Test", summary="", app="tests")


def test_replay_from_the_journal() -> None:
    with transaction.atomic():
        for lon in (-51.2, -51.1):
            append("test", "thing.seen", {"lon": lon, "lat": -30, "name": "a", "phone": "1"}, subject="thing:1")
        append("test", "thing.seen", {"name": "nowhere"}, subject="thing:2")
        append("test", "thing.forgotten", {"lon": 1, "lat": 1}, subject="thing:3")
    while seal():
        pass
    now = timezone.now()
    found = replay.tracks(
        replay.sightings(SERVICE, layer(events=("thing.seen",)), now - timedelta(hours=1), now + timedelta(minutes=1))
    )
    assert [track["id"] for track in found] == ["thing:1"]
    assert found[0]["places"] == [[-51.2, -30.0], [-51.1, -30.0]] and found[0]["properties"] == {"name": "a"}
    later = replay.sightings(SERVICE, layer(events=("thing.seen",)), now + timedelta(hours=1), now + timedelta(hours=2))
    assert list(later) == []


def test_replay_from_a_layers_own_history() -> None:
    def history(start: Any, end: Any) -> list[Sighting]:
        return [Sighting("1", start, 1.0, 2.0, {"name": "a", "phone": "1"})]

    now = timezone.now()
    found = list(replay.sightings(SERVICE, layer(history=history), now, now + timedelta(hours=1)))
    assert found == [Sighting("1", now, 1.0, 2.0, {"name": "a"})]


def test_what_moves_leaves_a_trail(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live layer that tells nothing of its past."""
    owner, told = next(pair for pair in all_layers() if pair[1].slug == "vehicles")
    untold = dataclasses.replace(told, history="")
    monkeypatch.setattr(replay, "declared", lambda kind: [(owner, untold)])
    start = timezone.now().replace(microsecond=0)
    for step in range(3):
        forget()
        assert replay.keep_trails(start + timedelta(seconds=15 * step)) == 1
        for state in fleet:
            state.point = (state.point[0] + 0.001, state.point[1])
            state.save(update_fields=["point"])
    # Twice at one moment, as two workers may: noted once.
    replay.keep_trails(start)
    assert Trail.objects.count() == 3
    found = replay.tracks(replay.sightings(owner, untold, start, start + timedelta(minutes=10)))
    tracks = {track["id"]: track for track in found}
    assert len(tracks) == 40 and "bus-40" not in tracks
    assert [round(place[0] + 51.25, 4) for place in tracks["bus-0"]["places"]] == [0.0, 0.001, 0.002]
    assert "Ana" not in json.dumps(found)
    for trail in Trail.objects.all():
        trail.at -= timedelta(days=8)
        trail.save()
    replay.forget_trails()
    assert not Trail.objects.exists()
    assert Client().get(f"/map/replay/{VEHICLES}/?start=then").status_code == 422


def test_the_fleets_past_and_no_school_buses(fleet: Any) -> None:
    start = timezone.now() - timedelta(minutes=1)
    states = list(VehicleState.objects.select_related("vehicle"))
    columns = {name: [getattr(state, name, None) for state in states] for name in history.COLUMNS}
    columns |= {"lon": [state.point.lon for state in states], "lat": [state.point.lat for state in states]}
    columns |= {"at": [state.at.timestamp() for state in states]}
    with transaction.atomic():
        assert history.keep([state.vehicle for state in states], columns) == 40
    # One that has become a school bus since is not shown from before either.
    Vehicle.objects.filter(public_id="bus-0").update(kind="school")
    body = get(f"/map/replay/{VEHICLES}/", start=start.isoformat(), minutes="10")
    assert {track["id"] for track in body["tracks"]} == {f"bus-{number}" for number in range(1, 40)}


def person(name: str, *held: str) -> Actor:
    made = Person.objects.create_user(f"{name}@example.org", "a long password")
    for role in held:
        grant(system("test"), made, role)
    return person_actor(made)


def test_who_may_open_a_view() -> None:
    analyst, dispatcher, resident = person("a", "map.analyst"), person("d", "transit.dispatcher"), person("r")
    state = {"center": [-51.2, -30.0], "zoom": 12, "layers": {}}
    views = {
        audience: actions.save_view(analyst, name=audience, state=state, audience=audience, role=role)
        for audience, role in (("private", ""), ("link", ""), ("role", "transit.dispatcher"), ("public", ""))
    }

    def opened(actor: Actor) -> set[str]:
        found = set()
        for audience, view in views.items():
            with suppress(actions.Missing):
                found.add(actions.find_view(actor, str(view.public_id)) and audience)
        return found

    assert opened(analyst) == {"private", "link", "role", "public"}
    assert opened(dispatcher) == {"link", "role", "public"}
    assert opened(resident) == opened(ANONYMOUS) == {"link", "public"}
    # A link is not in anybody's list.
    assert {view.audience for view in actions.views_of(resident)} == {"public"}
    for audience in ("role", "public"):
        with pytest.raises(actions.Denied):
            actions.save_view(resident, name="x", state=state, audience=audience, role="transit.dispatcher")
    with pytest.raises(actions.Denied):
        actions.save_view(ANONYMOUS, name="x", state=state)
    with pytest.raises(actions.Missing):
        actions.delete_view(resident, str(views["public"].public_id))
    actions.delete_view(analyst, str(views["public"].public_id))
    assert opened(resident) == {"link"}
    kinds = list(Entry.objects.filter(stream="map").values_list("type", flat=True))
    assert kinds.count("view.saved") == 4 and kinds.count("view.deleted") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "state": {}},
        {"name": "x" * 101, "state": {}},
        {"name": "x", "state": []},
        {"name": "x", "state": {"layers": []}},
        {"name": "x", "state": {"center": "x" * 30_000}},
        {"name": "x", "state": {}, "audience": "nobody"},
        {"name": "x", "state": {}, "id": "not-a-uuid"},
        {"name": "x\0", "state": {}},
        {"name": "x", "state": {"layers": {"\0": "\ud800"}}},
        {"name": "x", "state": {"layers": {}, "deep": DEEP}},
    ],
    ids=range(10),
)
def test_no_such_view_is_kept(body: dict[str, Any]) -> None:
    client = Client()
    client.force_login(Person.objects.create_user("p@example.org", "a long password"))
    answer = client.post("/map/views/", json.dumps(body), "application/json", headers={"accept": "application/json"})
    assert answer.status_code in (404, 422, 429) and "message" in answer.json()
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    "asked",
    [
        *(f"map/heat/{VEHICLES}/?zoom={zoom}" for zoom in ("nan", "1e309", "1e300", "-1e300")),
        *(f"map/replay/{VEHICLES}/?start={moment}" for moment in ("0001-01-01", "9999-12-31T23:59-12:00", "x")),
        *(f"map/replay/{VEHICLES}/?start=2026-01-01&minutes={number}" for number in ("²", "-1", "9" * 5000)),
        *(f"map/summary/{VEHICLES}/?datetime={span}" for span in ("0001-01-01T00:00%2B14:00/..", "../9999-12-31")),
        *(f"reports/?page={number}" for number in ("0", "²", "99999", "9" * 5000)),
        *(f"transit/gtfs.zip?file={number}" for number in ("²", "9" * 5000)),
    ],
)
def test_nothing_written_in_an_address_is_our_fault(fleet: Any, asked: str) -> None:
    assert Client().get(f"/{asked}").status_code < 500


def test_a_view_is_kept_and_opened_as_it_was(city: Any) -> None:
    client = Client()
    client.force_login(Person.objects.create_user("p@example.org", "a long password"))
    state = {"layers": {"transit/stops": {"as": "heat", "only": {}}}, "zoom": 14}
    made = client.post("/map/views/", json.dumps({"name": "</script>", "state": state}), "application/json").json()
    page = client.get(made["url"]).content.decode()
    assert '"heat"' in page and "</script></h1>" not in page and "&lt;/script&gt;" in page
    assert Client().get(made["url"]).status_code == 404


def test_a_deleted_view_comes_back_by_its_own_link_and_only_to_its_owner(city: Any) -> None:
    client, other = Client(), Client()
    client.force_login(Person.objects.create_user("p@example.org", "a long password"))
    other.force_login(Person.objects.create_user("o@example.org", "a long password"))
    values = {"name": "Harbour", "state": {}, "audience": "link"}
    url = client.post("/map/views/", json.dumps(values), "application/json").json()["url"]
    undo = client.post(f"{url}delete/").json()["restore"]
    assert client.get(url).status_code == 404 and "Harbour" not in client.get("/map/").content.decode()
    assert other.post(undo).status_code == 404
    assert client.post(undo).status_code == 200 and client.post(undo).status_code == 404
    assert other.get(url).status_code == 200 and "Harbour" in client.get("/map/").content.decode()
    client.post(f"{url}delete/")
    SavedView.objects.update(deleted_at=timezone.now() - timedelta(days=31))
    forget_deleted()
    assert not SavedView.objects.exists()


HTML = {"accept": "text/html"}


def test_ones_own_views_are_among_what_is_ones_own_and_are_deleted_and_brought_back_there(city: Any) -> None:
    client, other = Client(), Client()
    client.force_login(Person.objects.create_user("p@example.org", "a long password"))
    other.force_login(Person.objects.create_user("o@example.org", "a long password"))
    kept = {"name": "Harbour <3", "state": {}, "audience": "public"}
    grant(system("test"), Person.objects.get(email="o@example.org"), "map.analyst")
    other.post("/map/views/", json.dumps(kept | {"name": "Not hers"}), "application/json")
    assert "keep it as a view" in client.get("/mine/").content.decode()
    values = kept | {"audience": "private"}
    url = client.post("/map/views/", json.dumps(values), "application/json").json()["url"]
    page = client.get("/mine/").content.decode()
    assert f'href="{url}"' in page and "Harbour &lt;3" in page and f'action="{url}delete/"' in page
    assert "Not hers" not in page and "keep it as a view" not in page

    answer = client.post(f"{url}delete/", headers=HTML)
    assert (answer.status_code, answer["Location"]) == (302, "/mine/")
    page = client.get("/mine/").content.decode()
    assert f'href="{url}"' not in page and "Harbour &lt;3 is deleted." in page and f'action="{url}restore/"' in page
    assert other.post(f"{url}restore/", headers=HTML).status_code == 404
    assert client.post(f"{url}restore/", headers=HTML)["Location"] == "/mine/"
    assert f'href="{url}"' in client.get("/mine/").content.decode()


SECRETS = st.dictionaries(
    st.sampled_from(["name", "kind", "email", "phone", "url", "id", "at"]), st.text(min_size=1, max_size=20), max_size=7
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(given_rows=st.lists(SECRETS, min_size=1, max_size=8), public=st.sets(st.sampled_from(["name", "kind", "at"])))
def test_only_public_fields_leave(given_rows: list[dict[str, str]], public: set[str]) -> None:
    """Whatever a service's source says of its features, no open door lets a field out that is not listed."""
    marked = [{name: f"<{name}>{value}" for name, value in row.items()} for row in given_rows]
    features = [
        {"type": "Feature", "id": at, "geometry": {"type": "Point", "coordinates": [at, at]}, "properties": dict(row)}
        for at, row in enumerate(marked)
    ]
    fields = tuple(sorted(public))
    made = Layer("x", "X", "point", lambda bounds: {"features": json.loads(json.dumps(features))}, fields)
    forget()
    answers = read(SERVICE, made)
    everything = [
        json.dumps(answers.features(Selection(), 0, 100)),
        b"".join(geojson(SERVICE, made, Selection())).decode(),
        b"".join(rows(SERVICE, made, Selection())).decode(),
        answers.tile(0, 0, 0, Selection()).decode("latin-1"),
        repr(answers.facets(Selection())),
        json.dumps(list(opendata.every_feature(SERVICE, made, Selection()))),
    ]
    for text in everything:
        for name in {"name", "kind", "email", "phone", "url", "id", "at"} - public:
            assert f"<{name}>" not in text
