"""Settlements: what the city owes its partner shops for the vouchers that they took, by the ledger's own entries.

One officer draws a shop's settlement up, another releases it; the bank pays it where the city pays out and knows the
shop's account, else it is told as paid with its reference. Locks: partner, settlement, then the ledger's accounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.models import Entry, Kind
from cityhall.kernel.payments import payouts
from cityhall.kernel.payments.models import Payout
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import points, spending
from cityhall.services.recycling.models import Partner, Settlement, SettlementLine, Voucher
from cityhall.services.recycling.rules import day_of, rules, today
from cityhall.services.recycling.spending import RETURNED_WITHIN

DRAW, RELEASE = "recycling.draw_settlement", "recycling.release_settlement"
State, LineKind = Settlement.State, SettlementLine.Kind
SPENT = "recycling:spent:shops"
"""The ledger's account on which points for shops are, and from which they go back."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A thing to be settled: `key` is the voucher's or the posting's own; points above zero are owed to the shop."""

    key: UUID
    voucher: int
    kind: str
    at: datetime
    points: int


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def after(month: date) -> date:
    """The first day of the next month."""
    return month_of(month.replace(day=28) + timedelta(days=4))


def last_month() -> date:
    """The month that is over."""
    return month_of(month_of(today()) - timedelta(days=1))


def owed(partner: Partner, month: date) -> list[Owed]:
    """What a shop took and was brought back until the end of a month, and is in no settlement yet, in its order."""
    end = datetime.combine(after(month), datetime.min.time(), settings.CITY.zone)
    used = Voucher.objects.filter(offer__partner=partner, used_at__lt=end)
    last = partner.settlements.exclude(state=State.WITHDRAWN).order_by("-month").first()
    if last is not None:
        # What was used long before the last settlement is in one, and cannot be brought back any more.
        begin = datetime.combine(after(last.month), datetime.min.time(), settings.CITY.zone)
        used = used.filter(used_at__gte=begin - RETURNED_WITHIN - timedelta(days=1))
    vouchers = {one.ref: one for one in used}
    known = set(SettlementLine.objects.filter(settlement__partner=partner).values_list("key", flat=True))
    found = [one for one in _lines(vouchers, end) if one.key not in known and one.points]
    return sorted(found, key=lambda one: (one.at, one.key))


def _lines(vouchers: dict[str, Voucher], end: datetime) -> Iterator[Owed]:
    until = Q(amount__lt=0) | Q(at__lt=end)
    entries = Entry.objects.filter(until, account__key=SPENT, posting__subject__in=list(vouchers))
    before = dict.fromkeys(vouchers, 0)
    for entry in entries.select_related("posting").order_by("at", "pk"):
        voucher = vouchers[entry.posting.subject]
        assert voucher.used_at is not None
        # Credited is what bought it; debited before it was used is what its owner gave back of it.
        if entry.amount < 0 or entry.at <= voucher.used_at:
            before[voucher.ref] -= entry.amount
        else:
            yield Owed(entry.posting_id, voucher.pk, LineKind.BACK, entry.at, -entry.amount)
    for ref, amount in before.items():
        voucher = vouchers[ref]
        assert voucher.used_at is not None
        yield Owed(voucher.key, voucher.pk, LineKind.USED, voucher.used_at, amount)


@transaction.atomic
def draw_up(actor: Actor, partner: str, month: date) -> Settlement:
    """Draws up what a shop (its key) is owed until the end of a month that is over.

    Raises Denied, Missing, Invalid for a month that is not over, Conflict where it is there already, or nothing is owed
    or nothing that has a worth.
    """
    require(actor, DRAW)
    mine = Partner.objects.select_for_update().filter(key=partner).first()
    if mine is None:
        raise Missing(_("There is no such shop."), code="no_such_partner", field="partner")
    month = month_of(month)
    if after(month) > today():
        raise Invalid(_("This month is not over yet."), code="not_over", field="month", mend=_("Choose one before."))
    if mine.settlements.filter(month=month).exclude(state=State.WITHDRAWN).exists():
        raise Conflict(_("This shop's month is settled already."), code="settled")
    lines = owed(mine, month)
    carries = list(mine.settlements.filter(state=State.CARRIED, into=None))
    if not lines:
        raise Conflict(_("Nothing is owed to this shop."), code="nothing_owed")
    total = sum(one.points for one in lines)
    if total > 0 and _worth(total) == 0:
        raise Conflict(
            _("What is owed is worth nothing."),
            code="worth_nothing",
            mend=_("Say in the city's file what points are worth; a sum this small waits for the next month."),
        )
    carried = sum(one.amount for one in carries)
    amount = _worth(total) + carried
    made = Settlement.objects.create(
        partner=mine,
        month=month,
        state=State.DRAWN if amount > 0 else State.CARRIED,
        points=total,
        carried=carried,
        amount=amount,
        unit=settings.CITY.currency,
        drawn_by_id=actor.person_id,
        drawn_at=timezone.now(),
    )
    SettlementLine.objects.bulk_create(
        SettlementLine(
            settlement=made, key=one.key, voucher_id=one.voucher, kind=one.kind, at=one.at, points=one.points
        )
        for one in lines
    )
    Settlement.objects.filter(pk__in=[one.pk for one in carries]).update(into=made)
    _journal(made, "drawn", actor, lines=len(lines), points=total)
    return made


def _worth(amount: int) -> int:
    """What points are worth, rounded once on the sum, and towards zero where more came back than was used."""
    return rules().worth(amount) if amount >= 0 else -rules().worth(-amount)


@transaction.atomic
def release(actor: Actor, number: int) -> Settlement:
    """Another officer releases it: the bank pays it, or somebody does and says so. Released again it stays as it is.

    Raises Denied also for who drew it up, Missing, Conflict for one that does not wait.
    """
    require(actor, RELEASE)
    mine = _locked(number)
    if mine.state in (State.RELEASED, State.PAID):
        return mine
    _in_state(mine, State.DRAWN)
    if actor.person_id is None or mine.drawn_by_id == actor.person_id:
        raise Denied(_("You drew it up: another officer has to release it."), code="own")
    mine.state, mine.released_by_id, mine.released_at = State.RELEASED, actor.person_id, timezone.now()
    if mine.partner.iban and spending.payouts_open():
        mine.payout = _payout(mine, actor)
    mine.save()
    _journal(mine, "released", actor, payout=mine.payout_id)
    return mine


def _payout(mine: Settlement, actor: Actor) -> Payout:
    source = open_account(f"recycling:shops-paid:{payouts.EURO}", Kind.EXPENSE, payouts.EURO)
    return payouts.make_payout(
        points.key("settlement", mine.pk),
        service="recycling",
        source=source.key,
        amount=mine.amount,
        name=mine.partner.account_name or mine.partner.name,
        iban=mine.partner.iban,
        text=str(_("Vouchers until %(month)s") % {"month": f"{mine.month:%Y-%m}"}),
        about=mine.ref,
        actor=actor,
    )


@transaction.atomic
def paid(actor: Actor, number: int, day: date | None, reference: str) -> Settlement:
    """Says that a released settlement was paid by other ways than the bank's file, on a day, under a reference.

    Raises Denied, Missing, Invalid, Conflict for one that the bank pays or that does not wait for it.
    """
    require(actor, RELEASE)
    mine = _locked(number)
    _in_state(mine, State.RELEASED)
    if mine.payout is not None:
        raise Conflict(_("The bank pays this one: its statement says when."), code="by_bank")
    if day is None or not day_of(mine.drawn_at) <= day <= today():
        raise Invalid(_("Say on which day it was paid."), code="bad_day", field="day")
    if not reference.strip():
        raise Invalid(_("Say by which reference it was paid."), code="no_reference", field="reference")
    mine.state, mine.paid_on, mine.reference = State.PAID, day, reference.strip()[:140]
    mine.save()
    _journal(mine, "paid", actor)
    return mine


@transaction.atomic
def withdraw(actor: Actor, number: int, why: str) -> Settlement:
    """Takes back a settlement that nobody has released: what is in it waits again. Of a shop only the latest.

    Raises Denied, Missing, Invalid without a reason, Conflict.
    """
    require(actor, DRAW)
    mine = _locked(number)
    if mine.state != State.CARRIED or mine.into_id is not None:
        _in_state(mine, State.DRAWN)
    if mine.partner.settlements.exclude(state=State.WITHDRAWN).filter(month__gt=mine.month).exists():
        raise Conflict(_("A later one of this shop is there already."), code="not_latest")
    if not why.strip():
        raise Invalid(_("Say why."), code="no_reason", field="why")
    mine.lines.all().delete()
    mine.carries.update(into=None)
    mine.state, mine.why = State.WITHDRAWN, why.strip()[:500]
    mine.save()
    _journal(mine, "withdrawn", actor)
    return mine


def payout_given_up(payout: Payout) -> None:
    """A payout of ours that an officer gave up (a PayoutHook's function): a shop's is paid otherwise, a resident has
    their points again."""
    mine = Settlement.objects.select_for_update().filter(payout=payout).first()
    if mine is None:
        spending.payout_given_up(payout)
        return
    mine.payout = None
    mine.save(update_fields=["payout"])
    _journal(mine, "not_paid", system("recycling"), payout=payout.pk)


def open_amounts(month: date) -> list[tuple[Partner, int, int]]:
    """(shop, points, what they are worth) that are in no settlement until the end of a month."""
    found = []
    for one in Partner.objects.order_by("key"):
        lines = owed(one, month)
        total = sum(line.points for line in lines)
        if lines:
            found.append((one, total, _worth(total)))
    return found


def find(actor: Actor, number: int) -> Settlement:
    """One settlement. Raises Denied, Missing."""
    require(actor, DRAW)
    related = ("partner", "drawn_by", "released_by", "payout", "into")
    found = Settlement.objects.select_related(*related).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise Missing(_("There is no such settlement."), code="no_such_settlement")
    return found


def owed_to_shops() -> int:
    """What was drawn up or released and is not told as paid, in the smallest part of the currency."""
    waits = Settlement.objects.filter(state__in=(State.DRAWN, State.RELEASED)).exclude(payout__state="executed")
    return int(waits.aggregate(all=Sum("amount"))["all"] or 0)


def _locked(number: int) -> Settlement:
    found = Settlement.objects.filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise Missing(_("There is no such settlement."), code="no_such_settlement")
    Partner.objects.select_for_update().get(pk=found.partner_id)
    return Settlement.objects.select_for_update(of=("self",)).select_related("partner", "payout").get(pk=number)


def _in_state(mine: Settlement, state: Settlement.State) -> None:
    if mine.state != state:
        raise Conflict(
            _("This cannot be done any more: the settlement is %(state)s.") % {"state": State(mine.state).label},
            code=f"settlement_{mine.state}",
            mend=_("Load the page again to see how it stands."),
        )


def _journal(mine: Settlement, what: str, actor: Actor, **told: Any) -> None:
    said = {"partner": mine.partner.key, "month": f"{mine.month:%Y-%m}", "amount": mine.amount, **told}
    append("recycling", f"settlement.{what}", said, subject=mine.ref, actor=str(actor))
