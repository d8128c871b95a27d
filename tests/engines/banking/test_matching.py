"""Lines of statements and the bills that they pay; the command that says so."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cityhall.cli import app
from cityhall.engines.banking import read_statement
from cityhall.engines.banking.bills_file import read_bills
from cityhall.engines.banking.matching import Bill, Explained, Matcher
from cityhall.engines.banking.message import BankFileError
from cityhall.engines.banking.references import is_creditor_reference, make_creditor_reference, spaced
from tests.engines.banking.statements import balance, details, entry, file, statement

RF = make_creditor_reference("539007547034")
OTHER = make_creditor_reference("42")
BILLS = (Bill(RF, 1000, "EUR"), Bill(OTHER, 500, "EUR"), Bill("BILL-7", 700, "EUR"), Bill("BILL-77", 7700, "EUR"))


def matched(*entries: str, bills: tuple[Bill, ...] = BILLS) -> list[Explained]:
    return list(Matcher(bills).match(read_statement(file(statement("".join(entries))))))


def paid(*entries: str) -> list[object]:
    """Of each line the bills with what they get, or the reason why none."""
    return [
        one.reason or {part.bill.reference: (part.amount, part.over) for part in one.parts} for one in matched(*entries)
    ]


def credit(amount: str, remittance: str = "", e2e: str = "NOTPROVIDED") -> str:
    return entry(amount, details=details(amount, e2e=e2e, remittance=remittance))


def test_the_reference_of_the_standards_example() -> None:
    assert make_creditor_reference("539007547034") == "RF18539007547034"
    assert not is_creditor_reference("RF19539007547034")
    assert spaced(RF) == "RF18 5390 0754 7034"


@given(st.text("ABCXYZ0123456789", min_size=1, max_size=21), st.integers(0, 24), st.sampled_from("0123456789ABC"))
def test_a_reference_with_one_letter_changed_is_none(body: str, at: int, letter: str) -> None:
    reference = make_creditor_reference(body)
    assert is_creditor_reference(spaced(reference).lower())
    changed = reference[:at] + letter + reference[at + 1 :]
    if 4 <= at < len(reference) and changed != reference:
        assert not is_creditor_reference(changed)


@pytest.mark.parametrize(
    ("remittance", "e2e"),
    [
        (f"<Strd><CdtrRefInf><Ref>{RF}</Ref></CdtrRefInf></Strd>", ""),
        (f"<Strd><CdtrRefInf><Ref>{spaced(RF)}</Ref></CdtrRefInf></Strd>", ""),
        (f"<Ustrd>{RF}</Ustrd>", ""),
        (f"<Ustrd>Rubbish fee {spaced(RF).lower()}, thank you</Ustrd>", ""),
        (f"<Ustrd>{RF}THANKS</Ustrd>", ""),
        (f"<Ustrd>fee {RF[:9]}</Ustrd><Ustrd>{RF[9:]} May</Ustrd>", ""),
        ("", RF),
    ],
)
def test_a_reference_is_found_wherever_it_stands(remittance: str, e2e: str) -> None:
    assert paid(credit("10.00", remittance, e2e or "NOTPROVIDED")) == [{RF: (1000, 0)}]


def test_one_bill_is_not_taken_for_another_that_begins_alike() -> None:
    assert paid(credit("7", "<Ustrd>for BILL 7 of May</Ustrd>")) == [{"BILL-7": (700, 0)}]
    assert paid(credit("77", "<Ustrd>bill-77</Ustrd>")) == [{"BILL-77": (7700, 0)}]
    assert paid(credit("7", "<Ustrd>BILL-777</Ustrd>")) == ["amount_only"]
    assert paid(credit("8", "<Ustrd>BILL-777</Ustrd>")) == ["unknown_reference"]


def test_a_part_then_the_rest_then_too_much() -> None:
    one = f"<Ustrd>{RF}</Ustrd>"
    assert paid(credit("4", one), credit("7", one), credit("1", one)) == [
        {RF: (400, 0)},
        {RF: (700, 100)},
        {RF: (100, 100)},
    ]


def test_an_amount_pays_a_bill_only_of_who_paid_it() -> None:
    from_ana = "<RltdPties><Dbtr><Pty><Nm>ANA  MULLER</Nm></Pty></Dbtr></RltdPties>"
    line = entry("3", details=details("3", more=from_ana))
    for payer, expected in (("Ana Müller", ""), ("Rui", "amount_only"), ("", "amount_only")):
        found = matched(line, bills=(Bill("X-1", 300, "EUR", payer), Bill("X-2", 400, "EUR", "Ana Müller")))
        assert [one.reason for one in found] == [expected]
    both = matched(line, bills=(Bill("X-1", 300, "EUR", "Ana Müller"), Bill("X-2", 300, "EUR", "Ana Müller")))
    assert both[0].reason == "no_reference"


def test_two_bills_in_one_transfer() -> None:
    both = f"<Ustrd>{RF} and {OTHER}</Ustrd>"
    assert paid(credit("15", both)) == [{RF: (1000, 0), OTHER: (500, 0)}]
    assert paid(credit("12", both)) == [{RF: (1000, 0), OTHER: (200, 0)}]
    assert paid(credit("16", both)) == [{RF: (1000, 0), OTHER: (600, 100)}]
    parts = "".join(
        f'<Strd><RfrdDocAmt><RmtdAmt Ccy="EUR">{amount}</RmtdAmt></RfrdDocAmt>'
        f"<CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd>"
        for reference, amount in ((RF, "3"), (OTHER, "5"))
    )
    assert paid(credit("8", parts)) == [{RF: (300, 0), OTHER: (500, 0)}]


def test_why_a_line_pays_nothing() -> None:
    one = f"<Ustrd>{RF}</Ustrd>"
    lines = [
        entry("10", status="PDNG", details=details("10", remittance=one)),
        entry("10", "DBIT", details=details("10", "DBIT", remittance=one)),
        entry("10", reversal=True, details=details("10", remittance=one)),
        entry("10", details=details("10", remittance=one, more="<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")),
        entry("10", currency="USD", details=details("10", currency="USD", remittance=one)),
        entry("10.001", details=details("10.001", remittance=one)),
        entry("9"),
    ]
    assert paid(*lines) == [
        "pending",
        "outgoing",
        "reversal",
        "returned",
        "other_currency",
        "not_in_whole_units",
        "no_reference",
    ]


def test_a_notification_and_then_the_statement_are_one_payment() -> None:
    line = entry("10", servicer="BANK-000017", details=details("10", remittance=f"<Ustrd>{RF}</Ustrd>"))
    matcher = Matcher(BILLS)
    first = list(matcher.match(read_statement(file(statement(line, kind="054"), kind="054"))))
    again = entry("10", servicer="BANK-000017")
    second = list(matcher.match(read_statement(file(statement(again, balance("OPBD", "0") + balance("CLBD", "10"))))))
    assert [one.reason for one in (*first, *second)] == ["", "duplicate"]
    assert matcher.open_amounts()[RF] == 0


def test_the_same_entry_twice_is_one_payment_unless_the_balances_say_two() -> None:
    one = credit("10", f"<Ustrd>{RF}</Ustrd>").replace("<Ntry>", "<Ntry><NtryRef>17</NtryRef>")
    assert paid(one, one) == [{RF: (1000, 0)}, "duplicate"]
    sums = balance("OPBD", "0") + balance("CLBD", "20")
    found = list(Matcher(BILLS).match(read_statement(file(statement(one * 2, sums)))))
    assert [one.parts[0].over for one in found] == [0, 1000]


def test_what_is_pending_today_is_paid_when_it_is_booked() -> None:
    matcher = Matcher(BILLS)
    said = []
    for status in ("PDNG", "BOOK"):
        line = entry("10", status=status, servicer="BANK-17", details=details("10", remittance=f"<Ustrd>{RF}</Ustrd>"))
        said += [one.reason for one in matcher.match(read_statement(file(statement(line))))]
    assert said == ["pending", ""]


def test_two_payments_alike_to_the_letter_are_two_and_the_file_again_is_none() -> None:
    matcher = Matcher((Bill(RF, 2000, "EUR"),))
    twice = file(statement(credit("10", f"<Ustrd>{RF}</Ustrd>") * 2))
    said = [[one.reason for one in matcher.match(read_statement(twice))] for _ in range(2)]
    assert said == [["", ""], ["duplicate", "duplicate"]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3000), st.booleans()), max_size=12), st.integers(1, 2))
def test_every_cent_of_every_line_is_for_a_bill_or_has_a_reason(
    payments: list[tuple[int, int, bool]], times: int
) -> None:
    bills = tuple(Bill(make_creditor_reference(f"B{number}"), 1000 + number, "EUR") for number in range(4))
    entries = ""
    for number, cents, incoming in payments:
        named = bills[number].reference if number < 4 else "nothing"
        amount, sign = f"{cents / 100:.2f}", "CRDT" if incoming else "DBIT"
        entries += entry(amount, sign, details=details(amount, sign, remittance=f"<Ustrd>{named}</Ustrd>"))
    data = file(statement(entries))
    matcher = Matcher(bills)
    lines = [one for _ in range(times) for one in matcher.match(read_statement(data))]
    # The oracle: what came for each bill, counted once.
    came = [sum(cents for number, cents, into in payments if number == bill and into) for bill in range(4)]
    for bill, total in zip(bills, came, strict=True):
        parts = [part for one in lines for part in one.parts if part.bill == bill]
        assert sum(part.amount for part in parts) == total
        assert sum(part.over for part in parts) == max(total - bill.amount, 0)
        assert matcher.open_amounts()[bill.reference] == max(bill.amount - total, 0)
    assert len(lines) == times * len(payments)
    assert all(bool(one.parts) != bool(one.reason) for one in lines)


def test_bills_in_json_and_csv() -> None:
    expected = [Bill("A-1", 1230, "EUR", "Ana"), Bill("B-2", 500, "JPY")]
    said = [
        {"reference": "A-1", "amount": "12.30", "currency": "EUR", "payer": "Ana"},
        {"reference": "B-2", "amount": 500, "currency": "JPY"},
    ]
    assert read_bills(json.dumps(said).encode()) == expected
    assert read_bills(json.dumps({"bills": said}).encode()) == expected
    assert read_bills(b"\xef\xbb\xbfReference;Amount;Currency;Payer\nA-1;12.30;EUR;Ana\nB-2;500;JPY;\n") == expected
    for bad in (b"[1]", b"{", b"a,b\n1,2", b"reference,amount\nA,x", b"reference,amount\nA,1.234", b"\xff\xfe\xff"):
        with pytest.raises(BankFileError):
            read_bills(bad)


def said(*arguments: object) -> dict[str, object]:
    result = CliRunner().invoke(app, ["payments", "read-statement", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    whole: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    assert whole["entries"] == whole["booked"] + whole["explained"]  # type: ignore[operator]
    return whole


def test_the_command_reads_plain_and_packed_and_says_what_is_refused(tmp_path: Path) -> None:
    good, packed, wrong, bills = (tmp_path / name for name in ("good.xml", "good.xml.gz", "wrong.xml", "bills.json"))
    good.write_bytes(file(statement(credit("10", f"<Ustrd>{RF}</Ustrd>") + entry("3", "DBIT"))))
    packed.write_bytes(gzip.compress(good.read_bytes()))
    wrong.write_text("<html/>")
    bills.write_text(json.dumps([{"reference": RF, "amount": 1000, "currency": "EUR"}]))
    assert said(good)["reasons"] == {"no_bills": 1, "outgoing": 1}
    for path in (good, packed):
        one = said(path, "--bills", bills)
        assert (one["entries"], one["booked"], one["explained"], one["refused"]) == (2, 1, 1, None)
    refused = said(wrong)
    assert (refused["entries"], "HTML" in str(refused["refused"])) == (0, True)
    several = said(good, packed, wrong, "--bills", bills)
    assert (several["entries"], several["booked"]) == (4, 1)
    assert "wrong.xml" in str(several["refused"])


def test_the_command_ends_with_2_where_there_is_no_file(tmp_path: Path) -> None:
    good = tmp_path / "good.xml"
    good.write_bytes(file(statement(entry("3"))))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(good.read_bytes())[:-9])
    for arguments in ([tmp_path / "none.xml"], [tmp_path / "cut.gz"], [good, "--bills", tmp_path / "none.csv"]):
        result = CliRunner().invoke(app, ["payments", "read-statement", *map(str, arguments), "--json"])
        assert result.exit_code == 2, arguments
    assert CliRunner().invoke(app, ["payments", "read-statement", str(good)]).exit_code == 0
