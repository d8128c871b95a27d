"""What trackers say in protocols of their own: bytes in, positions and alarms out. See README.md beside this file."""

from cityhall.engines.trackers.protocols import PROTOCOLS, decode, frames, protocol
from cityhall.engines.trackers.values import Alarm, Message, Options, Position, Report, Unreadable

__all__ = [
    "PROTOCOLS",
    "Alarm",
    "Message",
    "Options",
    "Position",
    "Report",
    "Unreadable",
    "decode",
    "frames",
    "protocol",
]
