"""Statements made for tests: whatever version, with sums and balances that are right unless a test wants them wrong."""

from __future__ import annotations

from decimal import Decimal

NAMES = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
IBAN = "NL26VAYB8060476890"


def entry(
    amount: str,
    sign: str = "CRDT",
    *,
    status: str = "BOOK",
    currency: str = "EUR",
    details: str = "",
    reversal: bool | None = None,
    servicer: str = "",
    day: str = "2026-11-27",
    code: bool = True,
) -> str:
    """One Ntry. `details` is the inside of NtryDtls."""
    said = "" if reversal is None else f"<RvslInd>{str(reversal).lower()}</RvslInd>"
    state = f"<Cd>{status}</Cd>" if code else status
    named = f"<AcctSvcrRef>{servicer}</AcctSvcrRef>" if servicer else ""
    inside = f"<NtryDtls>{details}</NtryDtls>" if details else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{said}<Sts>{state}</Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt>{named}{inside}</Ntry>"
    )


def details(
    amount: str = "",
    sign: str = "CRDT",
    *,
    currency: str = "EUR",
    e2e: str = "NOTPROVIDED",
    remittance: str = "",
    more: str = "",
) -> str:
    """One TxDtls."""
    value = f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>' if amount else ""
    said = f"<RmtInf>{remittance}</RmtInf>" if remittance else ""
    return f"<TxDtls><Refs><EndToEndId>{e2e}</EndToEndId></Refs>{value}{more}{said}</TxDtls>"


def balance(kind: str, amount: Decimal | str, currency: str = "EUR", day: str = "2026-11-27") -> str:
    value = Decimal(amount)
    sign = "CRDT" if value >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{abs(value)}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def statement(
    entries: str, balances: str = "", *, kind: str = "053", identity: str = "S-1", more: str = "", iban: str = IBAN
) -> str:
    """One Stmt, Rpt or Ntfctn; `more` stands between account and entries (TxsSummry)."""
    part = NAMES[kind][1]
    account = f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    return f"<{part}><Id>{identity}</Id>{account}{balances}{more}{entries}</{part}>"


def file(*statements: str, kind: str = "053", version: int = 8) -> bytes:
    """The document."""
    name = NAMES[kind][0] + ("V01" if version == 1 else "")
    header = "<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-11-27T10:00:00</CreDtTm></GrpHdr>"
    space = f"urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version:02d}"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{space}"><{name}>{header}{"".join(statements)}'
        f"</{name}></Document>"
    ).encode()
