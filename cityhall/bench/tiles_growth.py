"""Heat maps and first tiles of the one map while a layer that everybody may see grows: open reports, GROWN of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import psycopg

from cityhall.bench.tiles import CENTER, CITY, SCATTERED, SPREAD
from cityhall.engines.tiles import to_world
from cityhall.kernel.database import embedded

GROWN = (10_000, 100_000, 1_000_000)
VIEWS = 150
PORT = 8943
CITY_BOX = "-51.5,-30.3,-50.9,-29.8"
MADE = """\
from cityhall.running.loading import migrate, prepare_django; from pathlib import Path; import sys
prepare_django(Path(sys.argv[1])); migrate(lambda what, share: None)
from cityhall.services.reports import categories; categories.load(lambda what, share: None)
"""
FILL = f"""
INSERT INTO reports_report (case_id, category_id, state, text, language, answers, translated, point, shown, cell,
    address, zone, public, filed_at, changed_at, via, source, name, email, phone, secret, supporters_count, elsewhere)
SELECT n, categories[1 + n %% cardinality(categories)], 'new', '', '', '{{}}', '', place, place, 0, '', '', true,
    now() - random() * interval '3650 days', now(), 'web', '', '', '', '', '', n %% 7, '{{}}'
FROM (SELECT n, {SCATTERED} AS place
    FROM generate_series(%s::int, %s::int) n) AS placed, 
    (SELECT array_agg(id) AS categories FROM reports_category) AS known
"""
Row = dict[str, Any]


def run() -> list[Row]:
    """One row a number of reports and kind of question: p50_ms, p95_ms, slowest_ms of VIEWS one after another.

    A server is started for each number, and nothing is left out: `slowest_ms` is what the first to look wait for.
    `rss_mb` is the server's memory after it. Heat maps are of the whole city, for zooms 9 to 12; "chosen" of two
    categories in one of ten years. Tiles are of zooms 11 to 14, each with a time of its own, so that none was made
    before.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder, embedded(Path(folder) / "postgres") as url:
        city = Path(folder) / "bench"
        city.mkdir()
        (city / "city.toml").write_text(CITY.format(services='["reports", "map"]'))
        subprocess.run([sys.executable, "-c", MADE, city], env=os.environ | {"DATABASE_URL": url}, check=True)
        have = 0
        for size in GROWN:
            _fill(url, have + 1, size)
            have = size
            with (
                _serving(city, url) as process,
                httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as client,
            ):
                for what, path in QUESTIONS.items():
                    rows.append({"what": what, "points": size} | _asked(client, path))
                rows[-1]["rss_mb"] = _memory(process.pid)
    return rows


def _fill(url: str, first: int, last: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        # Only what the map reads: the reports' cases are left out, and so are the checks that they are there.
        connection.execute("SET session_replication_role = replica")
        connection.execute(FILL, [first, last])
        connection.execute("VACUUM ANALYZE reports_report")


@contextmanager
def _serving(city: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "granian", "cityhall.asgi:application", "--interface", "asginl"]
    more = {"CITYHALL_CITY": str(city), "DJANGO_SETTINGS_MODULE": "cityhall.settings", "DATABASE_URL": url}
    process = subprocess.Popen([*command, "--log-level", "error", "--port", str(PORT)], env=os.environ | more)
    try:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{PORT}/healthz")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _memory(pid: int) -> float:
    """Memory of a server and its workers, MB."""
    parent = psutil.Process(pid)
    return float(sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True)))) / 2**20


def _heat(rng: np.random.Generator, number: int) -> str:
    return f"/map/heat/reports/open/?bbox={CITY_BOX}&zoom={rng.uniform(9, 12):.1f}"


def _chosen(rng: np.random.Generator, number: int) -> str:
    year = 2017 + int(rng.integers(0, 9))
    return _heat(rng, number) + f"&category=pothole&category=noise&datetime={year}-01-01/{year + 1}-01-01"


def _tile(rng: np.random.Generator, number: int) -> str:
    u, v = to_world(*(middle + wide * rng.standard_normal() for middle, wide in zip(CENTER, SPREAD, strict=True)))
    zoom = int(rng.integers(11, 15))
    place = f"{zoom}/{int(u * 2**zoom)}/{int(v * 2**zoom)}"
    return f"/map/tiles/reports/open/{place}.mvt?datetime=2001-01-01T00:00:00.{number:06}Z/.."


QUESTIONS: dict[str, Callable[[np.random.Generator, int], str]] = {
    "heat map": _heat,
    "heat map, chosen": _chosen,
    "first tiles": _tile,
}


def _asked(client: httpx.Client, path: Callable[[np.random.Generator, int], str]) -> Row:
    rng, times = np.random.default_rng(5), []
    for number in range(VIEWS):
        start = time.perf_counter()
        client.get(path(rng, number)).raise_for_status()
        times.append(time.perf_counter() - start)
    return {
        "p50_ms": float(np.percentile(times, 50)) * 1e3,
        "p95_ms": float(np.percentile(times, 95)) * 1e3,
        "slowest_ms": max(times) * 1e3,
    }
