"""What a bank says of an account, as this program keeps it: exact amounts, signed by what they do to the account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

BOOKED, PENDING, INFORMATION, FUTURE = "BOOK", "PDNG", "INFO", "FUTR"
NOT_PROVIDED = ("NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF", "N/A")
"""What banks write where a reference has to stand and there is none (SEPA rulebooks: NOTPROVIDED)."""


class BankFileError(ValueError):
    """Why a bank's file is not taken. The text is for people."""


@dataclass(frozen=True)
class Account:
    iban: str = ""
    other: str = ""
    currency: str = ""
    name: str = ""

    @property
    def number(self) -> str:
        return self.iban or self.other


@dataclass(frozen=True)
class Balance:
    """`kind` as in the ISO list: OPBD and PRCD open a statement, CLBD closes it."""

    kind: str
    amount: Decimal
    currency: str
    on: date | None


@dataclass(frozen=True)
class Party:
    name: str = ""
    iban: str = ""
    account: str = ""
    bic: str = ""


@dataclass(frozen=True)
class References:
    end_to_end: str = ""
    servicer: str = ""
    uetr: str = ""
    transaction: str = ""
    instruction: str = ""
    payment_information: str = ""
    message: str = ""
    mandate: str = ""


@dataclass(frozen=True)
class Structured:
    """One structured remittance: a creditor's reference, and how much of the amount is for it where that is said."""

    reference: str
    amount: Decimal | None = None


@dataclass(frozen=True)
class Line:
    """One transaction: a TxDtls of an entry, or the entry itself where it gives none.

    `amount` is in the entry's currency, signed; None where an entry of several says not how it is divided.
    `agrees` is False where the bank's amount of the only transaction is not the entry's, and nothing says why.
    """

    amount: Decimal | None
    currency: str
    references: References = References()
    counterparty: Party = Party()
    structured: tuple[Structured, ...] = ()
    unstructured: tuple[str, ...] = ()
    information: str = ""
    instructed: tuple[Decimal, str] | None = None
    returned: str = ""
    agrees: bool = True
    detailed: bool = False


@dataclass(frozen=True)
class Entry:
    """One Ntry. `rest` is what the lines leave of its amount (charges, a part without details)."""

    amount: Decimal
    currency: str
    status: str
    reversal: bool
    booked_on: date | None
    value_on: date | None
    servicer: str
    reference: str
    code: str
    information: str
    lines: tuple[Line, ...]
    rest: Decimal = Decimal(0)

    @property
    def incoming(self) -> bool:
        return self.amount > 0


@dataclass(frozen=True)
class Statement:
    """One Stmt, Rpt or Ntfctn.

    `proved`: opening balance + booked entries = closing balance was found true. `notes`: what could not be proved, and
    what was strange without money being unaccounted for.
    """

    id: str
    account: Account
    balances: tuple[Balance, ...]
    entries: tuple[Entry, ...]
    proved: bool = False
    copy: bool = False
    page: int = 0
    last_page: bool = True
    notes: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class BankFile:
    """A camt.052 (report of a day), .053 (statement) or .054 (notification), `version` 1 to 14."""

    kind: str
    version: int
    message_id: str
    statements: tuple[Statement, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def lines(self) -> int:
        return sum(len(entry.lines) for statement in self.statements for entry in statement.entries)
