"""The city's public doors that the simulator uses. A door for another protocol needs only a `send` of its own."""

from __future__ import annotations

import logging
import time
from typing import Any

import httpx

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
