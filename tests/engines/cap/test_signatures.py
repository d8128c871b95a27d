"""Signatures: made here by hand (canonical form, digest, key), so that no library agrees only with itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from cityhall.engines import cap

DSIG = "http://www.w3.org/2000/09/xmldsig#"
PLAIN = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ALERT = """<cap:alert xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2"><cap:identifier>1</cap:identifier>\
<cap:sender>a@example.org</cap:sender><cap:sent>2026-06-16T16:49:00-03:00</cap:sent><cap:status>Actual</cap:status>\
<cap:msgType>Alert</cap:msgType><cap:scope>Public</cap:scope><cap:note>Stay in</cap:note></cap:alert>"""
STYLE = '<?xml-stylesheet href="a.xsl" type="text/xsl"?>'
BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(key: Key) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "warnings.example.org")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(BEGINS).not_valid_after(ENDS)
    return made.sign(key, hashes.SHA256())


def raw(key: Key, data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), algorithm)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(algorithm)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(
    text: str,
    key: Key,
    *,
    form: str = EXCLUSIVE,
    sha: str = "sha256",
    uri: str = "",
    extra: str = "",
    carry: x509.Certificate | None = None,
    without: bool = False,
) -> str:
    """The document with a signature at its end, over the rest of it with what stands before the root."""
    tree = etree.ElementTree(etree.fromstring(text))
    digest = hashlib.new(sha, etree.tostring(tree, method="c14n", exclusive=form == EXCLUSIVE)).digest()
    kind = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa"
    old = sha == "sha1"
    method = f"{DSIG}{kind}-{sha}" if old else f"http://www.w3.org/2001/04/xmldsig-more#{kind}-{sha}"
    digesting = f"{DSIG}{sha}" if old else f"http://www.w3.org/2001/04/xmlenc#{sha}"
    info = (
        f'<SignedInfo xmlns="{DSIG}"><CanonicalizationMethod Algorithm="{EXCLUSIVE}"/><SignatureMethod '
        f'Algorithm="{method}"/><Reference URI="{uri}"><Transforms><Transform Algorithm="{DSIG}enveloped-signature"/>'
        f'<Transform Algorithm="{form}"/>{extra}</Transforms><DigestMethod Algorithm="{digesting}"/>'
        f"<DigestValue>{base64.b64encode(digest).decode()}</DigestValue></Reference></SignedInfo>"
    )
    canonical = etree.tostring(etree.fromstring(info), method="c14n", exclusive=True)
    value = base64.b64encode(raw(key, canonical, {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}[sha])).decode()
    der = base64.b64encode((carry or certificate(key)).public_bytes(Encoding.DER)).decode()
    about = "" if without else f"<KeyInfo><X509Data><X509Certificate>{der}</X509Certificate></X509Data></KeyInfo>"
    signature = f'<Signature xmlns="{DSIG}">{info}<SignatureValue>{value}</SignatureValue>{about}</Signature>'
    before, end, _ = text.rpartition("</cap:alert>")
    return before + signature + end


def told(text: str, **more: object) -> cap.Check:
    return cap.check(text.encode(), **more)  # type: ignore[arg-type]


HOLDS = cap.Check(True, True, True, "")


@pytest.mark.parametrize("form", [PLAIN, EXCLUSIVE])
def test_a_signature_holds(form: str, rsa_key: Key, ec_key: Key) -> None:
    for key in (rsa_key, ec_key):
        assert told(signed(ALERT, key, form=form)) == HOLDS
        # Over a style sheet before it, which is part of the document, or put there afterwards.
        assert told(signed(STYLE + ALERT, key, form=form)) == HOLDS
        assert told(STYLE + signed(ALERT, key, form=form)) == HOLDS
    assert told(signed(STYLE + ALERT, rsa_key).replace("a.xsl", "b.xsl")).signature_ok is False


def test_white_space_between_elements_means_nothing(rsa_key: Key) -> None:
    text = signed(ALERT, rsa_key)
    indented = text.replace("><cap:", ">\n    <cap:").replace("<Signature ", "\n    <Signature ")
    assert told(indented) == HOLDS
    # Signed as it is indented, and delivered so.
    assert told(signed(ALERT.replace("><cap:", ">\n    <cap:"), rsa_key)) == HOLDS
    # Within a text it means something.
    assert told(text.replace("Stay in", "Stay  in")).signature_ok is False


def changed(text: str, element: str) -> str:
    """One bit of base64 within an element, not one of those at its end that mean nothing."""
    before, begin, rest = text.partition(f"<{element}>")
    return before + begin + ("B" if rest[0] == "A" else "A") + rest[1:]


CHANGES: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text.replace("Stay in", "Run"), "digest differs"),
    (lambda text: text.replace("Stay in", "Stay in<!-- -->, all"), "digest differs"),
    (lambda text: text.replace("<cap:note>", "<cap:code>x</cap:code><cap:note>"), "digest differs"),
    (lambda text: changed(text, "DigestValue"), "does not fit"),
    (lambda text: changed(text, "SignatureValue"), "does not fit"),
    (lambda text: text.replace("</DigestValue>", "</DigestValue ><!-- a -->"), ""),
    (lambda text: text.replace("<SignatureValue>", "<SignatureValue>*"), "not proper base64"),
    (lambda text: text.replace("<X509Certificate>", "<X509Certificate>AAAA"), "cannot be read"),
    (lambda text: text.replace("=</DigestValue>", "</DigestValue>"), "not proper base64"),
    (lambda text: text.replace("<Signature xmlns", '<Signature Id="Our Signature" xmlns'), "'Our Signature'"),
    (
        lambda text: text.replace("<SignatureValue>", "<SignatureValu>").replace("/SignatureValue", "/SignatureValu"),
        "mal",
    ),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_what_was_changed_is_named(number: int, rsa_key: Key, ec_key: Key) -> None:
    change, why = CHANGES[number]
    for key in (rsa_key, ec_key):
        text = signed(ALERT, key)
        assert change(text) != text
        found = told(change(text))
        assert (found.signature_ok is True) == (not why) and why in found.reason and found.signed


def test_bits_that_mean_nothing_in_base64_must_be_none(rsa_key: Key) -> None:
    """The digest is the same to a forgiving reader; the WMO's samples of broken certificates are of this kind."""
    text = signed(ALERT, rsa_key)
    before, value, rest = text.partition("=</DigestValue>")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = before[:-1] + letters[letters.index(before[-1]) + 1] + value + rest
    assert "digest in the signature is not proper base64" in told(other).reason


def test_what_is_signed_is_the_whole_message(rsa_key: Key) -> None:
    part = signed(ALERT.replace("<cap:note>", '<cap:note Id="a">'), rsa_key, uri="#a")
    assert "whole message" in told(part).reason
    xpath = '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath>1</XPath></Transform>'
    assert "transforms" in told(signed(ALERT, rsa_key, extra=xpath)).reason
    # A signature elsewhere than at the root signs something else.
    wrapped = signed(ALERT, rsa_key)
    inner = wrapped[wrapped.index("<Signature") : wrapped.index("</cap:alert>")]
    assert not told(ALERT.replace("Stay in", f"Stay in{inner}")).signed


def test_whose_it_is(rsa_key: Key, ec_key: Key) -> None:
    assert "no certificate" in told(signed(ALERT, rsa_key, without=True)).reason
    assert "SHA-1" in told(signed(ALERT, rsa_key, sha="sha1")).reason
    # Another's certificate beside one's own key.
    assert told(signed(ALERT, rsa_key, carry=certificate(ec_key))).signature_ok is False
    ours, other = certificate(rsa_key), certificate(ec_key)
    text = signed(ALERT, rsa_key, carry=ours)
    assert told(text, trusted=[other, ours]) == HOLDS
    assert "trusted" in told(text, trusted=[other]).reason
    # The trusted certificate is there, but it is not the one that signed.
    der = base64.b64encode(other.public_bytes(Encoding.DER)).decode()
    both = text.replace("<X509Data>", f"<X509Data><X509Certificate>{der}</X509Certificate>")
    assert told(both) == HOLDS and told(both, trusted=[other]).signature_ok is False


def test_when_a_certificate_is_good(rsa_key: Key) -> None:
    text = signed(ALERT, rsa_key)
    assert told(text, at=datetime(2026, 6, 17, tzinfo=UTC)) == HOLDS
    for at in (BEGINS - timedelta(seconds=1), ENDS + timedelta(seconds=1)):
        assert "2026-01-01 to 2026-12-31" in told(text, at=at).reason


def test_each_of_several_signatures_must_hold(rsa_key: Key, ec_key: Key) -> None:
    one, other = signed(ALERT, rsa_key), signed(ALERT, ec_key)
    second = other[other.index("<Signature") :]
    both = one.replace("</cap:alert>", second)
    assert told(both) == HOLDS
    assert told(changed(both, "SignatureValue")).signature_ok is False
    last = both.rindex("<SignatureValue>")
    assert told(both[:last] + changed(both[last:], "SignatureValue")).signature_ok is False
    assert (
        "5 signatures"
        in told(one.replace("</cap:alert>", second.replace("</cap:alert>", "") * 4 + "</cap:alert>")).reason
    )


def test_a_signed_message_in_a_feed(rsa_key: Key) -> None:
    feed = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="text/xml">{}</content></entry></feed>'
    assert told(feed.format(signed(ALERT, rsa_key))) == HOLDS
    assert told(feed.format(signed(ALERT, rsa_key).replace("Stay in", "Run"))).signature_ok is False


def test_a_message_may_be_invalid_and_its_signature_hold(rsa_key: Key) -> None:
    found = told(signed(ALERT.replace("Actual", "Real"), rsa_key))
    assert (found.valid, found.signature_ok) == (False, True) and "'Real'" in found.reason


def test_older_versions_may_be_signed(rsa_key: Key) -> None:
    assert told(signed(ALERT.replace("cap:1.2", "cap:1.1"), rsa_key)) == HOLDS
