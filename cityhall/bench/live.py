"""Riders who watch the live map: how long after it was published a vehicle's place is in their hands."""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from cityhall.bench.positions_riders import random_address
from cityhall.bench.server import PORT, SERVERS, _memory, _serving

RIDERS = 1000
VEHICLES = 150
TICKS = 4
"""Ticks a second of the tracker: a quarter of the vehicles, each heard once a second, is published in each."""
AT = re.compile(rb'"at":([0-9.]+)')


def run(seconds: float = 20.0, riders: int = RIDERS, vehicles: int = VEHICLES) -> list[dict[str, Any]]:
    """One row for riders who see the whole city, one for riders who see a district: p50 and p99 of the delay in ms.

    The delay is from just before the tracker's NOTIFY to the arrival of the message at the rider. Publisher, server
    and riders share the machine.
    """
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder:
        subprocess.run([sys.executable, "-m", "cityhall.cli", "demo", "--data", folder, "--still"], check=True)
        from cityhall.kernel.database import database

        with database(Path(folder) / "demo") as url, _serving(SERVERS["granian"], Path(folder) / "demo") as process:
            return [
                {"what": what, "vehicles": vehicles} | _measure(url, process.pid, query, seconds, riders, vehicles)
                for what, query in (("the whole city", ""), ("a district", "?bbox={w},{s},{e},{n}"))
            ]


def _measure(url: str, pid: int, query: str, seconds: float, riders: int, vehicles: int) -> dict[str, Any]:
    import psutil

    stop = threading.Event()
    publisher = threading.Thread(target=_publish, args=(url, vehicles, stop))
    publisher.start()
    server = psutil.Process(pid)
    before = _cpu(server)
    try:
        delays, bytes_read = asyncio.run(_ride(query, seconds, riders))
    finally:
        stop.set()
        publisher.join()
    return {
        "riders": riders,
        "messages_s": delays.size / seconds,
        "mb_s": bytes_read / seconds / 2**20,
        "p50_ms": float(np.percentile(delays, 50)) * 1e3,
        "p99_ms": float(np.percentile(delays, 99)) * 1e3,
        "server_cores": (_cpu(server) - before) / (seconds + 3),
        "rss_mb": _memory(pid),
    }


def _cpu(parent: Any) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in (parent, *parent.children(recursive=True)))


def _publish(url: str, vehicles: int, stop: threading.Event) -> None:
    """What the tracker does, with vehicles that stand all over the unit square."""
    import orjson
    import psycopg

    chance = random.Random(1)
    fleet = [(f"bus-{number}", chance.random(), chance.random()) for number in range(vehicles)]
    with psycopg.connect(url, autocommit=True) as connection:
        tick = 0
        while not stop.wait(1 / TICKS):
            tick += 1
            now = time.time()
            due = [_feature(*vehicle, now) for vehicle in fleet[tick % TICKS :: TICKS]]
            for start in range(0, len(due), 25):
                text = orjson.dumps(due[start : start + 25]).decode()
                connection.execute("SELECT pg_notify('cityhall_live', %s)", [f"vehicles {text}"])


def _feature(name: str, lon: float, lat: float, at: float) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": name,
        "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
        "properties": {
            "id": name,
            "name": "42",
            "color": "#0b5cad",
            "bearing": 270,
            "at": at,
            "accuracy": 3.2,
            "fix": 4,
            "status": "on_route",
            "delay": 65,
        },
    }


async def _ride(query: str, seconds: float, riders: int) -> tuple[np.ndarray, int]:
    """(messages,) the delay of each in seconds, and the bytes of all."""
    chance = random.Random(2)
    delays: list[float] = []
    size = [0]
    counting = asyncio.Event()
    tasks = []
    for _ in range(riders):
        west, south = chance.random() * 0.75, chance.random() * 0.75
        box = query.format(w=round(west, 4), s=round(south, 4), e=round(west + 0.25, 4), n=round(south + 0.25, 4))
        tasks.append(asyncio.create_task(_rider(f"/live/vehicles{box}", delays, size, counting)))
        await asyncio.sleep(0.001)
    await asyncio.sleep(3)
    counting.set()
    await asyncio.sleep(seconds)
    lost = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if lost:
        raise RuntimeError(f"{len(lost)} of {riders} riders were dropped: {lost[0]}")
    return np.array(delays), size[0]


async def _rider(path: str, delays: list[float], size: list[int], counting: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, limit=2**20)
    address = f"X-Forwarded-For: {random_address()}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{PORT}\r\n{address}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    while True:
        text = await reader.readuntil(b"\n\n")
        found = AT.search(text) if counting.is_set() else None
        if found:
            delays.append(time.time() - float(found[1]))
            size[0] += len(text)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    for row in run():
        print(row)
