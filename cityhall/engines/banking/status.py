"""pain.002: what the bank makes of an order, whole or payment by payment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cityhall.engines.banking.message import BankFileError
from cityhall.engines.banking.tree import Names, local, space
from cityhall.engines.untrusted_xml import root_of

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES = 64_000_000
MOST_TAGS = 4_000_000
NAMESPACE = re.compile(r".*[:$/]pain\.002\.001\.\d\d", re.ASCII)
REJECTED = "RJCT"
LONGEST_STATUS = 4


@dataclass(frozen=True)
class PaymentStatus:
    """`status` as the bank writes it (RJCT, ACCP, ACSC, PDNG ...); `reason` its code ("AC04"), `words` its own."""

    end_to_end: str
    status: str
    reason: str = ""
    words: str = ""


@dataclass(frozen=True)
class StatusReport:
    """On the order `message_id`: `status` of the whole ("" where none is given) and of the payments named."""

    message_id: str
    status: str
    reason: str = ""
    words: str = ""
    payments: tuple[PaymentStatus, ...] = ()


def read_status(data: bytes) -> StatusReport:
    """What a pain.002 says. Raises BankFileError, with the reason, where it is none or names no order."""
    too_large = f"It is too large: at most {MOST_BYTES // 1_000_000} MB are read."
    root = root_of(data.lstrip(b"\xef\xbb\xbf \t\r\n"), BankFileError, too_large, MOST_BYTES, MOST_TAGS)
    if local(root) != "Document" or not NAMESPACE.fullmatch(space(root)):
        raise BankFileError("It is no pain.002, in which a bank says what it makes of an order.")
    names = Names(space(root))
    body = next((one for one in root if local(one) in ("CstmrPmtStsRpt", "pain.002.001.02")), None)
    group = None if body is None else names.one(body, "OrgnlGrpInfAndSts")
    if body is None or group is None or not names.text(group, "OrgnlMsgId"):
        raise BankFileError("It does not say which order it is about.")
    payments: list[PaymentStatus] = []
    for block in names.all(body, "OrgnlPmtInfAndSts"):
        inside = [_payment(names, one) for one in names.all(block, "TxInfAndSts")]
        if names.text(block, "PmtInfSts") == REJECTED and not inside:
            # The only block of our orders: it is the order.
            return StatusReport(names.text(group, "OrgnlMsgId"), REJECTED, *_reason(names, block))
        payments += inside
    return StatusReport(
        names.text(group, "OrgnlMsgId"), names.text(group, "GrpSts"), *_reason(names, group), payments=tuple(payments)
    )


def _payment(names: Names, element: _Element) -> PaymentStatus:
    status = names.text(element, "TxSts")
    if not status or len(status) > LONGEST_STATUS:
        raise BankFileError(f"It has a payment of the status {status[:20]!r}.")
    return PaymentStatus(names.text(element, "OrgnlEndToEndId"), status, *_reason(names, element))


def _reason(names: Names, element: _Element) -> tuple[str, str]:
    code = names.text(element, "StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry")
    return code, " ".join(names.texts(element, "StsRsnInf/AddtlInf"))[:500]
