"""EPC QR codes: the guidelines' own examples, their limits, and what a phone reads back."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
import qrcode

from cityhall.engines.banking.epc import LONGEST_NAME, MOST_BYTES, QR_VERSION, Transfer, epc_bytes
from cityhall.engines.banking.references import make_creditor_reference

FRANZ = Transfer(
    "Franz Mustermänn", "DE71110220330123456789", 1230, "RF18539007547034", purpose="GDDS", bic="BHBLDEHHXXX"
)
FRANCOIS = Transfer(
    "François D'Alsace S.A.", "FR1420041010050500013M02606", 1230, text="Client:Marie Louise La Lune", charset=2
)


def test_the_examples_of_the_guidelines() -> None:
    # EPC069-12, section 2.3; example 2 is "103 byte ISO 8859-1 code payload". Example 1 is of version 001.
    assert epc_bytes(FRANCOIS) == (
        "BCD\n002\n2\nSCT\n\nFrançois D'Alsace S.A.\nFR1420041010050500013M02606\nEUR12.3\n\n\n"
        "Client:Marie Louise La Lune"
    ).encode("iso-8859-1")
    assert len(epc_bytes(FRANCOIS)) == 103
    assert len(epc_bytes(FRANZ)) == 96


@pytest.mark.parametrize(
    "wrong",
    [
        Transfer("", FRANZ.iban, 1),
        Transfer("a" * (LONGEST_NAME + 1), FRANZ.iban, 1),
        Transfer("Ana", "DE72110220330123456789", 1),
        Transfer("Ana", FRANZ.iban, 0),
        Transfer("Ana", FRANZ.iban, 100_000_000_000),
        Transfer("Ana", FRANZ.iban, 1, text="a" * 141),
        Transfer("Ana", FRANZ.iban, 1, reference="RF19539007547034"),
        Transfer("Ana", FRANZ.iban, 1, reference="RF18539007547034", text="a"),
        Transfer("Ana", FRANZ.iban, 1, bic="NOPE"),
        Transfer("Ana", FRANZ.iban, 1, purpose="LONGER"),
        Transfer("Ż" * 70, FRANZ.iban, 1, text="ż" * 140, hint="ż" * 70),
        Transfer("Ż", FRANZ.iban, 1, charset=2),
    ],
)
def test_what_the_guidelines_forbid(wrong: Transfer) -> None:
    with pytest.raises(ValueError):
        epc_bytes(wrong)


@pytest.mark.slow
def test_a_thousand_bills_are_read_back() -> None:
    draw = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFG 0123456789-.,"
    reader = cv2.QRCodeDetector()
    for number in range(1000):
        reference = make_creditor_reference(f"{draw.randrange(10**12)}")
        text = "".join(draw.choice(letters) for _ in range(draw.randrange(140))).strip()
        bill = Transfer(
            "Testville " + "".join(draw.choice(letters) for _ in range(draw.randrange(40))).strip(),
            draw.choice([FRANZ.iban, FRANCOIS.iban, "NL91ABNA0417164300"]),
            draw.randrange(1, 10**6),
            **({"reference": reference} if number % 2 else {"text": text}),
        )
        said = epc_bytes(bill)
        assert len(said) <= MOST_BYTES
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, mask_pattern=number % 8)
        code.add_data(said, optimize=0)
        code.make(fit=True)
        assert code.version <= QR_VERSION
        modules = np.array(code.get_matrix(), dtype=np.uint8)
        picture = np.kron(255 * (1 - modules), np.ones((4, 4), dtype=np.uint8)).astype(np.uint8)
        points = np.array(
            [
                [
                    [16, 16],
                    [modules.shape[0] * 4 - 17, 16],
                    [modules.shape[0] * 4 - 17] * 2,
                    [16, modules.shape[0] * 4 - 17],
                ]
            ],
            np.float32,
        )
        read, _, _ = reader.detectAndDecode(picture)
        if not read:
            # The finder sometimes misses a code that fills its picture; decoding is what is tried here.
            read, _ = reader.decode(picture, points)
        assert read.encode() == said, number
