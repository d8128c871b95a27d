"""Which bills the lines of statements pay: by reference, in whatever field and spelling the bank delivered it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from cityhall.engines.banking.amounts import minor_units
from cityhall.engines.banking.charset import sepa_text
from cityhall.engines.banking.keys import entry_keys
from cityhall.engines.banking.message import BankFile, Entry, Line
from cityhall.engines.banking.proving import APART
from cityhall.engines.banking.references import squeezed

LONGEST_REFERENCE = 35
RF_BODY = range(5, 26)
WORD = re.compile(r"[A-Z0-9]+")


@dataclass(frozen=True)
class Bill:
    """What is owed: `amount` in smallest units of `currency`. `payer` is a name or an IBAN, "" where it is unknown."""

    reference: str
    amount: int
    currency: str
    payer: str = ""


@dataclass(frozen=True)
class Part:
    """So much of a line is for this bill; `over`: more than was open on it."""

    bill: Bill
    amount: int
    over: int = 0


@dataclass(frozen=True)
class Explained:
    """One line of a file, and either the bills that it pays or the reason why none."""

    entry: Entry
    line: Line
    key: str
    parts: tuple[Part, ...] = ()
    reason: str = ""


@dataclass
class Matcher:
    """Takes the lines of one file after the other; what was taken stays taken, whichever file says it again."""

    bills: Iterable[Bill]
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._open: dict[str, int] = {}
        self._by_reference: dict[str, Bill] = {}
        self._by_open: dict[tuple[int, str], dict[str, None]] = {}
        for bill in self.bills:
            key = squeezed(bill.reference)
            if not key or key in self._by_reference:
                raise ValueError(f"Two bills have the reference {bill.reference!r}." if key else "A bill has none.")
            self._by_reference[key] = bill
            self._open[key] = bill.amount
            self._by_open.setdefault((bill.amount, bill.currency), {})[key] = None

    def match(self, file: BankFile) -> Iterator[Explained]:
        """Every line of the file, in its order."""
        for statement in file.statements:
            keys = entry_keys(statement)
            for entry, key in zip(statement.entries, keys, strict=True):
                again = key in self.seen
                if entry.status not in APART:
                    # What is only on its way comes again when it is booked.
                    self.seen.add(key)
                for line in entry.lines:
                    yield self._line(entry, line, key, again)

    def _line(self, entry: Entry, line: Line, key: str, again: bool) -> Explained:
        if reason := "duplicate" if again else why_not(entry, line):
            return Explained(entry, line, key, reason=reason)
        amount = minor_units(line.amount or Decimal(0), line.currency)
        if amount is None:
            return Explained(entry, line, key, reason="not_in_whole_units")
        found = self._bills_of(line)
        if not found:
            same = self._by_amount(line, amount)
            if len(same) != 1 or not _is_payer(self._by_reference[same[0]].payer, line):
                return Explained(entry, line, key, reason=self._unnamed(line, same))
            found = {same[0]: None}
        if any(self._by_reference[one].currency != line.currency for one in found):
            return Explained(entry, line, key, reason="other_currency")
        return Explained(entry, line, key, parts=self._parts(found, amount))

    def _bills_of(self, line: Line) -> dict[str, int | None]:
        """The bills named, with how much is for each where that is said; in the order in which they are named."""
        found: dict[str, int | None] = {}
        for one in line.structured:
            key = squeezed(one.reference)
            if key in self._by_reference and key not in found:
                found[key] = None if one.amount is None else minor_units(one.amount, line.currency)
        for key in self._named([line.references.end_to_end]):
            found.setdefault(key, None)
        if not found:
            texts = [one.reference for one in line.structured]
            texts += [" ".join(line.unstructured), "".join(line.unstructured), line.information]
            found = dict.fromkeys(self._named(texts))
        return found

    def _named(self, texts: list[str]) -> list[str]:
        found: dict[str, None] = {}
        for text in texts:
            for key in _candidates(text):
                if key in self._by_reference:
                    found.setdefault(key)
        return list(found)

    def _by_amount(self, line: Line, amount: int) -> list[str]:
        """The bills on which just this amount is open. It pays one only where its payer is the one who paid."""
        return list(self._by_open.get((amount, line.currency), ()))

    def _unnamed(self, line: Line, same: list[str]) -> str:
        if not self._by_reference:
            return "no_bills"
        if len(same) == 1:
            return "amount_only"
        named = line.structured or line.references.end_to_end or line.unstructured
        return "unknown_reference" if named else "no_reference"

    def _parts(self, found: dict[str, int | None], amount: int) -> tuple[Part, ...]:
        """Each bill gets what the payer says, else what is open on it, in order; what is left goes to the last."""
        said = sum(one or 0 for one in found.values())
        stated = None not in found.values() and said == amount
        taken: dict[str, int] = {}
        left = amount
        for key, own in found.items():
            part = min(left, own if stated and own is not None else self._open[key])
            taken[key] = max(part, 0)
            left -= taken[key]
        if left:
            taken[list(found)[-1]] += left
        parts = []
        for key, part in taken.items():
            over = max(part - self._open[key], 0)
            self._pay(key, part - over)
            if part:
                parts.append(Part(self._by_reference[key], part, over))
        return tuple(parts)

    def _pay(self, key: str, amount: int) -> None:
        currency = self._by_reference[key].currency
        self._by_open[self._open[key], currency].pop(key)
        self._open[key] -= amount
        self._by_open.setdefault((self._open[key], currency), {})[key] = None

    def open_amounts(self) -> dict[str, int]:
        """What is still open on each bill, by its reference as it was given."""
        return {self._by_reference[key].reference: left for key, left in self._open.items()}


def _is_payer(payer: str, line: Line) -> bool:
    """Whether a bill's payer, a name or an IBAN, is at the other side of the line, whatever the accents and blanks."""
    who = squeezed(sepa_text(payer))
    return bool(who) and who in (squeezed(sepa_text(line.counterparty.name)), line.counterparty.iban)


def why_not(entry: Entry, line: Line) -> str:
    """Why a line can pay no bill, whatever it says; "" where it may."""
    if entry.status in APART or not entry.status:
        return {"PDNG": "pending", "INFO": "information", "FUTR": "future"}.get(entry.status, "no_status")
    if line.returned:
        return "returned"
    if entry.reversal:
        return "reversal"
    if line.amount is None:
        return "amount_not_divided"
    if line.amount == 0:
        return "nothing"
    if line.amount < 0:
        return "outgoing"
    return "" if line.agrees else "amount_in_doubt"


def _candidates(text: str) -> Iterator[str]:
    """Every run of whole words of a text that could be a reference, longest first; RF references also in one word."""
    words = WORD.findall(text.upper())
    for at in range(len(words)):
        joined = ""
        runs = []
        for word in words[at : at + 12]:
            joined += word
            if len(joined) > LONGEST_REFERENCE:
                break
            runs.append(joined)
        yield from reversed(runs)
    whole = squeezed(text)
    at = whole.find("RF")
    while at >= 0:
        # A reference with what follows it run together ("RF18539007547034THANKS").
        yield from (whole[at : at + length] for length in reversed(RF_BODY) if at + length <= len(whole))
        at = whole.find("RF", at + 1)
