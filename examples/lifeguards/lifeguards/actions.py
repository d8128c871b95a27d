"""The only writers. Each is one transaction: check, change, append to the journal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityhall.kernel import values
from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.agencies import keep_agencies
from cityhall.kernel.cases.calendars import ALWAYS
from cityhall.kernel.cases.models import Agency
from cityhall.kernel.cases.workflow import OPEN, State
from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.devices.models import Device
from cityhall.kernel.devices.registry import register
from cityhall.kernel.devices.urgent import Urgent
from cityhall.kernel.errors import Missing
from cityhall.kernel.journal import Event, append
from cityhall.kernel.live import publish
from cityhall.kernel.notify.sending import send_to_holders
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.consents import give_consent, has_consent
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.register import enter
from lifeguards import beaches
from lifeguards.models import ANSWER_IN, Alarm, Patrol, Pole
from lifeguards.queries import feature

SHARE_PLACE = "lifeguards.share_place"
"""What a lifeguard agrees to."""
PATROLS = "lifeguards-patrols"
"""The live topic of the layer of patrols."""
UNANSWERED = "lifeguards.unanswered"
OVER_IN = timedelta(minutes=30)
DESK = "/lifeguards/desk/"


def load(progress: Callable[[str, float], None]) -> None:
    """Makes the agency that the cases go to, and the beaches. Raises Invalid for a beach that is nowhere."""
    beaches.load()
    keep_agencies(system("lifeguards"), {"coast": (_("Coast desk"), "")})


@transaction.atomic
def add_pole(actor: Actor, name: str, point: Point) -> tuple[Pole, str]:
    """A pole, and its key, which is shown this once. Raises Denied."""
    device, key = register(actor, kind="pole", owner="lifeguards", label=name, silence_after=86_400)
    pole = Pole.objects.create(device=device, name=name, point=point)
    append("lifeguards", "pole.added", {"device": device.public_id}, subject=f"pole:{pole.pk}", actor=str(actor))
    return pole, key


@transaction.atomic
def add_patrol(actor: Actor, name: str) -> tuple[Patrol, str]:
    """A patrol's beacon, and its key, which is shown this once. Raises Denied."""
    device, key = register(actor, kind="beacon", owner="lifeguards", label=name)
    patrol = Patrol.objects.create(device=device, name=name)
    append("lifeguards", "patrol.added", {"device": device.public_id}, subject=f"patrol:{patrol.pk}", actor=str(actor))
    return patrol, key


@transaction.atomic
def add_boat(actor: Actor, name: str) -> tuple[Vehicle, str, str]:
    """A rescue boat, the id of its beacon, and that one's key, which is shown this once. Raises Denied."""
    boat = enter(actor, name, kind="boat", again=False)
    beacon, key = register(actor, kind="beacon", owner="lifeguards", label=name, properties={"vehicle": boat.public_id})
    return boat, beacon.public_id, key


@transaction.atomic
def carry(actor: Actor, patrol_id: int) -> Patrol:
    """A lifeguard carries the beacon from now on, and agrees that it shows where they are. Raises Denied, Missing."""
    require(actor, "lifeguards.carry_beacon")
    patrol = Patrol.objects.select_for_update().filter(pk=patrol_id).first()
    if patrol is None:
        raise Missing(_("There is no such patrol."))
    give_consent(actor, SHARE_PLACE)
    _hand_over(patrol, actor.person_id)
    append("lifeguards", "patrol.carried", {}, subject=f"patrol:{patrol.pk}", actor=str(actor))
    return patrol


def _hand_over(patrol: Patrol, guard: int | None) -> None:
    """Where the one before was is nobody's business any more."""
    if patrol.point is not None:
        publish(PATROLS, [feature(patrol, gone=True)])
    patrol.guard_id, patrol.point, patrol.seen_at = guard, None, None
    patrol.save()


def moved(device: Device, messages: list[dict[str, Any]], at: datetime) -> None:
    """A beacon says where it is (a Door's action). Kept only while who carries it agrees. Raises Invalid."""
    patrol = Patrol.objects.select_for_update().filter(device=device).first()
    if patrol is None or patrol.guard_id is None or not has_consent(patrol.guard_id, SHARE_PLACE):
        return
    last = messages[-1]
    patrol.point = Point(*values.position(f"{last.get('lon')},{last.get('lat')}", "lon"))
    patrol.seen_at = at
    patrol.save(update_fields=["point", "seen_at"])
    publish(PATROLS, [feature(patrol)])


def forget_places(events: list[Event]) -> None:
    """Who takes their consent back, or erases their account, carries no beacon any more (a Follower)."""
    for event in events:
        gone = event.type == "person.consent_withdrawn" and event.data["purpose"] == SHARE_PLACE
        if not gone and event.type != "person.erased":
            continue
        # An account that is erased has let go of its patrol; what is left is the place.
        whose = {"guard_id": int(event.subject.removeprefix("person:"))} if gone else {"guard": None}
        for patrol in Patrol.objects.select_for_update().filter(**whose, point__isnull=False):
            if patrol.guard_id is None or not has_consent(patrol.guard_id, SHARE_PLACE):
                _hand_over(patrol, None)


def pressed(presses: list[Urgent]) -> list[str]:
    """Buttons of poles (an UrgentDoor's action): for each a case, and a minute to answer it."""
    return [_called(press.device, press.received_at) for press in presses]


def _called(device: Device, at: datetime) -> str:
    """The case of a button, which everybody of the desk is told of. Raises Missing for a pole that was taken down."""
    pole = Pole.objects.select_for_update().filter(device=device).first()
    if pole is None:
        raise Missing(_("There is no such pole."))
    # Whoever presses again while somebody is called or on the way calls nobody else.
    called = Alarm.objects.filter(pole=pole, case__state__in=OPEN).first()
    if called is not None:
        return cases.subject(called.pk)
    actor = Actor("device", device.public_id)
    coast = Agency.objects.get(slug="coast")
    case = cases.open_case(actor, "lifeguards", coast, OVER_IN, calendar=ALWAYS, now=at)
    Alarm.objects.create(case=case, pole=pole)
    set_deadline(UNANSWERED, cases.subject(case.pk), at + ANSWER_IN)
    send_to_holders(
        gettext_lazy("Alarm at %(pole)s"),
        gettext_lazy("Answer it within a minute."),
        role="lifeguards.coast",
        values={"pole": pole.name},
        url=DESK,
        key=f"lifeguards-{case.pk}",
    )
    return cases.subject(case.pk)


def unanswered(due: Due) -> None:
    """A minute is over and nobody has answered (a DeadlineKind's action): the chiefs are told."""
    case = cases.locked(int(due.subject.removeprefix("case:")))
    if case.state != State.NEW:
        return
    append("lifeguards", "alarm.unanswered", {"case": case.pk}, subject=due.subject, actor=str(system("lifeguards")))
    send_to_holders(
        gettext_lazy("Nobody has answered the alarm at %(pole)s"),
        role="lifeguards.chief",
        values={"pole": case.alarm.pole.name},
        url=DESK,
        key=f"lifeguards-{case.pk}-unanswered",
    )


@transaction.atomic
def answer(actor: Actor, case_id: int) -> Alarm:
    """An officer has taken it on. Raises Missing, Denied, Conflict where another one has."""
    return _step(actor, case_id, "start")


@transaction.atomic
def end(actor: Actor, case_id: int) -> Alarm:
    """It is over. Raises Missing, Denied, Conflict."""
    return _step(actor, case_id, "resolve")


def _step(actor: Actor, case_id: int, name: str) -> Alarm:
    if not Alarm.objects.filter(pk=case_id).exists():
        raise Missing(_("There is no such alarm."))
    # First the case, which this locks, then its deadline: so nobody waits for one another.
    cases.act(actor, case_id, name)
    clear(UNANSWERED, cases.subject(case_id))
    Alarm.objects.filter(pk=case_id, answered_at=None).update(answered_at=timezone.now())
    return Alarm.objects.get(pk=case_id)
