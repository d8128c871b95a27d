"""ASGI servers beside one another: the demo city's pages and live readers, served by each in turn."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

SERVERS = {
    "granian": ("-m", "granian", "cityhall.asgi:application", "--interface", "asginl", "--log-level", "error"),
    "uvicorn": ("-m", "uvicorn", "cityhall.asgi:application", "--lifespan", "off", "--log-level", "error"),
}
PAGES = {"a page": "/transit/lines/", "a file": "/static/cityhall/icons.svg", "a health check": "/healthz"}
CONNECTIONS = 16
READERS = 200
PORT = 8931


def run(seconds: float = 6.0) -> list[dict[str, Any]]:
    """One row a server and page: requests/s over CONNECTIONS kept-alive connections, p50 and p99 in ms, and the memory.

    READERS live streams are open all the while. Server and questioner share the machine, the same for both.
    """
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder:
        data = Path(folder)
        subprocess.run([sys.executable, "-m", "cityhall.cli", "demo", "--data", folder, "--still"], check=True)
        from cityhall.kernel.database import database

        with database(data / "demo"):
            for name, command in SERVERS.items():
                with _serving(command, data / "demo") as process:
                    rows += asyncio.run(_ask(name, seconds, process.pid))
    for row in rows:
        best = next(one for one in rows if one["server"] == "granian" and one["what"] == row["what"])
        row["ratio"] = best["requests_s"] / row["requests_s"]
    return rows


@contextmanager
def _serving(command: tuple[str, ...], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    # Readers say whose they are, as a web server before the city would: one source has a few streams only.
    environment = os.environ | {
        "CITYHALL_CITY": str(folder),
        "DJANGO_SETTINGS_MODULE": "cityhall.settings",
        "TRUSTED_PROXIES": "127.0.0.0/8",
    }
    process = subprocess.Popen([sys.executable, *command, "--port", str(PORT)], env=environment)
    try:
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{PORT}/healthz").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _ask(server: str, seconds: float, pid: int) -> list[dict[str, Any]]:
    readers = [asyncio.create_task(_read_live()) for _ in range(READERS)]
    await asyncio.sleep(1.0)
    rows = []
    for what, path in PAGES.items():
        await _many(path, 1.0)
        times = await _many(path, seconds)
        rows.append(
            {
                "server": server,
                "what": what,
                "requests_s": times.size / seconds,
                "p50_ms": float(np.percentile(times, 50)) * 1e3,
                "p99_ms": float(np.percentile(times, 99)) * 1e3,
                "rss_mb": _memory(pid),
            }
        )
    open_still = sum(not reader.done() for reader in readers)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    if open_still < READERS:
        raise RuntimeError(f"{server} dropped {READERS - open_still} of {READERS} live readers")
    return rows


def _memory(pid: int) -> float:
    import psutil

    parent = psutil.Process(pid)
    return float(sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True)))) / 2**20


async def _many(path: str, seconds: float) -> np.ndarray:
    """(requests,) seconds each took, of all connections."""
    until = time.perf_counter() + seconds
    found = await asyncio.gather(*(_one(path, until) for _ in range(CONNECTIONS)))
    return np.concatenate([np.array(times) for times in found])


async def _one(path: str, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{PORT}\r\nAccept-Encoding: identity\r\n\r\n".encode()
    times = []
    while (start := time.perf_counter()) < until:
        writer.write(request)
        await _answer(reader)
        times.append(time.perf_counter() - start)
    writer.close()
    return times


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


async def _read_live() -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.write(f"GET /live/vehicles HTTP/1.1\r\nHost: localhost:{PORT}\r\n\r\n".encode())
    while await reader.read(4096):
        pass
