"""Special-school buses: whose child rides which, and who may see where it is. Nobody else, by any door.

An officer says whose mailbox is responsible for a pupil; who shows that it is theirs sees the bus once they have agreed
to it, and until they take that back. The public's reads (queries.shown_vehicles, trips.live_of) leave these buses out
by themselves; what shows one goes through `bus_of` here. No live topic leads to one: a stream stays open when a link is
taken away, so the guardian's page asks again every few seconds instead, and is asked each time who it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people import invitations
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.consents import give_consent, has_consent, withdraw_consent
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point, metres_between
from cityhall.kernel.places.streets import streets
from cityhall.kernel.vehicles import register
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.work.aside import passing_over
from cityhall.services.transit import days, queries
from cityhall.services.transit.kinds import SCHOOL
from cityhall.services.transit.models import Guardian, Pupil, VehicleState
from cityhall.services.transit.timetables import DETOUR
from cityhall.services.transit.tracking.shown import feature_of

CONSENT = "transit.school_bus"
LINK = "transit.link_guardians"
INVITATION = "guardian"
OVER = "transit.guardian_invitation"
INVITATIONS = 5, 86_400.0
"""Letters that an address gets, of all pupils: how many, in so many seconds."""
USUAL_SPEED = 6.0  # m/s over streets and stops; for a bus that stands or does not say
NEAR_S = 300
AT_SCHOOL_M = 90.0
LONGEST_S = 5400


@dataclass(frozen=True, slots=True)
class Bus:
    """Where a pupil's bus is. `low_s` to `high_s` is in how many seconds it is at their stop, None: not to be told."""

    pupil: Pupil
    state: VehicleState
    low_s: int | None
    high_s: int | None
    at_school: bool


def pupils_of(actor: Actor) -> list[Pupil]:
    """The pupils that the acting person is responsible for."""
    if actor.person_id is None:
        return []
    return list(Pupil.objects.filter(guardians__person_id=actor.person_id).select_related("vehicle"))


def may_follow(actor: Actor, pupil: Pupil) -> bool:
    """Whether the actor may see the pupil's bus: responsible for them, by the officer's word, and agreed to it."""
    if actor.person_id is None:
        return False
    linked = Guardian.objects.filter(pupil=pupil, person_id=actor.person_id, person__is_active=True).exists()
    return linked and has_consent(actor.person_id, CONSENT)


def bus_of(actor: Actor, pupil_id: int, now: datetime) -> Bus | None:
    """The bus of a pupil; None where it was not heard of lately. Raises Missing for anybody it does not concern.

    The same answer for a pupil there is not: who asks does not learn which numbers are children.
    """
    pupil = Pupil.objects.filter(pk=pupil_id).select_related("vehicle").first()
    if pupil is None or not may_follow(actor, pupil):
        raise Missing(_("There is no such page."), mend=_("If your child rides a school bus, ask the school."))
    return _bus(pupil, now)


def _bus(pupil: Pupil, now: datetime) -> Bus | None:
    state = (
        VehicleState.objects.filter(vehicle=pupil.vehicle, at__gte=now - queries.FRESH)
        .select_related("vehicle")
        .first()
    )
    if state is None or not pupil.vehicle.enabled:
        return None
    at_school = metres_between(state.point, pupil.school) < AT_SCHOOL_M
    seconds = _seconds(state, pupil.stop, now)
    if seconds is None:
        return Bus(pupil, state, None, None, at_school)
    # Without a timetable of its own the way is an estimate: a third more or less, and never by the second.
    return Bus(pupil, state, int(seconds * 0.75), int(seconds * 1.35) + 60, at_school)


def collection(bus: Bus | None) -> dict[str, Any]:
    """A pupil's bus as GeoJSON for its guardian's map: a collection of one feature, or of none."""
    return {"type": "FeatureCollection", "features": [feature_of(bus.state)] if bus else []}


def _seconds(state: VehicleState, stop: Point, now: datetime) -> float | None:
    metres = _street_metres(state.point, stop)
    speed = max(USUAL_SPEED, min(state.speed or 0.0, 14.0))
    seconds = metres / speed - (now - state.at).total_seconds()
    return max(0.0, seconds) if seconds < LONGEST_S else None


def _street_metres(a: Point, b: Point) -> float:
    """Along the streets where they are known, else the straight line with a detour."""
    straight = metres_between(a, b)
    graph = streets()
    if graph is None:
        return straight * DETOUR
    network = graph.network("drive")
    ends = network.snap(*a), network.snap(*b)
    path = network.route(ends[0], ends[1], LONGEST_S) if ends[0] and ends[1] else None
    return path.distance if path is not None and math.isfinite(path.distance) else straight * DETOUR


@transaction.atomic
def hide_bus(actor: Actor, public_id: str, label: str = "") -> Vehicle:
    """Makes a vehicle a special-school bus: from now on nobody but its guardians sees it. Raises Denied, Invalid."""
    require(actor, LINK)
    if not public_id.strip():
        raise Invalid(_("Which bus? Its number is missing."), field="public_id", code="missing_bus")
    public_id, label = public_id.strip()[:100], label.strip()[:100]
    # Who links guardians may do this without the right to change the fleet.
    if Vehicle.objects.filter(public_id=public_id).exists():
        vehicle = register.change(actor, public_id, {"kind": SCHOOL, "label": label}, allowed=True)
    else:
        vehicle = register.enter(actor, public_id, kind=SCHOOL, label=label, allowed=True)
    append("transit", "transit.school.bus_hidden", {}, subject=f"vehicle:{vehicle.pk}", actor=str(actor))
    return vehicle


@transaction.atomic
def add_pupil(
    actor: Actor,
    reference: str,
    vehicle_id: int,
    stop: tuple[str, Point],
    school: tuple[str, Point],
) -> Pupil:
    """Enters a pupil with the stop and the school, (name, place) each. Raises Denied, Missing for no school bus."""
    require(actor, LINK)
    if not reference.strip():
        raise Invalid(_("Give the pupil a number or initials."), field="reference", code="missing_reference")
    vehicle = Vehicle.objects.filter(pk=vehicle_id, kind=SCHOOL).first()
    if vehicle is None:
        raise Missing(_("There is no such school bus."), mend=_("Make the vehicle a school bus first."))
    pupil = Pupil.objects.create(
        reference=reference.strip()[:100],
        vehicle=vehicle,
        stop_name=stop[0][:200],
        stop=stop[1],
        school_name=school[0][:200],
        school=school[1],
    )
    append("transit", "transit.school.pupil_added", {}, subject=f"pupil:{pupil.pk}", actor=str(actor))
    return pupil


@transaction.atomic
def remove_pupil(actor: Actor, pupil_id: int) -> None:
    """Forgets a pupil with all links; one that is not there is no error. Raises Denied."""
    require(actor, LINK)
    if Pupil.objects.filter(pk=pupil_id).delete()[0]:
        append("transit", "transit.school.pupil_removed", {}, subject=f"pupil:{pupil_id}", actor=str(actor))


@transaction.atomic
def link_guardian(actor: Actor, pupil_id: int, email: str) -> Guardian:
    """Says that whoever reads an address is responsible for a pupil, and tells them.

    An account that has confirmed the address is linked at once. Anybody else gets an invitation by mail: whoever signed
    up first with somebody's address is not them. Raises Denied, Missing, Invalid for an address that is none.
    """
    require(actor, LINK)
    pupil = Pupil.objects.filter(pk=pupil_id).first()
    if pupil is None:
        raise Missing(_("There is no such pupil."), field="pupil")
    email = invitations.read_email(email)
    person = invitations.confirmed_owner(email)
    if person is None:
        return _invite(actor, pupil, email)
    guardian, made = Guardian.objects.get_or_create(pupil=pupil, person=person)
    if made:
        append("transit", "transit.school.guardian_linked", {}, subject=f"pupil:{pupil.pk}", actor=str(actor))
        send(
            person,
            gettext_lazy("You can follow your child's school bus"),
            gettext_lazy("The school has entered you as guardian of %(pupil)s. Agree on the page to see the bus."),
            values={"pupil": pupil.reference},
            url="/transit/school/",
        )
    return guardian


def _invite(actor: Actor, pupil: Pupil, email: str) -> Guardian:
    """Invites an address; who was invited already is written to once more."""
    from cityhall.services.transit.tasks import invite_guardian

    guardian, made = Guardian.objects.get_or_create(pupil=pupil, person=None, email=email)
    spend("guardian invitation", email, *INVITATIONS)
    set_deadline(OVER, f"guardian:{guardian.pk}", timezone.now() + timedelta(days=invitations.DAYS))
    if made:
        append("transit", "transit.school.guardian_invited", {}, subject=f"pupil:{pupil.pk}", actor=str(actor))
    invite_guardian.defer(guardian_id=guardian.pk, language=get_language() or "")
    return guardian


def invitation(token: str) -> Guardian:
    """The invitation behind a token. Raises Missing where it is forged, too old, taken back or accepted."""
    number = invitations.number_of(INVITATION, token)
    found = Guardian.objects.filter(pk=number, person=None).select_related("pupil").first()
    if found is None:
        raise invitations.no_invitation()
    return found


@transaction.atomic
def accept(actor: Actor, token: str) -> Guardian:
    """The actor is the guardian that was invited: they have the letter. Raises Denied, Missing as `invitation` does."""
    if actor.person_id is None:
        raise Denied(_("Sign in first."), code="denied")
    guardian = Guardian.objects.select_for_update().get(pk=invitation(token).pk)
    # Looked at once more under the lock: it may have been accepted or taken back while this waited.
    invitation(token)
    clear(OVER, f"guardian:{guardian.pk}")
    # Not who accepted: whose child rides which bus is nothing for the journal.
    append("transit", "transit.school.guardian_linked", {}, subject=f"pupil:{guardian.pupil_id}", actor="person")
    known = Guardian.objects.filter(pupil=guardian.pupil_id, person_id=actor.person_id).first()
    if known is not None:
        guardian.delete()
        return known
    guardian.person_id, guardian.email = actor.person_id, ""
    guardian.save(update_fields=["person", "email"])
    return guardian


def invitation_is_over(due: Due) -> None:
    """Nobody accepted in time: the address is forgotten (a DeadlineKind's action)."""
    Guardian.objects.filter(pk=int(due.subject.removeprefix("guardian:")), person=None).delete()


@transaction.atomic
def unlink_guardian(actor: Actor, guardian_id: int) -> None:
    """Takes a link away: by the officer, or by the guardian themselves. Raises Denied; none there is no error."""
    guardian = Guardian.objects.filter(pk=guardian_id).first()
    if guardian is None:
        return
    if guardian.person_id is None or guardian.person_id != actor.person_id:
        require(actor, LINK)
    clear(OVER, f"guardian:{guardian.pk}")
    append("transit", "transit.school.guardian_unlinked", {}, subject=f"pupil:{guardian.pupil_id}", actor=str(actor))
    guardian.delete()


def agree(actor: Actor) -> None:
    """The guardian agrees to see the bus and be told of it. Raises Denied for who is responsible for nobody."""
    if not pupils_of(actor):
        raise Denied(_("No school has entered you as guardian."), code="denied", mend=_("Ask the school."))
    give_consent(actor, CONSENT)


def disagree(actor: Actor) -> None:
    """Takes it back: from now on they see nothing and are told nothing."""
    withdraw_consent(actor, CONSENT)


def tell_guardians(now: datetime) -> int:
    """ "Five minutes away" and "at school", each once a half day; gives how many guardians were looked at."""
    here = days.here(now)
    half = f"{here:%Y%m%d}-{'am' if here.hour < 12 else 'pm'}"
    looked = 0
    buses: dict[int, Bus | None] = {}
    for guardian in Guardian.objects.filter(person__is_active=True).select_related("pupil__vehicle", "person"):
        if guardian.person_id is None or not has_consent(guardian.person_id, CONSENT):
            continue
        looked += 1
        with passing_over("transit.guardians", guardian.pk), transaction.atomic():
            if guardian.pupil_id not in buses:
                buses[guardian.pupil_id] = _bus(guardian.pupil, now)
            bus = buses[guardian.pupil_id]
            if bus is not None:
                _tell(guardian, bus, half)
    return looked


def _tell(guardian: Guardian, bus: Bus, half: str) -> None:
    pupil, told = guardian.pupil, []
    assert guardian.person is not None
    if bus.high_s is not None and bus.high_s <= NEAR_S + 60 and not bus.at_school:
        told.append(("near", gettext_lazy("The school bus is about five minutes away"), pupil.stop_name))
    if bus.at_school and half.endswith("am") and (bus.state.speed or 0.0) < 2.0:
        told.append(("school", gettext_lazy("The school bus is at school"), pupil.school_name))
    for what, title, place in told:
        values: dict[str, Any] = {"pupil": pupil.reference, "place": place}
        send(
            guardian.person,
            title,
            "%(pupil)s · %(place)s",
            values=values,
            url=f"/transit/school/{pupil.pk}/",
            key=f"transit-school-{pupil.pk}-{half}-{what}",
        )
