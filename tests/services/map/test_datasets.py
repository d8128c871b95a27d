"""The city's own data sets: what is taken, what is refused and how it is said, and that they are layers like others."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from django.db import OperationalError
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from cityhall.engines.tiles import to_world
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing, TooMany
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.services.map import reading, tasks, tiles
from cityhall.services.map.datasets import actions, importing, limits, outside, published
from cityhall.services.map.models import Dataset, DatasetFeature, DatasetVersion

pytestmark = pytest.mark.django_db
TREES = """\
name;longitude;latitude;height;owner_email
Oak;-51.20;-30.03;12.5;a@b.c
Lime;-51.21;-30.04;;
007;-51.19;-30.02;8;x
"""
DOT, LINE = {"type": "Point", "coordinates": [1, 2]}, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def officer() -> Person:
    person = Person.objects.create_user("officer@example.org", "a long password", name="Rosa")
    grant(system("test"), person, "map.publisher")
    return person


@pytest.fixture
def bring(officer: Person) -> Callable[..., DatasetVersion]:
    """Brings a file and has it read, as the worker does."""

    def brought(data: bytes, name: str, *, slug: str = "", lenient: bool = False) -> DatasetVersion:
        actor = person_actor(officer)
        slug = slug or actions.create(actor, "Street trees").slug
        version = actions.upload(actor, slug, io.BytesIO(data), name, lenient=lenient)
        tasks.run(version)
        version.refresh_from_db()
        return version

    return brought


def shapefile(folder: Path) -> bytes:
    """A zipped Shapefile in UTM 22S, a lane and a park's path."""
    lines = shapely.to_wkb(np.array([shapely.LineString([(480700, 6677800), (480900, 6677900)])] * 2))
    names = [np.array(["lane", "path"], dtype=object), np.array([3, 5], dtype=np.int64)]
    pyogrio.raw.write(folder / "l.shp", lines, names, ["name", "width"], geometry_type="LineString", crs="EPSG:32722")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for file in folder.glob("l.*"):
            target.write(file, f"export/{file.name}")
    return packed.getvalue()


def geopackage(folder: Path) -> bytes:
    areas = shapely.to_wkb(np.array([shapely.box(-51.21, -30.04, -51.2, -30.03)]))
    pyogrio.raw.write(
        folder / "a.gpkg", areas, [np.array(["park"], dtype=object)], ["name"], geometry_type="Polygon", crs="EPSG:4326"
    )
    return (folder / "a.gpkg").read_bytes()


def geoparquet() -> bytes:
    made = pa.table(
        {"name": ["a", "b"], "geometry": shapely.to_wkb([shapely.Point(-51.2, -30), shapely.Point(-51.1, -30)])}
    )
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}
    file = io.BytesIO()
    pq.write_table(made.replace_schema_metadata({"geo": json.dumps(geo)}), file)
    return file.getvalue()


def collection(*geometries: dict[str, Any]) -> bytes:
    features = [{"type": "Feature", "geometry": one, "properties": {"n": at}} for at, one in enumerate(geometries)]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_a_table_becomes_a_layer_like_others(bring: Any, officer: Person) -> None:
    version = bring(TREES.encode(), "trees.csv")
    assert (version.state, version.rows, version.kind) == ("ready", 3, "point"), version.problems
    kinds = {one["name"]: (one["type"], one["public"]) for one in version.fields}
    # What looks like a person's is kept back until somebody says otherwise.
    assert kinds == {"name": ("text", True), "height": ("float", True), "owner_email": ("text", False)}
    items = "/map/ogc/collections/map-street-trees/items"
    assert Client().get(items, headers={"accept": "application/json"}).status_code == 404
    assert Client().get("/map/summary/map/street-trees/").status_code == 404
    own = Client()
    own.force_login(officer)
    assert own.get("/map/summary/map/street-trees/").json()["count"] == 3
    actions.publish(person_actor(officer), "street-trees", on=True)
    page = Client().get(items, headers={"accept": "application/json"}).json()
    assert page["numberMatched"] == 3 and "a@b.c" not in json.dumps(page)
    assert {one["properties"]["name"] for one in page["features"]} == {"Oak", "Lime", "007"}
    u, v = to_world(-51.2, -30.03)
    tile = Client().get(f"/map/tiles/map/street-trees/12/{int(u * 4096)}/{int(v * 4096)}.mvt")
    drawn = mapbox_vector_tile.decode(tile.content)["layer"]["features"]
    assert {"name": "Oak", "height": 12.5} in [one["properties"] for one in drawn]
    assert "street-trees" in Client().get("/map/catalogue.ttl").content.decode()
    assert "dataset.published" in Entry.objects.filter(stream="map").values_list("type", flat=True)


def test_every_kind_of_file(bring: Any, tmp_path: Path) -> None:
    for name, data, kind, rows in (
        ("lines.zip", shapefile(tmp_path), "line", 2),
        ("areas.gpkg", geopackage(tmp_path), "area", 1),
        ("points.parquet", geoparquet(), "point", 2),
        ("points.geojson", collection({"type": "Point", "coordinates": [-51.2, -30]}), "point", 1),
        ("shapes.csv", b'wkt,n\n"LINESTRING (0 0, 1 1)",1\n', "line", 1),
    ):
        version = bring(data, name)
        assert (version.state, version.kind, version.rows) == ("ready", kind, rows), (name, version.problems)
    brought = DatasetFeature.objects.filter(version__source="lines.zip").first()
    assert brought is not None
    # Brought from metres of UTM to degrees.
    assert abs(brought.point.lon + 51.2) < 0.01 and abs(brought.point.lat + 30.035) < 0.01


@pytest.mark.parametrize(
    ("name", "data", "row", "field", "said"),
    [
        ("a.csv", b"longitude,latitude\n1,2\nx,3\n", 2, "longitude", "no number"),
        ("a.csv", b"longitude,latitude\n1,2\n3,95\n", 2, "geometry", "outside the world"),
        ("a.csv", b"longitude,latitude\n1,2\n3,4,5\n", 2, "", "more cells"),
        ("a.csv", b"name,place\nx,y\n", 0, "", "no column says where"),
        ("a.csv", b"longitude,latitude\n", 0, "", "no rows"),
        ("a.csv", "longitude,latitude,name\n1,2,São".encode("latin-1"), 0, "", "UTF-8"),
        ("a.csv", b"longitude,latitude\n\x00\x00", 0, "", "not what its name says"),
        ("a.geojson", b'{"type": "FeatureCollection"}', 0, "", "no GeoJSON FeatureCollection"),
        ("a.geojson", collection(DOT, {"type": "Dot"}), 2, "geometry", "no GeoJSON"),
        (
            "a.geojson",
            collection({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}),
            1,
            "geometry",
            "crosses itself",
        ),
        (
            "a.geojson",
            collection(DOT, LINE),
            2,
            "geometry",
            "no point",
        ),
        ("a.gpkg", b"SQLite format 3\x00" + b"rubbish" * 40, 0, "", "cannot be read"),
        ("a.parquet", b"PAR1rubbishPAR1", 0, "", "GeoParquet"),
        ("a.zip", b"PK\x03\x04rubbish", 0, "", "damaged"),
        # GDAL would open this one and the file it names; by its name it is no Shapefile.
        ("a.vrt", b"<OGRVRTDataSource><OGRVRTLayer name='x'>", 0, "", "kind is not known"),
        ("a.csv", b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd", 0, "", "no column"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_row_and_field(
    bring: Any, name: str, data: bytes, row: int, field: str, said: str
) -> None:
    version = bring(data, name)
    assert version.state == "failed" and DatasetFeature.objects.count() == 0
    problem = version.problems[-1]
    assert (problem["row"], problem["field"]) == (row, field) and said in problem["what"], problem


def test_what_is_wrong_is_said_in_the_language_of_who_brought_it(
    officer: Person, django_capture_on_commit_callbacks: Any
) -> None:
    client = Client()
    client.force_login(officer)
    file = io.BytesIO(b"longitude,latitude\nx,3\n")
    file.name = "a.csv"
    asked = {"accept": "application/json", "accept-language": "es"}
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/map/data-sets/bring/", {"file": file}, headers=asked).status_code < 400
    tasks.import_dataset(**ProcrastinateJob.objects.get(task_name="map.import_dataset").args)
    assert "no es un número de grados" in DatasetVersion.objects.get().problems[0]["what"]


@pytest.mark.attack
def test_a_file_outlives_the_database(officer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job fails while the database is away, and is tried again: the file is there still."""
    actor = person_actor(officer)
    slug = actions.create(actor, "Street trees").slug
    version = actions.upload(actor, slug, io.BytesIO(b"longitude,latitude\n1,2\n"), "a.csv")

    def away(*_values: Any) -> None:
        raise OperationalError("the server has closed the connection")

    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(importing.Importer, "run", away)
        tasks.import_dataset(version.pk)
    tasks.import_dataset(version.pk)
    version.refresh_from_db()
    assert (version.state, version.rows) == ("ready", 1)
    assert not list(actions.folder().iterdir()), "and gone when it was read"


def test_rows_with_faults_can_be_left_out(bring: Any) -> None:
    version = bring(b"longitude,latitude\n1,2\nx,3\n5,6\n", "a.csv", lenient=True)
    assert (version.state, version.rows, len(version.problems)) == ("ready", 2, 1)


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name.replace("_", "."), data)
    return packed.getvalue()


def test_bombs_and_floods(bring: Any, officer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bring(zipped(a_shp=b"\0" * 30_000_000), "a.zip")
    assert bomb.state == "failed" and "too much" in bomb.problems[0]["what"]
    crowd = bring(zipped(**{f"f{n}_shp": b"x" for n in range(limits.PACKED_FILES + 1)}), "a.zip")
    assert crowd.state == "failed"
    monkeypatch.setattr(limits, "ROWS", 10)
    many = bring(b"longitude,latitude\n" + b"1,2\n" * 11, "a.csv")
    assert many.state == "failed" and "too much" in many.problems[-1]["what"]
    monkeypatch.setattr(limits, "FILE_BYTES", 100)
    slug = actions.create(person_actor(officer), "Large").slug
    with pytest.raises(TooMany):
        actions.upload(person_actor(officer), slug, io.BytesIO(b"x" * 101), "a.csv")
    assert list(actions.folder().iterdir()) == []


def test_versions_go_back_and_deleting_can_be_undone(bring: Any, officer: Person) -> None:
    actor = person_actor(officer)
    first = bring(TREES.encode(), "trees.csv")
    slug = first.dataset.slug
    actions.change(actor, slug, public={"name"})
    second = bring(TREES.encode() + b"Elm;-51.2;-30.03;3;\n", "trees-2.csv", slug=slug)
    shown = Dataset.objects.get(slug=slug).version
    assert shown == second
    # The choice of public fields stays with the data set.
    assert [one["name"] for one in second.fields if one["public"]] == ["name"]
    bring(b"rubbish", "trees-3.csv", slug=slug)
    assert Dataset.objects.get(slug=slug).version == second
    actions.show_version(actor, slug, 1)
    assert Dataset.objects.get(slug=slug).version == first
    actions.delete(actor, slug)
    assert not published.layers()
    with pytest.raises(Missing):
        actions.find(actor, slug)
    actions.restore(actor, slug)
    assert [layer.slug for layer in published.layers()] == [slug]


def test_what_is_withdrawn_is_gone_at_once(
    bring: Any, officer: Person, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from memory either, and where another process withdrew it, half a second later."""
    slug = bring(TREES.encode(), "trees.csv").dataset.slug
    actor = person_actor(officer)
    u, v = to_world(-51.2, -30.03)
    path = f"/map/tiles/map/{slug}/12/{int(u * 4096)}/{int(v * 4096)}.mvt"
    for change in (partial(actions.publish, on=False), actions.delete):
        with django_capture_on_commit_callbacks(execute=True):
            if Dataset.objects.filter(slug=slug, published=False):
                actions.publish(actor, slug, on=True)
        tile = Client().get(path)
        assert tile.status_code == 200 and tile.headers["Cache-Control"] == "public, max-age=1"
        assert tiles.swift(path, b"", {}) is not None
        with django_capture_on_commit_callbacks(execute=True):
            change(actor, slug)
        assert tiles.swift(path, b"", {}) is None
        assert Client().get(path).status_code == 404
        if change is not actions.delete:
            # An officer still sees it, which opens it to nobody else.
            own = Client()
            own.force_login(officer)
            assert own.get(path).headers["Cache-Control"].startswith("private")
            assert tiles.swift(path, b"", {}) is None
    with django_capture_on_commit_callbacks(execute=True):
        actions.restore(actor, slug)
        actions.publish(actor, slug, on=True)
    assert Client().get(path).status_code == 200 and tiles.swift(path, b"", {}) is not None
    Dataset.objects.update(published=False)
    started = time.monotonic()
    while tiles.swift(path, b"", {}) is not None or Client().get(path).status_code == 200:
        time.sleep(0.02)
    assert time.monotonic() - started < 2


def test_who_may_not(bring: Any) -> None:
    version = bring(TREES.encode(), "trees.csv")
    resident = person_actor(Person.objects.create_user("r@example.org", "a long password"))
    for actor in (ANONYMOUS, resident):
        for refused in (
            lambda actor=actor: actions.create(actor, "Mine"),
            lambda actor=actor: actions.publish(actor, version.dataset.slug, on=True),
            lambda actor=actor: actions.delete(actor, version.dataset.slug),
            lambda actor=actor: actions.add_outside(
                actor, name="x", kind="xyz", url="https://a/{z}/{x}/{y}", layer="", attribution="x"
            ),
        ):
            with pytest.raises(Denied):
                refused()
    assert Client().get("/map/data-sets/").status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/items",
        "http://localhost:5432/",
        "http://[::1]/",
        "http://[",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "https://user:secret@example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https:///nothing",
    ],
)
def test_inner_servers_are_not_asked(url: str) -> None:
    with pytest.raises(Invalid):
        outside.fetch(url)


def test_a_redirect_to_an_inner_server_is_not_followed(neighbour: Any, settings: Any) -> None:
    address, asked = neighbour
    settings.CITY.options["map"] = {"servers": ["localhost"]}
    try:
        assert outside.fetch(f"{address}/plain") == b"hello"
        with pytest.raises(Invalid, match="public internet"):
            outside.fetch(f"{address}/inner")
        with pytest.raises(Invalid, match="HTTP 404"):
            outside.fetch(f"{address}/nothing")
        assert asked == ["/plain", "/inner", "/nothing"]
    finally:
        settings.CITY.options.pop("map")


def test_another_servers_collection(neighbour: Any, settings: Any, officer: Person) -> None:
    address, _asked = neighbour
    actor = person_actor(officer)
    slug = actions.create(actor, "From next door").slug
    settings.CITY.options["map"] = {"servers": ["localhost"]}
    try:
        version = actions.take_from(actor, slug, f"{address}/items")
        with pytest.raises(Conflict):
            actions.take_from(actor, slug, f"{address}/items")
        tasks.run(version)
        version.refresh_from_db()
        assert (version.state, version.rows, version.source) == ("ready", 4, f"{address}/items"), version.problems
    finally:
        settings.CITY.options.pop("map")


def test_the_page_may_ask_only_the_servers_that_were_added(city: Any) -> None:
    from cityhall.services.map.models import OutsideMap

    assert "example" not in Client().get("/map/").headers["Content-Security-Policy"]
    OutsideMap.objects.create(name="Air", kind="xyz", url="https://tiles.example.org/{z}/{x}/{y}.png", attribution="x")
    policy = Client().get("/map/").headers["Content-Security-Policy"]
    assert "connect-src 'self' https://tiles.example.org;" in policy and "script-src 'self';" in policy
    assert "example" not in Client().get("/").headers["Content-Security-Policy"]


def test_the_forms(officer: Person, settings: Any) -> None:
    client = Client()
    client.force_login(officer)
    file = io.BytesIO(TREES.encode())
    file.name = "trees.csv"
    answer = client.post("/map/data-sets/bring/", {"file": file}, headers={"accept": "application/json"})
    address = answer.json()["url"]
    assert "hx-get" in client.get(address).content.decode()
    tasks.run(DatasetVersion.objects.get())
    assert "3 rows are read" in client.get(address).content.decode()
    style = {"do": "style", "color": "#112233", "field": "height", "palette": "heat", "classes": "3", "size": "5"}
    assert client.post(f"{address}change/", style).status_code == 302
    made = Dataset.objects.get().style
    assert made["field"] == "height" and made["color"] == "#112233"
    assert made["breaks"] == [8.0, 12.5] and len(made["colors"]) == 3
    assert client.post(f"{address}change/", style | {"color": "red;}"}).status_code == 422
    assert client.post(f"{address}change/", {"do": "publish", "on": "1"}).status_code == 302
    assert Dataset.objects.get().published
    assert client.get("/map/data-sets/").status_code == 200


def test_a_word_that_is_called_null_has_its_colour(bring: Any, officer: Person) -> None:
    """Rows without a value have no class; those whose value reads "null" have one like any other."""
    rows = "".join(
        f"{-51.2 + at / 1000},-30,{word}\n" for at, word in enumerate(["null", "null", "null", "ash", "ash", ""])
    )
    slug = bring(f"longitude,latitude,kind\n{rows}".encode(), "kinds.csv").dataset.slug
    client = Client()
    client.force_login(officer)
    style = {"do": "style", "color": "#112233", "field": "kind", "palette": "kinds", "classes": "3", "size": "5"}
    assert client.post(f"/map/data-sets/{slug}/change/", style).status_code == 302
    assert Dataset.objects.get().style["breaks"] == ["null", "ash"]


def test_a_layer_too_large_for_memory_gives_the_same(
    bring: Any, officer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same questions to the table in memory and to the database have the same answers."""
    rng = np.random.default_rng(1)
    rows = "".join(f"{-51.2 + x},{-30 + y},{'ab'[int(x > 0)]}\n" for x, y in rng.normal(0, 0.01, (3000, 2)))
    version = bring(b"longitude,latitude,side\n" + rows.encode(), "many.csv")
    slug = version.dataset.slug
    actions.publish(person_actor(officer), slug, on=True)
    u, v = to_world(-51.2, -30.0)
    paths = [
        f"/map/summary/map/{slug}/?facets=1&bbox=-51.21,-30.01,-51.19,-29.99",
        f"/map/summary/map/{slug}/?side=a",
        f"/map/ogc/collections/map-{slug}/items?side=b&limit=7&f=json",
    ]
    paths_of_tiles = [f"/map/tiles/map/{slug}/{z}/{int(u * 2**z)}/{int(v * 2**z)}.mvt" for z in (9, 16)]
    seen = []
    for most in (reading.HELD_BYTES, 100_000):
        monkeypatch.setattr(reading, "HELD_BYTES", most)
        reading.forget()
        answers = [Client().get(path).json() for path in paths]
        for body in answers:
            body.pop("timeStamp", None), body.pop("links", None), body.pop("numberMatched", None)
        counts = []
        for path in paths_of_tiles:
            drawn = mapbox_vector_tile.decode(Client().get(path).content)["layer"]["features"]
            counts.append(sum(one["properties"].get("points", 1) for one in drawn))
        heat = Client().get(f"/map/heat/map/{slug}/?zoom=12").json()
        seen.append((answers, counts, sum(one["properties"]["count"] for one in heat["features"])))
    assert seen[0] == seen[1]


def dated(*moments: str | None, areas: bool) -> bytes:
    """Points, or squares, of which each has a moment, a text that is one now and then, and a day kept back."""
    square = {"type": "Polygon", "coordinates": [[[1, 2], [1.1, 2], [1.1, 2.1], [1, 2]]]}
    features = [
        {
            "type": "Feature",
            "geometry": square if areas else DOT,
            "properties": {"done on": at, "note": at if row else "soon", "birthday": "1980-01-01"},
        }
        for row, at in enumerate(moments)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.mark.parametrize("areas", [False, True])
@pytest.mark.parametrize("held", [reading.HELD_BYTES, 0])
def test_the_period_reaches_what_people_bring(
    bring: Any, officer: Person, settings: Any, monkeypatch: pytest.MonkeyPatch, areas: bool, held: int
) -> None:
    """Moments without an offset are on the city's clock, whether the rows are held in memory or asked for."""
    monkeypatch.setattr(reading, "HELD_BYTES", held)
    version = bring(
        dated("2026-01-01", "2026-02-01 12:00", "2026-02-01T12:00:00.5+05:00", "", None, areas=areas), "d.json"
    )
    kinds = {one["name"]: (one["type"], bool(one.get("when"))) for one in version.fields}
    assert kinds == {"done on": ("time", True), "note": ("text", False), "birthday": ("time", False)}
    actor, slug = person_actor(officer), version.dataset.slug
    actions.publish(actor, slug, on=True)
    noon = datetime(2026, 2, 1, 12, tzinfo=settings.CITY.zone).timestamp()

    def count(first: float | str, last: float | str) -> int:
        ends = [one if isinstance(one, str) else datetime.fromtimestamp(one, UTC).isoformat() for one in (first, last)]
        answer = Client().get(f"/map/summary/map/{slug}/", {"datetime": "/".join(ends)})
        return int(answer.json()["count"])

    # Two have no moment: they are there at any time.
    assert (count(noon, noon), count(noon + 1, ".."), count("..", noon)) == (1 + 2, 0 + 2, 3 + 2)
    year = {"datetime": "2026-01-01T00:00:00Z/2027-01-01T00:00:00Z"}
    assert sum(Client().get(f"/map/timeline/map/{slug}/", year).json()["counts"]) == 3
    told = Client().get(f"/map/ogc/collections/map-{slug}", {"f": "json"}).json()["extent"]["temporal"]["interval"]
    assert told == [["2026-01-01T03:00:00Z", "2026-02-01T15:00:00Z"]]
    kept = Client().get(f"/map/ogc/collections/map-{slug}/items", {"f": "json"}).json()["features"][0]
    assert kept["properties"]["done on"] == "2026-01-01"
    with pytest.raises(Invalid):
        actions.change(actor, slug, public={"done on"}, when="note")
    actions.change(actor, slug, public={"done on"}, when="")
    assert count(noon + 1, "..") == 5
    assert sum(Client().get(f"/map/timeline/map/{slug}/", year).json()["counts"]) == 0


def test_actions_raise_one_family(officer: Person) -> None:
    actor: Actor = person_actor(officer)
    for family, wrong in (
        (Invalid, lambda: actions.create(actor, "   ")),
        (Missing, lambda: actions.find(actor, "nothing")),
        (Conflict, lambda: actions.publish(actor, actions.create(actor, "Empty").slug, on=True)),
        (Invalid, lambda: actions.change(actor, actions.create(actor, "L").slug, licence="javascript:alert(1)")),
    ):
        with pytest.raises(CityhallError) as caught:
            wrong()
        assert type(caught.value) is family and caught.value.message


def test_a_column_named_as_a_formula_and_a_link_that_runs_do_not_leave_as_such(bring: Any, officer: Person) -> None:
    bring(b"longitude,latitude,name,=1+1,url\n-51.2,-30.03,Oak,x,javascript:alert(1)\n", "trees.csv")
    actions.publish(person_actor(officer), "street-trees", on=True)
    answer: Any = Client().get("/map/data/map/street-trees.csv")
    body = b"".join(answer.streaming_content).decode()
    assert body.startswith("\ufeff"), "or a spreadsheet reads it as Latin-1"
    head = body.splitlines()[0]
    assert "1+1" in head and ",=" not in head
    page = Client().get("/map/table/map/street-trees/").content.decode()
    assert "Oak" in page and 'href="javascript' not in page


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "::127.0.0.1",
        "::10.0.0.1",
        "::ffff:10.0.0.1",
        "fe80::1%3",
    ],
)
def test_an_inner_address_in_another_form_is_not_asked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    from cityhall.services.map.datasets import outside

    found = [(10, 1, 6, "", (address, 443, 0, 0))]
    monkeypatch.setattr(outside.socket, "getaddrinfo", lambda *_args, **_named: found)
    with pytest.raises(Invalid):
        outside.checked_address("https://maps.example.org/")
    found[0] = (10, 1, 6, "", ("64:ff9b::808:808", 443, 0, 0))
    assert outside.checked_address("https://maps.example.org/")[1] == "64:ff9b::808:808"
