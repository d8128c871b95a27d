"""The city's own account and its bank, as the city file states them; payouts stay off without their legal basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.order import Address, Debtor
from cityhall.engines.banking.profiles import Profile, profile_of
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.payments.providers import options

SECTION = "payouts"
ADDRESS = ("street", "building", "post_code", "town", "country")


@dataclass(frozen=True, slots=True)
class OwnBank:
    """From which account the city pays, on what basis, and what its bank takes."""

    legal_basis: str
    debtor: Debtor
    profile: Profile


def own_bank() -> OwnBank:
    """`[service.payments.payouts]` of city.toml. Raises Conflict where no legal basis is stated, Invalid for a bank."""
    said: dict[str, Any] = options().get(SECTION, {})
    basis = str(said.get("legal_basis", "")).strip()
    if not basis:
        raise Conflict(
            _("The city pays nothing out: it has not stated on what legal basis."),
            code="no_legal_basis",
            mend=_("Whoever runs the city states it in city.toml."),
        )
    try:
        profile = profile_of(said.get("bank", "sepa"))
    except ValueError as problem:
        raise Invalid(
            _("city.toml: the bank of [service.payments.payouts] is none: %(why)s") % {"why": problem},
            code="bad_bank",
            field="bank",
        ) from None
    fields: dict[str, Any] = {one: str(said.get(one, "")) for one in ADDRESS}
    address = Address(**fields)
    # The account that bills are paid to, where payouts name none of their own.
    paid_to = {"name": "account_name", "iban": "iban", "bic": "bic"}
    own = {one: str(said.get(one) or options().get(other, "")) for one, other in paid_to.items()}
    debtor = Debtor(own["name"], own["iban"], own["bic"], address)
    return OwnBank(basis, debtor, profile)
