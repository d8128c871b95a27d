"""Spending points: on the waste fee, at partner shops, as money on a bank account. Locks: bill, account, the ledger's
accounts of money, those of points."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.models import Kind
from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments import bills, means, payouts
from cityhall.kernel.payments.models import Bill, Intent, Payout
from cityhall.kernel.payments.payout_bank import own_bank
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import accounts, points
from cityhall.services.recycling.models import Account, FeePaid, Offer, PaidOut, Voucher
from cityhall.services.recycling.rules import rules
from cityhall.services.recycling.wording import points as points_text

MEANS = "points"
REDEEM = "recycling.redeem_voucher"
MOST_OF_ONE = 20
RETURNED_WITHIN = timedelta(days=30)
"""How long a shop may take something back."""
FEES, SHOPS, PAYOUTS = "fees", "shops", "payouts"


def _mine(actor: Actor, account: Account) -> Account:
    """The account, locked. Raises Denied for who does not act for it."""
    if not accounts.holds(actor, account):
        raise Denied(_("These are not your points."), code="denied")
    return accounts.locked(account.pk)


def _enough(account: Account, amount: int) -> None:
    """Raises Conflict with what is missing; the ledger refuses it too, whoever races."""
    stands = points.standing(account)
    if stands.debt:
        raise Conflict(
            _("A weight was corrected, and %(points)d points are owed. What you earn next pays them first.")
            % {"points": stands.debt},
            code="debt",
            mend=_("Until then no points can be spent."),
        )
    if stands.balance < amount:
        raise Conflict(
            _("You have %(have)d points; this takes %(needs)d.") % {"have": stands.balance, "needs": amount},
            code="short",
            mend=_("Choose less, or bring more."),
        )


def payable(bill: Bill) -> bool:
    """Whether a bill may be paid with points (a Means' `offered`)."""
    said = rules()
    return bill.service in said.pays and bill.unit == settings.CITY.currency and said.cents_per_100_points > 0


@transaction.atomic
def pay_fee(actor: Actor, account: Account, number: int, amount: int | None, *, key: UUID) -> FeePaid:
    """Pays `amount` of a bill of the actor's with points (None: all that is open, or as much as the points reach).

    Bill and points change in one transaction. The same `key` again is the same payment. Raises Denied, Missing,
    Invalid, Conflict ("short", "debt", "nothing_open").
    """
    bill = bills.locked(number)
    if bill.payer_id is None or bill.payer_id != actor.person_id or not payable(bill):
        raise Missing(_("There is no such bill."), code="no_such_bill")
    mine = _mine(actor, account)
    known = FeePaid.objects.filter(key=key).first()
    if known is not None:
        return known
    if amount is None:
        reach = rules().worth(points.standing(mine).balance)
        amount = min(bill.open, reach) if bill.parts_allowed else bill.open
    # One point at least: who has none is told so, not that nothing is to be paid.
    cost = max(1, rules().points_for(amount))
    _enough(mine, cost)
    intent = means.pay(bill, amount, MEANS, key=key, actor=actor)
    points.spend(points.key("fee", key), mine, cost, on=FEES, subject=bill.ref, actor=actor)
    append("recycling", "fee.paid", {"points": cost, "amount": amount}, subject=bill.ref, actor=str(actor))
    return FeePaid.objects.create(key=key, account=mine, intent=intent, points=cost, at=timezone.now())


def fee_given_back(intent: Intent, amount: int, key: UUID) -> None:
    """So much of a bill that points paid is given back (a Means' `give_back`): the points go back, pro rata."""
    paid = FeePaid.objects.select_related("account").get(intent=intent)
    account = accounts.locked(paid.account_id)
    paid = FeePaid.objects.select_for_update().get(pk=paid.pk)
    fresh = Intent.objects.get(pk=intent.pk)
    back = points.share_back(paid.points, fresh.amount, fresh.given_back, paid.points_back)
    spent = points.key("fee", paid.key)
    who = system("recycling")
    subject = f"bill:{intent.bill_id}"
    points.give_back(points.key("fee back", key), spent, account, back, on=FEES, subject=subject, actor=who)
    paid.points_back += back
    paid.save(update_fields=["points_back"])


@transaction.atomic
def buy(actor: Actor, account: Account, offer: str, count: int, *, key: UUID) -> Voucher:
    """A voucher of a shop for points. The same `key` again is the same voucher. Raises Denied, Invalid, Missing,
    Conflict ("short", "debt", "sold_out")."""
    mine = _mine(actor, account)
    known = Voucher.objects.filter(key=key).first()
    if known is not None:
        if known.account_id != mine.pk:
            raise Conflict(_("This form was sent by somebody else."), code="other_key")
        return known
    if not 0 < count <= MOST_OF_ONE:
        raise Invalid(_("Choose from 1 to %(most)d.") % {"most": MOST_OF_ONE}, code="bad_count", field="count")
    found = Offer.objects.select_related("partner").filter(key=offer, active=True, partner__active=True).first()
    if found is None:
        raise Missing(_("There is no such offer."), code="no_such_offer")
    cost = found.price * count
    _enough(mine, cost)
    left = Offer.objects.filter(pk=found.pk, stock__isnull=False)
    if found.stock is not None and not left.filter(stock__gte=count).update(stock=F("stock") - count):
        raise Conflict(_("There are not so many left."), code="sold_out", mend=_("Choose fewer."))
    made = Voucher.objects.create(
        key=key,
        account=mine,
        person_id=actor.person_id,
        offer=found,
        count=count,
        points=cost,
        made_at=timezone.now(),
    )
    points.spend(points.key("voucher", key), mine, cost, on=SHOPS, subject=made.ref, actor=actor)
    append("recycling", "voucher.made", {"points": cost}, subject=made.ref, actor=str(actor))
    return made


def _voucher(code: str) -> Voucher:
    """A voucher by its code, locked with its account. Raises Missing."""
    found = Voucher.objects.filter(code=code.strip().upper()[:10]).first()
    if found is None:
        raise Missing(_("There is no voucher of this code."), code="no_such_voucher", mend=_("Read it again."))
    accounts.locked(found.account_id)
    return Voucher.objects.select_for_update(of=("self",)).select_related("account", "offer__partner").get(pk=found.pk)


@transaction.atomic
def redeem(actor: Actor, code: str) -> Voucher:
    """A shop takes a voucher, once. Raises Denied for another shop, Missing, Conflict where it was used."""
    mine = _voucher(code)
    require(actor, REDEEM, mine.offer.partner.scope)
    if mine.state != Voucher.State.OPEN:
        raise Conflict(
            _("This voucher is %(state)s.") % {"state": Voucher.State(mine.state).label}, code=f"voucher_{mine.state}"
        )
    mine.state, mine.used_at = Voucher.State.USED, timezone.now()
    mine.save(update_fields=["state", "used_at"])
    append("recycling", "voucher.used", {}, subject=mine.ref, actor=str(actor))
    return mine


@transaction.atomic
def give_back(actor: Actor, code: str, count: int) -> Voucher:
    """Gives back so many of a voucher, with their part of its points: unused by whose it is, after that by the shop.

    Raises Denied, Missing, Invalid for more than there are, Conflict where the days to give back are over.
    """
    mine = _voucher(code)
    own = mine.state == Voucher.State.OPEN and accounts.holds(actor, mine.account)
    if not own:
        require(actor, REDEEM, mine.offer.partner.scope)
    if mine.used_at is not None and timezone.now() > mine.used_at + RETURNED_WITHIN:
        raise Conflict(_("The days to give it back are over."), code="too_late")
    if not 0 < count <= mine.left:
        raise Invalid(_("So many cannot be given back."), code="not_so_many", field="count")
    back = points.share_back(mine.points, mine.count, mine.returned + count, mine.points_back)
    mine.returned += count
    mine.points_back += back
    if not mine.left:
        mine.state = Voucher.State.RETURNED
    mine.save(update_fields=["returned", "points_back", "state"])
    Offer.objects.filter(pk=mine.offer_id, stock__isnull=False).update(stock=F("stock") + count)
    uid = uuid5(mine.key, f"back:{mine.returned}")
    spent = points.key("voucher", mine.key)
    points.give_back(uid, spent, mine.account, back, on=SHOPS, subject=mine.ref, actor=actor)
    append("recycling", "voucher.given_back", {"count": count, "points": back}, subject=mine.ref, actor=str(actor))
    return mine


@transaction.atomic
def pay_out(actor: Actor, account: Account, amount: int, *, name: str, iban: str, key: UUID) -> PaidOut:
    """Points as money to a bank account. The same `key` again is the same payout. Raises Denied, Invalid, Conflict
    where the city has stated no legal basis or there are not so many points."""
    own_bank()
    mine = _mine(actor, account)
    known = PaidOut.objects.filter(key=key).first()
    if known is not None:
        return known
    least = rules().payout_least
    if type(amount) is not int or amount < least or not rules().worth(amount):
        raise Invalid(
            _("Fewer than %(least)d points are not paid out.") % {"least": least}, code="too_few", field="points"
        )
    _enough(mine, amount)
    source = open_account(f"recycling:paid-out:{payouts.EURO}", Kind.EXPENSE, payouts.EURO)
    payout = payouts.make_payout(
        key,
        service="recycling",
        source=source.key,
        amount=rules().worth(amount),
        name=name,
        iban=iban,
        text=str(_("Points for recycling")),
        payee=accounts.person_of(actor),
        about=f"account:{mine.pk}",
        actor=actor,
    )
    points.spend(points.key("payout", key), mine, amount, on=PAYOUTS, subject=payout.ref, actor=actor)
    append("recycling", "points.paid_out", {"points": amount}, subject=payout.ref, actor=str(actor))
    return PaidOut.objects.create(key=key, account=mine, payout=payout, points=amount, at=timezone.now())


def payout_given_up(payout: Payout) -> None:
    """The bank did not take it, and an officer gave it up (a PayoutHook's function): the points are there again."""
    paid = PaidOut.objects.select_related("account").get(payout=payout)
    mine = accounts.locked(paid.account_id)
    spent, who = points.key("payout", paid.key), system("recycling")
    uid = points.key("payout back", paid.key)
    points.give_back(uid, spent, mine, paid.points, on=PAYOUTS, subject=payout.ref, actor=who)
    append("recycling", "points.payout_back", {"points": paid.points}, subject=payout.ref, actor=str(who))
    if payout.payee is not None:
        send(
            payout.payee,
            _("Your points were not paid out"),
            _("The bank did not take the account you gave. You have your %(points)s again."),
            values={"points": points_text(paid.points)},
            url="/recycling/points/",
            key=f"recycling:{payout.ref}:back",
        )


def payouts_open() -> bool:
    """Whether the city pays points out: it has stated on what legal basis, and reckons in euros."""
    from cityhall.kernel.errors import CityhallError

    try:
        own_bank()
    except CityhallError:
        return False
    return bool(settings.CITY.currency == payouts.EURO)
