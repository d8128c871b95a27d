"""Other systems that bring calls: an alarm company's central station, and a gateway of text messages.

They show their id and key (HTTP Basic), send what such systems send, and the company fetches what the city has to tell.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np

from cityhall.simulator import clock

TYPES = ("Burglary", "Hold-up", "Smoke", "Medical", "Tank level")
ZONES = ("Front door", "Hall, motion", "Cash desk", "Store room")
WORDS = ("Socorro!", "Help, somebody follows me", "I fell and cannot get up", "There is a fight at the stop")
_PAYLOAD = """<?xml version="1.0" encoding="UTF-8"?>
<AlarmPayload xmlns="http://www.apcointl.com/new/commcenter911/external-alarm.xsd"
 xmlns:nc="http://niem.gov/niem/niem-core/2.0" xmlns:em="http://niem.gov/niem/domains/emergencyManagement/2.0">
<AlarmEvent><nc:ActivityIdentification><nc:IdentificationID>{number}</nc:IdentificationID></nc:ActivityIdentification>
<nc:ActivityDate><nc:DateTime>{at}</nc:DateTime></nc:ActivityDate>
<em:AlarmEventCategoryText>{type}</em:AlarmEventCategoryText>
<AlarmEventAugmentation><BuildingSensorDetailsText>{zone}</BuildingSensorDetailsText></AlarmEventAugmentation></AlarmEvent>
<AlarmMonitoringStation><AlarmMonitoringStationAugmentation><nc:SourceIDText>{account}</nc:SourceIDText>
</AlarmMonitoringStationAugmentation></AlarmMonitoringStation>
<AlarmServiceLocation><nc:LocationName>Loja {account}</nc:LocationName>
<nc:LocationTwoDimensionalGeographicCoordinate>
<nc:GeographicCoordinateLatitude><nc:LatitudeDegreeValue>{lat:.5f}</nc:LatitudeDegreeValue></nc:GeographicCoordinateLatitude>
<nc:GeographicCoordinateLongitude><nc:LongitudeDegreeValue>{lon:.5f}</nc:LongitudeDegreeValue></nc:GeographicCoordinateLongitude>
</nc:LocationTwoDimensionalGeographicCoordinate></AlarmServiceLocation></AlarmPayload>
"""


class Outside:
    """A company and a gateway, each with its (id, key)."""

    def __init__(
        self, client: httpx.Client, company: tuple[str, str], gateway: tuple[str, str], rng: np.random.Generator
    ) -> None:
        self.client, self.company, self.gateway, self.rng = client, company, gateway, rng

    def call(self, lon: float, lat: float) -> None:
        """An alarm from there, or a text message from nowhere. Raises httpx.HTTPError."""
        if self.rng.random() < 0.5:
            self._alarm(lon, lat)
        else:
            self._text()
        self._fetch()

    def _alarm(self, lon: float, lat: float) -> None:
        now = datetime.fromtimestamp(clock.time(), UTC)
        body = _PAYLOAD.format(
            number=f"S-{self.rng.bytes(4).hex()}",
            at=now.isoformat(timespec="seconds"),
            type=self._one(TYPES),
            zone=self._one(ZONES),
            account=f"A-{int(self.rng.integers(1000, 9999))}",
            lon=lon,
            lat=lat,
        )
        headers = {"Content-Type": "application/xml"}
        answer = self.client.post("/api/safety/alarms", content=body.encode(), headers=headers, auth=self.company)
        answer.raise_for_status()

    def _text(self) -> None:
        number = f"+55519555{int(self.rng.integers(10_000, 99_999))}"
        body = {"id": self.rng.bytes(8).hex(), "from": number, "text": self._one(WORDS)}
        self.client.post("/api/safety/sms", json=body, auth=self.gateway).raise_for_status()

    def _fetch(self) -> None:
        """The company has no address of its own: it asks for what waits, and says that it has it."""
        waiting: list[dict[str, Any]] = (
            self.client.get("/api/safety/alarms/messages", auth=self.company).raise_for_status().json()
        )
        if waiting:
            until = {"until": waiting[-1]["id"]}
            self.client.post("/api/safety/alarms/messages/taken", json=until, auth=self.company).raise_for_status()

    def _one(self, words: tuple[str, ...]) -> str:
        return words[int(self.rng.integers(len(words)))]
