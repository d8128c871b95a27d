"""The only writers of the registry: register, give a new key, switch off and on."""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices import keys
from cityhall.kernel.devices.models import PUBLIC_ID, Device, DeviceState
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.service import city_services

STREAM = "devices"


def _tell(event: str, device: Device, data: dict[str, Any], actor: Actor) -> None:
    from cityhall.kernel.journal import append

    append(STREAM, event, data, subject=device.public_id, actor=str(actor))


def device_of(public_id: str) -> Device:
    """The device with that id. Raises Missing where there is none."""
    device = Device.objects.select_related("state").filter(public_id=public_id).first()
    if device is None:
        raise Missing(_("There is no device %(id)s.") % {"id": public_id}, code="no_such_device")
    return device


@transaction.atomic
def register(
    actor: Actor,
    *,
    kind: str,
    owner: str,
    label: str = "",
    public_id: str = "",
    silence_after: int = 0,
    properties: dict[str, Any] | None = None,
) -> tuple[Device, str]:
    """A new device and its key, which is shown this once (base64url).

    `owner` is the slug of the service whose doors it may use; `public_id` is made up where it is "". Raises Denied
    without `devices.manage`, Invalid for an id that cannot be one, Conflict for one that is taken.
    """
    require(actor, "devices.manage", f"service:{owner}")
    public_id = public_id or f"{re.sub('[^a-z0-9]+', '-', kind.lower()).strip('-') or 'device'}-{secrets.token_hex(5)}"
    if not re.fullmatch(PUBLIC_ID, public_id):
        raise Invalid(
            _("This cannot be a device's id."),
            code="bad_id",
            field="public_id",
            mend=_("Use letters, digits and - _ . : (at most 64), beginning with a letter or digit."),
        )
    if Device.objects.filter(public_id=public_id).exists():
        raise Conflict(_("There is a device %(id)s already.") % {"id": public_id}, code="id_taken", field="public_id")
    key = keys.new_key()
    device = Device.objects.create(
        public_id=public_id,
        kind=kind,
        label=label,
        owner=owner,
        key=keys.seal(key),
        silence_after=silence_after,
        properties=properties or {},
    )
    # The label may be a name: it stands in the row, where it can be erased.
    _tell("device.registered", device, {"kind": kind, "owner": owner}, actor)
    return device, keys.as_text(key)


@transaction.atomic
def rotate_key(actor: Actor, public_id: str) -> str:
    """A new key for the device; the old one is refused from this moment. Raises Denied, Missing."""
    device = _locked(actor, public_id)
    key = keys.new_key()
    device.key = keys.seal(key)
    device.key_version += 1
    device.save(update_fields=["key", "key_version"])
    # Nonces are counted for each key, so the device may begin anew.
    DeviceState.objects.filter(device=device).update(highest=0, seen=0)
    _tell("device.key_rotated", device, {"key_version": device.key_version}, actor)
    return keys.as_text(key)


@transaction.atomic
def disable(actor: Actor, public_id: str, *, reason: str = "") -> Device:
    """Switches a device off: its messages are refused from this moment. Raises Denied, Missing."""
    return _switch(actor, public_id, enabled=False, reason=reason)


@transaction.atomic
def enable(actor: Actor, public_id: str) -> Device:
    """Switches a device on again. Raises Denied, Missing."""
    return _switch(actor, public_id, enabled=True)


@transaction.atomic
def expect(actor: Actor, public_id: str, *, silence_after: int) -> Device:
    """Has a device's silence noticed after so many seconds, 0 for never. Raises Denied, Missing."""
    device = _locked(actor, public_id)
    if device.silence_after != silence_after:
        device.silence_after = silence_after
        device.save(update_fields=["silence_after"])
        _tell("device.expected", device, {"silence_after": silence_after}, actor)
    return device


def _locked(actor: Actor, public_id: str) -> Device:
    device = device_of(public_id)
    require(actor, "devices.manage", f"service:{device.owner}")
    return Device.objects.select_for_update().get(pk=device.pk)


def _switch(actor: Actor, public_id: str, *, enabled: bool, reason: str = "") -> Device:
    device = _locked(actor, public_id)
    if device.enabled != enabled:
        device.enabled, device.off_because = enabled, reason[:300]
        device.save(update_fields=["enabled", "off_because"])
        _tell("device.enabled" if enabled else "device.disabled", device, {}, actor)
    return device


def service_scopes() -> list[tuple[str, str]]:
    """Every service as a part of the city whose devices somebody may look after: (scope, name)."""
    return [(f"service:{service.slug}", str(service.name)) for service in city_services()]
