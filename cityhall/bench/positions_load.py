"""Simulated buses for `cityhall.bench.positions`, in a process of their own: `... positions_load CONFIG.json`.

Each bus sends an epoch of GGA, RMC and GST `hz` times a second, driving along a shape of the city's timetable. The
sentences of every place are made beforehand; only the clock is put in, and its part of the checksum, so that a core's
small share makes ten thousand a second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from cityhall.engines.gnss.nmea import checksum, sentence
from cityhall.engines.gtfs import read_feeds

SLOT_S = 0.02
SPEED = 8.0  # m/s
Place = tuple[bytes, int, bytes, int, bytes, int]
"""The rest of GGA, RMC and GST after the clock, each with the XOR of all but the clock."""


def places(lon: float, lat: float, bearing: float, date: str) -> Place:
    """What a receiver on a lane says of a place, RTK fixed."""
    where = f"{abs(int(lat)):02}{abs(lat) % 1 * 60:09.6f},{'NS'[lat < 0]},"
    where += f"{abs(int(lon)):03}{abs(lon) % 1 * 60:09.6f},{'EW'[lon < 0]}"
    rests = (
        f",{where},4,18,0.6,20.00,M,10.00,M,1.0,0001",
        f",A,{where},{SPEED * 3600 / 1852:.2f},{bearing:.1f},{date},,,R",
        ",0.02,,,,0.014,0.014,0.030",
    )
    found: list[Any] = []
    for kind, rest in zip(("GNGGA,", "GNRMC,", "GNGST,"), rests, strict=True):
        found += [rest.encode(), checksum((kind + rest).encode())]
    return tuple(found)


def epoch(place: Place, clock: bytes, parity: int) -> bytes:
    """The three sentences of a place at a time; `parity` is the XOR of the clock."""
    gga, gga_xor, rmc, rmc_xor, gst, gst_xor = place
    return b"$GNGGA,%s%s*%02X\r\n$GNRMC,%s%s*%02X\r\n$GNGST,%s%s*%02X\r\n" % (
        *(clock, gga, gga_xor ^ parity, clock, rmc, rmc_xor ^ parity),
        *(clock, gst, gst_xor ^ parity),
    )


def shapes(gtfs: Path, step: float, date: str) -> list[list[Place]]:
    """Every shape of a feed as places `step` metres apart."""
    found = []
    feed = read_feeds([gtfs])[0].shapes
    for shape in range(feed.first.size - 1):
        points = slice(int(feed.first[shape]), int(feed.first[shape + 1]))
        along, lon, lat = feed.distance[points], feed.lon[points], feed.lat[points]
        if along.size < 2 or along[-1] < 500:
            continue
        at = np.arange(0.0, float(along[-1]), step)
        lons, lats = np.interp(at, along, lon), np.interp(at, along, lat)
        bearings = np.degrees(np.arctan2(np.gradient(lons) * np.cos(np.radians(lats)), np.gradient(lats))) % 360
        found.append(
            [places(*where, date) for where in zip(lons.tolist(), lats.tolist(), bearings.tolist(), strict=True)]
        )
    return found


class Bus:
    """A bus on its way; it turns where its line ends, and begins anew."""

    __slots__ = ("name", "path", "place", "way")

    def __init__(self, name: str, path: list[Place], place: int) -> None:
        self.name, self.path, self.place = name, path, place
        self.way: asyncio.WriteTransport | None = None

    def next(self) -> Place:
        self.place = (self.place + 1) % len(self.path)
        return self.path[self.place]


def mqtt_packet(topic: str, payload: bytes) -> bytes:
    """PUBLISH with QoS 0 (MQTT 3.1.1, section 3.3)."""
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    size, length = bytearray(), len(body)
    while True:
        length, digit = divmod(length, 128)
        size.append(digit | (0x80 if length else 0))
        if not length:
            return b"\x30" + bytes(size) + body


async def connect_mqtt(port: int) -> asyncio.WriteTransport:
    """A connection to the broker that says nothing but PUBLISH."""
    loop = asyncio.get_running_loop()
    way, _protocol = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + b"\x00\x0acity-bench"
    way.write(b"\x10" + bytes([len(body)]) + body)
    return way


class Load:
    """All the buses. `late_s` is how far sending was behind its clock at the worst."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.sent = 0
        self.late_s = 0.0
        step = SPEED / config["hz"]
        paths = shapes(Path(config["gtfs"]), step, f"{datetime.now(UTC):%d%m%y}")
        random = np.random.default_rng(1)
        self.buses = []
        for number, name in enumerate(config["tcp"] + config["mqtt"]):
            path = paths[number % len(paths)]
            room = max(1, len(path) - int(config["seconds"] * config["hz"]))
            self.buses.append(Bus(name, path, int(random.integers(room))))

    async def run(self) -> dict[str, Any]:
        by_tcp = self.buses[: len(self.config["tcp"])]
        for start in range(0, len(by_tcp), 100):
            await asyncio.gather(*(self._connect(bus) for bus in by_tcp[start : start + 100]))
        broker = await connect_mqtt(self.config["mqtt_port"]) if self.config["mqtt"] else None
        print("ready", flush=True)
        period = 1 / self.config["hz"]
        slots: list[list[Bus]] = [[] for _ in range(max(1, round(period / SLOT_S)))]
        for number, bus in enumerate(self.buses):
            slots[number % len(slots)].append(bus)
        began = time.time()
        for turn in range(int(self.config["seconds"] / SLOT_S)):
            due = began + turn * period / len(slots)
            if (wait := due - time.time()) > 0:
                await asyncio.sleep(wait)
            self.late_s = max(self.late_s, time.time() - due)
            self._send(slots[turn % len(slots)], broker)
        seconds = time.time() - began
        unsent = sum(bus.way.get_write_buffer_size() for bus in self.buses if bus.way)
        lost = sum(bus.way is None or bus.way.is_closing() for bus in by_tcp)
        return {"sent": self.sent, "seconds": seconds, "late_s": self.late_s, "unsent_bytes": unsent, "lost": lost}

    async def _connect(self, bus: Bus) -> None:
        loop = asyncio.get_running_loop()
        bus.way, _protocol = await loop.create_connection(asyncio.Protocol, "127.0.0.1", self.config["port"])
        bus.way.write(sentence(f"$PCHID,{bus.name}".encode()))

    def _send(self, buses: list[Bus], broker: asyncio.WriteTransport | None) -> None:
        now = datetime.now(UTC)
        clock = f"{now:%H%M%S}.{now.microsecond // 10_000:02}".encode()
        parity = reduce(xor, clock)
        for bus in buses:
            if bus.way is None and broker is not None:
                broker.write(mqtt_packet(f"cityhall/nmea/{bus.name}", epoch(bus.next(), clock, parity)))
            elif bus.way is not None and not bus.way.is_closing():
                bus.way.write(epoch(bus.next(), clock, parity))
            else:
                continue  # its connection was closed: counted at the end, and the others drive on
            self.sent += 1


def main() -> None:
    """Connects, says "ready", sends, and ends with the result as one line of JSON."""
    from cityhall.bench.positions_riders import many_files

    many_files()
    load = Load(json.loads(Path(sys.argv[1]).read_text()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(load.run())), flush=True)


if __name__ == "__main__":
    main()
