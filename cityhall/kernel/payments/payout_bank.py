"""The city's own account and its bank, as the city file states them.

Payouts stay off without their legal basis, direct debits without the identifier by which the city may collect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.debits import Creditor
from cityhall.engines.banking.order import Address, Debtor
from cityhall.engines.banking.profiles import Profile, profile_of
from cityhall.engines.banking.references import creditor_id_fault
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.payments.providers import options

SECTION, DEBIT_SECTION = "payouts", "direct_debit"
ADDRESS = ("street", "building", "post_code", "town", "country")


@dataclass(frozen=True, slots=True)
class OwnBank:
    """From which account the city pays, on what basis, and what its bank takes."""

    legal_basis: str
    debtor: Debtor
    profile: Profile


def own_bank(*, basis_needed: bool = True) -> OwnBank:
    """`[service.payments.payouts]` of city.toml. Raises Conflict where no legal basis is stated, Invalid for a bank.

    `basis_needed` is False for what only gives a payer's own money back.
    """
    said: dict[str, Any] = options().get(SECTION, {})
    basis = str(said.get("legal_basis", "")).strip()
    if not basis and basis_needed:
        raise Conflict(
            _("The city pays nothing out: it has not stated on what legal basis."),
            code="no_legal_basis",
            mend=_("Whoever runs the city states it in city.toml."),
        )
    return OwnBank(basis, _own_account(said), _profile(said))


def own_creditor() -> tuple[Creditor, Profile]:
    """By which identifier and to which account the city collects, and what its bank takes.

    `creditor` of `[service.payments.direct_debit]`. Raises Conflict where none is stated, Invalid for one that is none.
    """
    said: dict[str, Any] = options().get(DEBIT_SECTION, {})
    identifier = str(said.get("creditor", "")).strip()
    if not identifier:
        raise Conflict(
            _("The city collects nothing by direct debit: it has named no creditor identifier."),
            code="no_creditor",
            mend=_("Whoever runs the city names it in city.toml."),
        )
    if fault := creditor_id_fault(identifier):
        raise Invalid(
            _("city.toml: the creditor identifier is none: %(why)s") % {"why": fault},
            code="bad_creditor",
            field="creditor",
        )
    own = _own_account(said)
    return Creditor(own.name, own.iban, identifier, own.bic, own.address), _profile(said)


def _profile(said: dict[str, Any]) -> Profile:
    try:
        return profile_of(said.get("bank", "sepa"))
    except ValueError as problem:
        raise Invalid(
            _("city.toml: the bank of [service.payments] is none: %(why)s") % {"why": problem},
            code="bad_bank",
            field="bank",
        ) from None


def _own_account(said: dict[str, Any]) -> Debtor:
    """The account that bills are paid to, where the section names none of its own."""
    fields: dict[str, Any] = {one: str(said.get(one, "")) for one in ADDRESS}
    address = Address(**fields)
    paid_to = {"name": "account_name", "iban": "iban", "bic": "bic"}
    own = {one: str(said.get(one) or options().get(other, "")) for one, other in paid_to.items()}
    return Debtor(own["name"], own["iban"], own["bic"], address)
