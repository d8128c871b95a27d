"""The city's public doors that the simulator uses. A door for another protocol needs only a `send` of its own."""

from __future__ import annotations

import logging
import math
import socket
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from cityhall.engines.gnss.nmea import KNOT, sentence
from cityhall.simulator.signing import Signer

log = logging.getLogger("cityhall.simulator")
BATCH = 200
"""Messages an envelope; the city takes 500."""
ASK_AGAIN_S = 10.0


class Gateway:
    """`POST /api/devices/messages`: the depot's gateway, which signs for the whole fleet."""

    def __init__(self, client: httpx.Client, signer: Signer) -> None:
        self.client, self.signer = client, signer

    def send(self, messages: list[dict[str, Any]]) -> None:
        """Sends messages of kind "position". Raises httpx.HTTPError where the city is not there."""
        for start in range(0, len(messages), BATCH):
            body = self.signer.envelope(messages[start : start + BATCH])
            answer = self.client.post("/api/devices/messages", content=body)
            if answer.status_code != 200:
                log.warning("the city answered %s: %s", answer.status_code, answer.text[:200])


class Receivers:
    """The TCP door for receivers: buses with one of their own say where they are in NMEA 0183, and no more than that.

    `ids` are the receivers' registered ids by vehicle. One connection serves all, as a depot's modem pool would.
    """

    def __init__(self, port: int, ids: dict[str, str], host: str = "127.0.0.1") -> None:
        self.address, self.ids = (host, port), ids
        self._way: socket.socket | None = None
        self._not_before = 0.0

    def send(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Sends the positions of its vehicles; gives the messages it has not sent, which go another way."""
        mine = [message for message in messages if message["vehicle"] in self.ids] if self.ids and self._open() else []
        if not mine or self._way is None:
            return messages
        try:
            self._way.sendall(b"".join(nmea(self.ids[message["vehicle"]], message) for message in mine))
        except OSError as problem:
            self._close(problem)
            return messages
        return [message for message in messages if message["vehicle"] not in self.ids]

    def _open(self) -> bool:
        if self._way is None and time.monotonic() >= self._not_before:
            try:
                self._way = socket.create_connection(self.address, timeout=2)
            except OSError as problem:
                self._close(problem)
        return self._way is not None

    def _close(self, problem: OSError) -> None:
        log.info("the receivers' door is not there: %r", problem)
        if self._way is not None:
            self._way.close()
        self._way, self._not_before = None, time.monotonic() + 10


MODES = {1: b"A", 2: b"D", 4: b"R", 5: b"F"}


def nmea(receiver: str, message: dict[str, Any]) -> bytes:
    """Who it is, then GST, RMC and GGA of one epoch (NMEA 0183 4.11, 8.3)."""
    at = datetime.fromtimestamp(message["at"], UTC)
    clock = f"{at:%H%M%S}.{at.microsecond // 10_000:02}"
    place = f"{_degrees(message['lat'], 2, 'NS')},{_degrees(message['lon'], 3, 'EW')}"
    sigma, knots = f"{message['sigma_m']:.3f}", f"{message['speed'] / KNOT:.2f}"
    course, mode = message.get("bearing", ""), MODES[message["fix_class"]].decode()
    contents = (
        f"$PCHID,{receiver}",
        f"$GNGST,{clock},,,,,{sigma},{sigma},{sigma}",
        f"$GNRMC,{clock},A,{place},{knots},{course},{at:%d%m%y},,,{mode}",
        f"$GNGGA,{clock},{place},{message['fix_class']},14,0.7,20.0,M,50.0,M,,",
    )
    return b"".join(sentence(content.encode()) for content in contents)


def _degrees(value: float, digits: int, signs: str) -> str:
    """Degrees as ddmm.mmmmmmm,N."""
    whole, part = divmod(abs(value), 1)
    minutes = math.floor(part * 60e7) / 1e7
    return f"{whole:0{digits}.0f}{minutes:010.7f},{signs[value < 0]}"


class Advice:
    """`GET /api/transit/vehicles/{id}/advice`: how long a driver should wait at a control point."""

    def __init__(self, client: httpx.Client, signer: Signer) -> None:
        self.client, self.signer = client, signer
        self._asked: dict[str, float] = {}

    def hold(self, vehicle: str) -> float | None:
        """Seconds to wait from now on; None where it was asked a moment ago, or the city has no advice."""
        now = time.monotonic()
        if now - self._asked.get(vehicle, -ASK_AGAIN_S) < ASK_AGAIN_S:
            return None
        self._asked[vehicle] = now
        path = f"/api/transit/vehicles/{vehicle}/advice"
        answer = self.client.get(path, headers=self.signer.headers(path))
        if answer.status_code != 200:
            return None
        seconds = answer.json().get("hold_s")
        return None if seconds is None else float(seconds)
