"""Devices that should be heard of and are not: one alarm when that begins, one all-clear when it ends."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cityhall.kernel.devices.registry import STREAM
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.kernel.work.regular import look_every

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
TOPIC = "devices"
"""The live topic that alarms and all-clears are told on."""

# After the city's clock was ahead and has come back: dated ahead, a device would be neither silent nor heard till then.
_FROM_AHEAD = """
UPDATE devices_devicestate SET
    last_seen = CASE WHEN last_seen > %(now)s THEN %(now)s ELSE last_seen END,
    silent_since = CASE WHEN silent_since > %(now)s THEN %(now)s ELSE silent_since END
WHERE device_id IN (
    SELECT device_id FROM devices_devicestate
    WHERE last_seen > %(now)s + interval '2 minutes' OR silent_since > %(now)s + interval '2 minutes'
    FOR UPDATE SKIP LOCKED
)
"""
# SKIP LOCKED: a device that is sending just now, or that another process looks at, is left for the next time.
_FALLEN_SILENT = """
UPDATE devices_devicestate AS s SET silent_since = s.last_seen
FROM devices_device AS d
WHERE s.device_id IN (
    SELECT state.device_id FROM devices_devicestate AS state
    JOIN devices_device AS device ON device.id = state.device_id
    WHERE device.enabled AND device.silence_after > 0 AND state.silent_since IS NULL
      AND state.last_seen < %s - make_interval(secs => device.silence_after)
    FOR UPDATE OF state SKIP LOCKED
) AND d.id = s.device_id
RETURNING d.public_id, d.label, d.owner, s.last_seen
"""
_HEARD_AGAIN = """
UPDATE devices_devicestate AS s SET silent_since = NULL
FROM devices_device AS d
WHERE s.device_id IN (
    SELECT device_id FROM devices_devicestate WHERE silent_since < last_seen FOR UPDATE SKIP LOCKED
) AND d.id = s.device_id
RETURNING d.public_id, d.label, d.owner, s.last_seen
"""


def may_hear(actor: Actor, topic: str) -> bool:
    """Whether somebody may hear alarms and all-clears: whoever may see the devices of the whole city."""
    return may(actor, "devices.view")


def watch(stop: threading.Event) -> None:
    """Looks for silent devices until `stop` is set; an outage of the database is waited for."""
    look_every(LOOK_SECONDS, "the silence alarm", _look_and_say, stop)


def _look_and_say() -> None:
    silent, heard = look()
    for public_id in silent:
        log.warning("device %s has fallen silent", public_id)
    for public_id in heard:
        log.info("device %s is heard again", public_id)


def look(now: datetime | None = None) -> tuple[list[str], list[str]]:
    """Tells of devices fallen silent and heard again since the last look; gives their ids.

    Each is told once, in the journal ("device.silent", "device.heard_again") and on the live topic, however many
    processes look.
    """
    moment = now or timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FROM_AHEAD, {"now": moment})
        cursor.execute(_HEARD_AGAIN)
        heard = _told("device.heard_again", cursor.fetchall())
        cursor.execute(_FALLEN_SILENT, [moment])
        silent = _told("device.silent", cursor.fetchall())
    return silent, heard


def _told(event: str, rows: list[Any]) -> list[str]:
    from cityhall.kernel.journal import append
    from cityhall.kernel.live import publish

    for public_id, label, owner, last_seen in rows:
        data = {"owner": owner, "last_seen": last_seen.isoformat()}
        append(STREAM, event, data, subject=public_id, actor="system:silence alarm")
        publish(TOPIC, {"event": event, "device": public_id, "label": label, **data})
    return [row[0] for row in rows]
