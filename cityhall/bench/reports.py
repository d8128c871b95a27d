"""Reports: filing and listing beside plain Django REST Framework, maps of a million, duplicates told apart.

Both servers run under granian, one worker each, on one durable PostgreSQL, one after the other; CLIENTS connections ask
without a pause. Server and questioner share the machine, the same for both.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import shapely

CLIENTS = 8
PORT = 8934
BOUNDS = (-51.3, -30.1, -51.1, -29.95)
SIZES = (10_000, 100_000, 1_000_000)
VIEWS = 300
CITY = """\
name = "Bench"
slug = "bench"
timezone = "America/Sao_Paulo"
languages = ["en"]
currency = "XXX"
services = ["reports"]
[map]
center = [-51.2, -30.03]
bounds = [-51.3, -30.1, -51.1, -29.95]
[service.reports]
per_hour = 100000000
"""
Row = dict[str, Any]


def run(rows: int = 1_000_000, seconds: float = 10.0) -> list[Row]:
    """Rows of three kinds (`what`): requests with p50_ms, p99_ms and requests_s; views with p50_ms and p95_ms over
    `reports` in the table; duplicates with precision and recall. `rows`: how many reports the table grows to."""
    from cityhall.kernel.database import database
    from cityhall.running.loading import migrate, prepare_django

    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder:
        city = Path(folder) / "bench"
        city.mkdir()
        (city / "city.toml").write_text(CITY)
        with database(city) as url:
            prepare_django(city)
            migrate(lambda what, share: None)
            from cityhall.services.reports import categories

            categories.load(lambda what, share: None)
            found = [_duplicates()]
            found += _requests(city, url, seconds)
            found += _growth(city, [size for size in SIZES if size < rows] + [rows])
    return found


def _requests(city: Path, url: str, seconds: float) -> list[Row]:
    """Filing and listing, ours and the peer's."""
    from cityhall.services.reports.models import Category

    slugs = list(Category.objects.filter(active=True).values_list("slug", flat=True))
    environment = os.environ | {"PLAIN_DATABASE_URL": url}
    subprocess.run([sys.executable, "-m", "cityhall.bench.plain_reports", *slugs], check=True, env=environment)
    rows = []
    with _ours(city):
        rows.append(_measured("file a report", "ours", lambda: _many(_filing("/api/reports/"), seconds)))
        rows.append(_measured("list 50", "ours", lambda: _many(_get("/api/reports/"), seconds)))
    with _serving("cityhall.bench.plain_reports:application", "wsgi", environment):
        rows.append(_measured("file a report", "DRF", lambda: _many(_filing("/reports/"), seconds)))
        rows.append(_measured("list 50", "DRF", lambda: _many(_get("/reports/"), seconds)))
    for row in rows[:2]:
        peer = next(one for one in rows[2:] if one["what"] == row["what"])
        row["ratio"] = row["requests_s"] / peer["requests_s"]
    return rows


def _measured(what: str, server: str, measure: Callable[[], Any]) -> Row:
    measure_s = asyncio.run(measure())
    times, seconds = measure_s
    return {
        "what": what,
        "server": server,
        "requests_s": times.size / seconds,
        "p50_ms": float(np.percentile(times, 50)) * 1e3,
        "p99_ms": float(np.percentile(times, 99)) * 1e3,
    }


@contextmanager
def _ours(city: Path) -> Iterator[None]:
    settings = {"CITYHALL_CITY": str(city), "DJANGO_SETTINGS_MODULE": "cityhall.settings"}
    with _serving("cityhall.asgi:application", "asginl", os.environ | settings):
        yield


@contextmanager
def _serving(application: str, interface: str, environment: dict[str, str]) -> Iterator[None]:
    command = ["-m", "granian", application, "--interface", interface, "--log-level", "error", "--port", str(PORT)]
    process = subprocess.Popen([sys.executable, *command], env=environment)
    try:
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{PORT}/healthz").status_code in (200, 404):
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _get(path: str) -> Callable[[], bytes]:
    asked = f"GET {path} HTTP/1.1\r\nHost: localhost:{PORT}\r\nAccept: application/json\r\n\r\n".encode()
    return lambda: asked


def _filing(path: str) -> Callable[[], bytes]:
    from cityhall.services.reports.models import Category
    from cityhall.simulator.residents import Residents

    residents = Residents(shapely.box(*BOUNDS), seed=3)
    answers = {category.slug: _answers(category.asks) for category in Category.objects.all()}

    def make() -> bytes:
        told = residents.tell(residents.event(0.0))
        values = {"category": told.category, "text": told.text, "lon": told.lon, "lat": told.lat}
        body = urlencode(values | answers[told.category]).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost:{PORT}\r\nAccept: application/json\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return make


def _answers(asks: list[Row]) -> dict[str, str]:
    """The first choice, or a number, for each question that wants an answer."""
    wanted = [ask for ask in asks if ask.get("required")]
    return {f"attribute[{ask['code']}]": ask["values"][0][0] if ask["values"] else "1" for ask in wanted}


async def _many(make: Callable[[], bytes], seconds: float) -> tuple[np.ndarray, float]:
    """(requests,) seconds that each took, of all clients; and how long was measured. A second goes by first."""
    await _clients(make, 1.0)
    began = time.perf_counter()
    times = await _clients(make, seconds)
    return times, time.perf_counter() - began


async def _clients(make: Callable[[], bytes], seconds: float) -> np.ndarray:
    until = time.perf_counter() + seconds
    found = await asyncio.gather(*(_client(make, until) for _ in range(CLIENTS)))
    return np.concatenate([np.array(times) for times in found])


async def _client(make: Callable[[], bytes], until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, limit=2**22)
    times = []
    while (start := time.perf_counter()) < until:
        writer.write(make())
        await _answer(reader)
        times.append(time.perf_counter() - start)
    writer.close()
    return times


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if head.split(b" ", 2)[1] not in (b"200", b"201"):
        raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


def _growth(city: Path, sizes: list[int]) -> list[Row]:
    """Views of the map while the table grows."""
    from django.db import connection

    from cityhall.kernel.program_role import as_owner
    from cityhall.services.reports import heat
    from cityhall.services.reports.models import Report

    rows, rng = [], np.random.default_rng(4)
    with _ours(city):
        for size in sizes:
            began = time.perf_counter()
            have = Report.objects.count()
            _load(size - have, rng)
            took = time.perf_counter() - began
            heat.fold()
            with as_owner(), connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE reports_report, reports_cellcount, cases_case")
            with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60, cookies=_officer()) as client:
                for what, path in VIEWS_OF.items():
                    times = _views(client, path, rng)
                    rows.append(
                        {
                            "what": what,
                            "reports": size,
                            "p50_ms": float(np.percentile(times, 50)) * 1e3,
                            "p95_ms": float(np.percentile(times, 95)) * 1e3,
                            "p99_ms": float(np.percentile(times, 99)) * 1e3,
                        }
                    )
            rows[-1]["loaded_rows_s"] = (size - have) / took if size > have else 0.0
    return rows


def _views(client: httpx.Client, path: Callable[[np.random.Generator], str], rng: np.random.Generator) -> list[float]:
    times = []
    for number in range(VIEWS):
        asked = path(rng)
        start = time.perf_counter()
        client.get(asked).raise_for_status()
        if number >= 10:
            times.append(time.perf_counter() - start)
    return times


def _box(rng: np.random.Generator) -> str:
    """A box of any size anywhere, as a map of 1000 x 700 px has it at a zoom from 9 to 18."""
    zoom = float(rng.uniform(9, 18))
    wide = 360 / 2**zoom * 1000 / 512
    lon, lat = BOUNDS[0] + rng.random() * 0.2, BOUNDS[1] + rng.random() * 0.15
    box = (lon - wide / 2, lat - wide * 0.3, lon + wide / 2, lat + wide * 0.3)
    return f"/api/reports/map?bbox={','.join(f'{edge:.6f}' for edge in box)}&zoom={zoom:.1f}"


def _heat(rng: np.random.Generator) -> str:
    return f"/api/reports/heat?resolution={rng.integers(6, 10)}"


def _list(rng: np.random.Generator) -> str:
    return "/api/reports/"


def _inbox(rng: np.random.Generator) -> str:
    return "/reports/desk/"


VIEWS_OF = {"any box": _box, "heat map of the city": _heat, "list 50": _list, "an officer's inbox": _inbox}


def _officer() -> dict[str, str]:
    """The cookie of somebody who works for every agency."""
    from django.test import Client

    from cityhall.kernel.people.models import Person

    person = Person.objects.filter(email="bench@localhost").first()
    client = Client()
    client.force_login(person or Person.objects.create_superuser("bench@localhost"))
    return {name: morsel.value for name, morsel in client.cookies.items()}


def _load(count: int, rng: np.random.Generator) -> None:
    """Reports of ten years, most in the middle of the city, one in ten still open."""
    from cityhall.kernel.people.actors import system
    from cityhall.services.reports import importing
    from cityhall.services.reports.models import Category
    from cityhall.simulator.residents import SPOKEN

    known = {one.slug: one for one in Category.objects.filter(slug__in=SPOKEN).select_related("agency")}
    texts = {slug: [text for one in SPOKEN[slug].values() for text in one] for slug in known}
    slugs, now = list(known), datetime.now(UTC)
    for start in range(0, count, importing.BATCH):
        size = min(importing.BATCH, count - start)
        across, up = np.clip(rng.normal(0.5, 0.18, (2, size)), 0, 1)
        chosen, age = rng.integers(0, len(slugs), size), rng.uniform(0, 3650, size)
        done = rng.random(size) < 0.9
        batch = []
        for row in range(size):
            slug, filed = slugs[chosen[row]], now - timedelta(days=float(age[row]))
            batch.append(
                importing.Row(
                    known[slug],
                    texts[slug][row % len(texts[slug])],
                    BOUNDS[0] + float(across[row]) * (BOUNDS[2] - BOUNDS[0]),
                    BOUNDS[1] + float(up[row]) * (BOUNDS[3] - BOUNDS[1]),
                    "",
                    filed,
                    filed + timedelta(hours=30) if done[row] else None,
                    "",
                )
            )
        importing.store(system("bench"), batch)


def _duplicates(count: int = 2000) -> Row:
    """How well pairs are told apart that nobody fitted anything on."""
    from cityhall.kernel.places.point import metres_between
    from cityhall.services.reports.duplicates import LIKELY, likeness
    from cityhall.services.reports.models import Category
    from cityhall.services.reports.suggestion import vectors
    from cityhall.simulator.residents import Residents, pairs

    known = {category.slug: category for category in Category.objects.all()}
    told = pairs(Residents(shapely.box(*BOUNDS), seed=23), count)
    written = [(first, second) for first, second, _same in told]
    one, two = (vectors([texts[side].text for texts in written]) for side in (0, 1))
    alike = np.asarray(one.multiply(two).sum(axis=1)).ravel()
    said, truly = [], [same for _one, _two, same in told]
    for (first, second, _same), words in zip(told, alike.tolist(), strict=True):
        category, other = known[second.category], known[first.category]
        distance = metres_between((first.lon, first.lat), (second.lon, second.lat))
        days = abs(second.at - first.at) / 86_400
        signs = likeness(distance, max(category.near_m, other.near_m), days, category, other, float(words))
        said.append(signs.score >= LIKELY)
    hits = sum(a and b for a, b in zip(said, truly, strict=True))
    return {
        "what": f"duplicates, {count} labelled pairs",
        "precision": hits / max(1, sum(said)),
        "recall": hits / max(1, sum(truly)),
    }
