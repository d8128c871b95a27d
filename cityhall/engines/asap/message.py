"""What the messages say, and the names of elements that more than one module needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ALARM = "http://www.apcointl.com/new/commcenter911/external-alarm.xsd"
CORE = "http://niem.gov/niem/niem-core/2.0"
EMERGENCY = "http://niem.gov/niem/domains/emergencyManagement/2.0"
JUSTICE = "http://niem.gov/niem/domains/jxdm/4.0"
STRUCTURES = "http://niem.gov/niem/structures/2.0"
ROOT = "AlarmPayload"
LONGEST_NUMBER = 100


class AsapError(Exception):
    """It is no message of the protocol; the text says why."""


class Status(StrEnum):
    """What a notice says of its alarm: the first two answer it, `CANCEL` is the company's, `UPDATE` of either side."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    CANCEL = "Cancel"
    UPDATE = "Update"
    DISPATCHED = "Dispatched"
    ARRIVED = "Arrived"
    CLOSED = "Closed"

    @classmethod
    def of(cls, said: str) -> Status | None:
        """What a word says, in whichever of its forms ("Accept", "ACCEPTED", "On scene"); None where it is none."""
        word = said.casefold()
        return next((status for stem, status in _STEMS.items() if word.startswith(stem)), None)


_STEMS = {
    "accept": Status.ACCEPTED,
    "reject": Status.REJECTED,
    "cancel": Status.CANCEL,
    "update": Status.UPDATE,
    "dispatch": Status.DISPATCHED,
    "arriv": Status.ARRIVED,
    "on scene": Status.ARRIVED,
    "close": Status.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """A notification. `at` is when the company had the signal, None where it says nothing that can be read.

    Degrees WGS 84; both None where it names no coordinate. Texts are "" where it says nothing.
    """

    number: str
    type: str = ""
    at: datetime | None = None
    details: str = ""
    zone: str = ""
    account: str = ""
    station: str = ""
    place: str = ""
    address: str = ""
    lon: float | None = None
    lat: float | None = None
    telephone: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Any other message. `call` is the city's own number of it, `reason` why it was rejected, `disposition` its end."""

    number: str
    status: Status
    at: datetime | None = None
    text: str = ""
    reason: str = ""
    disposition: str = ""
    call: str = ""
