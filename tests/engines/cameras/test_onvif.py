"""ONVIF: what is asked, and what is read from answers. A camera that answers by HTTP is in tests/services/safety."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from cityhall.engines.cameras import onvif
from cityhall.engines.cameras.onvif import Login, Refused

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SOAP = '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>{}</e:Body></e:Envelope>'


def test_the_digest_is_that_of_the_specifications_example() -> None:
    # ONVIF Application Programmer's Guide 1.0, 6.1.1.3.
    nonce = b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    assert onvif.digest(nonce, "2010-09-16T07:50:45Z", "userpassword") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


def test_who_asks_is_signed_at_the_cameras_time_and_their_name_is_no_markup() -> None:
    message = onvif.envelope("<x/>", Login("a<b>&", "secret", timedelta(hours=2)), NOW, b"n" * 16)
    root = etree.fromstring(message)
    assert root.findtext(f".//{{{onvif.SECURITY}}}Username") == "a<b>&"
    assert root.findtext(f".//{{{onvif.UTILITY}}}Created") == "2026-11-28T14:00:00Z"
    assert b"secret" not in message
    assert b"Security" not in onvif.envelope("<x/>", None, NOW, b"n")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"no xml", "no XML"),
        (
            SOAP.format("<e:Fault><e:Reason><e:Text>Sender not Authorized</e:Text></e:Reason></e:Fault>").encode(),
            "not Auth",
        ),
        (SOAP.format("").encode(), "no profile"),
    ],
)
def test_what_is_no_answer_says_why(answer: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        onvif.addresses("http://camera/onvif", None, lambda _url, _body: answer, lambda: NOW, lambda: b"n")


def test_an_answer_with_a_document_type_is_none() -> None:
    evil = (
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
        + SOAP.format(f'<m:Profiles xmlns:m="{onvif.MEDIA}" token="&a;"/>')
    ).encode()
    with pytest.raises(Refused, match="document type"):
        onvif.addresses("http://camera/onvif", None, lambda _url, _body: evil, lambda: NOW, lambda: b"n")
