"""A payment order as the city gives it: many transfers from one account on one day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from cityhall.engines.banking.amounts import decimals


@dataclass(frozen=True)
class Address:
    """Structured, or hybrid: town and country beside at most two `lines`."""

    street: str = ""
    building: str = ""
    post_code: str = ""
    town: str = ""
    country: str = ""
    lines: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.street, self.building, self.post_code, self.town, self.country, self.lines))


@dataclass(frozen=True)
class Debtor:
    name: str
    iban: str
    bic: str = ""
    address: Address = Address()


@dataclass(frozen=True)
class Payment:
    """One transfer: `amount` in smallest units. A creditor's `reference` (ISO 11649) or a `text`, never both."""

    end_to_end: str
    name: str
    iban: str
    amount: int
    currency: str = "EUR"
    bic: str = ""
    address: Address = Address()
    reference: str = ""
    text: str = ""
    purpose: str = ""
    uetr: str = ""


@dataclass(frozen=True)
class Order:
    """`made_at` with its offset; `execute_on` a day on which banks work (TARGET)."""

    message_id: str
    made_at: datetime
    execute_on: date
    debtor: Debtor
    payments: tuple[Payment, ...] = field(default=())

    @property
    def total(self) -> Decimal:
        return sum((Decimal(one.amount).scaleb(-decimals(one.currency)) for one in self.payments), Decimal(0))


@dataclass(frozen=True)
class Fault:
    """What keeps an order from leaving: where (path of names), a short code, words for people."""

    where: str
    code: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"
