"""Who speaks where nothing can be signed: a system that shows its id and its key itself, by HTTP Basic (RFC 7617).

For doors of others' systems (a gateway of text messages, a company's alarms) that can be told a name and a password and
no more. The key is the one that the device was registered with; every request shows it, so the city must be reached by
https. What such a system sends again has to be known again by what it says: there is no nonce.
"""

from __future__ import annotations

import base64
import binascii

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices import drops, envelope, keys
from cityhall.kernel.devices.envelope import Unsigned
from cityhall.kernel.devices.models import Device, DeviceState
from cityhall.kernel.errors import Denied
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend

TRIES, TRIES_S = 60, 600.0
"""Wrong keys that one source may show."""
LONGEST = 512
"""Characters of the header."""


def speaker(request: HttpRequest, owner: str, kind: str) -> Device:
    """The device of a service and kind whose id and key a request shows. That it spoke is noted.

    Raises Unsigned where it shows none that is right (which part is wrong is not told), Denied for one that is switched
    off, TooMany for a source that guesses.
    """
    name, shown = _shown(request.headers.get("Authorization", ""))
    device = Device.objects.filter(public_id=name, owner=owner, kind=kind).first() if name else None
    if device is None or not keys.opens(bytes(device.key), shown):
        spend("device key", source_of(request), TRIES, TRIES_S)
        drops.count("unsigned")
        raise Unsigned(
            _("Nobody we know says this."),
            code="unsigned",
            mend=_("Send the id and the key that you were given, as HTTP Basic."),
        )
    if not device.enabled:
        drops.count("disabled", device=device.public_id)
        raise Denied(_("This device is switched off."), code="disabled", mend=_("Ask an officer to switch it on."))
    now = timezone.now()
    DeviceState.objects.update_or_create(device=device, defaults={"last_seen": now})
    return device


def body_of(request: HttpRequest, most: int = envelope.LONGEST_BODY) -> bytes:
    """What was sent. Raises TooLarge over `most` bytes, before it is read where its length is told."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > most:
        drops.count("oversize")
        raise envelope.TooLarge(_("The message is too large."), code="oversize")
    body = request.body
    if len(body) > most:
        drops.count("oversize")
        raise envelope.TooLarge(_("The message is too large."), code="oversize")
    return body


def _shown(header: str) -> tuple[str, str]:
    """(id, key) of a header; both "" where it holds none."""
    scheme, _space, told = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > LONGEST:
        return "", ""
    try:
        name, _colon, key = base64.b64decode(told.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return ("", "") if "\0" in name else (name, key)
