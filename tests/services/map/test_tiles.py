"""Vector tiles: their form, what is in them, thinning, caching; the same from memory and from the view."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from typing import Any

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import pytest
import shapely
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.tiles import (
    EXTENT,
    Column,
    Index,
    Values,
    bounds_of,
    count_squares,
    cut_points,
    encode_points,
    encode_shapes,
    to_world,
)
from cityhall.services.map import reading, tiles
from cityhall.services.transit.models import VehicleState
from cityhall.web import security
from cityhall.web.swift import swift

VALUES = st.one_of(
    st.none(),
    st.text(max_size=200),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-64, 4159), st.integers(-64, 4159), VALUES, VALUES, st.integers(-1, 2**62)), max_size=30
    )
)
def test_what_is_written_is_read_by_others(rows: list[tuple[Any, ...]]) -> None:
    """mapbox-vector-tile decodes exactly what was encoded: places, values of every type, ids."""
    px, py, first, second, ids = ([row[at] for row in rows] for at in range(5))
    columns = [Column.of("first", first), Column.of("second", second)]
    body = encode_points("layer", np.array(px, np.int64), np.array(py, np.int64), columns, ids=np.array(ids, np.int64))
    if not rows:
        assert body == b""
        return
    read = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})["layer"]
    assert read["version"] == 2 and read["extent"] == EXTENT
    for row, feature in zip(rows, read["features"], strict=True):
        assert feature["geometry"]["coordinates"] == [row[0], row[1]]
        values = zip(("first", "second"), row[2:4], strict=True)
        wanted = {name: value for name, value in values if value is not None}
        assert feature["properties"] == wanted
        assert feature["id"] == max(row[4], 0)


@settings(max_examples=40, deadline=None)
@given(z=st.integers(0, 18), seed=st.integers(0, 2**32), count=st.integers(1, 6000))
def test_no_point_is_lost_by_thinning(z: int, seed: int, count: int) -> None:
    """The marks of a tile stand for all points in it; no two marks share a cell of the grid."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(-51.3, -51.1, count), rng.uniform(-30.1, -29.9, count)
    u, v = to_world(lon, lat)
    x, y = int(u[0] * 2**z), int(v[0] * 2**z)
    whole = cut_points(u, v, z, x, y, thin=False)[0]
    rows, px, py, counts = cut_points(u, v, z, x, y)
    west, south, east, north = bounds_of(z, x, y)
    inside = (lon >= west) & (lon < east) & (lat > south) & (lat <= north)
    assert abs(int(inside.sum()) - whole.size) <= 1
    assert counts.sum() == whole.size and (counts >= 1).all() and set(rows) <= set(whole)
    if rows.size < whole.size:
        cells = {(int(a) // 32, int(b) // 32) for a, b in zip(px, py, strict=True)}
        assert len(cells) == rows.size


@settings(max_examples=80, deadline=None)
@given(
    z=st.integers(0, 22),
    at=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    spread=st.sampled_from([0.0, 1e-8, 1e-5, 1e-2, 1.0]),
    seed=st.integers(0, 2**32),
    count=st.integers(0, 5000),
    moved=st.tuples(st.integers(-1, 1), st.integers(-1, 1)),
)
def test_an_index_changes_nothing_but_the_time(
    z: int, at: tuple[float, float], spread: float, seed: int, count: int, moved: tuple[int, int]
) -> None:
    """Cut by the index a tile is what it is without: on tiles' edges, at the world's, wherever points crowd."""
    rng = np.random.default_rng(seed)
    u, v = (np.clip(middle + spread * rng.standard_normal(count), 0, 1) for middle in at)
    u[: count // 3] = np.round(u[: count // 3] * 2**z) / 2**z
    v[: count // 5] = np.nan
    x, y = (min(max(int(middle * 2**z) + step, 0), 2**z - 1) for middle, step in zip(at, moved, strict=True))
    index = Index.of(u, v)
    for keep in (None, lambda rows: rows % 3 > 0):
        plain, found = cut_points(u, v, z, x, y, keep=keep), cut_points(u, v, z, x, y, keep=keep, index=index)
        for one, other in zip(plain, found, strict=True):
            np.testing.assert_array_equal(one, other)


@settings(max_examples=60, deadline=None)
@given(
    values=st.one_of(
        *(st.lists(one, max_size=40, unique=True) for one in (st.text(max_size=300), st.integers(-(2**63), 2**63 - 1))),
        st.lists(st.floats(allow_nan=False), max_size=40),
    )
)
def test_values_are_written_alike_from_lists_and_from_arrow(values: list[Any]) -> None:
    for some in (values, values[3:]):
        array = pa.array(values)[-len(some) :] if some else pa.array(values)[:0]
        lists, arrow = Values(list(some)), Values(array)
        assert bytes(lists.encoded[0]) == bytes(arrow.encoded[0]) and list(lists.encoded[1]) == list(arrow.encoded[1])
        if not any(isinstance(value, float) and not np.isfinite(value) for value in values):
            assert arrow.among([str(value) for value in some[:3]]) == lists.among([str(value) for value in some[:3]])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 3000), step=st.sampled_from([1e-6, 1e-3, 0.5, 90.0]))
def test_squares_count_every_point(seed: int, count: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    lon, lat = rng.normal(-51.2, 1, count), rng.normal(0, 1, count)
    x, y, counts = count_squares(lon, lat, step)
    wanted = Counter(zip(np.floor(lon / step).tolist(), np.floor(lat / step).tolist(), strict=True))
    seen = zip(np.floor(x / step).tolist(), np.floor(y / step).tolist(), strict=True)
    assert dict(zip(seen, counts.tolist(), strict=True)) == wanted


def test_areas_are_clipped_and_wound_as_the_standard_says() -> None:
    ring = shapely.box(-0.5, -0.5, 0.5, 0.5).difference(shapely.box(-0.2, -0.2, 0.2, 0.2))
    body = encode_shapes("layer", np.array([ring]), 8, 127, 127, [Column.of("name", ["park"])])
    feature = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})["layer"]["features"][0]
    assert feature["properties"] == {"name": "park"}
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.is_valid and shape.bounds[2] <= EXTENT + 64 and shape.bounds[3] <= EXTENT + 64
    # Outer rings have a positive area by the surveyor's formula, in tile units (MVT 2.1, 4.3.4.4).
    outer = np.array(feature["geometry"]["coordinates"][0])
    x, y = outer[:, 0], outer[:, 1]
    assert np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) > 0
    assert encode_shapes("layer", np.array([ring]), 8, 10, 10, [Column.of("name", ["park"])]) == b""


def address(z: int = 10, lon: float = -51.21, lat: float = -30.01) -> str:
    u, v = to_world(lon, lat)
    return f"/map/tiles/transit/vehicles/{z}/{int(u * 2**z)}/{int(v * 2**z)}.mvt"


def features(body: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mapbox_vector_tile.decode(body)["layer"]["features"]
    return found


def test_a_live_layers_tile(fleet: list[VehicleState]) -> None:
    answer = Client().get(address())
    assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    seen = {one["properties"]["id"] for one in features(answer.content)}
    # The school bus, number 40, is not among them, nor is anything but public fields.
    assert seen == {f"bus-{number}" for number in range(40)}
    assert "driver" not in str(features(answer.content)) and b"Ana" not in answer.content
    assert Client().get(address(lon=10)).status_code == 204
    assert Client().get("/map/tiles/transit/vehicles/3/9/0.mvt").status_code == 404
    assert Client().get("/map/tiles/transit/nothing/0/0/0.mvt").status_code == 404
    chosen = Client().get(address() + "?status=off_route&status=wrong_way").content
    assert len(features(chosen)) == 10
    packed = Client().get(address(), headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.content) == answer.content


def test_a_tile_is_sent_again_only_when_it_changed(fleet: list[VehicleState], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIVE_S", 0.0)
    monkeypatch.setattr(reading, "SHARE", 0.0)
    tag = Client().get(address()).headers["ETag"]
    again = Client().get(address(), headers={"if-none-match": tag})
    assert again.status_code == 304 and again.content == b""
    VehicleState.objects.filter(pk=fleet[0].pk).update(line="X")
    changed = Client().get(address(), headers={"if-none-match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def ask(path: str, query: bytes = b"", **sent_with: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """A GET through the ASGI wrapper, with nothing behind it."""
    sent: list[dict[str, Any]] = []

    async def usual(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent_with.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": headers}
    asyncio.run(swift(usual)(scope, None, send))  # type: ignore[arg-type]
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_swift_answers_are_those_of_the_view(fleet: list[VehicleState]) -> None:
    assert ask(address())[0] == 418  # Not read yet: the view is asked.
    usual = Client().get(address())
    status, headers, body = ask(address())
    assert (status, body) == (200, usual.content)
    assert headers[b"etag"].decode() == usual.headers["ETag"]
    for query in (b"datetime=never", b"&".join([b"a=1"] * 1001)):
        assert ask(address(), query)[0] == 418
    assert ask("/map/tiles/transit/vehicles/30/0/0.mvt")[0] == 418
    assert ask("/")[0] == 418


@pytest.mark.parametrize("proto", ["http", "https"])
def test_swift_answers_are_as_safe_as_the_views(fleet: list[VehicleState], settings: Any, proto: str) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_PROXY_SSL_HEADER = 3600, ("HTTP_X_FORWARDED_PROTO", "https")
    security.headers.cache_clear()
    try:
        usual = Client().get(address(), headers={"x-forwarded-proto": proto})
        _status, swiftly, _body = ask(address(), x_forwarded_proto=proto)
    finally:
        security.headers.cache_clear()
    given = {name.decode(): value.decode() for name, value in swiftly.items()}
    # What Django says of the language and of cookies it read, a tile has not.
    wanted = {name.lower(): value for name, value in usual.headers.items()}
    wanted.pop("content-language", None)
    assert {name: value for name, value in given.items() if name != "vary"} == {
        name: value for name, value in wanted.items() if name != "vary"
    }
    assert ("strict-transport-security" in given) == (proto == "https")
    assert {"permissions-policy", "x-frame-options", "cross-origin-opener-policy"} <= set(given)


def test_a_closed_layer_is_never_answered_for_swiftly(
    fleet: list[VehicleState], monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    from cityhall.kernel.people.models import Person
    from cityhall.kernel.places import layers
    from cityhall.kernel.places.layers import all_layers

    closed = [(one, dataclasses.replace(layer, permission="transit.view_fleet")) for one, layer in all_layers()]
    monkeypatch.setattr(layers, "all_layers", lambda: closed)
    chief = Client()
    chief.force_login(Person.objects.create_superuser("chief@example.org", "a long password"))
    seen = chief.get(address())
    assert seen.status_code == 200 and seen.headers["Cache-Control"].startswith("private")
    assert Client().get(address()).status_code == 404
    assert tiles.swift(address(), b"", {}) is None
    assert Client().get("/map/layers/transit/vehicles.geojson").status_code == 404
