"""The demo's bank, outside the city: its book of the city's account, statements (camt.053) of it, orders (pain.001)
that it carries out, and direct debits (pain.008) that it collects and answers (pain.002). It closes a day every few
minutes, so that who looks at the demo sees some.

Besides what guests transfer it has what every bank has: a fee, a transfer of which nobody knows what it is for, one
that its sender's bank calls back. Of what it collects some is refused at once, and some comes back.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from cityhall.simulator import clock

if TYPE_CHECKING:
    from lxml import etree

OPENING = 2_500_000
FEE = 250
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
STRANGERS = (
    ("Sociedade Recreativa", "Obrigado pela sala", 7_500),
    ("Marta Brum", "For the hall, thank you", 4_000),
    ("Coro da Matriz", "Quota de novembro", 3_200),
)
CODES = {"transfer": "NTRF", "fee": "NCHG", "return": "NRTI", "order": "NTRF", "debit": "NDDT"}
ANSWER = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
COMES_BACK, REFUSED = (4, 2, "AM04"), (9, 6, "AC04")
"""Of so many collections the one of that number comes back, or is refused at once; and why."""


def iban_of(number: int) -> str:
    """The account of that number at the demo's bank: no bank has its code (Portugal's IBANs always begin with 50)."""
    account = f"99990000{number:011d}"
    return f"PT50{account}{98 - int(account + '00') % 97:02d}"


CITY_IBAN = iban_of(1)
FIRST_ACCOUNT = 100
"""Of residents: the first of them has this number, the second the next one."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A movement of the city's account: cents above zero came in. `reference` is a creditor's, `text` free."""

    amount: int
    name: str
    iban: str
    kind: str = "transfer"
    reference: str = ""
    text: str = ""
    end_to_end: str = ""
    reason: str = "FOCR"
    """Of a return: the code that says why."""


@dataclass
class Bank:
    """The city's account. Safe to use by several threads."""

    balance: int = OPENING
    closed: int = 0
    collected: int = 0
    """Collections that it was given by now."""
    _open: list[Booked] = field(default_factory=list)
    _past: list[Booked] = field(default_factory=list)
    _back: list[Booked] = field(default_factory=list)
    """What was collected and comes back after the next statement."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def transfer(self, amount: int, name: str, iban: str, reference: str) -> None:
        """Somebody pays the city."""
        with self._lock:
            self._open.append(Booked(amount, name, iban, reference=reference))

    def order(self, file: bytes) -> int:
        """Carries out the city's order (pain.001); gives how many payments it has. Raises ValueError for none."""
        payments = _payments(file)
        with self._lock:
            self._open += payments
        return len(payments)

    def collect(self, file: bytes) -> bytes:
        """Collects the city's direct debits (pain.008) by the next statement, and answers what it makes of them
        (pain.002). Raises ValueError for a file that is none."""
        message, debits = _debits(file)
        refused = []
        with self._lock:
            for one in debits:
                number, self.collected = self.collected, self.collected + 1
                if number % REFUSED[0] == REFUSED[1]:
                    refused.append(one.end_to_end)
                    continue
                self._open.append(one)
                if number % COMES_BACK[0] == COMES_BACK[1]:
                    back = replace(one, amount=-one.amount, kind="return", text="", reason=COMES_BACK[2])
                    self._back.append(back)
        return _answer(message, len(debits), refused)

    def close(self) -> bytes:
        """The statement of what has come since the last one."""
        with self._lock:
            self.closed += 1
            self._open += self._own()
            opening, rows = self.balance, self._open
            self.balance, self._open = opening + sum(one.amount for one in rows), self._back
            self._back = []
            self._past += [one for one in rows if one.kind == "transfer" and one.reference]
            return _statement(opening, rows, self.closed)

    def _own(self) -> list[Booked]:
        """What comes by nobody's doing in the demo."""
        found = []
        if self.closed % 8 == 1:
            found.append(Booked(-FEE, "Banco da Praia", iban_of(2), "fee", text="Account fee"))
        if self.closed % 6 == 1:
            name, text, amount = STRANGERS[self.closed // 6 % len(STRANGERS)]
            found.append(Booked(amount, name, iban_of(300 + self.closed), text=text))
        if self.closed % 5 == 3 and self._past:
            # Of the second: of the first too much came, and some of it is on its way back.
            was = self._past.pop(min(1, len(self._past) - 1))
            found.append(Booked(-was.amount, was.name, was.iban, "return", was.reference))
        return found


def _read(file: bytes, kind: str, what: str) -> etree._Element:
    from lxml import etree

    document = etree.fromstring(file, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    if kind not in document.tag:
        raise ValueError(f"this is no order of {what}")
    return document


def _text(parent: etree._Element, path: str) -> str:
    return str(parent.findtext("/".join(f"{{*}}{one}" for one in path.split("/")), ""))


def _payments(file: bytes) -> list[Booked]:
    return [
        Booked(
            -int(_text(one, "Amt/InstdAmt").replace(".", "")),
            _text(one, "Cdtr/Nm"),
            _text(one, "CdtrAcct/Id/IBAN"),
            "order",
            text=_text(one, "RmtInf/Ustrd"),
            end_to_end=_text(one, "PmtId/EndToEndId"),
        )
        for one in _read(file, "pain.001", "payments").iterfind(".//{*}CdtTrfTxInf")
    ]


def _debits(file: bytes) -> tuple[str, list[Booked]]:
    """(the order's own id, what is to be collected)."""
    document = _read(file, "pain.008", "direct debits")
    return _text(document, "CstmrDrctDbtInitn/GrpHdr/MsgId"), [
        Booked(
            int(_text(one, "InstdAmt").replace(".", "")),
            _text(one, "Dbtr/Nm"),
            _text(one, "DbtrAcct/Id/IBAN"),
            "debit",
            text=_text(one, "RmtInf/Ustrd"),
            end_to_end=_text(one, "PmtId/EndToEndId"),
        )
        for one in document.iterfind(".//{*}DrctDbtTxInf")
    ]


def _answer(message: str, count: int, refused: list[str]) -> bytes:
    at = datetime.fromtimestamp(clock.time(), UTC).isoformat(timespec="seconds")
    why = f"<StsRsnInf><Rsn><Cd>{REFUSED[2]}</Cd></Rsn></StsRsnInf>"
    wrong = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{one}</OrgnlEndToEndId><TxSts>RJCT</TxSts>{why}</TxInfAndSts>"
        for one in refused
    )
    status = "ACCP" if not refused else "RJCT" if len(refused) == count else "PART"
    payments = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}</OrgnlPmtInfId>{wrong}</OrgnlPmtInfAndSts>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{ANSWER}"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>A{message[-30:]}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId>"
        f"<GrpSts>{status}</GrpSts></OrgnlGrpInfAndSts>{payments if refused else ''}</CstmrPmtStsRpt></Document>"
    ).encode()


def _statement(opening: int, rows: list[Booked], number: int) -> bytes:
    now = datetime.fromtimestamp(clock.time(), UTC)
    at, day = now.isoformat(timespec="seconds"), f"{now:%Y-%m-%d}"
    # Names of its own: after a start of the demo it counts from one again.
    name = f"{now:%Y%m%d%H%M%S}{number:04d}"
    closing = opening + sum(one.amount for one in rows)
    entries = "".join(_entry(one, f"B{name}{place:04d}", day) for place, one in enumerate(rows))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M{name}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S{name}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>{at}</CreDtTm>"
        f"<Acct><Id><IBAN>{CITY_IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{_balance('OPBD', opening, day)}{_balance('CLBD', closing, day)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _amount(cents: int) -> str:
    sign = "CRDT" if cents >= 0 else "DBIT"
    return f'<Amt Ccy="EUR">{abs(cents) // 100}.{abs(cents) % 100:02d}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _balance(kind: str, cents: int, day: str) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(cents)}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _entry(one: Booked, servicer: str, day: str) -> str:
    other = "Dbtr" if one.amount > 0 else "Cdtr"
    party = f"<Pty><Nm>{escape(one.name)}</Nm></Pty>"
    account = f"<Id><IBAN>{one.iban}</IBAN></Id>"
    said = f"<Ustrd>{escape(one.text)}</Ustrd>" if one.text else ""
    if one.reference:
        said += f"<Strd><CdtrRefInf><Ref>{one.reference}</Ref></CdtrRefInf></Strd>"
    back = f"<RtrInf><Rsn><Cd>{one.reason}</Cd></Rsn></RtrInf>" if one.kind == "return" else ""
    details = (
        f"<TxDtls><Refs><EndToEndId>{one.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>{_amount(one.amount)}"
        f"<RltdPties><{other}>{party}</{other}><{other}Acct>{account}</{other}Acct></RltdPties>"
        f"<RmtInf>{said}</RmtInf>{back}</TxDtls>"
    )
    return (
        f"<Ntry>{_amount(one.amount)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"<ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{servicer}</AcctSvcrRef>"
        f"<BkTxCd><Prtry><Cd>{CODES[one.kind]}</Cd></Prtry></BkTxCd><NtryDtls>{details}</NtryDtls></Ntry>"
    )
