"""Payment orders: valid by the schema, and by what banks refuse beyond it; a bank takes them and answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cityhall.engines.banking.charset import ALLOWED, fits, sepa_text
from cityhall.engines.banking.message import BankFileError
from cityhall.engines.banking.order import Address, Debtor, Order, Payment
from cityhall.engines.banking.order_checks import faults_of
from cityhall.engines.banking.pain import NAMESPACE, schema_fault, write_order
from cityhall.engines.banking.profiles import PROFILES, profile_of
from cityhall.engines.banking.status import read_status
from cityhall.engines.banking.workdays import is_target_day, next_target_day

TODAY = date(2026, 11, 27)
STRUCTURED = Address("Rua da Praia", "12", "90010", "Porto", "PT")
HYBRID = Address(town="Porto", country="PT", lines=("Rua da Praia 12", "3rd floor"))
LINES = Address(country="PT", lines=("Rua da Praia 12", "4000 Porto"))
PAYMENT = Payment("P-1", "Ana Souza", "ES9121000418450200051332", 1234, address=STRUCTURED, text="Points of May")
CITY = Debtor("Testville", "NL91ABNA0417164300", "ABNANL2A", Address("Square", "1", "1012AB", "Amsterdam", "NL"))
ORDER = Order("PAY-1", datetime(2026, 11, 27, 9, tzinfo=UTC), date(2026, 11, 30), CITY, (PAYMENT,))
SEPA = PROFILES["sepa"]


def changed(**fields: object) -> Order:
    return replace(ORDER, payments=(replace(PAYMENT, **fields),))  # type: ignore[arg-type]


def codes(order: Order, profile: str = "sepa") -> set[str]:
    return {one.code for one in faults_of(order, PROFILES[profile], TODAY)}


def names(data: bytes, path: str) -> list[str]:
    found = etree.fromstring(data).iterfind(".//" + "/".join(f"{{{NAMESPACE}}}{one}" for one in path.split("/")))
    return [one.text for one in found]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_an_order_is_valid_for_every_profile_and_adds_up(profile: str) -> None:
    order = replace(
        ORDER, payments=(PAYMENT, replace(PAYMENT, end_to_end="P-2", amount=1, text="", reference="RF18539007547034"))
    )
    data = write_order(order, PROFILES[profile], TODAY)
    assert schema_fault(data) == ""
    assert names(data, "GrpHdr/CtrlSum") == names(data, "PmtInf/CtrlSum") == ["12.35"]
    assert names(data, "GrpHdr/NbOfTxs") == ["2"]
    assert data == write_order(order, PROFILES[profile], TODAY)


def test_wrong_check_digits_pass_the_schema_and_not_us() -> None:
    wrong = "ES9221000418450200051332"
    data = write_order(ORDER, SEPA, TODAY).replace(PAYMENT.iban.encode(), wrong.encode())
    assert schema_fault(data) == ""
    assert codes(changed(iban=wrong)) == {"iban"}
    with pytest.raises(BankFileError, match="IBAN"):
        write_order(changed(iban=wrong), SEPA, TODAY)
    assert codes(changed(iban="ES91210004184502000513")) == {"iban"}


def test_addresses_structured_hybrid_and_never_of_lines_alone() -> None:
    assert (
        codes(changed(address=STRUCTURED))
        == codes(changed(address=HYBRID))
        == codes(changed(address=Address()))
        == set()
    )
    assert codes(changed(address=LINES)) == {"unstructured"}
    assert codes(changed(address=replace(HYBRID, lines=("a", "b", "c")))) == {"lines"}
    assert codes(changed(address=replace(HYBRID, lines=("a" * 71,)))) == {"long"}
    assert codes(changed(address=replace(STRUCTURED, country="Portugal"))) == {"country"}
    data = write_order(changed(address=HYBRID), SEPA, TODAY)
    assert names(data, "Cdtr/PstlAdr/AdrLine") == list(HYBRID.lines)
    assert b"AdrTp" not in data


def test_a_bank_of_its_own_rules() -> None:
    assert codes(changed(address=HYBRID), "sepa-structured") == {"lines"}
    assert codes(changed(address=Address()), "sepa-strict") == {"address"}
    assert codes(replace(ORDER, debtor=replace(CITY, bic="")), "sepa-strict") == {"bic"}
    data = write_order(ORDER, PROFILES["sepa-no-post-code"], TODAY)
    assert names(data, "PstlAdr/PstCd") == []
    assert names(data, "Cdtr/PstlAdr/AdrLine") == ["90010 Porto"]
    assert profile_of({"like": "sepa-structured", "most_payments": 2}).hybrid is False
    for bad in ({"hybrid": "yes"}, {"strange": True}, {"like": "none"}):
        with pytest.raises(ValueError):
            profile_of(bad)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "Ana & Rui"}, "characters"),
        ({"name": "Anaïs"}, "characters"),
        ({"name": "a" * 71}, "long"),
        ({"name": " "}, "name"),
        ({"text": "a" * 141}, "long"),
        ({"end_to_end": "/P"}, "identifier"),
        ({"end_to_end": "P//1"}, "identifier"),
        ({"end_to_end": "x" * 36}, "identifier"),
        ({"end_to_end": ""}, "identifier"),
        ({"amount": 0}, "amount"),
        ({"amount": 100_000_000_000}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"reference": "RF19539007547034", "text": ""}, "reference"),
        ({"reference": "RF18539007547034"}, "both"),
        ({"iban": "BR1800360305000010009795493C1"}, "not_sepa"),
        ({"bic": "NOPE"}, "bic"),
        ({"uetr": "1-2-3"}, "uetr"),
    ],
)
def test_what_a_bank_refuses(fields: dict[str, object], code: str) -> None:
    assert codes(changed(**fields)) == {code}


def test_ids_once_and_days_on_which_banks_work() -> None:
    assert codes(replace(ORDER, payments=(PAYMENT, PAYMENT))) == {"double"}
    assert codes(replace(ORDER, payments=())) == {"count"}
    for day, code in ((date(2026, 11, 28), "closed"), (date(2026, 12, 25), "closed"), (date(2026, 11, 26), "past")):
        assert codes(replace(ORDER, execute_on=day)) == {code}
    assert codes(replace(ORDER, execute_on=date(2028, 1, 3))) == {"far"}
    assert next_target_day(date(2026, 12, 25)) == date(2026, 12, 28)


def test_target_days_are_those_of_the_central_bank() -> None:
    for year in range(2002, 2100):
        closed = holidays.financial_holidays("ECB", years=year)
        days = (date(year, 1, 1) + timedelta(days=one) for one in range(365))
        assert all(is_target_day(day) == (day.weekday() < 5 and day not in closed) for day in days), year


@given(st.text(max_size=60))
def test_any_text_becomes_one_that_banks_take(text: str) -> None:
    written = sepa_text(text)
    assert set(written) <= ALLOWED
    assert sepa_text(written) == written
    assert len(sepa_text(text, 10)) <= 10


def test_texts_are_written_as_their_readers_would() -> None:
    assert sepa_text("Zażółć gęślą jaźń") == "Zazolc gesla jazn"
    assert sepa_text("Straße & Søn – O’Brien") == "Strasse + Son - O'Brien"
    assert sepa_text("Αθήνα, София") == "Athina, Sofiya"
    assert fits("A-1 (b), c: d? e. f/g+h'i")


texts = st.text(sorted(ALLOWED - {"/"}), min_size=1, max_size=70).map(lambda one: " ".join(one.split())).filter(bool)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, st.integers(1, 99_999_999_999), texts), min_size=1, max_size=5))
def test_what_is_written_is_what_was_ordered(rows: list[tuple[str, int, str]]) -> None:
    payments = tuple(
        replace(PAYMENT, end_to_end=f"P-{number}", name=name, amount=amount, text=text)
        for number, (name, amount, text) in enumerate(rows)
    )
    data = write_order(replace(ORDER, payments=payments), SEPA, TODAY)
    assert names(data, "CdtTrfTxInf/Cdtr/Nm") == [one.name for one in payments]
    assert names(data, "RmtInf/Ustrd") == [one.text for one in payments]
    written = [Decimal(one) for one in names(data, "Amt/InstdAmt")]
    assert [int(one * 100) for one in written] == [one.amount for one in payments]
    assert Decimal(names(data, "GrpHdr/CtrlSum")[0]) == sum(written)


def test_what_a_bank_says_of_an_order() -> None:
    space = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
    rejected = (
        "<TxInfAndSts><OrgnlEndToEndId>P-1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn>"
        "<AddtlInf>closed</AddtlInf></StsRsnInf></TxInfAndSts>"
    )
    group = "<OrgnlGrpInfAndSts><OrgnlMsgId>PAY-1</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"
    body = f"{group}<OrgnlPmtInfAndSts>{rejected}</OrgnlPmtInfAndSts>"
    found = read_status(f'<Document xmlns="{space}"><CstmrPmtStsRpt>{body}</CstmrPmtStsRpt></Document>'.encode())
    assert (found.message_id, found.status, found.payments[0].reason) == ("PAY-1", "PART", "AC04")
    for bad in (b"<a/>", f'<Document xmlns="{space}"><CstmrPmtStsRpt/></Document>'.encode()):
        with pytest.raises(BankFileError):
            read_status(bad)
