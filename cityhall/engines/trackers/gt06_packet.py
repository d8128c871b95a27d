"""A GT06 packet: its head and end, the answer to it, and the terminal information that many of them have."""

from __future__ import annotations

from cityhall.engines.trackers import gt06_alarms as alarms
from cityhall.engines.trackers.checksums import crc_x25
from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.values import Draft, Options, Unreadable, bit

SHORT, LONG = b"\x78\x78", b"\x79\x79"
END = b"\r\n"


class Packet:
    """A frame with its head taken off; `body` reads its content, to the serial number."""

    __slots__ = ("body", "extended", "frame", "length", "model", "options", "type")

    def __init__(self, frame: bytes, options: Options) -> None:
        if frame[:2] not in (SHORT, LONG) or len(frame) < 6:
            raise Unreadable("no GT06 frame")
        self.frame, self.options = frame, options
        self.model = options.model.upper()
        self.extended = frame[:2] == LONG
        start = 4 if self.extended else 3
        self.length = int.from_bytes(frame[2:start], "big")
        self.type = frame[start]
        self.body = Cursor(frame, start + 1, len(frame) - 6)

    def whole(self) -> Cursor:
        """Reads the content of a frame that has neither serial nor checksum."""
        return Cursor(self.frame, 5 if self.extended else 4, len(self.frame))

    @property
    def intact(self) -> bool:
        """Whether it has the length that it says, its end, and the right checksum."""
        frame = self.frame
        head = 4 if self.extended else 3
        whole = frame.endswith(END) and len(frame) == self.length + head + 2
        return whole and crc_x25(frame[2:-4]) == int.from_bytes(frame[-4:-2], "big")

    def is_(self, kind: int, *lengths: int) -> bool:
        """Whether it is a short packet of that type and one of those lengths: that is how variants are told apart."""
        return not self.extended and self.type == kind and self.length in lengths


def answer(kind: int, serial: bytes, content: bytes = b"", extended: bool = False) -> bytes:
    """The packet that a server sends back."""
    length = len(content) + 5
    head = length.to_bytes(2 if extended else 1, "big") + bytes([kind]) + content + serial
    return (LONG if extended else SHORT) + head + crc_x25(head).to_bytes(2, "big") + END


def state(packet: Packet, draft: Draft, overspeed: bool = False) -> None:
    """The terminal information: ignition, charging, cut-off, and an alarm."""
    value = packet.body.u8()
    draft.put(status=value, ignition=bit(value, 1), charge=bit(value, 2), blocked=bit(value, 7))
    alarms.state_alarm(draft, value, overspeed)
