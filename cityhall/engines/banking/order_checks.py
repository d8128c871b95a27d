"""What a bank refuses that the schema lets through: check digits, addresses, characters, days, doubles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from cityhall.engines.banking.charset import IDENTIFIER, fits
from cityhall.engines.banking.order import Address, Fault, Order, Payment
from cityhall.engines.banking.profiles import EEA, SEPA, Profile
from cityhall.engines.banking.references import bic_fault, iban_fault, is_creditor_reference
from cityhall.engines.banking.workdays import is_target_day

LONGEST_NAME, LONGEST_TEXT, LONGEST_LINE, MOST_LINES = 70, 140, 70, 2
MOST_CENTS = 99_999_999_999
COUNTRY = re.compile(r"[A-Z]{2}")
PURPOSE = re.compile(r"[A-Z0-9]{4}")
UETR = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
LENGTHS = {"street": ("StrtNm", 70), "building": ("BldgNb", 16), "post_code": ("PstCd", 16), "town": ("TwnNm", 35)}


def faults_of(order: Order, profile: Profile, today: date) -> list[Fault]:
    """All that keeps the order from leaving for this bank today; empty where nothing does."""
    return list(_faults(order, profile, today))


def fitted(address: Address, profile: Profile) -> Address:
    """The address as this bank takes it: where it refuses the tag of the post code, that goes into a line."""
    if profile.post_code or not address.post_code:
        return address
    line = " ".join(filter(None, (address.post_code, address.town)))
    lines = (*address.lines, line) if profile.hybrid and len(address.lines) < MOST_LINES else address.lines
    return replace(address, post_code="", lines=lines)


def _faults(order: Order, profile: Profile, today: date) -> Iterator[Fault]:
    yield from identifier_faults("GrpHdr/MsgId", order.message_id)
    if order.made_at.tzinfo is None:
        yield Fault("GrpHdr/CreDtTm", "time", "It is not said when the order was made: the moment has no offset.")
    if not 1 <= len(order.payments) <= profile.most_payments:
        yield Fault("GrpHdr/NbOfTxs", "count", f"A file has 1 to {profile.most_payments} payments for this bank.")
    yield from _day(order.execute_on, profile, today)
    debtor = order.debtor
    yield from party_faults("Dbtr", debtor.name, debtor.iban, debtor.bic)
    yield from address_faults("Dbtr/PstlAdr", fitted(debtor.address, profile), profile)
    if profile.bic and not debtor.bic:
        yield Fault("DbtrAgt", "bic", "This bank wants its BIC in the file.")
    seen: set[str] = set()
    for number, one in enumerate(order.payments, 1):
        where = f"CdtTrfTxInf[{number}]"
        if one.end_to_end in seen:
            yield Fault(f"{where}/PmtId/EndToEndId", "double", f"The id {one.end_to_end!r} stands twice in the order.")
        seen.add(one.end_to_end)
        yield from _payment(where, one, order, profile)


def _day(day: date, profile: Profile, today: date) -> Iterator[Fault]:
    where = "PmtInf/ReqdExctnDt"
    if day < today:
        yield Fault(where, "past", f"The day {day} is past.")
    elif day > today + timedelta(days=profile.ahead):
        yield Fault(where, "far", f"The day {day} is more than {profile.ahead} days ahead.")
    if not is_target_day(day):
        yield Fault(where, "closed", f"Banks do not work on {day} (weekend or TARGET holiday).")


def _payment(where: str, one: Payment, order: Order, profile: Profile) -> Iterator[Fault]:
    yield from identifier_faults(f"{where}/PmtId/EndToEndId", one.end_to_end)
    yield from party_faults(f"{where}/Cdtr", one.name, one.iban, one.bic)
    country = one.iban[:2].upper()
    if country not in SEPA and not iban_fault(one.iban):
        yield Fault(f"{where}/CdtrAcct", "not_sepa", f"Accounts in {country} cannot be reached by SEPA.")
    if country in SEPA - EEA and not order.debtor.address:
        yield Fault("Dbtr/PstlAdr", "address", f"A payment to {country} needs the address of the city.")
    if one.currency != "EUR":
        yield Fault(f"{where}/Amt", "currency", f"A SEPA payment is in euro, not {one.currency[:10]}.")
    if not 1 <= one.amount <= MOST_CENTS:
        yield Fault(f"{where}/Amt", "amount", "The amount is from 0.01 to 999999999.99.")
    if one.reference and one.text:
        yield Fault(f"{where}/RmtInf", "both", "It has a reference and a text: one of them.")
    if one.reference and not is_creditor_reference(one.reference):
        yield Fault(f"{where}/RmtInf/Strd", "reference", "Its reference is no creditor reference (ISO 11649).")
    yield from text_faults(f"{where}/RmtInf/Ustrd", one.text, LONGEST_TEXT)
    if one.purpose and not PURPOSE.fullmatch(one.purpose):
        yield Fault(f"{where}/Purp", "purpose", "A purpose is a code of four letters.")
    if one.uetr and not UETR.fullmatch(one.uetr):
        yield Fault(f"{where}/PmtId/UETR", "uetr", "The UETR is no UUID of version 4.")
    if profile.address and not one.address:
        yield Fault(f"{where}/Cdtr/PstlAdr", "address", "This bank wants the address of every payee.")
    yield from address_faults(f"{where}/Cdtr/PstlAdr", fitted(one.address, profile), profile)


def party_faults(where: str, name: str, iban: str, bic: str) -> Iterator[Fault]:
    """What is wrong with somebody's name, account and bank."""
    if not name.strip():
        yield Fault(f"{where}/Nm", "name", "There is no name.")
    yield from text_faults(f"{where}/Nm", name, LONGEST_NAME)
    if fault := iban_fault(iban):
        yield Fault(f"{where}Acct/Id/IBAN", "iban", f"The IBAN is none: {fault}.")
    if bic and (fault := bic_fault(bic)):
        yield Fault(f"{where}Agt", "bic", f"The BIC is none: {fault}.")


def address_faults(where: str, address: Address, profile: Profile) -> Iterator[Fault]:
    """Since 15 November 2026 lines alone are refused: town and country are tags of their own (EPC153-22)."""
    if not address:
        return
    if not address.town or not address.country:
        yield Fault(where, "unstructured", "An address names its town and its country, each by itself.")
    if address.country and not COUNTRY.fullmatch(address.country):
        yield Fault(f"{where}/Ctry", "country", "A country is two capital letters (ISO 3166).")
    if address.lines and not profile.hybrid:
        yield Fault(f"{where}/AdrLine", "lines", "This bank takes no address lines, only street, number and so on.")
    if len(address.lines) > MOST_LINES:
        yield Fault(f"{where}/AdrLine", "lines", f"An address has at most {MOST_LINES} lines.")
    for line in address.lines:
        yield from text_faults(f"{where}/AdrLine", line, LONGEST_LINE)
    for field, (tag, longest) in LENGTHS.items():
        yield from text_faults(f"{where}/{tag}", getattr(address, field), longest)


def text_faults(where: str, text: str, longest: int) -> Iterator[Fault]:
    """What is wrong with words for people."""
    if len(text) > longest:
        yield Fault(where, "long", f"It has {len(text)} characters, of {longest}.")
    if not fits(text):
        strange = "".join(sorted({one for one in text if not fits(one)}))[:20]
        yield Fault(where, "characters", f"Banks do not take {strange!r}.")


def identifier_faults(where: str, text: str) -> Iterator[Fault]:
    """What is wrong with an id of ours."""
    if not IDENTIFIER.fullmatch(text) or text != text.strip():
        yield Fault(where, "identifier", "An id has 1 to 35 allowed characters, and no slash at an end or doubled.")
