"""Asking for a pickup, and what happens until something is weighed. Locks: the pickup, the day's
round, its booking's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.live import publish
from cityhall.kernel.media.storing import Made, keep
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.service import Text
from cityhall.services.recycling import accounts, planning, workflow
from cityhall.services.recycling.models import Account, Estimate, Material, Pickup
from cityhall.services.recycling.planning import DRIVE
from cityhall.services.recycling.workflow import State, Why

MOST_GRAMS = 500_000
"""Of one material in an estimate: what a household has, and a building."""
OLDEST = timedelta(days=14)
"""A crew's device may have been without a network for so long."""
NEWS = timedelta(minutes=15)
"""Older news of a crew's way is not told any more."""
TOPIC = "recycling-demand"
"""Where the map of officers hears of pickups that are open."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: grams by the key of a material, where it stands, and the window's begin (None: any)."""

    grams: Mapping[str, int]
    address: str
    point: Point | None
    begin: datetime | None
    note: str = ""


@transaction.atomic
def ask(actor: Actor, account: Account, wish: Wish, *, key: UUID, photo: Made | None = None) -> Pickup:
    """Asks for a pickup; with a window it is promised at once. The same `key` again is the same pickup.

    Raises Denied, Invalid for what is no wish, Conflict where the window is full or the person asks for too many.
    """
    person = accounts.person_of(actor)
    if not accounts.holds(actor, account):
        raise Denied(_("These are not your points."), code="denied")
    known = Pickup.objects.filter(key=key).first()
    if known is not None:
        if known.person_id != person.pk:
            raise Conflict(_("This form was sent by somebody else."), code="other_key")
        return known
    materials = _materials(wish.grams)
    if not wish.address.strip():
        raise Invalid(_("Say where it stands."), code="no_place", field="address", mend=_("Write street and number."))
    now, zone = timezone.now(), planning.zone_of(wish.point)
    pickup = Pickup.objects.create(
        key=key,
        account=account,
        person=person,
        state=State.ASKED,
        address=wish.address.strip()[:300],
        point=wish.point,
        zone=zone,
        note=wish.note.strip()[:300],
        photo=keep(actor, photo, purpose="recycling.pickup") if photo is not None else None,
        asked_at=now,
        changed_at=now,
    )
    Estimate.objects.bulk_create(Estimate(pickup=pickup, material=one, grams=grams) for one, grams in materials)
    told = {"grams": {one.key: grams for one, grams in materials}, "zone": zone}
    append("recycling", "pickup.asked", told, subject=pickup.ref, actor=str(actor))
    if wish.begin is not None:
        _promise(pickup, wish.begin, actor)
    announce(pickup)
    return pickup


def _materials(grams: Mapping[str, int]) -> list[tuple[Material, int]]:
    wanted = {key: amount for key, amount in grams.items() if amount}
    if not wanted:
        raise Invalid(_("Nothing was chosen."), code="nothing", field="materials", mend=_("Say what you have."))
    if any(type(one) is not int or not 0 < one <= MOST_GRAMS for one in wanted.values()):
        raise Invalid(
            _("That is too much for one pickup."),
            code="too_much",
            field="materials",
            mend=_("Say at most %(most)d kg of each.") % {"most": MOST_GRAMS // 1000},
        )
    known = {one.key: one for one in Material.objects.filter(key__in=wanted, active=True)}
    if len(known) < len(wanted):
        raise Invalid(_("Something of this is not taken."), code="no_such_material", field="materials")
    return [(known[key], wanted[key]) for key in sorted(wanted)]


def _promise(pickup: Pickup, begin: datetime, actor: Actor) -> None:
    booking = planning.promise(pickup, begin, actor)
    step(pickup, "promise", actor, booking=booking, begin=booking.begin, end=booking.end)


def step(pickup: Pickup, what: str, actor: Actor, **fields: object) -> None:
    """Takes a step with a locked pickup: the row, the event, and whoever looks on. Raises Conflict."""
    before = pickup.state
    pickup.state = workflow.after(what, pickup.state)
    pickup.changed_at = timezone.now()
    for name, value in fields.items():
        setattr(pickup, name, value)
    pickup.save(update_fields=["state", "changed_at", *fields])
    told = {"from": before, "to": str(pickup.state)}
    append("recycling", f"pickup.{what}", told, subject=pickup.ref, actor=str(actor))
    announce(pickup)


def topic_of(account: int | str) -> str:
    """The live topic of an account's pickups."""
    return f"recycling-account-{account}"


def announce(pickup: Pickup) -> None:
    """Tells the officers' map, and the pages of whoever waits, where a pickup stands."""
    publish(topic_of(pickup.account_id), {"pickup": pickup.pk, "state": str(pickup.state)})
    if pickup.point is None:
        return
    gone = pickup.state not in workflow.OPEN
    place = {"type": "Point", "coordinates": list(pickup.point)}
    values = {"id": pickup.pk, "state": str(pickup.state), "begin": pickup.begin.isoformat() if pickup.begin else ""}
    feature = {"type": "Feature", "id": pickup.pk, "geometry": None if gone else place}
    publish(TOPIC, [feature | {"properties": values | ({"gone": True} if gone else {})}])


def locked(number: int) -> Pickup:
    """A pickup under its lock. Raises Missing."""
    found = (
        Pickup.objects.select_for_update(of=("self",))
        .select_related("account", "person", "booking")
        .filter(pk=number)
        .first()
    )
    if found is None:
        raise Missing(_("There is no such pickup."), code="no_such_pickup")
    return found


def own(actor: Actor, number: int) -> Pickup:
    """A pickup of an account that the actor acts for, locked. Raises Missing: whether there is one is no affair."""
    found = locked(number)
    if not accounts.holds(actor, found.account):
        raise Missing(_("There is no such pickup."), code="no_such_pickup")
    return found


@transaction.atomic
def promise(actor: Actor, number: int, begin: datetime) -> Pickup:
    """A window for one that has none yet: by whose it is, or an officer. Raises Denied, Missing, Conflict."""
    pickup = locked(number)
    if not accounts.holds(actor, pickup.account):
        require(actor, DRIVE)
    _promise(pickup, begin, actor)
    _tell(pickup, _("We come to fetch your recycling"), _("Look at the window that was promised."), "promised")
    return pickup


@transaction.atomic
def cancel(actor: Actor, number: int) -> Pickup:
    """Whose it is needs it no more, until the city's limit before the window. Raises Missing, Conflict ("too_late")."""
    pickup = own(actor, number)
    if pickup.state == State.CANCELLED:
        return pickup
    planning.let_go(pickup.booking, actor)
    step(pickup, "cancel", actor)
    return pickup


@transaction.atomic
def set_out(actor: Actor, number: int, *, at: datetime | None = None) -> Pickup:
    """The crew says that it is on its way. Raises Denied, Missing, Conflict."""
    require(actor, DRIVE)
    pickup = locked(number)
    if pickup.state == State.ON_WAY:
        return pickup
    step(pickup, "set_out", actor, crew_id=actor.person_id)
    if _is_news(at):
        _tell(pickup, _("The crew is on its way to you"), _("Have it ready at the door."), "on_way")
    return pickup


@transaction.atomic
def turn_back(actor: Actor, number: int) -> Pickup:
    """It is not on its way after all. Raises Denied, Missing, Conflict."""
    require(actor, DRIVE)
    pickup = locked(number)
    step(pickup, "turn_back", actor, came_at=None)
    return pickup


@transaction.atomic
def arrive(actor: Actor, number: int, *, at: datetime | None = None) -> Pickup:
    """The crew stands at the door: that is when it came. Said twice it is once. Raises Denied, Missing, Conflict."""
    require(actor, DRIVE)
    pickup = locked(number)
    if pickup.state == State.ON_WAY and pickup.came_at is not None:
        return pickup
    step(pickup, "arrive", actor, came_at=likely(at, pickup.asked_at), crew_id=actor.person_id)
    if _is_news(at):
        _tell(pickup, _("The crew is at your door"), _("Look whether the weight is right."), "arrived")
    return pickup


@transaction.atomic
def miss(actor: Actor, number: int, why: str, *, at: datetime | None = None) -> Pickup:
    """Nothing was collected, for a reason that whose it is is told. Said twice it is one. Raises Denied, Invalid,
    Missing, Conflict."""
    require(actor, DRIVE)
    if why not in Why.values:
        raise Invalid(_("Say why nothing was collected."), code="no_reason", field="why")
    pickup = locked(number)
    if pickup.state == State.MISSED and pickup.why == why:
        return pickup
    came = pickup.came_at or likely(at, pickup.asked_at)
    step(pickup, "miss", actor, why=why, came_at=came, crew_id=actor.person_id)
    _tell(
        pickup,
        _("Your recycling was not collected: %(why)s"),
        _("You may ask for another pickup.") if why not in workflow.OURS else _("This was our fault. Ask us again."),
        "missed",
        why=Why(why).label,
    )
    return pickup


def likely(told: datetime | None, earliest: datetime) -> datetime:
    """When something was, as a device's clock told it; now where that cannot be: its clock is wrong then."""
    now = timezone.now()
    return told if told is not None and max(earliest, now - OLDEST) <= told <= now else now


def _is_news(told: datetime | None) -> bool:
    """Whether somebody is still helped by hearing of it: a device may tell of it hours later."""
    return told is None or told > timezone.now() - NEWS


def _tell(pickup: Pickup, title: Text, body: Text, what: str, **values: object) -> None:
    for person in accounts.people_of(pickup.account)[:1] if pickup.person is None else [pickup.person]:
        url = f"/recycling/pickups/{pickup.pk}/"
        send(person, title, body, values=values, url=url, key=f"recycling:{pickup.ref}:{what}")
