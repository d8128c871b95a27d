"""What GNSS receivers and base stations say: bytes in, positions or corrections out. See README.md beside this file."""

from cityhall.engines.gnss.epochs import Epochs
from cityhall.engines.gnss.framing import Frames
from cityhall.engines.gnss.position import Position
from cityhall.engines.gnss.rtcm import CorrectionFrames
from cityhall.engines.gnss.ubx import nav_pvt

__all__ = ["CorrectionFrames", "Epochs", "Frames", "Position", "nav_pvt"]
