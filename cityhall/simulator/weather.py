"""A weather service that warns the city in CAP 1.2, by the door for such sources; whoever releases it is a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import numpy as np

from cityhall.simulator import clock

FIRST_S, EVERY_S = 90.0, 7200.0
"""When the first warning comes, and how long there is between two."""
LASTS = timedelta(hours=5)
EVENTS = (
    (
        "Strong wind",
        "Gusts of 90 km/h along the shore from this evening.",
        "Tie down what is loose. Stay off the pier.",
    ),
    ("Heavy rain", "60 mm in three hours: streets by the river may flood.", "Leave cellars and underpasses."),
    ("Heat", "38 degrees until the weekend, and warm nights.", "Drink, stay in the shade, look after neighbours."),
)
_MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>weather-{number}</identifier>
<sender>weather@demo.example</sender><sent>{sent}</sent><status>Actual</status><msgType>Alert</msgType>
<scope>Public</scope><info><language>en-GB</language><category>Met</category><event>{event}</event>
<urgency>Expected</urgency><severity>Severe</severity><certainty>Likely</certainty><expires>{expires}</expires>
<senderName>Weather service</senderName><headline>{event}</headline><description>{text}</description>
<instruction>{do}</instruction><area><areaDesc>City and shore</areaDesc><circle>{lat:.4f},{lon:.4f} 12.0</circle></area>
</info></alert>
"""


class Weather:
    """The service; `source` is its (id, key), `middle` where the city is (longitude, latitude)."""

    def __init__(
        self,
        client: httpx.Client,
        source: tuple[str, str],
        middle: tuple[float, float],
        rng: np.random.Generator,
        now: float,
        speed: float,
    ) -> None:
        self.client, self.source, self.middle, self.rng = client, source, middle, rng
        self.speed, self.next, self.waiting = speed, now + FIRST_S / speed, b""

    def step(self, now: float) -> None:
        """Warns where it is time to. Raises httpx.HTTPError, and the same message is due still."""
        if now < self.next:
            return
        self.waiting = self.waiting or self._message()
        headers = {"Content-Type": "application/cap+xml"}
        answer = self.client.post("/api/safety/warnings/cap", content=self.waiting, headers=headers, auth=self.source)
        answer.raise_for_status()
        self.waiting, self.next = b"", now + EVERY_S / self.speed

    def _message(self) -> bytes:
        event, text, do = EVENTS[int(self.rng.integers(len(EVENTS)))]
        at = datetime.fromtimestamp(clock.time(), UTC).replace(microsecond=0)
        return _MESSAGE.format(
            number=self.rng.bytes(6).hex(),
            sent=_moment(at),
            expires=_moment(at + LASTS),
            event=event,
            text=text,
            do=do,
            lon=self.middle[0],
            lat=self.middle[1],
        ).encode()


def _moment(at: datetime) -> str:
    """CAP 1.2 writes UTC as -00:00 (section 3.3.2)."""
    return f"{at:%Y-%m-%dT%H:%M:%S}-00:00"
