"""Whether a message is as its signer signed it: an enveloped XML signature over the whole of it.

CAP 1.2, section 3.3.4.1, asks for XML Signature (W3C, 2013); this is the profile of it that is accepted:
one reference to the whole document; RSA or ECDSA with SHA-2; a certificate (X.509) in the signature. Where there are
several signatures, each must hold.

That shows that nothing was changed since; anybody can make a certificate, so by whom it was signed only `trusted` says.
Until when a certificate is good counts for those who trust it, at the moment `at` that they got the message: XML
Signature does not tell when it was made, and real messages are signed anew long after `sent`.

Many senders sign first and indent afterwards, so a message that does not verify is tried once more without the white
space between elements, which means nothing in CAP.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator
from copy import deepcopy
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from cityhall.engines.cap.message import CapError
from cityhall.engines.cap.parsing import DSIG

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from lxml.etree import _Element
    from signxml import XMLVerifier

MOST_SIGNATURES = 4
MOST_CERTIFICATES = 4
DIFFERS = "The message is not what was signed: its digest differs."
NOT_PROPER = "The {} is not proper base64: it was changed or cut."
WAYS = (
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2001/10/xml-exc-c14n",
)
PARTS = {
    "X509Certificate": "certificate in the signature",
    "DigestValue": "digest in the signature",
    "SignatureValue": "signature itself",
}


def signatures(alert: _Element) -> list[_Element]:
    """The signatures of the message: children of its root; elsewhere they sign something else."""
    found: list[_Element] = alert.findall(f"{{{DSIG}}}Signature")
    return found


def problem(alert: _Element, trusted: Collection[Certificate] = (), at: datetime | None = None) -> str:
    """Why the message's signatures do not hold, in one sentence; "" where each does. It must have one.

    With `trusted`, each must be by one of those certificates; with `at` (aware), by one that was good at that moment.
    """
    found = signatures(alert)
    if len(found) > MOST_SIGNATURES:
        return f"It has {len(found)} signatures; at most {MOST_SIGNATURES} are looked at."
    for number in range(len(found)):
        try:
            _verify(alert, number, trusted, at)
        except CapError as why:
            return str(why)
    return ""


def _verify(alert: _Element, number: int, trusted: Collection[Certificate], at: datetime | None) -> None:
    signature = signatures(alert)[number]
    _well_formed(signature)
    _of_the_whole(signature)
    certificates = _certificates(signature)
    if trusted:
        certificates = [one for one in certificates if one in trusted]
        if not certificates:
            raise CapError("Its certificate is none of those that are trusted.")
    if at is not None:
        certificates = _good(certificates, at)
    whys: list[str] = []
    for tree in _forms(alert, number):
        for certificate in certificates:
            whys.append(_against(tree, certificate))
            if not whys[-1]:
                return
            if whys[-1] == DIFFERS:
                # This one signed; what it signed may be another form.
                certificates = [certificate]
                break
    raise CapError(DIFFERS if DIFFERS in whys else whys[0])


def _forms(alert: _Element, number: int) -> Iterator[_Element]:
    """What the signer may have signed: as delivered, and without what means nothing in CAP.

    Each holds only the signature at work. Two parties who sign the same message sign it beside one another (as Canada's
    do); by the letter of XML Signature the one would cover the other, and neither could be first.
    """
    bare = deepcopy(alert.getroottree()).getroot()
    for place, one in enumerate(signatures(bare)):
        if place != number:
            _take_out(one)
    yield bare
    yield without_blanks(bare)
    if bare.getprevious() is not None or bare.getnext() is not None:
        # A style sheet is part of the whole document, and many are put before it when it is signed already.
        alone = deepcopy(bare)
        yield alone
        yield without_blanks(alone)


def _well_formed(signature: _Element) -> None:
    from lxml import etree
    from signxml import XMLVerifier

    try:
        XMLVerifier().validate_schema(signature)
    except etree.DocumentInvalid as problem:
        text = str(problem)
    else:
        _proper(signature)
        return
    part = re.search(r"Element '\{[^}]*\}(\w+)'", text)
    name = part[1] if part else ""
    if "attribute 'Id'" in text and "not a valid value" in text:
        raise CapError(f"The signature's Id {signature.get('Id', '')[:60]!r} is no XML name, so it is refused.")
    if name in PARTS:
        raise CapError(NOT_PROPER.format(PARTS[name]))
    raise CapError(f"The signature is malformed at <{name}>.")


def _proper(signature: _Element) -> None:
    """What libxml2 lets pass and decoders leave out: characters that are none of base64's."""
    for name, told in PARTS.items():
        for one in signature.iterfind(f".//{{{DSIG}}}{name}"):
            text = "".join((one.text or "").split())
            try:
                proper = b64decode(text, validate=True)
            except ValueError:
                proper = b""
            if b64encode(proper).decode() != text:
                raise CapError(NOT_PROPER.format(told))


def _of_the_whole(signature: _Element) -> None:
    """That nothing but the whole document is signed, whatever else a signature might point to."""
    references = signature.findall(f"{{{DSIG}}}SignedInfo/{{{DSIG}}}Reference")
    if len(references) != 1 or references[0].get("URI", "") != "":
        raise CapError("The signature is not of the whole message.")
    ways = [one.get("Algorithm", "") for one in references[0].iterfind(f".//{{{DSIG}}}Transform")]
    if WAYS[0] not in ways or any(way.removesuffix("WithComments").rstrip("#") not in WAYS for way in ways):
        raise CapError("The signature transforms the message in a way that is not accepted.")
    methods = signature.findall(f".//{{{DSIG}}}SignatureMethod") + signature.findall(f".//{{{DSIG}}}DigestMethod")
    if any(one.get("Algorithm", "").lower().endswith("sha1") for one in methods):
        raise CapError("It is signed with SHA-1, which no longer protects from forgery.")


def _certificates(signature: _Element) -> list[Certificate]:
    from cryptography import x509

    texts = [one.text or "" for one in signature.findall(f".//{{{DSIG}}}X509Certificate")][:MOST_CERTIFICATES]
    if not texts:
        raise CapError("The signature carries no certificate, so nothing says whose it is.")
    try:
        return [x509.load_der_x509_certificate(b64decode(text)) for text in dict.fromkeys(texts)]
    except ValueError:
        raise CapError("The certificate in the signature cannot be read.") from None


def _good(certificates: list[Certificate], at: datetime) -> list[Certificate]:
    good = [one for one in certificates if one.not_valid_before_utc <= at <= one.not_valid_after_utc]
    if not good:
        first, last = certificates[0].not_valid_before_utc, certificates[0].not_valid_after_utc
        raise CapError(f"Its certificate was good from {first:%Y-%m-%d} to {last:%Y-%m-%d} only.")
    return good


def _against(alert: _Element, certificate: Certificate) -> str:
    """Why the message's one signature does not hold by the certificate; "" where it does."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from signxml import SignatureConfiguration
    from signxml.exceptions import InvalidCertificate, InvalidDigest, SignXMLException

    # signxml judges dates in any case; see above for where that is done here.
    wanted = SignatureConfiguration(location="./", verification_time=certificate.not_valid_after_utc)
    try:
        _verifier()().verify(alert, x509_cert=certificate, expect_config=wanted)
    except InvalidDigest:
        return DIFFERS
    except InvalidCertificate:
        return "The certificate may not sign this."
    except (SignXMLException, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return "The signature does not fit its certificate: one of them was changed, or the signed parts were."
    return ""


def _take_out(element: _Element) -> None:
    """Keeps the white space after it, as a signature leaves it."""
    parent, before = element.getparent(), element.getprevious()
    assert parent is not None
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def without_blanks(alert: _Element) -> _Element:
    """The message without white space between elements. A text of an element's own stays, blank as it may be."""
    root = deepcopy(alert.getroottree()).getroot()
    for element in root.iter():
        if len(element) and element.text is not None and not element.text.strip():
            element.text = None
        if element.tail is not None and not element.tail.strip():
            element.tail = None
    return root


@cache
def _verifier() -> type[XMLVerifier]:
    """signxml's, with what stands before and after the root, which it leaves out: that is part of the document."""
    from lxml import etree
    from signxml import XMLVerifier

    class Whole(XMLVerifier):
        def _tostring(self, xml_node: Any, **options: Any) -> Any:
            return etree.tostring(_document(xml_node), **options)

        def _c14n(self, nodes: Any, *rest: Any, **options: Any) -> Any:
            return super()._c14n(_document(nodes), *rest, **options)

    return Whole


def _document(node: Any) -> Any:
    """A root as its whole document; any other element as it is."""
    return node.getroottree() if not isinstance(node, list) and node.getparent() is None else node
