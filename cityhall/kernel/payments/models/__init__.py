"""Bills, what is paid on them, what providers and the bank have said, and the sandbox's own books."""

from cityhall.kernel.payments.models.bank import Allocation, BankEntry, BankParty
from cityhall.kernel.payments.models.bills import Bill, Instalment, Line, Mandate, Scheme, State
from cityhall.kernel.payments.models.debits import Debit, DebitBatch, DebitFetch
from cityhall.kernel.payments.models.hooks import BooksProof, Hook, HookRefusal
from cityhall.kernel.payments.models.intents import Fact, Intent, Refund, RefundAccount
from cityhall.kernel.payments.models.payouts import Payout, PayoutBatch, PayoutFetch
from cityhall.kernel.payments.models.sandbox import SandboxEvent, SandboxPayment
from cityhall.kernel.payments.models.statements import StatementEntry, StatementFile

__all__ = [
    "Allocation",
    "BankEntry",
    "BankParty",
    "Bill",
    "BooksProof",
    "Debit",
    "DebitBatch",
    "DebitFetch",
    "Fact",
    "Hook",
    "HookRefusal",
    "Instalment",
    "Intent",
    "Line",
    "Mandate",
    "Payout",
    "PayoutBatch",
    "PayoutFetch",
    "Refund",
    "RefundAccount",
    "SandboxEvent",
    "SandboxPayment",
    "Scheme",
    "State",
    "StatementEntry",
    "StatementFile",
]
