"""Bank statements: every entry is accounted for, or the file is refused and says why."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cityhall.engines.banking import BankFile, BankFileError, read_statement
from tests.engines.banking.statements import balance, details, entry, file, statement

REAL = Path(__file__).parents[4] / "shared" / "data" / "money" / "camt"
GOOD = sorted(path for path in REAL.glob("*/*.xml") if "wrong" not in path.name)


def amounts(found: BankFile) -> list[Decimal | None]:
    return [line.amount for one in found.statements for got in one.entries for line in got.lines]


def refusal(data: bytes) -> str:
    with pytest.raises(BankFileError) as caught:
        read_statement(data)
    return str(caught.value)


@pytest.mark.skipif(not GOOD, reason="the banks' samples are not here")
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_of_a_bank_is_read_and_counted(path: Path) -> None:
    found = read_statement(path.read_bytes())
    root = etree.parse(path).getroot()
    expected = sum(max(len(list(one.iter("{*}TxDtls"))), 1) for one in root.iter("{*}Ntry"))
    assert found.lines == expected
    other = path.with_suffix(".json")
    if other.exists():
        # What another reader counted; it shows only one of several statements whole.
        counted = other.read_text().count('DTO\\\\EntryTransactionDetail"')
        assert counted in (found.lines, 0, found.lines - len(found.statements) + 1)


@pytest.mark.skipif(not GOOD, reason="the banks' samples are not here")
def test_the_wrong_one_is_refused_for_what_it_lacks() -> None:
    assert "no Stmt" in refusal((REAL / "genkgo" / "camt053.v2.wrong.xml").read_bytes())


@pytest.mark.parametrize("version", range(1, 15))
@pytest.mark.parametrize("kind", ["052", "053", "054"])
def test_every_version_of_the_three_is_read(kind: str, version: int) -> None:
    one = entry("1.50", status="BOOK", code=version >= 7, details=details("1.50"))
    found = read_statement(file(statement(one, kind=kind), kind=kind, version=version))
    assert (found.kind, found.version, amounts(found)) == (f"camt.{kind}", version, [Decimal("1.50")])
    assert found.statements[0].entries[0].status == "BOOK"


@pytest.mark.skipif(not GOOD, reason="the banks' samples are not here")
def test_a_bank_sample_that_is_proved_is_refused_with_any_entry_gone_changed_or_turned() -> None:
    tried = 0
    for path in GOOD:
        for number, found in enumerate(read_statement(path.read_bytes()).statements):
            for at in range(len(found.entries) if found.proved else 0):
                for change in ("gone", "changed", "turned"):
                    root = etree.parse(path).getroot()
                    victim = list(root.iter("{*}Stmt"))[number].findall("{*}Ntry")[at]
                    if change == "gone":
                        victim.getparent().remove(victim)
                    elif change == "changed":
                        victim.find("{*}Amt").text = str(Decimal(victim.findtext("{*}Amt")) + Decimal("0.01"))
                    else:
                        sign = victim.find("{*}CdtDbtInd")
                        sign.text = "DBIT" if sign.text == "CRDT" else "CRDT"
                    assert "not accounted for" in refusal(etree.tostring(root)), (path.name, at, change)
                    tried += 1
    assert tried >= 15


def test_an_unknown_version_is_named() -> None:
    assert "version 15" in refusal(file(statement(""), version=15))


def test_balances_prove_the_entries_and_a_missing_one_is_noticed() -> None:
    entries = [entry("10"), entry("3.20", "DBIT"), entry("99", status="PDNG"), entry("5", status="INFO")]
    sums = balance("OPBD", "100") + balance("CLBD", "106.80")
    assert read_statement(file(statement("".join(entries), sums))).statements[0].proved
    assert "not accounted for" in refusal(file(statement("".join(entries[1:]), sums)))
    assert "not accounted for" in refusal(file(statement("".join(entries) + entries[0], sums)))


def test_an_account_overdrawn_and_one_by_the_balance_of_the_day_before() -> None:
    sums = balance("PRCD", "-20") + balance("CLBD", "-25")
    assert read_statement(file(statement(entry("5", "DBIT"), sums))).statements[0].proved


def test_balances_that_are_not_there_prove_nothing_and_refuse_nothing() -> None:
    found = read_statement(file(statement(entry("5"), balance("CLBD", "7"))))
    assert not found.statements[0].proved
    assert "no opening balance" in found.statements[0].notes[0]


def test_several_currencies_are_proved_each_by_its_own() -> None:
    sums = "".join(
        balance(kind, value, currency)
        for kind, value, currency in (
            ("OPBD", "1", "EUR"),
            ("CLBD", "3", "EUR"),
            ("OPBD", "9", "USD"),
            ("CLBD", "4", "USD"),
        )
    )
    entries = entry("2") + entry("5", "DBIT", currency="USD")
    assert read_statement(file(statement(entries, sums))).statements[0].proved
    assert "USD" in refusal(file(statement(entry("2") + entry("6", "DBIT", currency="USD"), sums)))


@pytest.mark.parametrize(("closing", "expected"), [("90", "-10"), ("110", "10")])
def test_the_direction_of_a_reversal_is_what_the_balances_prove(closing: str, expected: str) -> None:
    # The standard: CdtDbtInd is the reversal's own direction. Some banks write the reversed entry's.
    sums = balance("OPBD", "100") + balance("CLBD", closing)
    found = read_statement(file(statement(entry("10", "DBIT", reversal=True, details=details("10", "DBIT")), sums)))
    assert amounts(found) == [Decimal(expected)]
    assert found.statements[0].entries[0].amount == Decimal(expected)
    assert found.statements[0].proved


def test_a_reversal_that_nothing_proves_is_read_by_the_standard_and_said() -> None:
    found = read_statement(file(statement(entry("10", "DBIT", reversal=True))))
    assert amounts(found) == [Decimal(-10)]
    assert any("reversal" in note for note in found.statements[0].notes)


def test_a_batch_counts_its_transactions() -> None:
    two = details("4") + details("6")
    batch = '<Btch><NbOfTxs>2</NbOfTxs><TtlAmt Ccy="EUR">10</TtlAmt><CdtDbtInd>CRDT</CdtDbtInd></Btch>'
    found = read_statement(file(statement(entry("10", details=batch + two))))
    assert amounts(found) == [Decimal(4), Decimal(6)]
    assert "transactions" in refusal(file(statement(entry("10", details=batch + details("4")))))
    assert "add up to 9" in refusal(file(statement(entry("10", details=batch + details("4") + details("5")))))
    wrong = batch.replace(">10<", ">11<")
    assert "batch says 11" in refusal(file(statement(entry("10", details=wrong + two))))
    assert "batch says 11" in refusal(file(statement(entry("10", details=wrong))))


def test_a_batch_without_transactions_is_one_entry() -> None:
    batch = "<Btch><NbOfTxs>20</NbOfTxs></Btch>"
    assert amounts(read_statement(file(statement(entry("10", details=batch))))) == [Decimal(10)]


def test_a_sum_without_its_parts_names_its_order() -> None:
    batch = "<Btch><MsgId>PAYOUT-1</MsgId><PmtInfId>PAYOUT-1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>"
    line = read_statement(file(statement(entry("10", "DBIT", details=batch)))).statements[0].entries[0].lines[0]
    assert (line.references.payment_information, line.references.message) == ("PAYOUT-1", "PAYOUT-1")


def test_a_batch_told_as_one_transaction_and_one_of_it_alone() -> None:
    batch = "<Btch><NbOfTxs>20</NbOfTxs></Btch>"
    assert amounts(read_statement(file(statement(entry("10", details=batch + details("10")))))) == [Decimal(10)]
    assert "counts 20" in refusal(file(statement(entry("10", details=batch + details("9")))))


def test_a_report_of_all_since_the_opening_is_proved_and_one_of_less_is_not_refused() -> None:
    sums = balance("OPBD", "5") + balance("ITBD", "15")
    assert read_statement(file(statement(entry("10"), sums, kind="052"), kind="052")).statements[0].proved
    assert not read_statement(file(statement(entry("3"), sums, kind="052"), kind="052")).statements[0].proved


def test_transactions_that_give_their_amounts_at_different_places() -> None:
    other = "<AmtDtls><TxAmt><Amt Ccy='EUR'>6</Amt></TxAmt></AmtDtls>"
    found = read_statement(file(statement(entry("10", details=details("4") + details(more=other)))))
    assert amounts(found) == [Decimal(4), Decimal(6)]


def test_charges_explain_what_transactions_leave() -> None:
    charges = '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">0.50</TtlChrgsAndTaxAmt></Chrgs>'
    found = read_statement(file(statement(entry("9.50", details=details("4") + details("6", more=charges)))))
    got = found.statements[0].entries[0]
    assert ([line.amount for line in got.lines], got.rest) == ([Decimal(4), Decimal(6)], Decimal("-0.50"))


def test_transactions_of_both_directions_in_one_entry() -> None:
    found = read_statement(file(statement(entry("6", details=details("10") + details("4", "DBIT")))))
    assert amounts(found) == [Decimal(10), Decimal(-4)]


def test_a_changed_transaction_in_a_statement_that_adds_up_is_refused() -> None:
    sums = balance("OPBD", "0") + balance("CLBD", "10")
    assert "another amount" in refusal(file(statement(entry("10", details=details("11")), sums)))


def test_five_decimals_are_kept_and_nothing_is_rounded() -> None:
    sums = balance("OPBD", "0.00001") + balance("CLBD", "1.23457")
    found = read_statement(file(statement(entry("1.23456", details=details("1.23456")), sums)))
    assert amounts(found) == [Decimal("1.23456")]
    assert "5 decimals" in refusal(file(statement(entry("1.234567"))))


@pytest.mark.parametrize("bad", ["-5", "1,00", "1e3", "", "٣", "NaN", "0x10", "1 000"])
def test_what_is_no_amount_is_refused(bad: str) -> None:
    assert "amount" in refusal(file(statement(entry(bad))))


@pytest.mark.parametrize("blank", ["+5.00", " 5 ", "005.0", "5.", ".5"])
def test_what_the_schema_allows_is_an_amount(blank: str) -> None:
    assert amounts(read_statement(file(statement(entry(blank))))) == [Decimal(blank.strip())]


def test_sums_of_the_statement() -> None:
    def with_sums(total: str, number: int, credits: str) -> bytes:
        said = (
            f"<TxsSummry><TtlNtries><NbOfNtries>{number}</NbOfNtries><Sum>{total}</Sum></TtlNtries>"
            f"<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>{credits}</Sum></TtlCdtNtries></TxsSummry>"
        )
        return file(statement(entry("10") + entry("4", "DBIT"), more=said))

    assert read_statement(with_sums("14", 2, "10.00")).lines == 2
    for wrong in (with_sums("15", 2, "10"), with_sums("14", 3, "10"), with_sums("14", 2, "11")):
        assert "TxsSummry" not in refusal(wrong)
        assert "Tt" in refusal(wrong)


def test_pages_are_one_statement() -> None:
    def page(number: int, last: str, entries: str, balances: str) -> str:
        whole = statement(entries, balances)
        said = f"<StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn>"
        return whole.replace("</Id><Acct>", f"</Id>{said}<Acct>", 1)

    first = page(1, "false", entry("4"), balance("OPBD", "1"))
    last = page(2, "true", entry("6"), balance("CLBD", "11"))
    assert all(one.proved for one in read_statement(file(first, last)).statements)
    assert "not accounted for" in refusal(file(first, last.replace(">6<", ">7<")))
    assert not read_statement(file(last)).statements[0].proved


def test_the_same_statement_twice_is_refused() -> None:
    one = statement(entry("4"), balance("CLBD", "1"))
    assert "twice" in refusal(file(one, one))
    assert "differ" in refusal(file(one, one.replace(">4<", ">5<")))
    assert read_statement(file(one, one.replace("NL26VAYB8060476890", "DE89370400440532013000"))).lines == 2


def test_references_and_names_wherever_a_bank_puts_them() -> None:
    inside = details(
        "5",
        e2e="NOTPROVIDED",
        more="<RltdPties><UltmtDbtr><Pty><Nm>Ana</Nm></Pty></UltmtDbtr></RltdPties>",
        remittance="<Ustrd>one</Ustrd><Ustrd>two</Ustrd><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd>",
    )
    line = read_statement(file(statement(entry("5", details=inside)))).statements[0].entries[0].lines[0]
    assert line.references.end_to_end == ""
    assert line.counterparty.name == "Ana"
    assert (line.unstructured, line.structured[0].reference) == (("one", "two"), "RF18539007547034")
    bare = read_statement(file(statement(entry("5", details="<TxDtls/>")))).statements[0].entries[0].lines[0]
    assert (bare.amount, bare.counterparty.name, bare.structured) == (Decimal(5), "", ())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<html><body>Sign in</body></html>", "HTML"),
        (b"<!DOCTYPE html><html/>", "HTML"),
        (b"date;amount\n2026-11-27;5,00\n", "CSV"),
        (b'{"amount": 5}', "JSON"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b":20:STARTUMS\n:25:1/2\n", "MT940"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'/>", "pain.001"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.029.001.09'/>", "camt.029"),
        (b"<Document><BkToCstmrStmt/></Document>", "namespace"),
        (b"<rss/>", "root is 'rss'"),
        (file(statement(entry("5")))[:-30], "not XML"),
        (b'<!DOCTYPE D [<!ENTITY a "b">]>' + file(statement(""))[38:], "document type"),
        (file(statement("")).replace(b"camt.053", b"camt.052"), "holds"),
        (file(statement("")).replace(b"<Stmt>", b"<Stmt><Ntry><Ntry/></Ntry>"), "amount"),
    ],
)
def test_what_is_no_statement_is_refused_in_a_sentence(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_entries_that_stand_where_none_is_read_are_not_passed_over() -> None:
    strange = entry("5").replace("<Ntry>", '<Ntry xmlns="urn:other">')
    assert "stand where none is read" in refusal(file(statement(entry("5") + strange)))
    free = f"<SplmtryData><Envlp>{entry('5')}</Envlp></SplmtryData>"
    assert read_statement(file(statement(entry("5") + free))).lines == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    text = file(statement(entry("5", details=details("5", remittance="<Ustrd>Müller</Ustrd>")))).decode()
    named = text.replace("UTF-8", {"utf-8-sig": "UTF-8"}.get(encoding, encoding.upper()))
    line = read_statement(named.encode(encoding)).statements[0].entries[0].lines[0]
    assert line.unstructured == ("Müller",)


def test_an_envelope_and_prefixes_and_blanks_before_the_document() -> None:
    text = file(statement(entry("5"))).decode().split("?>", 1)[1]
    header = "<AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.02'/>"
    wrapped = f"\n <?xml version='1.0'?><Message>{header}{text}</Message>"
    assert read_statement(wrapped.encode()).lines == 1
    prefixed = text.replace("<", "<c:").replace("<c:/", "</c:").replace("xmlns=", "xmlns:c=")
    assert read_statement(prefixed.encode()).lines == 1


money = st.decimals("0.01", "999999.99", places=2)
moves = st.lists(
    st.tuples(money, st.sampled_from(["CRDT", "DBIT"]), st.lists(money, max_size=4)), min_size=1, max_size=6
)


@settings(max_examples=150, deadline=None)
@given(moves=moves, opening=st.decimals("-5000", "5000", places=2), data=st.data())
def test_drop_or_change_any_money_of_a_statement_and_it_is_refused(
    moves: list[tuple[Decimal, str, list[Decimal]]], opening: Decimal, data: st.DataObject
) -> None:
    entries, total = "", opening
    for alone, sign, parts in moves:
        value = sum(parts) if parts else alone
        total += value if sign == "CRDT" else -value
        entries += entry(str(value), sign, details="".join(details(str(one), sign) for one in parts))
    sums = balance("OPBD", opening) + balance("CLBD", total)
    good = file(statement(entries, sums))
    found = read_statement(good)
    assert found.statements[0].proved
    assert sum(one.amount for one in found.statements[0].entries) == total - opening

    root = etree.fromstring(good)
    carriers = [one for name in ("Ntry", "TxDtls", "Amt", "CdtDbtInd") for one in root.iter("{*}" + name)]
    victim = data.draw(st.sampled_from(carriers))
    parent = victim.getparent()
    name = etree.QName(victim).localname
    change = data.draw(st.sampled_from(["drop", "change"])) if name in ("Amt", "CdtDbtInd") else "drop"
    siblings = len(parent.findall("{*}TxDtls"))
    if change == "drop":
        parent.remove(victim)
    elif name == "Amt":
        victim.text = str(Decimal(victim.text) + 1)
    else:
        victim.text = "DBIT" if victim.text == "CRDT" else "CRDT"
    inside = etree.QName(parent).localname == "TxDtls" or name == "TxDtls"
    try:
        again = read_statement(etree.tostring(root))
    except BankFileError:
        return
    # Only what the file says elsewhere too may be missing: the rest still adds up, and the account with it. A balance
    # of nothing has no direction to get wrong.
    nothing = etree.QName(parent).localname == "Bal" and Decimal(parent.findtext("{*}Amt") or 1) == 0
    assert inside or nothing
    assert sum(one.amount for one in again.statements[0].entries) == total - opening
    if change == "change" and name == "Amt":
        raise AssertionError("a changed amount was taken")
    if name == "TxDtls":
        assert siblings == 1
