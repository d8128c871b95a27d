"""People who watch the map, for `cityhall.bench.positions`: `... positions_riders PORT RIDERS SECONDS`.

Each holds `/live/vehicles` open, as the map does, and notes how old the positions are when they come: the moment a
bus measured one until a rider has it. Whatever form the topic has, moments in it are Unix seconds or milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import resource
import sys
import time
from array import array
from ipaddress import IPv4Address

import numpy as np
import uvloop

MOMENT = re.compile(rb"(?<![\d.])1[6-9]\d{8}(?:\.\d{1,6}|\d{3})?(?=[,}\]])")
NEAR_S = 120.0


def many_files() -> None:
    """Lets this process open as many connections as the machine allows."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def random_address() -> str:
    """Somebody's address, for a city that takes this machine for its web server (`TRUSTED_PROXIES`)."""
    return str(IPv4Address(random.getrandbits(32)))


class Rider(asyncio.Protocol):
    """One browser. `ages` are those of all riders together, in seconds."""

    def __init__(self, port: int, ages: array[float], every: int) -> None:
        self.port, self.ages, self.every = port, ages, every
        self.bytes = self.resets = self.messages = 0
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        heads = (
            "GET /live/vehicles HTTP/1.1",
            f"Host: localhost:{self.port}",
            "Accept: text/event-stream",
            # Riders come from everywhere; one source has a few streams only.
            f"X-Forwarded-For: {random_address()}",
        )
        transport.write("\r\n".join((*heads, "", "")).encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.bytes += len(data)
        self.messages += data.count(b"data: {") + data.count(b"data: [")
        self.resets += data.count(b"event: reset")
        for found in MOMENT.findall(data)[:: self.every]:
            moment = float(found)
            age = now - (moment / 1000 if moment > 1e11 else moment)
            if abs(age) < NEAR_S:
                self.ages.append(age)

    def connection_lost(self, problem: Exception | None) -> None:
        self.closed = True


async def watch(port: int, riders: int, seconds: float) -> dict[str, float]:
    """What `riders` saw in `seconds`: ages in ms, bytes and messages a second, connections lost."""
    loop = asyncio.get_running_loop()
    ages: array[float] = array("d")
    every = 1 if riders < 50 else 10
    watching: list[Rider] = []
    for start in range(0, riders, 50):
        made = [
            loop.create_connection(lambda: Rider(port, ages, every), "127.0.0.1", port)
            for _ in range(min(50, riders - start))
        ]
        watching += [protocol for _way, protocol in await asyncio.gather(*made)]
    print("ready", flush=True)
    await asyncio.sleep(2.0)
    del ages[:]
    began, before = time.time(), sum(rider.bytes for rider in watching)
    await asyncio.sleep(seconds)
    spent = time.time() - began
    seen = np.array(ages) if ages else np.array([np.nan])
    return {
        "riders": riders,
        "age_p50_ms": float(np.percentile(seen, 50)) * 1e3,
        "age_p99_ms": float(np.percentile(seen, 99)) * 1e3,
        "positions_s": len(ages) * every / spent,
        "mb_s": (sum(rider.bytes for rider in watching) - before) / spent / 2**20,
        "resets": sum(rider.resets for rider in watching),
        "lost": sum(rider.closed for rider in watching),
    }


def main() -> None:
    """Connects, says "ready", watches, and ends with the result as one line of JSON."""
    many_files()
    port, riders, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(watch(port, riders, seconds))), flush=True)


if __name__ == "__main__":
    main()
