"""The shell: headers, ranges of the base map, one form of refusal, live updates only for those they are for."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.finders import find
from django.db import transaction
from django.test import AsyncClient, Client

from cityhall.kernel.live import publish
from cityhall.kernel.people.models import Person
from cityhall.web import basemap, views


@pytest.mark.django_db
def test_every_page_is_protected(client: Client) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in answer.content.decode()


@pytest.mark.django_db
def test_a_form_that_is_too_old_says_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/reports/new/", {}, headers={"Accept-Language": "es"})
    assert answer.status_code == 403 and "cargue la página de nuevo" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/api/openapi.json"])
def test_pages_and_answers_are_sent_packed(client: Client, path: str) -> None:
    plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed.headers["Vary"]
    assert len(gzip.decompress(packed.content)) > 2 * len(packed.content)
    assert "Content-Encoding" not in plain.headers


def test_what_pages_are_built_of_is_sent_packed_and_kept(client: Client) -> None:
    """On a slow network the script and the map would else take half a minute."""
    manifest = json.loads(Path(str(find("cityhall/manifest.json"))).read_text())
    path = f"/static/cityhall/{manifest['src/shell/styles/main.css']['file']}"
    plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert int(packed.headers["Content-Length"]) * 2 < int(plain.headers["Content-Length"])
    assert "immutable" in packed.headers["Cache-Control"]
    assert "immutable" not in client.get("/static/cityhall/workers/shell.js").headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/places/search", 422),
        ("/api/places/here?lon=999&lat=0", 422),
        ("/api/people/me", 401),
        ("/api/places/zones?kind=i%00", 422),
        ("/api/nothing", 404),
    ],
)
def test_refusals_have_one_form(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    if path != "/api/nothing":
        assert {"code", "message"} <= set(answer.json())


@pytest.mark.django_db
def test_a_form_where_json_is_wanted(client: Client) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(Person.objects.create_user("p@example.org", "a long password"))
    client.cookies["csrftoken"] = token = "a" * 32
    for path in ("/api/transit/favourites", "/map/views/"):
        # Read as a form for its token, so that there is no body left to be read as JSON.
        answer = client.post(path, {"name": "x"}, headers={"X-CSRFToken": token, "Accept": "application/json"})
        assert answer.status_code == 422 and answer.json()["code"] == "unreadable"


@pytest.mark.django_db
def test_refusals_are_in_the_readers_language(client: Client) -> None:
    said = client.get("/api/people/me", headers={"Accept-Language": "es"}).json()["message"]
    assert said == "Nadie ha iniciado sesión."


@pytest.fixture
def tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    file = tmp_path / "stamp" / "basemap.pmtiles"
    file.parent.mkdir()
    file.write_bytes(bytes(range(256)) * 4)
    monkeypatch.setattr(views, "basemap_file", lambda: file)
    monkeypatch.setattr(basemap, "basemap_file", lambda: file)
    return file.read_bytes()


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=1000-5000", 206, slice(1000, 1024)),
        ("bytes=-24", 206, slice(1000, 1024)),
        ("bytes=1020-", 206, slice(1020, 1024)),
        ("bytes=5000-6000", 416, None),
        ("bytes=0-1,5-6", 200, slice(0, 1024)),
        ("lines=0-9", 200, slice(0, 1024)),
        ("bytes=x", 200, slice(0, 1024)),
        ("bytes=\xb2-", 200, slice(0, 1024)),
        ("bytes=0-" + "9" * 5000, 200, slice(0, 1024)),
    ],
)
def test_the_base_map_by_ranges(tiles: bytes, client: Client, asked: str, status: int, part: slice | None) -> None:
    answer = client.get("/map/basemap.pmtiles", headers={"Range": asked})
    assert answer.status_code == status
    if part is not None:
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[arg-type]
        assert body == tiles[part]


async def _first_lines(client: AsyncClient, path: str, count: int) -> list[str]:
    answer: Any = await client.get(path)
    lines: list[str] = []
    async for piece in answer.streaming_content:
        lines += [line for line in piece.decode().splitlines() if line]
        if len(lines) >= count:
            break
    return lines


@pytest.mark.django_db(transaction=True)
def test_what_is_published_reaches_who_watches() -> None:
    def say() -> None:
        with transaction.atomic():
            publish("vehicles", [{"id": 1}])
        try:
            with transaction.atomic():
                publish("vehicles", [{"id": "rolled back"}])
                raise RuntimeError
        except RuntimeError:
            pass
        with transaction.atomic():
            publish("vehicles", [{"id": number, "filling": "x" * 90} for number in range(200)])

    async def watch() -> list[str]:
        watching = asyncio.create_task(_first_lines(AsyncClient(), "/live/vehicles", 3))
        await asyncio.sleep(0.8)
        await asyncio.to_thread(say)
        return await asyncio.wait_for(watching, 10)

    lines = asyncio.run(watch())
    data = [line for line in lines if line.startswith("data:")]
    features = json.loads(data[0].removeprefix("data: "))
    assert {feature["id"] for feature in features} == set(range(200))
    assert "filling" in features[1], "the newest of each counts"


@pytest.mark.django_db(transaction=True)
def test_topics_of_a_person_are_for_that_person() -> None:
    ana = Person.objects.create_user("ana@example.org", "secret-enough-1")
    bela = Person.objects.create_user("bela@example.org", "secret-enough-1")
    stranger, signed = Client(), Client()
    signed.force_login(ana)
    assert stranger.get(f"/live/person-{ana.pk}").status_code == 404
    assert signed.get(f"/live/person-{bela.pk}").status_code == 404
    assert stranger.get("/live/nothing").status_code == 404
