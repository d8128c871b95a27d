"""The only writers of receivers and base stations. Switching one off and on again: kernel/devices/registry.py."""

from __future__ import annotations

import re
from urllib.parse import unquote

from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.devices import keys, registry
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.values import url_parts
from cityhall.kernel.vehicles import kinds
from cityhall.kernel.vehicles.doors.directory import GNSS, MQTT, network_of
from cityhall.kernel.vehicles.models import BaseStation, Receiver, Vehicle
from cityhall.kernel.vehicles.models.corrections import MOUNTPOINT
from cityhall.kernel.vehicles.queries import OWNER, SCOPE


@transaction.atomic
def register_receiver(
    actor: Actor,
    *,
    vehicle: str,
    address: str,
    protocol: str = Receiver.Protocol.NMEA,
    corrections: bool = False,
    public_id: str = "",
    label: str = "",
    silence_after: int = 0,
) -> tuple[Receiver, str]:
    """A receiver in a vehicle, and its key, which is shown this once: with it, it takes corrections from the caster.

    `address` is an IP address or network (CIDR) it connects from, or "mqtt". `protocol` may be a tracker's: then
    `public_id` is its IMEI or number. A vehicle that nobody has entered is made, where the city has a kind for those.
    Raises Denied without `devices.manage`, Invalid for an address, protocol or vehicle that is none, Missing for one
    that nobody has entered, Conflict for an id that is taken.
    """
    require(actor, "devices.manage", SCOPE)
    address = _address(address)
    if protocol not in Receiver.Protocol.values:
        raise Invalid(
            _("There is no protocol %(name)s.") % {"name": protocol},
            field="protocol",
            mend=_("Choose one of: %(kinds)s.") % {"kinds": ", ".join(Receiver.Protocol.values)},
        )
    if protocol not in GNSS and (not public_id or address == MQTT):
        raise Invalid(
            _("A tracker is known by what it says itself, and by where it connects from."),
            field="address" if public_id else "public_id",
            mend=_("Give its IMEI or number as its id, and the network it connects from."),
        )
    device, key = registry.register(
        *(actor,), kind="receiver", owner=OWNER, label=label, public_id=public_id, silence_after=silence_after
    )
    receiver = Receiver.objects.create(
        device=device, vehicle=_vehicle(vehicle), protocol=protocol, address=address, corrections=corrections
    )
    _tell("transit.receiver.registered", receiver, actor)
    return receiver, key


@transaction.atomic
def change_receiver(
    actor: Actor,
    public_id: str,
    *,
    vehicle: str | None = None,
    address: str | None = None,
    corrections: bool | None = None,
) -> Receiver:
    """Changes what is given, and nothing else. Raises Denied, Missing, Invalid."""
    require(actor, "devices.manage", SCOPE)
    receiver = Receiver.objects.select_for_update(of=("self",)).filter(device__public_id=public_id).first()
    if receiver is None:
        raise Missing(_("There is no receiver %(id)s.") % {"id": public_id}, code="no_such_receiver")
    if vehicle is not None:
        receiver.vehicle = _vehicle(vehicle)
    if address is not None:
        receiver.address = _address(address)
    if corrections is not None:
        receiver.corrections = corrections
    receiver.save()
    _tell("transit.receiver.changed", receiver, actor)
    return receiver


@transaction.atomic
def register_station(
    actor: Actor, *, mountpoint: str, point: Point, country: str, source: str = "", public_id: str = "", label: str = ""
) -> tuple[BaseStation, str]:
    """A base station and its key, which is shown this once: with its id and key it sends RTCM 3 to the caster.

    `source` is another caster's mountpoint to fetch it from instead, ntrip://user:password@host:2101/MOUNT; user and
    password are kept sealed. Raises Denied without `devices.manage`, Invalid, or Conflict for a name that is taken.
    """
    require(actor, "devices.manage", SCOPE)
    if not re.fullmatch(MOUNTPOINT, mountpoint):
        raise Invalid(
            _("This cannot be a mountpoint."),
            field="mountpoint",
            mend=_("Use letters, digits and - _ . (at most 100)."),
        )
    if not re.fullmatch("[A-Z]{3}", country):
        raise Invalid(_("This is no country."), field="country", mend=_("Write three capital letters (ISO 3166)."))
    if BaseStation.objects.filter(mountpoint=mountpoint).exists():
        raise Conflict(_("There is a mountpoint %(name)s already.") % {"name": mountpoint}, field="mountpoint")
    where, login = _source(source)
    device, key = registry.register(actor, kind="base station", owner=OWNER, label=label, public_id=public_id)
    station = BaseStation.objects.create(
        device=device, mountpoint=mountpoint, point=point, country=country, source=where, login=login
    )
    append(
        OWNER,
        "transit.base_station.registered",
        {"mountpoint": mountpoint},
        subject=device.public_id,
        actor=str(actor),
    )
    return station, key


def _source(text: str) -> tuple[str, bytes]:
    """The address without user and password, and those, sealed."""
    if not text:
        return "", b""
    parts = url_parts(text)
    port = 2101 if parts.port is None else parts.port
    name = parts.path.removeprefix("/")
    if parts.scheme != "ntrip" or not parts.hostname or not port or not re.fullmatch(MOUNTPOINT, name):
        raise Invalid(
            _("%(text)s is no mountpoint of a caster.") % {"text": parts.hostname or text},
            field="source",
            mend=_("Write ntrip://user:password@host:2101/MOUNT."),
        )
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"ntrip://{parts.hostname}:{port}/{name}", keys.seal(login.encode())


def _address(text: str) -> str:
    try:
        network = network_of(text.strip())
    except ValueError:
        raise Invalid(
            _("%(text)s is no address.") % {"text": text},
            field="address",
            code="bad_address",
            mend=_("Write an IP address (203.0.113.7), a network (203.0.113.0/24), or mqtt."),
        ) from None
    return str(network) if network is not None else text.strip()


def _vehicle(public_id: str) -> Vehicle:
    public_id = public_id.strip()
    if not public_id or len(public_id) > 100:
        raise Invalid(_("The vehicle has no name."), field="vehicle", mend=_("Write the number its operator gave it."))
    vehicle = Vehicle.objects.filter(public_id=public_id).first()
    if vehicle is None and not kinds.found_kind():
        raise Missing(
            _("There is no vehicle %(id)s.") % {"id": public_id}, field="vehicle", mend=_("Enter the vehicle first.")
        )
    return vehicle or Vehicle.objects.get_or_create(public_id=public_id)[0]


def _tell(event: str, receiver: Receiver, actor: Actor) -> None:
    append(
        OWNER,
        event,
        {
            "vehicle": receiver.vehicle.public_id,
            "protocol": receiver.protocol,
            "corrections": receiver.corrections,
        },
        subject=receiver.device.public_id,
        actor=str(actor),
    )
