"""From bytes that anybody may have sent to a tree: nothing is fetched, expanded or grown beyond bounds.

For every engine that reads XML of strangers (warnings, alarms, banks). A document type is refused whatever it says:
entities and their expansion are declared nowhere else (XML 1.0, section 4). Depth and the length of one text are
bounded by libxml2 (256; 10 MB).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_TAGS = 400_000


def root_of(
    data: bytes, error: Callable[[str], Exception], too_large: str, most_bytes: int, most_tags: int = MOST_TAGS
) -> _Element:
    """The root of the document, without comments and processing instructions.

    Raises `error(reason)` where it is too large (then the reason is `too_large`), not XML, or has a document type.
    """
    from lxml import etree

    if len(data) > most_bytes or data.count(b"<") > most_tags:
        raise error(too_large)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as problem:
        raise error(f"It is not XML: {str(problem)[:200]}.") from None
    if root is None:
        raise error("It is empty.")
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise error("It has a document type, in which entities are declared: that is refused unread.")
    # A comment within a text would hide the rest of it from who reads it, and not from a signature.
    etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)
    return root
