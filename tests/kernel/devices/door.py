"""A service with doors, for the tests: it notes what it is given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cityhall.kernel.devices.declares import Door, UrgentDoor
from cityhall.kernel.devices.models import Device
from cityhall.kernel.devices.urgent import Urgent
from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal.log import append_many
from cityhall.kernel.service import Service

TAKEN: list[tuple[str, list[dict[str, Any]], datetime]] = []
FAULT: list[Exception] = []
PRESSED: list[Urgent] = []


def take(device: Device, messages: list[dict[str, Any]], received_at: datetime) -> None:
    TAKEN.append((device.public_id, messages, received_at))


def refuse(device: Device, messages: list[dict[str, Any]], received_at: datetime) -> None:
    raise Invalid("There is no such line.", code="no_line")


def stumble(device: Device, messages: list[dict[str, Any]], received_at: datetime) -> None:
    if FAULT:
        raise FAULT[0]
    TAKEN.append((device.public_id, messages, received_at))


def alarm(presses: list[Urgent]) -> list[str]:
    if FAULT and any(press.message.get("number") == 13 for press in presses):
        raise FAULT[0]
    PRESSED.extend(presses)
    # What is kept of it: a transaction that is tried again has told PRESSED before.
    append_many("trams", "tram.pressed", [(f"tram:{press.device.pk}", {}) for press in presses])
    return [f"alarm:{press.device.public_id}" for press in presses]


SERVICE = Service(
    slug="trams",
    name="Trams",
    summary="",
    app="tests",
    declares=(
        Door("position", "tests.kernel.devices.door:take"),
        Door("refused", "tests.kernel.devices.door:refuse"),
        Door("stumbling", "tests.kernel.devices.door:stumble"),
        UrgentDoor("press", "tests.kernel.devices.door:alarm"),
    ),
)
OTHER = Service(
    slug="boats",
    name="Boats",
    summary="",
    app="tests",
    declares=(Door("depth", "tests.kernel.devices.door:take"),),
)
