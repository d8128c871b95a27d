"""What a bank takes beyond the schema of pain.001: valid by the schema is not yet taken by the bank.

Data: a city names one of these, or states its bank's own rules in its file with the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

EEA = frozenset("AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split())
SEPA = EEA | frozenset("AD AL CH GB GI MC MD ME MK RS SM VA GG IM JE GF GP MQ YT RE PM BL MF AX".split())
"""Countries whose accounts a SEPA credit transfer reaches (EPC409-09)."""


@dataclass(frozen=True)
class Profile:
    """One bank's rules. `hybrid`: takes up to two lines beside town and country; `post_code`: takes PstCd as a tag;
    `bic`: wants the BIC of its own; `ahead`: days an order may be given before it is to be carried out."""

    name: str
    hybrid: bool = True
    post_code: bool = True
    address: bool = False
    bic: bool = False
    batch_booking: bool | None = None
    most_payments: int = 100_000
    ahead: int = 180


PROFILES = {
    one.name: one
    for one in (
        Profile("sepa"),
        # Lines refused although the bank's own paper allows them (github.com/OCA/bank-payment/pull/1550).
        Profile("sepa-structured", hybrid=False),
        # Banks that refuse the tag of the post code (github.com/OCA/bank-payment/pull/993): it goes into a line.
        Profile("sepa-no-post-code", post_code=False),
        # Whoever wants all of it: address of every payee, own BIC, one booking a file.
        Profile("sepa-strict", hybrid=False, address=True, bic=True, batch_booking=True, most_payments=9_999, ahead=90),
    )
}


def profile_of(said: str | Mapping[str, object]) -> Profile:
    """The profile of a name, or of rules with the names above. Raises ValueError for what is neither."""
    if isinstance(said, str):
        if said not in PROFILES:
            raise ValueError(f"There is no bank profile {said!r}: {', '.join(sorted(PROFILES))}.")
        return PROFILES[said]
    known = {one.name: one for one in fields(Profile)}
    base = profile_of(str(said.get("like", "sepa")))
    values = {one: getattr(base, one) for one in known} | {"name": str(said.get("name", "own"))}
    for name, value in said.items():
        if name in ("like", "name"):
            continue
        if name not in known or type(value) is not (int if name in ("most_payments", "ahead") else bool):
            raise ValueError(f"A bank profile has no {name} = {value!r}.")
        values[name] = value
    return Profile(**values)
