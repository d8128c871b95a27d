"""What the city tells a company, in UTF-8."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from cityhall.engines.asap.message import ALARM, CORE, EMERGENCY, JUSTICE, ROOT, STRUCTURES, Notice

if TYPE_CHECKING:
    from lxml.etree import _Element

LOWEST = 0x20
SPACES = {"apco-alarm": ALARM, "nc": CORE, "em": EMERGENCY, "j": JUSTICE, "s": STRUCTURES}
"""All that the reference guide has a document declare: some receivers refuse one that lacks any."""


def write(notice: Notice) -> bytes:
    """The notice as a document. Characters that XML has no way to write are left out of its texts."""
    from lxml import etree

    root = etree.Element(f"{{{ALARM}}}{ROOT}", nsmap=SPACES)
    event = etree.SubElement(root, f"{{{ALARM}}}AlarmEvent")
    # In the order of NIEM core's own sequence of an activity.
    _add(event, "ActivityIdentification/IdentificationID", notice.number)
    if notice.at is not None:
        _add(event, "ActivityDate/DateTime", notice.at.astimezone(UTC).isoformat(timespec="seconds"))
    _add(event, "ActivityDescriptionText", notice.text)
    _add(event, "ActivityStatus/StatusText", notice.status)
    _add(event, "ActivityReasonText", notice.reason)
    _add(event, "ActivityDisposition/DispositionText", notice.disposition)
    if notice.call:
        call = etree.SubElement(root, f"{{{JUSTICE}}}ServiceCall")
        _add(call, "ActivityIdentification/IdentificationID", notice.call)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return text


def _add(parent: _Element, path: str, text: str) -> None:
    """Elements of the core one in another, the innermost with the text; nothing where there is nothing to say."""
    from lxml import etree

    if text:
        for name in path.split("/"):
            parent = etree.SubElement(parent, f"{{{CORE}}}{name}")
        parent.text = "".join(one for one in text if _may_be_written(one))


def _may_be_written(letter: str) -> bool:
    """XML 1.0, section 2.2."""
    number = ord(letter)
    if number < LOWEST:
        return letter in "\t\n\r"
    return not (0xD800 <= number <= 0xDFFF or number in (0xFFFE, 0xFFFF))
