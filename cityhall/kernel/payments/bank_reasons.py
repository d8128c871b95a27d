"""Why a bank says that it did not carry something out, or sends it back: its codes (ISO 20022) in words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Text

NOT_SAID = _("the bank gave no reason")
WORDS = {
    "AC01": _("the account number is wrong"),
    "AC04": _("the account is closed"),
    "AC06": _("the account is blocked"),
    "AM04": _("there was not enough money on the account"),
    "MD01": _("the bank knows of no agreement to it"),
    "MD06": _("the holder of the account asked for the money back"),
    "MS02": _("the holder of the account refused it"),
    "MS03": NOT_SAID,
}


def in_words(reason: str) -> Text:
    """What a reason means, which may have the bank's own words after its code; those where the code is another."""
    code = reason.partition(" ")[0]
    return WORDS.get(code, reason or NOT_SAID)
