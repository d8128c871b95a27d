"""Reading u-blox UBX NAV-PVT, a whole position in one frame.

pyubx2 names every field of it and takes 100 microseconds; one `struct` does for the few that are wanted, and pyubx2 is
what the tests compare with. Source: u-blox F9 HPG 1.32 interface description, 3.15.13 (UBX-NAV-PVT).
"""

from __future__ import annotations

import calendar
import math
import struct

from cityhall.engines.gnss.position import Position

NAV_PVT = b"\x01\x07"
# Offsets 4 to 71: year, month, day, hour, min, sec, valid; nano; fixType, flags; lon, lat; hAcc; gSpeed, headMot.
_FIELDS = struct.Struct("<4xHBBBBBB4xiBB2xii8xI16xii24x")
_DATE_AND_TIME = 0x03
_FIX_OK = 0x01
_DIFFERENTIAL = 0x02


def nav_pvt(frame: bytes) -> Position | str | None:
    """The position in a whole UBX frame whose checksum is right.

    None where it is another message; "no_fix" where the receiver says that it has none, "malformed" where it cannot
    be. The class comes from carrSoln, diffSoln and fixType: a dead-reckoned place is of class 0.
    """
    if frame[2:4] != NAV_PVT:
        return None
    if len(frame) != 8 + _FIELDS.size:
        return "malformed"
    (year, month, day, hour, minute, second, valid, nano, fix_type, flags, lon, lat, accuracy, speed, heading) = (
        _FIELDS.unpack_from(frame, 6)
    )
    if valid & _DATE_AND_TIME != _DATE_AND_TIME or not flags & _FIX_OK or fix_type not in (1, 2, 3, 4):
        return "no_fix"
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return "malformed"
    at = calendar.timegm((year, month, day, hour, minute, second)) + nano * 1e-9
    carrier = flags >> 6
    fix_class = 4 if carrier == 2 else 5 if carrier == 1 else 2 if flags & _DIFFERENTIAL else 1 if fix_type != 1 else 0
    # hAcc is 2^32 - 1 mm where the receiver cannot tell.
    sigma = accuracy * 1e-3 if accuracy < 0xFFFF_FFFF else math.nan
    return Position(at, lon * 1e-7, lat * 1e-7, fix_class, sigma, speed * 1e-3, heading * 1e-5 % 360)
