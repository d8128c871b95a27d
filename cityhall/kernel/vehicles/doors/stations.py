"""What the caster knows of the registry: who may send, who may read; and what it tells of its stations."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from cityhall.kernel import clock
from cityhall.kernel.devices import keys
from cityhall.kernel.vehicles.models import BaseStation, Receiver

_WRITE = """
INSERT INTO transit_stationstate
    (station_id, connected_at, heard_at, messages, rate, malformed, readers, written_at)
SELECT s.id, x.connected_at, x.heard_at, x.messages::jsonb, x.rate, x.malformed, x.readers, %s
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::float[], %s::bigint[], %s::int[])
    AS x (id, connected_at, heard_at, messages, rate, malformed, readers)
JOIN transit_basestation AS s ON s.id = x.id ORDER BY s.id
ON CONFLICT (station_id) DO UPDATE SET
    connected_at = excluded.connected_at, heard_at = coalesce(excluded.heard_at, transit_stationstate.heard_at),
    messages = excluded.messages, rate = excluded.rate, malformed = excluded.malformed, readers = excluded.readers,
    written_at = excluded.written_at
"""


@dataclass(frozen=True, slots=True)
class Station:
    """A registered base station. `key` is sealed; `source` and `login` (sealed) are of another caster, or ""."""

    pk: int
    device_pk: int
    device: str
    label: str
    mountpoint: str
    country: str
    lon: float
    lat: float
    key: bytes
    source: str
    login: bytes


@dataclass(frozen=True, slots=True)
class StationReport:
    """What a station has done since the last report; `messages` by RTCM number, `rate` in bytes a second."""

    pk: int
    connected_at: datetime | None
    heard_at: datetime | None
    messages: str
    rate: float
    malformed: int
    readers: int


class Access:
    """Base stations by mountpoint, and the receivers that may take corrections. One thread refreshes, others ask."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.stations: dict[str, Station] = {}
        self._readers: dict[str, tuple[int, bytes]] = {}

    def refresh(self) -> None:
        """Reads the registry. Raises Django's database errors, and then knows what it knew."""
        found = BaseStation.objects.filter(device__enabled=True).select_related("device")
        self.stations = {
            one.mountpoint: Station(
                *(one.pk, one.device.pk, one.device.public_id, one.device.label, one.mountpoint, one.country),
                *(one.point.lon, one.point.lat, bytes(one.device.key), one.source, bytes(one.login)),
            )
            for one in found
        }
        rows = Receiver.objects.filter(corrections=True, device__enabled=True, vehicle__enabled=True).values_list(
            "device__public_id", "device_id", "device__key"
        )
        self._readers = {public_id: (pk, bytes(key)) for public_id, pk, key in rows}
        self.ready.set()

    def reader(self, user: str, password: str) -> int | None:
        """Primary key of the receiver's device, where it may read and this is its key."""
        pk, key = self._readers.get(user, (None, b""))
        return pk if key and keys.opens(key, password) else None

    def may_read(self, user: str) -> bool:
        """Whether a receiver that has signed in may go on reading."""
        return user in self._readers

    def sender(self, mountpoint: str, user: str | None, password: str) -> Station | None:
        """The station, where this is its id and key; `user` is None in version 1, which has none."""
        station = self.stations.get(mountpoint)
        if station is None or station.source or (user is not None and user != station.device):
            return None
        return station if keys.opens(station.key, password) else None


def write(reports: list[StationReport]) -> None:
    """Keeps the reports for the staff page. Raises Django's database errors."""
    if not reports:
        return
    names = ("pk", "connected_at", "heard_at", "messages", "rate", "malformed", "readers")
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [clock.now(), *([getattr(one, name) for one in reports] for name in names)])
