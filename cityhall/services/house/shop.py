"""The shop: what is bought, fetched and given back. Whoever locks a bill and an order locks the bill first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.house import paying
from cityhall.services.house.models import Item, Line, Order, new_code

HAND_OUT = "house.hand_out"
UNPAID = "house.unpaid_order"
PAY_WITHIN = timedelta(minutes=30)
MOST_OF_ONE = 20
"""So many of one ware on one order."""
STATE = Order.State


def ref(order: Order) -> str:
    """What the journal, deadlines and the bill call it."""
    return f"order:{order.pk}"


@transaction.atomic
def buy(actor: Actor, wanted: Mapping[str, int], *, key: UUID) -> Order:
    """Takes wares off the shelf for whoever asks and makes the bill; they are put back where it is not paid in time.

    The same `key` again is the same order. Raises Denied, Invalid, Conflict where there are not so many left.
    """
    person_id = actor.person_id
    if person_id is None:
        raise Denied(_("Sign in first."), code="denied")
    before = Order.objects.filter(key=key).first()
    if before is not None:
        if before.person_id != person_id:
            raise Conflict(_("This form was sent by somebody else."), code="other_key")
        return before
    counts = {slug: count for slug, count in wanted.items() if count}
    if not counts:
        raise Invalid(_("Nothing was chosen."), code="nothing", field="items", mend=_("Say how many of what."))
    if any(not 0 < count <= MOST_OF_ONE for count in counts.values()):
        raise Invalid(
            _("That is too many."),
            code="too_many",
            field="items",
            mend=_("Choose at most %(most)d of each.") % {"most": MOST_OF_ONE},
        )
    # In one order, so that two orders of the same wares never wait for one another.
    items = {one.slug: one for one in Item.objects.filter(slug__in=counts, active=True).order_by("pk")}
    if len(items) != len(counts):
        raise Missing(_("There is no such thing in the shop."), code="no_such_item", field="items")
    now = timezone.now()
    order = Order(key=key, person_id=person_id, made_at=now, until=now + PAY_WITHIN, code=_fresh_code())
    order.save(force_insert=True)
    for item in items.values():
        _take(item, counts[item.slug])
    lines = [Line(order=order, item=one, count=counts[one.slug], price=one.price) for one in items.values()]
    Line.objects.bulk_create(lines)
    append(
        "house",
        "order.made",
        {"items": {str(one.pk): counts[one.slug] for one in items.values()}},
        subject=ref(order),
        actor=str(actor),
    )
    _bill(actor, order, lines)
    return order


def _fresh_code() -> str:
    """A code that no order has; of a thousand million it is nearly always the first."""
    code = new_code()
    while Order.objects.filter(code=code).exists():
        code = new_code()
    return code


def _take(item: Item, count: int) -> None:
    """Off the shelf: one statement looks and takes, so two people never get the last one. Raises Conflict."""
    if item.stock is None:
        return
    if not Item.objects.filter(pk=item.pk, stock__gte=count).update(stock=F("stock") - count):
        left = Item.objects.values_list("stock", flat=True).get(pk=item.pk) or 0
        raise Conflict(
            _("Of “%(item)s” there are only %(left)d left.") % {"item": item.name, "left": left},
            code="sold_out",
            field="items",
            mend=_("Choose fewer, or come back later."),
        )


def _put_back(order: Order, counts: Mapping[int, int] | None = None) -> None:
    """Back on the shelf: all of an order's wares, or so many by line."""
    for line in order.lines.order_by("item_id"):
        count = line.left if counts is None else counts.get(line.pk, 0)
        if count:
            Item.objects.filter(pk=line.item_id, stock__isnull=False).update(stock=F("stock") + count)


def _bill(actor: Actor, order: Order, lines: list[Line]) -> None:
    total = sum(one.count * one.price for one in lines)
    if not total:
        order.state = STATE.PAID
        order.save(update_fields=["state"])
        return
    order.bill = paying.make(
        actor,
        key=uuid5(order.key, "bill"),
        payer=order.person,
        title=str(_("Shop of City Hall")),
        lines=[(f"{one.count} × {one.item.name}", one.count * one.price) for one in lines if one.price],
        about=ref(order),
    )
    order.save(update_fields=["bill"])
    set_deadline(UNPAID, ref(order), order.until)


def lapse(due: Due) -> None:
    """It was not paid in time (a deadline's action): the bill is withdrawn and the wares can be had again."""
    number = int(due.subject.removeprefix("order:"))
    order = _locked(number)
    if order.state != STATE.OPEN or order.bill is None or order.bill.paid:
        return
    order.state = STATE.VOID
    order.save(update_fields=["state"])
    _put_back(order)
    append("house", "order.lapsed", {}, subject=ref(order), actor=str(system("house")))
    paying.withdraw(order.bill, "not_paid")


def _locked(number: int, *, bill: bool = True) -> Order:
    """An order under its lock and its `bill`'s, the bill's first, unless that is locked already. Raises Missing."""
    if bill:
        paying.locked(Order.objects.filter(pk=number).values_list("bill_id", flat=True).first())
    found = Order.objects.select_for_update(of=("self",)).select_related("bill", "person").filter(pk=number).first()
    if found is None:
        raise Missing(_("There is no such order."), code="no_such_order")
    return found


def paid(number: int) -> None:
    """The bill of an order was paid, in the transaction in which it was; its row is locked."""
    order = _locked(number, bill=False)
    if order.state == STATE.OPEN:
        order.state = STATE.PAID
        order.save(update_fields=["state"])
        clear(UNPAID, ref(order))
        append("house", "order.paid", {}, subject=ref(order), actor=str(system("house")))
        if order.person is not None:
            send(
                order.person,
                _("Your things are ready: code %(code)s"),
                _("Fetch them at City Hall, and say the code there."),
                values={"code": order.code},
                url=f"/house/orders/{order.pk}/",
                key=f"house:order:{order.pk}:paid",
            )


@transaction.atomic
def hand_out(actor: Actor, number: int) -> Order:
    """An officer gives the things to who says the code. Raises Denied, Missing, Conflict."""
    require(actor, HAND_OUT)
    order = _locked(number)
    if order.state != STATE.PAID:
        raise Conflict(_("It cannot be handed out now."), code="not_ready", mend=_("Look at its state."))
    order.state, order.handed_at = STATE.HANDED, timezone.now()
    order.save(update_fields=["state", "handed_at"])
    append("house", "order.handed", {}, subject=ref(order), actor=str(actor))
    return order


@transaction.atomic
def undo_hand_out(actor: Actor, number: int) -> Order:
    """They were not handed out after all. Raises Denied, Missing, Conflict."""
    require(actor, HAND_OUT)
    order = _locked(number)
    if order.state != STATE.HANDED:
        raise Conflict(_("It was not handed out."), code="not_handed")
    order.state, order.handed_at = STATE.PAID, None
    order.save(update_fields=["state", "handed_at"])
    append("house", "order.not_handed", {}, subject=ref(order), actor=str(actor))
    return order


@transaction.atomic
def give_back(actor: Actor, number: int, counts: Mapping[int, int]) -> Order:
    """Takes back so many of each line (by its pk): what was paid for them goes back, and they can be had again.

    Whoever bought them may until they were fetched, an officer after that too. Raises Denied, Missing, Invalid,
    Conflict.
    """
    order = _locked(number)
    own = actor.person_id is not None and order.person_id == actor.person_id and order.state == STATE.PAID
    if not own:
        require(actor, HAND_OUT)
    if order.state not in (STATE.PAID, STATE.HANDED):
        raise Conflict(_("Of this order nothing can be given back."), code="not_returnable")
    lines = {one.pk: one for one in order.lines.select_for_update().order_by("pk")}
    given = {pk: count for pk, count in counts.items() if count}
    if not given or any(pk not in lines or not 0 < count <= lines[pk].left for pk, count in given.items()):
        raise Invalid(_("So many cannot be given back."), code="not_so_many", field="items")
    amount = sum(lines[pk].price * count for pk, count in given.items())
    for pk, count in given.items():
        lines[pk].returned += count
        lines[pk].save(update_fields=["returned"])
    _put_back(order, given)
    if not any(line.left for line in lines.values()):
        order.state = STATE.RETURNED
        order.save(update_fields=["state"])
    returned = sum(line.returned for line in lines.values())
    append("house", "order.given_back", {"amount": amount, "returned": returned}, subject=ref(order), actor=str(actor))
    if order.bill is not None and amount:
        key = uuid5(order.key, f"back:{returned}")
        paying.give_back(order.bill, amount, key=key, reason=gettext_noop("Things given back to the shop"))
    return order
