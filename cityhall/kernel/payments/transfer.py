"""What a payer needs for a bank transfer: the city's account, the amount, the reference, and all of it as a QR code.

`[service.payments]` of city.toml has `iban`, `account_name` and, where a bank wants it, `bic`.
"""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.engines.banking import epc
from cityhall.engines.banking.references import spaced
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.payments.providers import options


@dataclass(frozen=True, slots=True)
class Transfer:
    """`iban` and `reference` in blocks of four; `side` and `path` are a QR code, None and "" where there is none."""

    name: str
    iban: str
    bic: str
    reference: str
    amount: int
    side: int | None = None
    path: str = ""


def transfer_of(bill: Bill, amount: int) -> Transfer | None:
    """How `amount` of a bill is paid by bank; None in a city that names no account."""
    named = options()
    iban, name, bic = (str(named.get(one, "")) for one in ("iban", "account_name", "bic"))
    if not iban or not name:
        return None
    side, path = _qr(iban, name, bic, bill.reference, amount) if bill.unit == "EUR" else (None, "")
    return Transfer(name, spaced("".join(iban.split())), bic, spaced(bill.reference), amount, side, path)


def _qr(iban: str, name: str, bic: str, reference: str, amount: int) -> tuple[int | None, str]:
    """An EPC QR code (EPC069-12: version 002, level M, at most version 13) as (modules a side, SVG path data)."""
    import qrcode

    try:
        text = epc.epc_bytes(epc.Transfer(name, iban, amount, reference, bic=bic))
    except ValueError:
        return None, ""
    code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    if code.version > epc.QR_VERSION:
        return None, ""
    cells = code.get_matrix()
    return len(cells), "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(cells) for x, dark in enumerate(row) if dark)
