"""Attempts to pay: begun here, and moved by `heard` alone, whoever brings the news.

Locks go intent, bill, the service's own rows, accounts of the ledger, whoever takes several of them.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.errors import Conflict, Invalid, Missing, Unavailable
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.books import LARGEST
from cityhall.kernel.payments import bills, books, dues, giving_back
from cityhall.kernel.payments.facts import KINDS, ON_ITS_WAY, Heard, Standing, reckon, uid_of
from cityhall.kernel.payments.models import Bill, Fact, Intent, Mandate, State
from cityhall.kernel.payments.providers import Asked, Begun, Silent, provider
from cityhall.kernel.people.actors import Actor, system

ENDS = "payments.ends"
TIME_TO_PAY = timedelta(hours=1)
WAITS = (1, 2, 3, 5, 10, 15, 30, 60)
"""Minutes between questions to a provider about a payment on its way; the last one from then on."""
WAITS_PAID = (60, 6 * 60, 24 * 60, 7 * 24 * 60)
"""The same about one that was paid: it may be given back or charged back, and the message lost."""
ASKED_FOR = timedelta(days=180)
"""How long a paid one is asked about: no card is charged back later."""
log = logging.getLogger("cityhall.payments")


def start(bill: Bill, amount: int | None, provider_slug: str, return_to: str, *, actor: Actor | None = None) -> Intent:
    """Begins to pay `amount` of a bill (None: what is due next) by a provider; the payer goes on at its `url`.

    `return_to` is the path of this city where the payer ends once it is paid. One that was begun for the same and can
    be gone on with is given again. Never in a transaction: a provider is asked, and what it is asked for must be known
    here first. Raises Conflict where nothing is open, Invalid for an amount that cannot be paid, Missing for no such
    provider, Unavailable where it does not answer.
    """
    by = provider(provider_slug)
    if not return_to.startswith("/") or return_to.startswith(("//", "/\\")):
        raise ValueError(f"{return_to!r} is no path of this city")
    intent = _begun(bill, amount, provider_slug, return_to, actor)
    if intent.url:
        return intent
    try:
        begun = by.begin(_asked(intent))
    except Silent as problem:
        log.warning("the provider %s does not answer: %s", provider_slug, problem)
        raise Unavailable(
            _("The payment provider does not answer."),
            code="provider_silent",
            mend=_("Nothing was paid. Try again in a minute, or pay by bank transfer."),
            wait_s=60,
        ) from problem
    return _going(intent.pk, begun)


def collect(bill: Bill, mandate: Mandate) -> Intent | None:
    """Collects what is open on a bill by its mandate, once; None where there is nothing to collect. Raises Silent."""
    with transaction.atomic():
        mine = bills.locked(bill.pk)
        part = dues.next_part(mine) if mine.is_open else None
        if part is None:
            return None
        uid = books.key("collect", mine.key, part[0])
        intent, _made = Intent.objects.get_or_create(
            uid=uid,
            defaults=_new(mine, part[1], mandate.provider, "") | {"mandate": mandate, "expires_at": None},
        )
    if not intent.provider_ref:
        intent = _going(intent.pk, provider(mandate.provider).collect(_asked(intent), mandate.provider_ref))
    return intent


@transaction.atomic
def _begun(bill: Bill, amount: int | None, slug: str, return_to: str, actor: Actor | None) -> Intent:
    mine = bills.locked(bill.pk)
    amount = payable(mine, amount)
    now = timezone.now()
    known = mine.intents.filter(
        provider=slug,
        amount=amount,
        standing__in=(Standing.STARTED, Standing.WAITING),
        expires_at__gt=now + TIME_TO_PAY / 2,
    ).first()
    if known is not None:
        return known
    intent = Intent.objects.create(uid=uuid4(), **_new(mine, amount, slug, return_to))
    set_deadline(ENDS, intent.ref, now + TIME_TO_PAY)
    append(
        "payments",
        "intent.begun",
        {"bill": mine.pk, "amount": amount, "provider": slug},
        subject=intent.ref,
        actor=str(actor or ""),
    )
    return intent


def payable(bill: Bill, amount: int | None) -> int:
    """What of a bill may be paid now: `amount`, or what is due next for None. Raises Conflict, Invalid."""
    part = dues.next_part(bill) if bill.is_open else None
    if part is None:
        raise Conflict(_("Nothing is open on this bill."), code="nothing_open", mend=_("Nothing more is needed."))
    amount = part[1] if amount is None else amount
    if type(amount) is not int or not 0 < amount <= bill.open:
        raise Invalid(_("Not so much is open on this bill."), code="bad_amount", field="amount")
    if amount not in (part[1], bill.open) and not bill.parts_allowed:
        raise Invalid(_("This bill is paid at once."), code="not_in_parts", field="amount")
    return amount


def _new(bill: Bill, amount: int, slug: str, return_to: str) -> dict[str, object]:
    now = timezone.now()
    return {
        "bill": bill,
        "provider": slug,
        "amount": amount,
        "unit": bill.unit,
        "return_to": return_to[:500],
        "made_at": now,
        "expires_at": now + TIME_TO_PAY,
        "ask_at": now + timedelta(minutes=WAITS[0]),
    }


def _asked(intent: Intent) -> Asked:
    bill = intent.bill
    ends = intent.expires_at or intent.made_at + TIME_TO_PAY
    back = f"{settings.PUBLIC_URL}/payments/back/{intent.uid}/"
    return Asked(intent.uid, intent.amount, intent.unit, bill.title, bill.reference, back, ends)


@transaction.atomic
def _going(pk: int, begun: Begun) -> Intent:
    """What the provider answered is kept, unless its message was here first."""
    intent = Intent.objects.select_for_update().get(pk=pk)
    intent.provider_ref = intent.provider_ref or begun.provider_ref
    intent.url = begun.url
    if intent.standing == Standing.STARTED:
        intent.standing = Standing.WAITING if begun.url else Standing.PROCESSING
    intent.save(update_fields=["provider_ref", "url", "standing"])
    return intent


def find(uid: UUID) -> Intent:
    """An intent by our uid. Raises Missing."""
    intent = Intent.objects.select_related("bill").filter(uid=uid).first()
    if intent is None:
        raise Missing(_("There is no such payment."), code="no_such_payment")
    return intent


@transaction.atomic
def heard(provider_slug: str, said: Heard, via: str) -> Intent:
    """Takes what is said of an intent, by a webhook, a poll or a statement (`via`), and books what follows from it.

    A fact that is known already changes nothing, and the order in which facts are heard changes nothing either. Raises
    Missing for an intent nobody began, Invalid for what cannot be so of it; and what the service's hook raises.
    """
    intent = _locked(provider_slug, said)
    now = timezone.now()
    if said.unit and said.unit != intent.unit:
        raise Invalid(_("It was paid in another currency than the bill's."), code="other_unit", field="unit")
    for one in said.facts:
        if one.kind not in KINDS or not 0 <= one.amount <= LARGEST or not one.id:
            raise Invalid(_("This cannot be so of a payment."), code="bad_fact", field="kind")
    new = [
        Fact(
            intent=intent,
            kind=one.kind,
            fact_id=one.id[:200],
            amount=one.amount,
            at=one.at,
            via=via,
            heard_at=now,
        )
        for one in said.facts
    ]
    known = set(intent.facts.values_list("kind", "fact_id"))
    fresh = list({(one.kind, one.fact_id): one for one in new if (one.kind, one.fact_id) not in known}.values())
    if said.provider_ref and not intent.provider_ref:
        intent.provider_ref = said.provider_ref
    elif said.provider_ref and said.provider_ref != intent.provider_ref:
        intent.also_ref = said.provider_ref
    Fact.objects.bulk_create(fresh)
    _move(intent, fresh, {one.id: one.key for one in said.facts if one.key}, via, now)
    return intent


def _locked(provider_slug: str, said: Heard) -> Intent:
    intents = Intent.objects.select_for_update(no_key=True).filter(provider=provider_slug)
    uid = uid_of(said.uid)
    intent = intents.filter(uid=uid).first() if uid else None
    if intent is None and said.provider_ref:
        intent = intents.filter(Q(provider_ref=said.provider_ref) | Q(also_ref=said.provider_ref)).first()
    if intent is None:
        raise Missing(_("There is no such payment."), code="no_such_payment")
    return intent


def _move(intent: Intent, fresh: list[Fact], keys: dict[str, str], via: str, now: datetime) -> None:
    """What follows from its facts now is written, and the difference to before booked on its bill."""
    before_net, before_fees, before_standing = intent.net, intent.fees, intent.standing
    facts = list(intent.facts.all())
    reckoned = reckon(facts)
    intent.captured, intent.given_back = reckoned.captured, reckoned.given_back
    intent.disputed, intent.fees = reckoned.disputed, reckoned.fees
    intent.standing = reckoned.standing if facts else before_standing
    waived = giving_back.follow(intent, facts, keys)
    _ask_again(intent, now, told=bool(fresh))
    intent.save()
    if intent.standing not in ON_ITS_WAY:
        clear(ENDS, intent.ref)
    paid, fee = intent.net - before_net, intent.fees - before_fees
    if not (fresh or waived):
        return
    told = {"to": intent.standing, "net": intent.net, "via": via, "facts": sorted({one.kind for one in fresh})}
    append("payments", "intent.heard", told, subject=intent.ref, actor=str(system("payments")))
    if paid or fee or waived:
        bill = bills.locked(intent.bill_id)
        bills.settle(
            bill,
            # Facts are only added, and a refund is done or fails by one of them.
            books.key("facts", intent.uid, len(facts), waived),
            "payments.paid" if paid > 0 else "payments.returned" if paid < 0 else "payments.settled",
            paid=paid,
            owed=_owed(bill, waived),
            fee=fee,
            provider=intent.provider,
            actor=system("payments"),
        )


def _owed(bill: Bill, waived: int) -> int:
    """What a refund that waives so much (below zero: has failed after all) changes in what is owed."""
    if bill.state == State.VOID:
        return 0
    return -min(waived, bill.owed) if waived > 0 else min(-waived, bill.amount - bill.owed)


def _ask_again(intent: Intent, now: datetime, *, told: bool) -> None:
    """When the provider is asked next; never the bank or the city itself, and nothing that is over without money."""
    if intent.provider == books.BANK or books.is_means(intent.provider):
        intent.ask_at = None
    elif intent.standing in ON_ITS_WAY:
        intent.asked = 0 if told else intent.asked + 1
        intent.ask_at = now + timedelta(minutes=WAITS[min(intent.asked, len(WAITS) - 1)])
    elif intent.captured and now - intent.made_at < ASKED_FOR:
        intent.asked = 0 if told else intent.asked + 1
        intent.ask_at = now + timedelta(minutes=WAITS_PAID[min(intent.asked, len(WAITS_PAID) - 1)])
    else:
        intent.ask_at = None
