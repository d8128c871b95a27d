"""Material that is sold or lost, what of each is there, and what collecting costs. What was wrong is reversed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling.models import Cost, Leaving, Material, Quality, Weighed
from cityhall.services.recycling.rules import today

SELL, ENTER = "recycling.sell_material", "recycling.enter_costs"
MOST_GRAMS = 10**12
MOST_AMOUNT = 10**13
_Entry = TypeVar("_Entry", Leaving, Cost)


@dataclass(frozen=True, slots=True)
class Sold:
    """What an officer says that left: `grams`, and of a sale the `amount` in the smallest part of the currency, the
    `buyer` and the number of the `document`; of a loss `why`."""

    material: str
    grams: int
    day: date
    amount: int = 0
    buyer: str = ""
    document: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stock:
    """Of one material, in grams: `left` may be below zero where more was told to have left than was collected."""

    material: Material
    collected: int
    sold: int
    lost: int

    @property
    def left(self) -> int:
        return self.collected - self.sold - self.lost


@transaction.atomic
def sell(actor: Actor, said: Sold, *, key: UUID) -> Leaving:
    """Material was sold to a recycler. The same `key` again is the same sale. Raises Denied, Invalid, Missing."""
    require(actor, SELL)
    if not said.buyer.strip() or not said.document.strip():
        raise Invalid(_("Say to whom it was sold, and the number of the document."), code="no_buyer", field="buyer")
    if not 0 <= said.amount <= MOST_AMOUNT:
        raise Invalid(_("This is no amount."), code="bad_amount", field="amount", mend=_("Write it in figures."))
    return _left(actor, Leaving.Kind.SOLD, said, key)


@transaction.atomic
def lose(actor: Actor, said: Sold, *, key: UUID) -> Leaving:
    """Material was lost or thrown away. The same `key` again is the same loss. Raises Denied, Invalid, Missing."""
    require(actor, SELL)
    if not said.why.strip():
        raise Invalid(_("Say why."), code="no_reason", field="why")
    return _left(actor, Leaving.Kind.LOST, said, key)


def _left(actor: Actor, kind: Leaving.Kind, said: Sold, key: UUID) -> Leaving:
    material = Material.objects.filter(key=said.material).first()
    if material is None:
        raise Missing(_("There is no such material."), code="no_such_material", field="material")
    if not 0 < said.grams <= MOST_GRAMS:
        raise Invalid(_("This is no weight."), code="bad_weight", field="kg", mend=_("Write kilograms, as 3.25."))
    _check_day(said.day)
    made, new = Leaving.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "material": material,
            "grams": said.grams,
            "amount": said.amount,
            "unit": settings.CITY.currency,
            "buyer": said.buyer.strip()[:150],
            "document": said.document.strip()[:60],
            "day": said.day,
            "why": said.why.strip()[:300],
            "person_id": actor.person_id,
            "at": timezone.now(),
        },
    )
    before = (made.kind, made.material_id, made.grams, made.amount, made.day)
    _check_same(before, (kind, material.pk, said.grams, said.amount, said.day))
    if new:
        told = {"material": material.key, "grams": said.grams, "amount": said.amount}
        append("recycling", f"material.{kind}", told, subject=made.ref, actor=str(actor))
    return made


@transaction.atomic
def reverse(actor: Actor, number: int, why: str) -> Leaving:
    """Puts a sale or a loss right by its opposite, once. Raises Denied, Missing, Invalid without a reason, Conflict."""
    require(actor, SELL)
    mine = _standing(Leaving, number)
    if not why.strip():
        raise Invalid(_("Say why."), code="no_reason", field="why")
    made = Leaving.objects.create(
        key=uuid5(mine.key, "reversed"),
        kind=mine.kind,
        material=mine.material,
        grams=-mine.grams,
        amount=-mine.amount,
        unit=mine.unit,
        buyer=mine.buyer,
        document=mine.document,
        day=mine.day,
        why=why.strip()[:300],
        person_id=actor.person_id,
        at=timezone.now(),
        reverses=mine,
    )
    append("recycling", "material.reversed", {"of": mine.ref}, subject=made.ref, actor=str(actor))
    return made


def in_store() -> list[Stock]:
    """What of each material is there, of all that was ever told; what was spoiled never came into the store."""
    came = Weighed.objects.filter(valid=True).exclude(quality=Quality.SPOILED).values("material")
    collected = dict(came.annotate(all=Sum("grams")).values_list("material", "all"))
    gone = {
        (material, kind): grams
        for material, kind, grams in Leaving.objects.values("material", "kind")
        .annotate(all=Sum("grams"))
        .values_list("material", "kind", "all")
    }
    return [
        Stock(
            one,
            collected.get(one.pk, 0),
            gone.get((one.pk, Leaving.Kind.SOLD), 0),
            gone.get((one.pk, Leaving.Kind.LOST), 0),
        )
        for one in Material.objects.all()
        if one.active or one.pk in collected
    ]


def revenue(since: date, until: date) -> int:
    """What sales from `since` to `until` (both days with it) brought, in the smallest part of the currency."""
    return _summed(Leaving.objects.filter(day__gte=since, day__lte=until))


def costs(since: date, until: date) -> int:
    """The same of what collecting cost."""
    return _summed(Cost.objects.filter(day__gte=since, day__lte=until))


def _summed(rows: QuerySet[Leaving] | QuerySet[Cost]) -> int:
    return int(rows.filter(unit=settings.CITY.currency).aggregate(all=Sum("amount"))["all"] or 0)


@transaction.atomic
def enter_cost(actor: Actor, what: str, day: date, amount: int, note: str, *, key: UUID) -> Cost:
    """Says what collecting cost on a day. The same `key` again is the same entry. Raises Denied, Invalid."""
    require(actor, ENTER)
    if what not in Cost.What.values:
        raise Invalid(_("Say for what it was."), code="bad_what", field="what")
    if not 0 < amount <= MOST_AMOUNT:
        raise Invalid(_("This is no amount."), code="bad_amount", field="amount", mend=_("Write it in figures."))
    _check_day(day)
    made, new = Cost.objects.get_or_create(
        key=key,
        defaults={
            "what": what,
            "day": day,
            "amount": amount,
            "unit": settings.CITY.currency,
            "note": note.strip()[:200],
            "person_id": actor.person_id,
            "at": timezone.now(),
        },
    )
    _check_same((made.what, made.day, made.amount), (what, day, amount))
    if new:
        append("recycling", "cost.entered", {"what": what, "amount": amount}, subject=made.ref, actor=str(actor))
    return made


@transaction.atomic
def reverse_cost(actor: Actor, number: int) -> Cost:
    """Puts a cost right by its opposite, once. Raises Denied, Missing, Conflict."""
    require(actor, ENTER)
    mine = _standing(Cost, number)
    made = Cost.objects.create(
        key=uuid5(mine.key, "reversed"),
        what=mine.what,
        day=mine.day,
        amount=-mine.amount,
        unit=mine.unit,
        note=mine.note,
        person_id=actor.person_id,
        at=timezone.now(),
        reverses=mine,
    )
    append("recycling", "cost.reversed", {"of": mine.ref}, subject=made.ref, actor=str(actor))
    return made


def stands(one: Leaving | Cost) -> bool:
    """Whether an entry reverses none and was not reversed: only such a one may be."""
    return one.reverses_id is None and not hasattr(one, "reversal")


def _standing(model: type[_Entry], number: int) -> _Entry:
    mine = model._default_manager.select_for_update().filter(pk=number).first() if number < 2**63 else None
    if mine is None:
        raise Missing(_("There is no such entry."), code="no_such_entry")
    if not stands(mine):
        raise Conflict(_("This was reversed already."), code="reversed")
    return mine


def _check_day(day: date) -> None:
    if day > today():
        raise Invalid(_("This day has not come yet."), code="bad_day", field="day")


def _check_same(before: tuple[object, ...], now: tuple[object, ...]) -> None:
    """What has a form's key is what the form says now."""
    if before != now:
        raise Conflict(
            _("This form was entered before, with something else in it."),
            code="key_used",
            mend=_("Load the page again."),
        )
