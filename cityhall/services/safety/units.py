"""The register of units: whom the city can send."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety.models import Unit

CHANGE = "safety.change_units"


@transaction.atomic
def keep(
    actor: Actor,
    name: str,
    *,
    vehicle: str = "",
    email: str = "",
    skills: Sequence[str] = (),
    station: Point | None = None,
) -> Unit:
    """Enters a unit, or changes the one of that name. Raises Denied, Missing for a vehicle or account there is not."""
    require(actor, CHANGE)
    rides = Vehicle.objects.filter(public_id=vehicle, kind="patrol").first() if vehicle else None
    if vehicle and rides is None:
        raise Missing(
            _("There is no patrol %(id)s among the vehicles.") % {"id": vehicle},
            code="no_such_vehicle",
            field="vehicle",
            mend=_("Enter it as a vehicle of the kind patrol first."),
        )
    person = Person.objects.filter(email__iexact=email, is_active=True).first() if email else None
    if email and person is None:
        raise Missing(_("There is no account of this address."), code="no_such_person", field="person")
    unit, made = Unit.objects.update_or_create(
        name=name[:60],
        defaults={"vehicle": rides, "person": person, "skills": sorted(set(skills)), "station": station},
    )
    what = "unit.entered" if made else "unit.changed"
    append("safety", what, {"skills": unit.skills}, subject=f"unit:{unit.pk}", actor=str(actor))
    return unit
