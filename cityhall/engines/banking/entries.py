"""One entry (Ntry) of an account, and the transactions that it is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

from cityhall.engines.banking.amounts import amount, plain
from cityhall.engines.banking.message import (
    BOOKED,
    NOT_PROVIDED,
    BankFileError,
    Entry,
    Line,
    Party,
    References,
    Structured,
)
from cityhall.engines.banking.tree import Names

if TYPE_CHECKING:
    from lxml.etree import _Element

SIGNS = {"CRDT": 1, "DBIT": -1}
AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt", "AmtDtls/InstdAmt/Amt")
"""Where a transaction's amount may stand, the likeliest first: versions 1 to 3 had none of its own."""


@dataclass(frozen=True)
class _Detail:
    """A TxDtls with the amounts that it gives in the entry's currency, by place; signs are its own."""

    element: _Element
    amounts: dict[str, Decimal]
    sign: int | None
    charges: Decimal


def entry_of(names: Names, element: _Element, called: str, kind: str) -> Entry:
    """The entry. Raises BankFileError where it has no amount or direction, or its transactions do not add up."""
    said = names.one(element, "Amt")
    value, currency = amount(None if said is None else said.text, None if said is None else said.get("Ccy"), called)
    sign = names.text(element, "CdtDbtInd")
    if sign not in SIGNS:
        raise BankFileError(f"{called}: CdtDbtInd is {sign[:20]!r}, not CRDT or DBIT.")
    status = names.text(element, "Sts/Cd", "Sts/Prtry", "Sts")
    entry = Entry(
        amount=value * SIGNS[sign],
        currency=currency,
        status=status or (BOOKED if kind == "camt.053" else ""),
        reversal=names.flag(element, "RvslInd"),
        booked_on=names.day(element, "BookgDt"),
        value_on=names.day(element, "ValDt"),
        servicer=_reference(names.text(element, "AcctSvcrRef")),
        reference=_reference(names.text(element, "NtryRef")),
        code=_code(names, element),
        information=names.text(element, "AddtlNtryInf"),
        lines=(),
    )
    lines, rest = _lines(names, element, entry, called)
    return replace(entry, lines=lines, rest=rest)


def _lines(names: Names, element: _Element, entry: Entry, called: str) -> tuple[tuple[Line, ...], Decimal]:
    groups = names.all(element, "NtryDtls")
    found = [_detail(names, one, entry, called) for group in groups for one in names.all(group, "TxDtls")]
    charges = _charges(names, element, entry, called)
    batch = _batches(names, groups, entry, called)
    if not found:
        if len(groups) == 1 and batch and batch[0][1] is not None:
            _refuse_wrong_batch(batch[0][1], entry, charges, called)
        return (Line(entry.amount, entry.currency, _of_batch(names, groups, entry)),), Decimal(0)
    amounts = _divided(found, entry, charges, batch, called)
    _refuse_wrong_counts(names, groups, found, amounts, entry, called)
    lines = tuple(
        _line(names, detail, entry, value, agrees) for detail, (value, agrees) in zip(found, amounts, strict=True)
    )
    known = [line.amount for line in lines if line.amount is not None]
    return lines, entry.amount - sum(known) if len(known) == len(lines) else Decimal(0)


def _of_batch(names: Names, groups: list[_Element], entry: Entry) -> References:
    """What an entry without transactions refers to: the one order of which it is the sum, where it is one's."""
    if len(groups) != 1:
        return References(servicer=entry.servicer)
    return References(
        servicer=entry.servicer,
        payment_information=_reference(names.text(groups[0], "Btch/PmtInfId")),
        message=_reference(names.text(groups[0], "Btch/MsgId")),
    )


def _detail(names: Names, element: _Element, entry: Entry, called: str) -> _Detail:
    amounts: dict[str, Decimal] = {}
    for place in AMOUNTS:
        said = names.one(element, place)
        if said is None:
            continue
        value, currency = amount(said.text, said.get("Ccy"), f"{called}, {place} of a transaction")
        # Nought is what banks write where they have to write something (ISO's own samples do).
        if currency == entry.currency and (value or not entry.amount):
            amounts[place] = value
    sign = names.text(element, "CdtDbtInd")
    if sign and sign not in SIGNS:
        raise BankFileError(f"{called}: CdtDbtInd of a transaction is {sign[:20]!r}, not CRDT or DBIT.")
    return _Detail(element, amounts, SIGNS.get(sign), _charges(names, element, entry, called))


def _charges(names: Names, element: _Element, entry: Entry, called: str) -> Decimal:
    """The charges named, in the entry's currency: the total where it is given, else the sum of the records."""
    total = Decimal(0)
    for one in names.all(element, "Chrgs"):
        places = names.all(one, "TtlChrgsAndTaxAmt") or names.all(one, "Amt") or names.all(one, "Rcrd/Amt")
        for said in places:
            value, currency = amount(said.text, said.get("Ccy"), f"{called}, charges")
            total += value if currency == entry.currency else 0
    return total


def _batches(names: Names, groups: list[_Element], entry: Entry, called: str) -> list[tuple[_Element, Decimal | None]]:
    """Each group that is a batch, with its total where that is in the entry's currency."""
    found: list[tuple[_Element, Decimal | None]] = []
    for group in groups:
        batch = names.one(group, "Btch")
        if batch is None:
            continue
        said = names.one(batch, "TtlAmt")
        total = None
        if said is not None:
            value, currency = amount(said.text, said.get("Ccy"), f"{called}, TtlAmt of its batch")
            total = value if currency == entry.currency else None
        found.append((group, total))
    return found


def _refuse_wrong_batch(total: Decimal, entry: Entry, charges: Decimal, called: str) -> None:
    if abs(abs(entry.amount) - total) not in (0, charges):
        raise BankFileError(
            f"{called} is of {plain(abs(entry.amount))} {entry.currency}, and its batch says {plain(total)}."
        )


def _divided(
    found: list[_Detail],
    entry: Entry,
    charges: Decimal,
    batch: list[tuple[_Element, Decimal | None]],
    called: str,
) -> list[tuple[Decimal | None, bool]]:
    """What each transaction is of the entry, and whether that is what the bank says; None where it does not say."""
    direction = 1 if entry.amount >= 0 else -1
    taken = charges + sum(one.charges for one in found)
    inner = sum((one.charges for one in found), Decimal(0))
    allowed = {Decimal(0), charges, -charges, inner, -inner, taken, -taken}
    # A group of which only the total is known leaves that much.
    unlisted = [total for group, total in batch if not any(one.element.getparent() is group for one in found)]
    if unlisted and None not in unlisted:
        allowed |= {one + sum(total for total in unlisted if total is not None) for one in allowed}
    # Each at the same place, or (last) each at the first where it has one.
    columns = [[one.amounts.get(place) for one in found] for place in AMOUNTS]
    columns.append([next(iter(one.amounts.values()), None) for one in found])
    for column, own_signs in product(columns, (True, False)):
        values = [value for value in column if value is not None]
        if len(values) < len(found):
            continue
        signs = ((one.sign if own_signs else None) or direction for one in found)
        signed = [value * sign for value, sign in zip(values, signs, strict=True)]
        if (entry.amount - sum(signed)) * direction in allowed:
            if len(found) == 1:
                return [(entry.amount, True)]
            return [(value, True) for value in signed]
    if len(found) == 1:
        # The entry is what moved. A count of one more than is there says that a part is missing.
        return [(entry.amount, not found[0].amounts)]
    missing = [one for one in found if not one.amounts]
    if not missing:
        if any(len(one.amounts) > 0 for one in found) and None not in unlisted:
            given = sum((next(iter(one.amounts.values())) for one in found), Decimal(0))
            raise BankFileError(
                f"{called} is of {plain(abs(entry.amount))} {entry.currency}, and its {len(found)} transactions add up "
                f"to {plain(given)}."
            )
    return [(None, True) for _ in found]


def _refuse_wrong_counts(
    names: Names,
    groups: list[_Element],
    found: list[_Detail],
    amounts: list[tuple[Decimal | None, bool]],
    entry: Entry,
    called: str,
) -> None:
    """A batch's own count and total, where it speaks of the same money as its transactions: in the entry's currency.

    Where it speaks of another (the order as it was given, in francs, behind a debit in crowns) nothing can be compared.
    """
    for group in groups:
        batch = names.one(group, "Btch")
        inside = [one for one in found if one.element.getparent() is group]
        if batch is None or not inside or not all(one.amounts for one in inside):
            continue
        said = names.text(batch, "NbOfTxs")
        # One transaction for the whole is how a bank tells of a batch that it does not take apart.
        summed = len(found) == 1 and amounts[0][1]
        if said.isascii() and said.isdigit() and int(said) != len(inside) and not summed:
            raise BankFileError(f"{called}: its batch counts {int(said)} transactions, and {len(inside)} are given.")
        total = names.one(batch, "TtlAmt")
        if total is None or (total.get("Ccy") or "").strip() != entry.currency:
            continue
        value, _ = amount(total.text, total.get("Ccy"), f"{called}, TtlAmt of its batch")
        charges = sum((one.charges for one in inside), Decimal(0))
        sums = {abs(sum((one.amounts.get(place, Decimal(0)) for one in inside), Decimal(0))) for place in AMOUNTS}
        sums.add(abs(sum((one.amounts.get(AMOUNTS[0], Decimal(0)) * (one.sign or 1) for one in inside), Decimal(0))))
        if not any(abs(value - one) in (0, charges) for one in sums):
            raise BankFileError(
                f"{called}: its batch says {plain(value)} {entry.currency}, and its transactions do not add up to it."
            )


def _line(names: Names, detail: _Detail, entry: Entry, value: Decimal | None, agrees: bool) -> Line:
    one = detail.element
    incoming = (value if value is not None else entry.amount) >= 0
    instructed = next((said for place in AMOUNTS[::-1] if (said := names.one(one, place)) is not None), None)
    return Line(
        amount=value,
        currency=entry.currency,
        references=References(
            end_to_end=_reference(names.text(one, "Refs/EndToEndId")),
            servicer=_reference(names.text(one, "Refs/AcctSvcrRef")) or entry.servicer,
            uetr=names.text(one, "Refs/UETR"),
            transaction=_reference(names.text(one, "Refs/TxId", "Refs/AcctSvcrTxId")),
            instruction=_reference(names.text(one, "Refs/InstrId")),
            payment_information=_reference(names.text(one, "Refs/PmtInfId")),
            message=_reference(names.text(one, "Refs/MsgId")),
            mandate=_reference(names.text(one, "Refs/MndtId")),
        ),
        counterparty=_party(names, one, "Dbtr" if incoming else "Cdtr"),
        structured=_structured(names, one, entry),
        unstructured=names.texts(one, "RmtInf/Ustrd"),
        information=names.text(one, "AddtlTxInf"),
        instructed=None if instructed is None else amount(instructed.text, instructed.get("Ccy"), "A transaction"),
        returned=names.text(one, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", "RtrInf/RtrRsn/Cd", "RtrInf/AddtlInf")
        or ("unstated" if names.one(one, "RtrInf") is not None else ""),
        agrees=agrees,
        detailed=True,
    )


def _structured(names: Names, element: _Element, entry: Entry) -> tuple[Structured, ...]:
    found: list[Structured] = []
    for one in names.all(element, "RmtInf/Strd"):
        reference = names.text(one, "CdtrRefInf/Ref", "CdtrRefInf/CdtrRef", "RfrdDocInf/Nb", "RfrdDocInf/RfrdDocNb")
        if not reference:
            continue
        said = one.find(names.path("RfrdDocAmt/RmtdAmt"))
        part = None
        if said is not None:
            value, currency = amount(said.text, said.get("Ccy"), "A remitted amount")
            part = value if currency == entry.currency else None
        found.append(Structured(reference, part))
    return tuple(found)


def _party(names: Names, element: _Element, role: str) -> Party:
    """Who is at the other side: banks name it, name only who stands behind it, or name nobody."""
    parties = f"RltdPties/{role}"
    behind = f"RltdPties/Ultmt{role}"
    account = f"RltdPties/{role}Acct/Id"
    return Party(
        name=names.text(
            element, f"{parties}/Nm", f"{parties}/Pty/Nm", f"{parties}/Agt/FinInstnId/Nm", f"{behind}/Nm",
            f"{behind}/Pty/Nm",
        ),
        iban=names.text(element, f"{account}/IBAN").replace(" ", "").upper(),
        account=names.text(element, f"{account}/Othr/Id", f"{account}/PrtryAcct/Id", f"{account}/BBAN"),
        bic=names.text(
            element, f"RltdAgts/{role}Agt/FinInstnId/BICFI", f"RltdAgts/{role}Agt/FinInstnId/BIC",
            f"RltdAgts/{role}Agt/FinInstnId/CmbndId/BIC",
        ),
    )  # fmt: skip


def _code(names: Names, element: _Element) -> str:
    """The bank's own word for the kind of movement: "PMNT-RCDT-ESCT", else its proprietary code."""
    domain = (names.text(element, f"BkTxCd/Domn/{one}") for one in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd"))
    return "-".join(filter(None, domain)) or names.text(element, "BkTxCd/Prtry/Cd")


def _reference(text: str) -> str:
    return "" if text.upper() in NOT_PROVIDED else text
