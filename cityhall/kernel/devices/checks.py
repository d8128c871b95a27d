"""What `cityhall check` says of devices: those whose nonces are so far ahead that nothing of theirs is taken.

And where positions are heard by MQTT and presses by nobody: on several machines each process is started by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from cityhall.kernel import clock
from cityhall.kernel.devices.envelope import AHEAD_US
from cityhall.kernel.devices.models import Device

SHOWN = 5
_LANES = """
SELECT classid::int FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::int = ANY(%s)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def findings() -> Iterator[tuple[str, str, str]]:
    """(level, what, how to mend it) of everything there is to say."""
    most = int(clock.time() * 1_000_000) + AHEAD_US
    out = Device.objects.filter(enabled=True, state__highest__gt=most).order_by("public_id")
    if count := out.count():
        names = ", ".join(out.values_list("public_id", flat=True)[:SHOWN]) + (", …" if count > SHOWN else "")
        yield (
            "error",
            f"devices: {count} are shut out by a nonce that lies ahead of the city's clock: {names}.",
            "Give each a new key (cityhall receivers key ID), with which it counts anew.",
        )
    else:
        yield "ok", "devices: none is shut out by its nonce.", ""
    if settings.MQTT_URL:
        yield from _lanes()


def _lanes() -> Iterator[tuple[str, str, str]]:
    from cityhall.kernel.devices.mqtt import ORDINARY, URGENT

    with connection.cursor() as cursor:
        cursor.execute(_LANES, [[ORDINARY.slots, URGENT.slots]])
        served = {number for (number,) in cursor.fetchall()}
    if ORDINARY.slots in served and URGENT.slots not in served:
        yield (
            "error",
            "devices: what they say by MQTT is heard, and no process takes what is urgent: presses wait.",
            "Start it beside the others: cityhall up --only urgent",
        )
