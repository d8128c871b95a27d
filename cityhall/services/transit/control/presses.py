"""A press about a late bus: riders of its line are told, or its trip is cancelled. Both can be taken back."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Conflict
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.transit import days
from cityhall.services.transit.models import Cancellation, Notice, ServiceAlert, VehicleState
from cityhall.services.transit.realtime import notices, occasions, wording
from cityhall.services.transit.realtime.alerts import in_force

TOLD_FOR = timedelta(hours=1)
"""A delay that goes on for longer is told anew: nobody has to remember to take it back."""


@transaction.atomic
def tell_of_delay(actor: Actor, vehicle: str, trip: str) -> ServiceAlert:
    """Riders of the bus's line read that it is late, in every language.

    Raises Denied, or Conflict where the bus drives another trip by now or riders have been told.
    """
    route = _state(actor, vehicle, trip).route
    delay, about = occasions.BY_SLUG["delay"], [{"route": route}]
    now = timezone.now()
    if any(one.effect == delay.effect and one.informed == about for one in in_force(now)):
        raise Conflict(_("Riders of this line have been told already."), mend=_("The list of alerts has it."))
    header, description = (
        occasions.told(wording.in_languages(partial(str, text)), [route], ())
        for text in (delay.header, delay.description)
    )
    draft = notices.AlertDraft(
        header,
        description,
        cause=delay.cause,
        effect=delay.effect,
        severity=delay.severity,
        periods=[(now, now + TOLD_FOR)],
        informed=about,
    )
    return notices.publish_alert(actor, draft)


@transaction.atomic
def cancel_trip(actor: Actor, vehicle: str, trip: str) -> Cancellation:
    """The bus's trip does not run, and riders are told. Raises as `tell_of_delay`, Invalid where no such trip runs."""
    state = _state(actor, vehicle, trip)
    day = state.service_day or days.today()
    if Cancellation.objects.filter(trip=trip, service_day=day, state=Notice.State.IN_FORCE).exists():
        raise Conflict(_("This trip is cancelled already."), mend=_("The list of cancelled trips has it."))
    return notices.cancel(actor, notices.CancellationDraft(day, trip))


def _state(actor: Actor, vehicle: str, trip: str) -> VehicleState:
    """The bus on the trip that whoever pressed saw, locked so that two who press at once are one after the other."""
    require(actor, notices.PERMISSION)
    found = VehicleState.objects.select_for_update().filter(vehicle__public_id=vehicle, vehicle__enabled=True)
    state = found.defer("memory").first()
    if state is None or not trip or state.trip != trip or state.vehicle.hidden:
        raise Conflict(_("This bus is on another trip now."), mend=_("Look at its row again."))
    return state
