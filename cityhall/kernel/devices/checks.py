"""What `cityhall check` says of devices: those whose nonces are so far ahead that nothing of theirs is taken."""

from __future__ import annotations

from collections.abc import Iterator

from cityhall.kernel import clock
from cityhall.kernel.devices.envelope import AHEAD_US
from cityhall.kernel.devices.models import Device

SHOWN = 5


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
