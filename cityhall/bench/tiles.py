"""Vector tiles of a fleet that moves, ours beside tipg's, from the same PostgreSQL in the same run.

The peer needs PostGIS on the server (Debian: postgresql-15-postgis-3); it is installed from PyPI into `.bench/peers`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg

from cityhall.build.assets import ROOT
from cityhall.engines.tiles import to_world
from cityhall.kernel.database import embedded

PEERS = ROOT / ".bench" / "peers"
SERVER = os.environ.get("BENCH_POSTGIS_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
NAME = "cityhall_bench_tiles"
POINTS, MOVED_A_SECOND = 100_000, 10_000
CLIENTS = 8
CENTER, SPREAD = (-51.2, -30.03), (0.06, 0.05)
SCATTERED = f"""\
point({CENTER[0]} + {SPREAD[0]} * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()),
    {CENTER[1]} + {SPREAD[1]} * sqrt(-2 * ln(1 - random())) * sin(2 * pi() * random()))"""
PORTS = {"cityhall": 8941, "tipg": 8942}
CITY = """\
name = "Bench"
slug = "bench"
timezone = "UTC"
languages = ["en"]
currency = "XXX"
services = {services}
[map]
center = [-51.2, -30.03]
bounds = [-51.5, -30.3, -50.9, -29.8]
"""
FILL = f"""
TRUNCATE transit_vehicle CASCADE;
INSERT INTO transit_vehicle (id, public_id, label, kind, enabled)
SELECT n, 'bus-' || n, '', 'bus', true FROM generate_series(1, {POINTS}) n;
INSERT INTO transit_vehiclestate (vehicle_id, at, published_at, point, measured, accuracy_m, fix_class, bearing, speed,
    memory)
SELECT id, now() + interval '1 hour', now(), place, place, 2.5, 1, floor(random() * 360), 8, '{{}}'
FROM (SELECT id, {SCATTERED} AS place
    FROM transit_vehicle) AS placed;
INSERT INTO transit_driving (vehicle_id, status, route, direction, trip, along_m, lateral_m, at_stop, delay_s, line,
    color)
SELECT id, 'on_route', '', 0, '', 0, 0, false, floor(random() * 600), 'L' || id % 200, 'c2352b' FROM transit_vehicle;
"""
PEER_FILL = """
CREATE EXTENSION IF NOT EXISTS postgis;
DROP TABLE IF EXISTS public.bench_vehicle;
CREATE TABLE public.bench_vehicle AS SELECT vehicle_id AS id, 'bus-' || vehicle_id AS public_id, line AS name,
    '#' || color AS color, bearing, at, accuracy_m AS accuracy, fix_class AS fix, status, delay_s AS delay,
    ST_SetSRID(ST_MakePoint(point[0], point[1]), 4326) AS geom FROM transit_vehiclestate JOIN transit_driving
    USING (vehicle_id);
ALTER TABLE public.bench_vehicle ADD PRIMARY KEY (id);
CREATE INDEX ON public.bench_vehicle USING gist (geom);
ALTER TABLE public.bench_vehicle SET (fillfactor = 50);
VACUUM ANALYZE public.bench_vehicle;
"""
MOVE = {
    "cityhall": "UPDATE transit_vehiclestate SET point = point(point[0] + 0.0001, point[1]), bearing = 90 "
    "WHERE vehicle_id BETWEEN %s AND %s",
    "tipg": "UPDATE public.bench_vehicle SET geom = ST_Translate(geom, 0.0001, 0), bearing = 90 "
    "WHERE id BETWEEN %s AND %s",
}
PLACE = {
    "cityhall": "UPDATE transit_vehiclestate SET point = point(%s, %s) WHERE vehicle_id = %s",
    "tipg": "UPDATE public.bench_vehicle SET geom = ST_SetSRID(ST_MakePoint(%s, %s), 4326) WHERE id = %s",
}
PATHS = {
    "cityhall": "/map/tiles/transit/vehicles/{z}/{x}/{y}.mvt",
    "tipg": "/collections/public.bench_vehicle/tiles/WebMercatorQuad/{z}/{x}/{y}",
}


def run(seconds: float = 8.0) -> list[dict[str, Any]]:
    """One row a server and kind of view: tiles/s from CLIENTS connections, p50 and p99 in ms, kB a tile.

    POINTS points, of which MOVED_A_SECOND are moved each second meanwhile. One worker process each. "city": the tiles
    of whole-city views (zoom 11 to 13); "street": of street views (14 to 16), each place in turn; "nothing kept": ours
    with a time in each address, so that no tile was made before. `seen_after_s`: from the commit of a move until a tile
    shows it, the longest of five.
    """
    missing = _peer_missing()
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder, _database(Path(folder), missing) as url:
        _fill(Path(folder), url, peer=not missing)
        rows: list[dict[str, Any]] = []
        for server in ("cityhall", *(() if missing else ("tipg",))):
            with _serving(server, Path(folder), url), _moving(url, server):
                for view, tiles in _views().items():
                    asyncio.run(_many(server, tiles, 1.5))
                    rows.append({"server": server, "view": view} | asyncio.run(_many(server, tiles, seconds)))
                    if server == "cityhall":
                        anew = asyncio.run(_many(server, tiles, seconds, anew=True))
                        rows.append({"server": server, "view": f"{view}, nothing kept"} | anew)
                rows[-1]["seen_after_s"] = max(_seen_after(url, server, number) for number in range(5))
    for row in rows:
        peer = next((one for one in rows if one["server"] == "tipg" and one["view"] == row["view"].split(",")[0]), None)
        if peer and row is not peer:
            row["times_the_peer"] = row["tiles_s"] / peer["tiles_s"]
    return [*rows, *([{"server": "tipg", "view": f"not measured: {missing}"}] if missing else [])]


def _peer_missing() -> str:
    """Why the peer cannot be had, "" where it can; installs it on the first run."""
    try:
        with psycopg.connect(SERVER, connect_timeout=3) as connection:
            known = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchone()
    except psycopg.Error:
        return "no PostgreSQL answers at BENCH_POSTGIS_URL"
    if known is None:
        return "the PostgreSQL server has no PostGIS"
    if not (PEERS / "tipg" / "bin" / "uvicorn").exists():
        venv.create(PEERS / "tipg", with_pip=True)
        pip = [str(PEERS / "tipg" / "bin" / "python"), *"-m pip install --quiet tipg uvicorn".split()]
        if subprocess.run(pip, check=False).returncode:
            return "tipg cannot be installed"
    return ""


@contextmanager
def _database(folder: Path, missing: str) -> Iterator[str]:
    if missing:
        with embedded(folder / "postgres") as url:
            yield url
        return
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")
    try:
        yield SERVER.rsplit("/", 1)[0] + f"/{NAME}"
    finally:
        with psycopg.connect(SERVER, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def _fill(folder: Path, url: str, *, peer: bool) -> None:
    (folder / "bench").mkdir()
    (folder / "bench" / "city.toml").write_text(CITY.format(services='["transit", "map"]'))
    command = "from cityhall.running.loading import migrate, prepare_django; from pathlib import Path; import sys;"
    command += "prepare_django(Path(sys.argv[1])); migrate(lambda what, share: None)"
    subprocess.run(
        [sys.executable, "-c", command, folder / "bench"], env=os.environ | {"DATABASE_URL": url}, check=True
    )
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            FILL + "VACUUM ANALYZE transit_vehiclestate, transit_driving;" + (PEER_FILL if peer else "")
        ).split(";"):
            if statement.strip():
                connection.execute(statement)


@contextmanager
def _serving(server: str, folder: Path, url: str) -> Iterator[None]:
    port = str(PORTS[server])
    if server == "cityhall":
        command = [sys.executable, "-m", "granian", "cityhall.asgi:application", "--interface", "asginl"]
        command += ["--log-level", "error", "--port", port]
        more = {"CITYHALL_CITY": str(folder / "bench"), "DJANGO_SETTINGS_MODULE": "cityhall.settings"}
    else:
        command = [str(PEERS / "tipg" / "bin" / "uvicorn"), "tipg.main:app", "--log-level", "error", "--port", port]
        # The points are new every second: what the peer keeps of its catalogue does not matter, its tiles are not kept.
        more = {"TIPG_MAX_FEATURES_PER_TILE": "10000", "TIPG_DB_SCHEMAS": '["public"]'}
    process = subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url} | more)
    try:
        path = PATHS[server].format(z=11, x=732, y=1203)
        for _ in range(300):
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=30)
                answer.raise_for_status()
                break
            except httpx.HTTPStatusError:
                raise
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            raise RuntimeError(f"{server} does not answer {path}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _moving(url: str, server: str) -> Iterator[None]:
    """Moves MOVED_A_SECOND points a second, a tenth of them every 100 ms."""
    stop = threading.Event()

    def move() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            first = 1
            while not stop.wait(0.1):
                connection.execute(MOVE[server], [first, first + MOVED_A_SECOND // 10 - 1])
                first = (first + MOVED_A_SECOND // 10 - 1) % POINTS + 1

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _views() -> dict[str, list[tuple[int, int, int]]]:
    """Tiles by kind of view, in an order as people pan: each place is where a point may be."""
    rng = np.random.default_rng(4)
    lon = CENTER[0] + SPREAD[0] * rng.standard_normal(400)
    lat = CENTER[1] + SPREAD[1] * rng.standard_normal(400)
    u, v = to_world(lon, lat)
    views: dict[str, list[tuple[int, int, int]]] = {"city": [], "street": []}
    for at, zoom in enumerate(rng.integers(11, 17, 400).tolist()):
        tile = (zoom, int(u[at] * 2**zoom), int(v[at] * 2**zoom))
        views["city" if zoom <= 13 else "street"].append(tile)
    return views


def _seen_after(url: str, server: str, number: int) -> float:
    """Seconds from the commit that moves a vehicle to an empty place until that place's tile is not empty."""
    u, v = to_world(CENTER[0] + 3 + number, CENTER[1])
    path = PATHS[server].format(z=16, x=int(u * 2**16), y=int(v * 2**16))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(PLACE[server], [CENTER[0] + 3 + number, CENTER[1], POINTS - number])
    began = time.perf_counter()
    with httpx.Client(base_url=f"http://127.0.0.1:{PORTS[server]}") as client:
        while len(client.get(path).content) < 40:
            time.sleep(0.01)
    return time.perf_counter() - began


async def _many(
    server: str, tiles: list[tuple[int, int, int]], seconds: float, *, anew: bool = False
) -> dict[str, float]:
    until = time.perf_counter() + seconds
    found = await asyncio.gather(*(_one(server, tiles, place, until, anew) for place in range(CLIENTS)))
    times = np.array([one for times, _ in found for one in times])
    return {
        "tiles_s": times.size / seconds,
        "p50_ms": float(np.percentile(times, 50)) * 1e3,
        "p99_ms": float(np.percentile(times, 99)) * 1e3,
        "kb_a_tile": sum(size for _, size in found) / times.size / 1e3,
    }


async def _one(
    server: str, tiles: list[tuple[int, int, int]], place: int, until: float, anew: bool
) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORTS[server])
    times, size = [], 0
    at = place * len(tiles) // CLIENTS
    while (start := time.perf_counter()) < until:
        z, x, y = tiles[at % len(tiles)]
        path = PATHS[server].format(z=z, x=x, y=y)
        path += f"?datetime=2001-01-01T00:00:{place:02}.{at % 10**6:06}Z/.." if anew else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n".encode())
        size += await _answer(reader)
        times.append(time.perf_counter() - start)
        at += 1
    writer.close()
    return times, size


async def _answer(reader: asyncio.StreamReader) -> int:
    """Reads an answer; gives its body's bytes."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = head.split(b" ", 2)[1]
    if status == b"204":
        return 0
    if status != b"200":
        raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
    if b"content-length:" in head:
        size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
        return size
    total = 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
        total += size
    await reader.readexactly(2)
    return total
