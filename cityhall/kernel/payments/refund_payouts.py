"""What came by the bank and is given back leaves by the bank: each refund has a payout to the account it came from.

Such a payout takes nothing from an account of the ledger (`source` is ""): the refund itself is booked when the
statement has it. It needs no legal basis of the city's own, as paying out points does: it is the payer's money.
"""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.engines.banking.charset import sepa_text
from cityhall.engines.banking.order_checks import LONGEST_NAME, LONGEST_TEXT
from cityhall.engines.banking.references import iban_fault
from cityhall.kernel.errors import Conflict
from cityhall.kernel.journal import append
from cityhall.kernel.payments.models import BankEntry, Intent, Payout, Refund
from cityhall.kernel.payments.models.payouts import PayoutState
from cityhall.kernel.people.actors import Actor

SERVICE = "payments"
EURO = "EUR"


def make(refund: Refund, account: tuple[str, str] | None = None) -> Payout | None:
    """The payout of a refund that is on its way, once, to the account (name, IBAN) that it came from, or to another.

    None where none is known: then somebody has to tell it (`refund_accounts.py`).
    """
    intent = refund.intent
    name, iban = account or _came_from(intent)
    clean = sepa_text(name, LONGEST_NAME)
    if intent.unit != EURO or not clean or iban_fault(iban):
        return None
    payout, new = Payout.objects.get_or_create(
        key=refund.uid,
        defaults={
            "service": SERVICE,
            "about": refund.ref,
            "payee": intent.bill.payer,
            "name": clean,
            "iban": "".join(iban.split()).upper(),
            "text": sepa_text(f"{intent.bill.reference} {_('given back')}", LONGEST_TEXT),
            "amount": refund.amount,
            "unit": EURO,
            "source": "",
            "end_to_end": refund.uid.hex,
            "made_at": timezone.now(),
        },
    )
    if new:
        told = {"amount": payout.amount, "unit": payout.unit, "batch": None}
        append("payments", "payout.made", told, subject=payout.ref, actor="system:payments")
    return payout


def of_entry(entry: BankEntry) -> Refund | None:
    """The refund on its way whose payout an entry is, also where it was tried again under another id."""
    key = Payout.objects.filter(end_to_end=entry.end_to_end or "-", source="").values_list("key", flat=True).first()
    found = Refund.objects.filter(uid=key, state=Refund.State.SENDING).select_related("intent").first() if key else None
    return found if found is not None and found.amount == -entry.amount else None


def executed(refund: Refund) -> None:
    """The statement has it: its payout, where it has one, is carried out."""
    from cityhall.kernel.payments.payouts import set_state

    payout = Payout.objects.select_for_update(of=("self",)).select_related("batch").filter(key=refund.uid).first()
    if payout is not None and payout.state != PayoutState.EXECUTED:
        set_state(payout, PayoutState.EXECUTED, "", None)


def give_up(payout: Payout, actor: Actor) -> None:
    """What the bank refused is the payer's credit still. Raises Conflict for what came back: it is paid again."""
    from cityhall.kernel.payments.giving_back import failed

    if payout.state == PayoutState.RETURNED:
        raise Conflict(
            _("This is the payer's money, and it has left their bill."),
            code="payers_money",
            mend=_("Ask the payer for another account, and pay it again."),
        )
    failed(Refund.objects.get(uid=payout.key))


def _came_from(intent: Intent) -> tuple[str, str]:
    """(name, IBAN) of the account that a payment came from; by a direct debit, the mandate's."""
    if intent.mandate is not None:
        return intent.mandate.name, intent.mandate.iban
    part = intent.allocations.filter(amount__gt=0).select_related("entry__party").order_by("-pk").first()
    party = getattr(part.entry, "party", None) if part is not None else None
    return (party.name, party.iban) if party is not None else ("", "")
