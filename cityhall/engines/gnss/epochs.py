"""Putting together the sentences of one epoch: a receiver spreads one position over several."""

from __future__ import annotations

import calendar
import math
from collections import Counter

from cityhall.engines.gnss import nmea
from cityhall.engines.gnss.position import Position

NAN = math.nan
DAY = 86_400
GGA, RMC, VTG, GST = b"GGA", b"RMC", b"VTG", b"GST"
WAIT_S = 0.15
"""An epoch whose last sentence does not come is given out after this; receivers send one within 100 ms."""


class Epochs:
    """One receiver's sentences. Class and place come from GGA (else RMC), the error from GST, speed and course from
    RMC or VTG, the date from RMC, else from the receiving clock: the day that brings the two clocks nearest.

    Which sentence is the last of an epoch is learned, so a position goes out with that very sentence and need not wait
    for the next epoch. VTG carries no time and belongs to the epoch that is open, or else to the next.

    `faults` counts by reason: "malformed" (form or checksum), "no_fix" (the receiver says itself that it has none).
    """

    __slots__ = (
        *("bearing", "date", "faults", "fix_class", "given", "heard", "last", "learned", "no_fix", "point"),
        *("sigma", "speed", "time"),
    )

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.learned = b""
        self.last = b""
        self.given = True
        self.heard = 0.0
        self.time = -1.0
        self.speed = self.bearing = NAN
        self._begin(-1.0, 0.0)

    def _begin(self, time: float, now: float) -> None:
        if self.given and self.last != VTG:
            self.speed = self.bearing = NAN
        self.time, self.heard = time, now
        self.point: tuple[float, float] | None = None
        self.fix_class = -1
        self.sigma = NAN
        self.date = 0
        self.no_fix = False
        self.last = b""
        self.given = time < 0

    @property
    def open(self) -> bool:
        """Whether there are sentences that have not been given out."""
        return not self.given

    def feed(self, sentence: bytes, now: float, out: list[Position]) -> None:
        """Takes one sentence, from "$" to its checksum, received at `now` (Unix seconds).

        Puts the position that it completes into `out`; sentences of other kinds are passed over.
        """
        kind = sentence[3:6]
        match = nmea.PATTERNS.get(kind)
        content = nmea.content_of(sentence)
        if not content:
            self.faults["malformed"] += 1
            return
        if match is None:
            return
        found = match(content)
        if found is None:
            self.faults["malformed"] += 1
            return
        groups = found.groups()
        if kind != VTG and not self._same_epoch(groups, now, out):
            return
        if kind == GGA:
            self._gga(groups)
        elif kind == RMC:
            self._rmc(groups)
        elif kind == GST:
            self._gst(groups)
        elif not self._vtg(groups):
            return
        self.last = kind
        if self.given:
            # It came after what we took for the last one.
            if kind != VTG:
                self.learned = kind
        elif kind == self.learned:
            self._give(out)

    def flush(self, now: float, out: list[Position]) -> None:
        """Gives out an epoch that has waited WAIT_S for a sentence that did not come."""
        if now - self.heard >= WAIT_S:
            self.close(out)

    def close(self, out: list[Position]) -> None:
        """Gives out the epoch that is open: no more of it will come."""
        if not self.given:
            self.learned = self.last
            self._give(out)

    def _same_epoch(self, groups: tuple[bytes | None, ...], now: float, out: list[Position]) -> bool:
        time = nmea.seconds(groups, 0)
        if time < 0:
            # Before its first fix a receiver does not know the time.
            self.faults["no_fix"] += 1
            return False
        if time != self.time:
            self.close(out)
            self._begin(time, now)
        return True

    def _gga(self, groups: tuple[bytes | None, ...]) -> None:
        quality = nmea.QUALITIES.get(groups[9] or b"", -1)
        point = nmea.place(groups, 3)
        if quality < 0 or point is None:
            self.no_fix = True
        else:
            self.point, self.fix_class = point, quality

    def _rmc(self, groups: tuple[bytes | None, ...]) -> None:
        if groups[12] is not None:
            day, month, year = int(groups[12]), int(groups[13] or 0), int(groups[14] or 0)
            if 1 <= month <= 12 and 1 <= day <= 31:
                self.date = calendar.timegm((2000 + year, month, day, 0, 0, 0))
        mode = nmea.MODES.get(groups[15] or b"A", -1)
        point = nmea.place(groups, 4)
        if groups[3] != b"A" or mode < 0 or point is None:
            self.no_fix = self.no_fix or self.point is None
            return
        if self.fix_class < 0:
            self.point, self.fix_class = point, mode
        if groups[10]:
            self.speed = float(groups[10]) * nmea.KNOT
        if groups[11]:
            self.bearing = float(groups[11]) % 360

    def _gst(self, groups: tuple[bytes | None, ...]) -> None:
        if groups[3] and groups[4]:
            self.sigma = math.hypot(float(groups[3]), float(groups[4]))

    def _vtg(self, groups: tuple[bytes | None, ...]) -> bool:
        if nmea.MODES.get(groups[4] or b"A", -1) < 0:
            return False
        if groups[2]:
            self.speed = float(groups[2]) * nmea.KNOT
        elif groups[3]:
            self.speed = float(groups[3]) / 3.6
        if groups[0]:
            self.bearing = float(groups[0]) % 360
        return True

    def _give(self, out: list[Position]) -> None:
        self.given = True
        if self.point is None or (self.no_fix and self.fix_class < 0):
            self.faults["no_fix"] += 1
            return
        day = self.date or DAY * round((self.heard - self.time) / DAY)
        lon, lat = self.point
        out.append(Position(day + self.time, lon, lat, self.fix_class, self.sigma, self.speed, self.bearing))
