"""Weighing: what a scale says, once, with its points in the same transaction. Locks: pickup, account, the ledger's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import set_deadline
from cityhall.kernel.devices.models import Device
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.media.models import Media
from cityhall.kernel.media.storing import Made, keep
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import accounts, collecting, fees, points, showing, tariffs, workflow
from cityhall.services.recycling.models import Account, DropPoint, Pickup, Weighed, Weighing
from cityhall.services.recycling.planning import DRIVE
from cityhall.services.recycling.rules import contest_until, day_of, months_later, rules
from cityhall.services.recycling.tariffs import Line, Worth
from cityhall.services.recycling.wording import kilograms
from cityhall.services.recycling.wording import points as points_text

SETTLE = "recycling.settle"
KIND = "weighing"
"""The kind of message of a scale or machine."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a scale says. `uid` is its own id of it; `pickup` the number of one, or `code` that of an account's card.

    `at` by the device's clock; `seen` how the resident took part (`Weighing.Seen`), `signature` the name they wrote;
    `scale` the name of the scale that was connected, "" where the weight was typed. `pictures` are what stands for the
    photo and the drawn signature: their digests, "" for none.
    """

    uid: UUID
    lines: tuple[Line, ...]
    at: datetime
    pickup: int | None = None
    code: str = ""
    seen: str = Weighing.Seen.NOBODY
    signature: str = ""
    scale: str = ""
    pictures: tuple[str, str] = ("", "")

    def digest(self) -> str:
        """What tells it from another weighing with the same id."""
        lines = sorted((one.material, one.grams, one.quality) for one in self.lines)
        shown = [self.seen, showing.tidy(self.code), self.signature.strip(), self.scale]
        return sha256(orjson.dumps([lines, self.pickup, shown, self.pictures])).hexdigest()


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is kept with a weighing: a photo of the scale, and the signature as it was drawn."""

    photo: Made | None = None
    drawn: Made | None = None

    @property
    def digests(self) -> tuple[str, str]:
        """What stands for them in the digest of the weighing."""
        return (self.photo.digest if self.photo else "", self.drawn.digest if self.drawn else "")


def weigh(actor: Actor, said: Said, *, pictures: Pictures | None = None) -> Weighing:
    """A crew weighs at a door, or an officer at a drop-off point. The same `uid` again is the same weighing.

    A code that is not theirs keeps no weight out: the weighing is taken, marked, and the resident is told. Raises
    Denied, Invalid, Missing, Conflict ("key_used" for an id of another weighing, "pickup_..." where it cannot be
    weighed any more).
    """
    require(actor, DRIVE)
    shown = pictures or Pictures()
    source = Weighing.Source.CREW if said.pickup is not None else Weighing.Source.DROP
    return _once(replace(said, pictures=shown.digests), actor, source, None, shown)


def by_device(device: Device, messages: Sequence[dict[str, Any]], at: datetime) -> None:
    """What machines and scales at drop-off points send, signed (a Door's action). Raises Invalid, Missing, Conflict.

    {"kind": "weighing", "id": UUID, "code": of a card, "lines": [{"material", "grams"}], "at": ISO 8601 or left out}
    """
    place = DropPoint.objects.filter(device=device.public_id, active=True).first()
    if place is None:
        raise Missing(_("This device stands at no drop-off point."), code="no_such_place")
    source = Weighing.Source.MACHINE if place.machine else Weighing.Source.DROP
    actor = Actor("device", device.public_id)
    for message in messages:
        _once(_read(message, at), actor, source, place, Pictures())


def _read(message: dict[str, Any], at: datetime) -> Said:
    try:
        lines = tuple(
            Line(str(one["material"]), one["grams"], str(one.get("quality", "clean"))) for one in message["lines"]
        )
        when = datetime.fromisoformat(message["at"]) if message.get("at") else at
        if when.tzinfo is None or any(type(line.grams) is not int for line in lines):
            raise ValueError("a moment without its zone, or no whole grams")
        return Said(UUID(str(message["id"])), lines, when, code=str(message["code"]), seen=Weighing.Seen.CODE)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Invalid(_("This is no weighing."), code="bad_message", field="lines") from problem


def _once(said: Said, actor: Actor, source: str, place: DropPoint | None, shown: Pictures) -> Weighing:
    try:
        with transaction.atomic():
            return _weighed(said, actor, source, place, shown)
    except IntegrityError:
        # Two who sent it at one moment, for two accounts: one of them was first.
        known = _known(said)
        if known is None:
            raise
        return known


def _known(said: Said) -> Weighing | None:
    known = Weighing.objects.filter(uid=said.uid).first()
    if known is not None and known.digest != said.digest():
        raise Conflict(_("Another weighing has this id."), code="key_used", field="id")
    return known


def _weighed(said: Said, actor: Actor, source: str, place: DropPoint | None, shown: Pictures) -> Weighing:
    pickup = collecting.locked(said.pickup) if said.pickup is not None else None
    account = accounts.locked(pickup.account_id if pickup is not None else _of_card(said.code).pk)
    known = _known(said)
    if known is not None:
        return known
    if accounts.holds(actor, account):
        raise Denied(
            _("These points would be your own."), code="own", mend=_("Somebody else of the crew has to weigh this.")
        )
    now = timezone.now()
    # A clock that is wrong loses nothing: what it told is kept, and the points are those of today.
    at = collecting.likely(said.at, pickup.asked_at if pickup is not None else now - collecting.OLDEST)
    if pickup is not None:
        workflow.after("weigh", pickup.state)
    seen = _seen(said, account, pickup)
    worth = tariffs.reckon(said.lines, day_of(at))
    weighing = Weighing.objects.create(
        uid=said.uid,
        digest=said.digest(),
        source=source,
        pickup=pickup,
        account=account,
        place=place,
        person_id=actor.person_id,
        at=at,
        told_at=said.at,
        heard_at=now,
        seen=seen,
        signature=said.signature.strip()[:100],
        photo=_kept(shown.photo, "recycling.weighing"),
        drawn=_kept(shown.drawn, "recycling.signature"),
        scale=said.scale.strip()[:80],
        zone=pickup.zone if pickup is not None else _zone(place),
    )
    if not Weighing.objects.filter(account=account).exclude(pk=weighing.pk).exists():
        fees.begin(account)
    write_lines(weighing, worth)
    told = {"grams": sum(one.grams for one in worth), "lines": {one.material.key: one.grams for one in worth}}
    append("recycling", "weighed", told | {"source": source, "seen": seen}, subject=weighing.ref, actor=str(actor))
    if pickup is not None:
        collecting.step(pickup, "weigh", actor, came_at=pickup.came_at or at, crew_id=actor.person_id)
        set_deadline(SETTLE, pickup.ref, contest_until(now))
    earn(weighing, worth, actor)
    _tell(weighing, worth)
    return weighing


def _of_card(code: str) -> Account:
    found = Account.objects.filter(code=code.strip().upper()[:8]).first()
    if found is None:
        raise Missing(
            _("There is no card of this code."),
            code="no_such_card",
            field="code",
            mend=_("Read it again, sign by sign."),
        )
    return found


def _zone(place: DropPoint | None) -> str:
    from cityhall.services.recycling.planning import zone_of

    return zone_of(place.point) if place is not None else ""


def _kept(one: Made | None, purpose: str) -> Media | None:
    """A picture is the city's proof, not a file of who weighed: it goes with the weighing, and fills nobody's room."""
    return keep(system("recycling"), one, purpose=purpose) if one is not None else None


def _seen(said: Said, account: Account, pickup: Pickup | None) -> str:
    """How the resident took part, as far as it is proved. Raises Invalid."""
    if said.seen not in (Weighing.Seen.CODE, Weighing.Seen.SIGNED, Weighing.Seen.NOBODY):
        raise Invalid(_("Say how the resident took part."), code="bad_seen", field="seen")
    if said.seen == Weighing.Seen.CODE and pickup is not None and not showing.is_theirs(said.code, pickup, account):
        return Weighing.Seen.OTHER
    if said.seen == Weighing.Seen.SIGNED and not said.signature.strip() and not said.pictures[1]:
        raise Invalid(_("Let them sign."), code="no_signature", field="signature")
    return said.seen


def write_lines(weighing: Weighing, worth: Sequence[Worth]) -> None:
    """The lines of a weighing, or of its correction."""
    Weighed.objects.bulk_create(
        Weighed(
            weighing=weighing,
            material=one.material,
            grams=one.grams,
            quality=one.quality,
            base=one.base,
            bonus=one.bonus,
        )
        for one in worth
    )


def earn(weighing: Weighing, worth: Sequence[Worth], actor: Actor, turn: str = "") -> None:
    """The points of a weighing, once: the tariff's and the campaigns' are told apart by the origin of their lots."""
    until = months_later(day_of(weighing.at), rules().expire_months)
    for origin, amount in (
        (points.EARNED, sum(one.base for one in worth)),
        (points.BONUS, sum(one.bonus for one in worth)),
    ):
        uid = points.key(weighing.uid, origin, turn)
        points.earn(uid, weighing.account, amount, origin=origin, until=until, subject=weighing.ref, actor=actor)


def _tell(weighing: Weighing, worth: Sequence[Worth]) -> None:
    grams, earned = sum(one.grams for one in worth), sum(one.base + one.bonus for one in worth)
    page = f"/recycling/weighings/{weighing.uid}/"
    body = _("Look whether it is right. You may contest it for %(days)d days.")
    if weighing.seen == Weighing.Seen.OTHER:
        body = _("The code that was given at the door is not yours. You may contest the weight for %(days)d days.")
    for person in accounts.people_of(weighing.account)[:1]:
        send(
            person,
            _("%(weight)s were weighed: %(points)s for you"),
            body,
            values={"weight": kilograms(grams), "points": points_text(earned), "days": rules().contest_days},
            url=page if weighing.pickup_id is None else f"/recycling/pickups/{weighing.pickup_id}/",
            key=f"recycling:{weighing.ref}",
        )
