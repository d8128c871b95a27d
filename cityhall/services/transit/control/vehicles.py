"""The register of vehicles."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.vehicles.models import Vehicle


@transaction.atomic
def register(
    actor: Actor,
    public_id: str,
    *,
    kind: str = "bus",
    label: str = "",
    capacity: int | None = None,
    wheelchair: bool | None = None,
) -> Vehicle:
    """Makes a vehicle known, or changes what is known of it; the same a second time changes nothing.

    `kind` is one of Vehicle.Kind. Raises Denied without `transit.change_fleet`, Invalid.
    """
    require(actor, "transit.change_fleet")
    if kind not in Vehicle.Kind.values:
        raise Invalid(
            _("There is no kind of vehicle %(kind)s.") % {"kind": kind},
            field="kind",
            mend=_("Choose one of: %(kinds)s.") % {"kinds": ", ".join(Vehicle.Kind.values)},
        )
    if not public_id or len(public_id) > 100:
        raise Invalid(_("A vehicle needs an id."), field="public_id", mend=_("Give at most 100 characters."))
    values = {"kind": kind, "label": label, "capacity": capacity, "wheelchair": wheelchair}
    vehicle, made = Vehicle.objects.get_or_create(public_id=public_id, defaults=values)
    if not made and all(getattr(vehicle, name) == value for name, value in values.items()):
        return vehicle
    if not made:
        for name, value in values.items():
            setattr(vehicle, name, value)
        vehicle.save(update_fields=list(values))
    event = "vehicle.registered" if made else "vehicle.changed"
    append("transit", event, {"vehicle": public_id, "kind": kind}, subject=public_id, actor=str(actor))
    return vehicle
