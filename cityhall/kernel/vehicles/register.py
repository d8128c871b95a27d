"""The only writers of vehicles: enter one, change it, switch it off and on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.vehicles import kinds
from cityhall.kernel.vehicles.models import Vehicle

LONGEST = 100
MOST_PLACES = 32_767
KEPT = ("kind", "label", "capacity", "wheelchair", "enabled")


@transaction.atomic
def enter(
    actor: Actor,
    public_id: str,
    *,
    kind: str,
    label: str = "",
    capacity: int | None = None,
    wheelchair: bool | None = None,
    again: bool = True,
    allowed: bool = False,
) -> Vehicle:
    """Makes a vehicle known, or what is known of it what is given; the same a second time changes nothing.

    `kind` is one that a service of the city declares; `capacity` in places; `wheelchair` None where it is not known.
    Raises Denied without the kind's permission, but where the caller has seen that it is `allowed`; Invalid; and
    Conflict for one that is there where it may not be `again`.
    """
    if not allowed:
        _may(actor, kind)
    values = _checked({"kind": kind, "label": label, "capacity": capacity, "wheelchair": wheelchair})
    public_id = public_id.strip()
    if not public_id or len(public_id) > LONGEST or "\0" in public_id:
        raise Invalid(_("A vehicle needs an id."), field="public_id", mend=_("Give at most 100 characters."))
    vehicle, made = Vehicle.objects.get_or_create(public_id=public_id, defaults=values)
    if not made:
        if not again:
            raise Conflict(_("There is a vehicle %(id)s already.") % {"id": public_id}, field="public_id")
        return _change(actor, vehicle, values, allowed)
    _tell("vehicle.registered", vehicle, actor)
    return vehicle


@transaction.atomic
def change(actor: Actor, public_id: str, given: Mapping[str, Any], *, allowed: bool = False) -> Vehicle:
    """Changes what is given (kind, label, capacity, wheelchair, enabled), and nothing else.

    Raises Denied without the permission of the kind that it is and of the kind that it becomes, but where the caller
    has seen that it is `allowed`; Missing; Invalid.
    """
    vehicle = find(system("vehicles") if allowed else actor, public_id)
    return _change(actor, vehicle, _checked(given), allowed)


def find(actor: Actor, public_id: str) -> Vehicle:
    """The vehicle with that id. Raises Denied for who sees none, Missing where there is none, or none that they see."""
    seen = kinds.seen_by(actor)
    everything = may(actor, kinds.ANY)
    if not seen:
        require(actor, kinds.ANY)
    vehicle = Vehicle.objects.filter(public_id=public_id.replace("\0", "")).first()
    if vehicle is None or not (everything or vehicle.kind in seen):
        raise Missing(_("There is no vehicle %(id)s.") % {"id": public_id}, code="no_such_vehicle")
    return vehicle


def _change(actor: Actor, vehicle: Vehicle, values: Mapping[str, Any], allowed: bool) -> Vehicle:
    vehicle = Vehicle.objects.select_for_update().get(pk=vehicle.pk)
    if not allowed:
        require(actor, kinds.permission_to_change(vehicle.kind), kinds.scope_of(vehicle.kind))
        if values.get("kind", vehicle.kind) != vehicle.kind:
            _may(actor, values["kind"])
    new = {name: value for name, value in values.items() if getattr(vehicle, name) != value}
    if not new:
        return vehicle
    for name, value in new.items():
        setattr(vehicle, name, value)
    vehicle.save(update_fields=list(new))
    if set(new) - {"enabled"}:
        _tell("vehicle.changed", vehicle, actor)
    if "enabled" in new:
        _tell("vehicle.enabled" if vehicle.enabled else "vehicle.disabled", vehicle, actor)
    return vehicle


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the table holds them. Raises Invalid."""
    values = {name: value for name, value in given.items() if name in KEPT}
    if "label" in values:
        values["label"] = str(values["label"]).replace("\0", "").strip()
        if len(values["label"]) > LONGEST:
            raise Invalid(_("This name is too long."), field="label", mend=_("Give at most 100 characters."))
    capacity = values.get("capacity")
    if capacity is not None and not 0 <= capacity <= MOST_PLACES:
        raise Invalid(_("No vehicle has so many places."), field="capacity", mend=_("Give a number from 0 to 32767."))
    return values


def _may(actor: Actor, kind: str) -> None:
    """Raises Denied; Invalid for a kind that there is not, to those who may enter others."""
    if kind not in kinds.kinds() and any(kinds.may_change(actor, slug) for slug in kinds.kinds()):
        raise Invalid(
            _("There is no kind of vehicle %(kind)s.") % {"kind": kind},
            field="kind",
            mend=_("Choose one of: %(kinds)s.") % {"kinds": ", ".join(kinds.kinds())},
        )
    require(actor, kinds.permission_to_change(kind), kinds.scope_of(kind))


def _tell(event: str, vehicle: Vehicle, actor: Actor) -> None:
    # Nothing is erased from the journal: a vehicle that not everybody may know of is told of by its row only.
    name = f"vehicle:{vehicle.pk}" if vehicle.hidden else vehicle.public_id
    data = {"vehicle": name, "kind": vehicle.kind}
    append(kinds.owner_of(vehicle.kind), event, data, subject=name, actor=str(actor))
