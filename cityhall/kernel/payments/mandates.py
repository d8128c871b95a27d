"""Direct debit: agreed once, collected on each bill's day, ended at any time.

A provider collects by itself on the day; what the city's own bank collects, officers put together (`debits.py`).
"""

from __future__ import annotations

import secrets

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.charset import sepa_text
from cityhall.engines.banking.order_checks import LONGEST_NAME
from cityhall.engines.banking.profiles import EEA
from cityhall.engines.banking.references import iban_fault
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.payments import bills, books
from cityhall.kernel.payments.facts import Standing
from cityhall.kernel.payments.models import Bill, Mandate, Scheme, State
from cityhall.kernel.payments.payout_bank import own_creditor
from cityhall.kernel.payments.providers import provider
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person

BEGUN = Q(standing__in=(Standing.WAITING, Standing.PROCESSING))


@transaction.atomic
def agree(payer: Person, provider_slug: str, provider_ref: str, ending: str, *, actor: Actor) -> Mandate:
    """Notes what the payer has agreed to at the provider; the same one again is the same. Raises Missing, Denied."""
    provider(provider_slug)
    if actor.person_id != payer.pk and actor.kind != "system":
        raise Denied(_("Only who pays can agree to a direct debit."), code="denied")
    mandate, made = Mandate.objects.get_or_create(
        provider=provider_slug,
        provider_ref=provider_ref[:200],
        defaults={"payer": payer, "ending": ending[-4:], "agreed_at": timezone.now()},
    )
    if mandate.payer_id != payer.pk:
        raise Denied(_("Only who pays can agree to a direct debit."), code="denied")
    if made:
        append("payments", "mandate.agreed", {}, subject=f"mandate:{mandate.pk}", actor=str(actor))
    return mandate


@transaction.atomic
def sign(actor: Actor, name: str, iban: str) -> Mandate:
    """Somebody agrees that the city's bank collects what they owe from an account; the same account again is the same.

    Raises Denied, Conflict where the city does not collect, Invalid for an account or name that is none.
    """
    payer = _person(actor)
    own_creditor()
    if fault := iban_fault(iban):
        raise Invalid(_("The account number is none: %(why)s") % {"why": fault}, code="bad_iban", field="iban")
    number, holder = "".join(iban.split()).upper(), sepa_text(name, LONGEST_NAME)
    if number[:2] not in EEA:
        raise Invalid(
            _("Only accounts in the European Economic Area can be collected from."), code="not_eea", field="iban"
        )
    if not holder:
        raise Invalid(_("Say whose account it is."), code="no_name", field="name")
    mine = Mandate.objects.filter(payer=payer, provider=books.BANK, iban=number, revoked_at=None).first()
    if mine is not None:
        return mine
    mine = Mandate.objects.create(
        payer=payer,
        provider=books.BANK,
        provider_ref=f"M-{secrets.token_hex(10)}".upper(),
        ending=number[-4:],
        name=holder,
        iban=number,
        agreed_at=timezone.now(),
    )
    append("payments", "mandate.agreed", {}, subject=f"mandate:{mine.pk}", actor=str(actor))
    return mine


@transaction.atomic
def put_on(actor: Actor, bill: Bill, mandate: Mandate) -> Bill:
    """Has a bill collected by the payer's own mandate of the city's bank. Raises Denied, Conflict where it cannot."""
    mine = bills.locked(bill.pk)
    if actor.person_id is None or not mine.payer_id == mandate.payer_id == actor.person_id:
        raise Denied(_("Only who pays can agree to a direct debit."), code="denied")
    current = Mandate.objects.filter(pk=mandate.pk, provider=books.BANK, revoked_at=None).first()
    if current is None:
        raise Conflict(_("This direct debit was ended."), code="revoked", field="mandate")
    if (
        not mine.is_open
        or mine.scheme == Scheme.INSTALMENTS
        or mine.unit != "EUR"
        or mine.intents.filter(BEGUN).exists()
    ):
        raise Conflict(_("This bill cannot be collected by direct debit."), code="not_by_debit")
    mine.scheme, mine.mandate = Scheme.MANDATE, current
    mine.save(update_fields=["scheme", "mandate"])
    append("payments", "bill.by_debit", {}, subject=mine.ref, actor=str(actor))
    return mine


def not_agreed() -> Invalid:
    """What is said to whoever did not tick that they agree."""
    return Invalid(_("Without your agreement nothing can be collected."), code="not_agreed", field="agreed")


def active(payer_id: int | None) -> list[Mandate]:
    """Somebody's direct debits by the city's bank that are not ended."""
    return list(Mandate.objects.filter(payer=payer_id, provider=books.BANK, revoked_at=None).order_by("pk"))


@transaction.atomic
def revoke(actor: Actor, mandate: Mandate) -> Mandate:
    """Nothing is collected by it any more: bills that stood on it are paid otherwise. Raises Denied."""
    if actor.person_id != mandate.payer_id and actor.kind != "system":
        raise Denied(_("Only who pays can end a direct debit."), code="denied")
    mine = Mandate.objects.select_for_update().get(pk=mandate.pk)
    if mine.revoked_at is None:
        mine.revoked_at = timezone.now()
        mine.save(update_fields=["revoked_at"])
        append("payments", "mandate.revoked", {}, subject=f"mandate:{mine.pk}", actor=str(actor))
        Bill.objects.filter(mandate=mine, state__in=(State.OPEN, State.PART_PAID)).update(
            mandate=None, scheme=Scheme.SINGLE
        )
    return mine


def _person(actor: Actor) -> Person:
    person = Person.objects.filter(pk=actor.person_id).first() if actor.person_id is not None else None
    if person is None:
        raise Denied(_("Sign in first."), code="denied")
    return person
