"""To which account a refund goes of which the bank has not said where it came from: told by one, agreed to by another.

An officer tells it, or who paid does on the bill's page; an officer who is another person agrees, and from then on it
is a payout like all others. Until then it can be told anew.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.charset import sepa_text
from cityhall.engines.banking.order_checks import LONGEST_NAME
from cityhall.engines.banking.references import iban_fault
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments import books, refund_payouts
from cityhall.kernel.payments.giving_back import APPROVE, REFUND
from cityhall.kernel.payments.models import Payout, Refund, RefundAccount
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require


def without() -> QuerySet[Refund]:
    """Refunds by the bank that wait because nobody has said, and an officer agreed, where they go; the oldest first."""
    paid_out = Payout.objects.filter(key=OuterRef("uid"))
    found = Refund.objects.filter(~Exists(paid_out), state=Refund.State.SENDING, intent__provider=books.BANK)
    return found.select_related("intent__bill__payer", "account__given_by").order_by("made_at", "pk")


@transaction.atomic
def give(actor: Actor, refund: Refund, name: str, iban: str) -> RefundAccount:
    """Says to which account a refund goes, or says it anew: an officer, or the payer of its bill.

    Raises Denied, Conflict where it waits for none or leaves by no file, Invalid for a number or name that is none.
    """
    mine = _locked(refund)
    if actor.person_id is None or actor.person_id != mine.intent.bill.payer_id:
        require(actor, REFUND)
    if mine.intent.unit != refund_payouts.EURO:
        raise Conflict(_("Only euros leave by a file of payouts."), code="not_by_file")
    if fault := iban_fault(iban):
        raise Invalid(_("The account number is none: %(why)s") % {"why": fault}, code="bad_iban", field="iban")
    holder = sepa_text(name, LONGEST_NAME)
    if not holder:
        raise Invalid(_("Say whose account it is."), code="no_name", field="name")
    told = {
        "name": holder,
        "iban": "".join(iban.split()).upper(),
        "given_by_id": actor.person_id,
        "given_at": timezone.now(),
    }
    account, _new = RefundAccount.objects.update_or_create(refund=mine, defaults=told)
    append("payments", "refund.account_given", {}, subject=mine.ref, actor=str(actor))
    return account


@transaction.atomic
def agree(actor: Actor, refund: Refund, seen: str) -> Payout:
    """Another officer agrees to the account that they have `seen` (its IBAN): it is paid out with the next file.

    Raises Denied, also for who told it; Conflict where none is told, or another one by now.
    """
    require(actor, APPROVE)
    mine = _locked(refund)
    account = _told(mine)
    if actor.person_id is not None and actor.person_id == account.given_by_id:
        raise Denied(
            _("You have told this account yourself."),
            code="same_officer",
            mend=_("Another officer has to agree to it."),
        )
    if account.iban != "".join(seen.split()).upper():
        raise Conflict(_("Another account was told meanwhile."), code="changed", mend=_("Look at it again."))
    account.agreed_by_id, account.agreed_at = actor.person_id, timezone.now()
    account.save(update_fields=["agreed_by", "agreed_at"])
    append("payments", "refund.account_agreed", {}, subject=mine.ref, actor=str(actor))
    payout = refund_payouts.make(mine, (account.name, account.iban))
    if payout is None:
        raise Invalid(_("Nothing can be paid to this account."), code="bad_iban", field="iban")
    return payout


@transaction.atomic
def refuse(actor: Actor, refund: Refund) -> None:
    """What was told is not the account: whoever paid and told it is asked once more. Raises Denied, Conflict."""
    require(actor, APPROVE)
    mine = _locked(refund)
    told, payer = _told(mine), mine.intent.bill.payer
    if payer is not None and told.given_by_id == payer.pk:
        send(
            payer,
            _("The account that you told cannot be paid to"),
            _("Tell it once more on the page of the bill: %(title)s."),
            values={"title": mine.intent.bill.title},
            url=f"/payments/bills/{mine.intent.bill_id}/",
            key=f"{mine.ref} account {told.pk} refused",
        )
    told.delete()
    append("payments", "refund.account_refused", {}, subject=mine.ref, actor=str(actor))


@transaction.atomic
def ask(actor: Actor, refund: Refund) -> None:
    """Asks who paid, in their inbox, to tell the account on the bill's page; they are asked once.

    Raises Denied, Conflict where it waits for none, or nobody's account of the city has paid.
    """
    require(actor, REFUND)
    mine = _locked(refund)
    bill = mine.intent.bill
    if bill.payer is None:
        raise Conflict(_("Nobody's account has paid it: ask them yourself."), code="no_payer")
    send(
        bill.payer,
        _("The city gives money back to you: to which account?"),
        _("Tell it on the page of the bill: %(title)s. The bank has not said from which account it came."),
        values={"title": bill.title},
        url=f"/payments/bills/{bill.pk}/",
        key=f"{mine.ref} account",
    )
    append("payments", "refund.account_asked", {}, subject=mine.ref, actor=str(actor))


def _locked(refund: Refund) -> Refund:
    mine = Refund.objects.select_for_update(of=("self",)).select_related("intent__bill__payer").get(pk=refund.pk)
    if not without().filter(pk=mine.pk).exists():
        raise Conflict(_("It waits for no account any more."), code="not_waiting")
    return mine


def _told(refund: Refund) -> RefundAccount:
    account = RefundAccount.objects.filter(refund=refund).first()
    if account is None:
        raise Conflict(_("No account is told yet."), code="not_told")
    return account
