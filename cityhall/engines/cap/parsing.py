"""From bytes that anybody may have sent to a tree: nothing is fetched, expanded or grown beyond bounds.

The bounds are of this program, not of CAP: real messages reach 0.9 MB, lists of them a few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cityhall.engines.cap.message import CapError
from cityhall.engines.untrusted_xml import MOST_TAGS, root_of

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES = 8_000_000
VERSIONS = {
    "http://www.incident.com/cap/1.0": "1.0",
    "urn:oasis:names:tc:emergency:cap:1.1": "1.1",
    "urn:oasis:names:tc:emergency:cap:1.2": "1.2",
}
DSIG = "http://www.w3.org/2000/09/xmldsig#"
ATOM = "http://www.w3.org/2005/Atom"
DE = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"


def parse(data: bytes) -> _Element:
    """The root of the document. Raises CapError where it is too large, not XML, or has a document type.

    No CAP message needs a document type.
    """
    too_large = f"It is too large to be a warning: at most {MOST_BYTES // 1_000_000} MB are read."
    return root_of(data, CapError, too_large, MOST_BYTES, MOST_TAGS)


def version_of(element: _Element) -> str:
    """The CAP version of an `alert` element; "" of anything else."""
    space, _, name = str(element.tag).rpartition("}")
    return VERSIONS.get(space.removeprefix("{"), "") if name == "alert" else ""


def alerts(root: _Element) -> list[_Element]:
    """The messages in a document: itself, or those that an Atom, RSS or EDXL-DE envelope carries, in their order.

    Only where the envelope's own rules put a message: what stands elsewhere is foreign markup (RFC 4287, section 6).
    Each message is a document of its own. Raises CapError, with the reason, where there is none.
    """
    if version_of(root):
        return [root]
    space, _, name = str(root.tag).rpartition("}")
    places = {
        (ATOM, "feed"): ("Atom feed", f"{{{ATOM}}}entry/{{{ATOM}}}content/*"),
        (ATOM, "entry"): ("Atom entry", f"{{{ATOM}}}content/*"),
        ("", "rss"): ("RSS feed", "channel/item//*"),
        (DE, "EDXLDistribution"): (
            "EDXL-DE envelope",
            f"{{{DE}}}contentObject/{{{DE}}}xmlContent/{{{DE}}}embeddedXMLContent/*",
        ),
    }
    if (space.removeprefix("{"), name) not in places:
        raise CapError(_what_else(space.removeprefix("{"), name))
    envelope, path = places[space.removeprefix("{"), name]
    found = [_alone(element) for element in root.iterfind(path) if version_of(element)]
    if not found:
        raise CapError(f"It is an {envelope} that carries no CAP message itself.")
    return found


def _alone(element: _Element) -> _Element:
    from lxml import etree

    # The tail belongs to the envelope.
    return etree.fromstring(etree.tostring(element, with_tail=False))


def _what_else(space: str, name: str) -> str:
    if space == "http://www.w3.org/2001/XMLSchema":
        return "It is an XML schema, not a CAP message."
    if name == "alert":
        return f"Its namespace {space[:80]!r} is of no version of CAP (1.0, 1.1 and 1.2 are known)."
    return f"Its root is {name[:80]!r}, which is neither a CAP alert nor an Atom, RSS or EDXL-DE envelope."
