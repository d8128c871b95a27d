"""Direct debits: valid by the schema, and by what banks refuse beyond it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cityhall.engines.banking.charset import ALLOWED
from cityhall.engines.banking.debits import (
    NAMESPACE,
    SCHEMA,
    Creditor,
    Debit,
    DebitOrder,
    faults_of_debits,
    write_debits,
)
from cityhall.engines.banking.message import BankFileError
from cityhall.engines.banking.order import Address
from cityhall.engines.banking.pain import schema_fault
from cityhall.engines.banking.profiles import PROFILES
from cityhall.engines.banking.references import creditor_id_fault

TODAY = date(2026, 11, 27)
CITY = Creditor("Testville", "NL91ABNA0417164300", "DE98ZZZ09999999999", "ABNANL2A")
STREET = Address("Rua da Praia", "12", "90010", "Porto", "PT")
DEBIT = Debit("D-1", "M-1", date(2026, 11, 2), "Ana Souza", "ES9121000418450200051332", 1234, text="City map")
ORDER = DebitOrder("DEBIT-1", datetime(2026, 11, 27, 9, tzinfo=UTC), date(2026, 11, 30), CITY, (DEBIT,))
SEPA = PROFILES["sepa"]


def changed(**fields: object) -> DebitOrder:
    return replace(ORDER, debits=(replace(DEBIT, **fields),))  # type: ignore[arg-type]


def codes(order: DebitOrder, profile: str = "sepa") -> set[str]:
    return {one.code for one in faults_of_debits(order, PROFILES[profile], TODAY)}


def names(data: bytes, path: str) -> list[str]:
    found = etree.fromstring(data).iterfind(".//" + "/".join(f"{{{NAMESPACE}}}{one}" for one in path.split("/")))
    return [one.text for one in found]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_file_is_valid_for_every_profile_and_adds_up(profile: str) -> None:
    one = replace(DEBIT, address=STREET)
    order = replace(ORDER, debits=(one, replace(one, end_to_end="D-2", mandate="M-2", amount=1, bic="CAIXESBB")))
    data = write_debits(order, PROFILES[profile], TODAY)
    assert schema_fault(data, SCHEMA) == ""
    assert names(data, "GrpHdr/CtrlSum") == names(data, "PmtInf/CtrlSum") == ["12.35"]
    assert names(data, "GrpHdr/NbOfTxs") == names(data, "PmtInf/NbOfTxs") == ["2"]
    assert names(data, "MndtRltdInf/MndtId") == ["M-1", "M-2"]
    assert names(data, "MndtRltdInf/DtOfSgntr") == ["2026-11-02"] * 2
    assert names(data, "CdtrSchmeId/Id/PrvtId/Othr/Id") == [CITY.identifier]
    assert data == write_debits(order, PROFILES[profile], TODAY)


def test_wrong_check_digits_pass_the_schema_and_not_us() -> None:
    data = write_debits(ORDER, SEPA, TODAY)
    for right, wrong, order, code in (
        (DEBIT.iban, "ES9221000418450200051332", changed(iban="ES9221000418450200051332"), "iban"),
        (
            CITY.identifier,
            "DE99ZZZ09999999999",
            replace(ORDER, creditor=replace(CITY, identifier="DE99ZZZ09999999999")),
            "creditor",
        ),
    ):
        assert schema_fault(data.replace(right.encode(), wrong.encode()), SCHEMA) == ""
        assert codes(order) == {code}
        with pytest.raises(BankFileError, match="bank would refuse"):
            write_debits(order, SEPA, TODAY)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "Anaïs"}, "characters"),
        ({"name": " "}, "name"),
        ({"text": "a" * 141}, "long"),
        ({"end_to_end": ""}, "identifier"),
        ({"mandate": ""}, "identifier"),
        ({"mandate": "M//1"}, "identifier"),
        ({"mandate": "x" * 36}, "identifier"),
        ({"signed_on": date(2026, 11, 28)}, "signed"),
        ({"amount": 0}, "amount"),
        ({"amount": 100_000_000_000}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"iban": "BR1800360305000010009795493C1"}, "not_sepa"),
        ({"iban": "CH9300762011623852957"}, "address"),
        ({"bic": "NOPE"}, "bic"),
        ({"address": Address(country="PT", lines=("Rua da Praia 12", "4000 Porto"))}, "unstructured"),
    ],
)
def test_what_a_bank_refuses(fields: dict[str, object], code: str) -> None:
    assert codes(changed(**fields)) == {code}


def test_ids_once_and_days_on_which_banks_collect() -> None:
    assert codes(replace(ORDER, debits=(DEBIT, DEBIT))) == {"double"}
    assert codes(replace(ORDER, debits=())) == {"count"}
    for day, code in ((TODAY, "late"), (date(2026, 11, 28), "closed"), (date(2026, 12, 14), "far")):
        assert codes(replace(ORDER, collect_on=day)) == {code}
    assert codes(ORDER, "sepa-strict") == {"address"}


def test_creditor_identifiers() -> None:
    # As national banks print them for examples.
    for good in ("DE98ZZZ09999999999", "DE98 abc 0999 9999 999", "FR72ZZZ123456", "AT61ZZZ01234567890"):
        assert creditor_id_fault(good) == "", good
    for bad in ("", "DE97ZZZ09999999999", "DE98ZZ", "98DEZZZ09999999999"):
        assert creditor_id_fault(bad), bad


texts = st.text(sorted(ALLOWED - {"/"}), min_size=1, max_size=70).map(lambda one: " ".join(one.split())).filter(bool)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(texts, st.integers(1, 99_999_999_999), texts), min_size=1, max_size=5))
def test_what_is_written_is_what_was_ordered(rows: list[tuple[str, int, str]]) -> None:
    debits = tuple(
        replace(DEBIT, end_to_end=f"D-{number}", name=name, amount=amount, text=text)
        for number, (name, amount, text) in enumerate(rows)
    )
    data = write_debits(replace(ORDER, debits=debits), SEPA, TODAY)
    assert names(data, "DrctDbtTxInf/Dbtr/Nm") == [one.name for one in debits]
    assert names(data, "RmtInf/Ustrd") == [one.text for one in debits]
    written = [Decimal(one) for one in names(data, "InstdAmt")]
    assert [int(one * 100) for one in written] == [one.amount for one in debits]
    assert Decimal(names(data, "GrpHdr/CtrlSum")[0]) == sum(written)
