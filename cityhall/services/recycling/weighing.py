"""Weighing: what a scale says, once, with its points in the same transaction. Locks: pickup, account, the ledger's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import set_deadline
from cityhall.kernel.devices.models import Device
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.media.storing import Made, keep
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import accounts, collecting, fees, points, tariffs, workflow
from cityhall.services.recycling.models import Account, DropPoint, Weighed, Weighing
from cityhall.services.recycling.planning import DRIVE
from cityhall.services.recycling.rules import contest_until, day_of, months_later, rules
from cityhall.services.recycling.tariffs import Line, Worth
from cityhall.services.recycling.wording import kilograms
from cityhall.services.recycling.wording import points as points_text

SETTLE = "recycling.settle"
OLDEST = timedelta(days=14)
"""A crew's device may have been without a network for so long."""
KIND = "weighing"
"""The kind of message of a scale or machine."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a scale says. `uid` is its own id of it; `pickup` the number of one, or `code` that of an account's card.

    `at` by the scale's clock; `seen` how the resident took part (`Weighing.Seen`), `signature` the name they wrote.
    """

    uid: UUID
    lines: tuple[Line, ...]
    at: datetime
    pickup: int | None = None
    code: str = ""
    seen: str = Weighing.Seen.NOBODY
    signature: str = ""

    def digest(self) -> str:
        """What tells it from another weighing with the same id."""
        lines = sorted((one.material, one.grams, one.quality) for one in self.lines)
        return sha256(orjson.dumps([lines, self.pickup, self.code if self.pickup is None else ""])).hexdigest()


def weigh(actor: Actor, said: Said, *, photo: Made | None = None) -> Weighing:
    """A crew weighs at a door, or an officer at a drop-off point. The same `uid` again is the same weighing.

    Raises Denied, Invalid, Missing, Conflict ("key_used" for an id of another weighing, "wrong_code" where the code
    that was said is not the account's, "pickup_..." where it cannot be weighed any more).
    """
    require(actor, DRIVE)
    source = Weighing.Source.CREW if said.pickup is not None else Weighing.Source.DROP
    return _once(said, actor, source, None, photo)


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
        _once(_read(message, at), actor, source, place, None)


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


def _once(said: Said, actor: Actor, source: str, place: DropPoint | None, photo: Made | None) -> Weighing:
    try:
        with transaction.atomic():
            return _weighed(said, actor, source, place, photo)
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


def _weighed(said: Said, actor: Actor, source: str, place: DropPoint | None, photo: Made | None) -> Weighing:
    pickup = collecting.locked(said.pickup) if said.pickup is not None else None
    account = accounts.locked(pickup.account_id if pickup is not None else _of_card(said.code).pk)
    known = _known(said)
    if known is not None:
        return known
    now = timezone.now()
    at = min(said.at, now)
    if at < now - OLDEST:
        raise Invalid(_("This was weighed too long ago."), code="too_old", field="at", mend=_("Ask an officer."))
    if pickup is not None:
        workflow.after("weigh", pickup.state)
    _check_seen(said, account)
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
        heard_at=now,
        seen=said.seen,
        signature=said.signature.strip()[:100],
        photo=keep(actor, photo, purpose="recycling.weighing") if photo is not None else None,
        zone=pickup.zone if pickup is not None else _zone(place),
    )
    if not Weighing.objects.filter(account=account).exclude(pk=weighing.pk).exists():
        fees.begin(account)
    write_lines(weighing, worth)
    told = {"grams": sum(one.grams for one in worth), "lines": {one.material.key: one.grams for one in worth}}
    append("recycling", "weighed", told | {"source": source}, subject=weighing.ref, actor=str(actor))
    if pickup is not None:
        collecting.step(pickup, "weigh", actor, came_at=at, crew_id=actor.person_id)
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


def _check_seen(said: Said, account: Account) -> None:
    if said.seen not in Weighing.Seen.values:
        raise Invalid(_("Say how the resident took part."), code="bad_seen", field="seen")
    if said.seen == Weighing.Seen.CODE and said.code.strip().upper() != account.code:
        raise Conflict(
            _("This is not the code of their card."), code="wrong_code", field="code", mend=_("Let them read it again.")
        )
    if said.seen == Weighing.Seen.SIGNED and not said.signature.strip():
        raise Invalid(_("Let them write their name."), code="no_signature", field="signature")


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
    for person in accounts.people_of(weighing.account)[:1]:
        send(
            person,
            _("%(weight)s were weighed: %(points)s for you"),
            _("Look whether it is right. You may contest it for %(days)d days."),
            values={"weight": kilograms(grams), "points": points_text(earned), "days": rules().contest_days},
            url=page if weighing.pickup_id is None else f"/recycling/pickups/{weighing.pickup_id}/",
            key=f"recycling:{weighing.ref}",
        )
