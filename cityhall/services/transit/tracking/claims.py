"""One trip, one vehicle: of all that are believed on a trip of a service day, who drives it.

The engine says of each vehicle what it most likely does, and two may be likeliest on one trip: both stand where it
sets out, two drivers have logged on to it, or one has logged on to what another was taken to drive. What is kept and
published names one of them, by these rules in turn; the other is shown on its line, without a trip:

1. who is heard, before who has been silent for SILENT_S, before who is lost;
2. who has logged on to that trip, before who is only taken to drive it;
3. who drove it until now; else who is nearer to its times.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cityhall.engines.gtfs.schedule import Int32, Int64
from cityhall.engines.positioning import Status

SILENT_S = 30.0
NONE, GONE = -1, -2
"""No trip; a trip that the timetable in service has no more."""
Bool = np.ndarray


class Claims:
    """By the vehicle's row: the trip and service day it has been given, and those that are kept of it. -1: none."""

    def __init__(self) -> None:
        self.trip, self.day = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self.kept_trip, self.kept_day = np.zeros(0, np.int32), np.zeros(0, np.int32)

    def room(self, vehicles: int) -> None:
        """Makes room for so many vehicles."""
        more = vehicles - self.trip.size
        if more > 0:
            none, zero = np.full(more, NONE, np.int32), np.zeros(more, np.int32)
            self.trip, self.kept_trip = np.append(self.trip, none), np.append(self.kept_trip, none)
            self.day, self.kept_day = np.append(self.day, zero), np.append(self.kept_day, zero)

    def settle(self, latest: dict[str, np.ndarray], logged: Int32, may: Bool, now: float) -> None:
        """Gives every trip to one of the vehicles that `latest` (columns of Estimates) has on it.

        `logged` is the trip that each driver logged on to, `may` whether the vehicle may be on a public trip at all.
        """
        count = self.trip.size
        if not latest:
            return
        trip, day = latest["trip"][:count], latest["service_day"][:count]
        wants = (trip >= 0) & may & (latest["heard"][:count] > 0)
        rows = np.flatnonzero(wants)
        key = trip[rows].astype(np.int64) * 10_000_000 + day[rows]
        if np.unique(key).size < key.size:
            rows = rows[self._best(rows, key, latest, logged, now)]
        self.trip, self.day = np.full(count, NONE, np.int32), np.zeros(count, np.int32)
        self.trip[rows], self.day[rows] = trip[rows], day[rows]

    def _best(
        self, rows: np.ndarray, key: Int64, latest: dict[str, np.ndarray], logged: Int32, now: float
    ) -> np.ndarray:
        """Places in `rows` of the best of each key."""
        trip, day = latest["trip"][rows], latest["service_day"][rows]
        silent = (now - latest["heard"][rows] > SILENT_S) + 2 * (latest["status"][rows] == Status.LOST)
        held = (self.kept_trip[rows] == trip) & (self.kept_day[rows] == day)
        late = np.nan_to_num(np.abs(latest["delay_s"][rows]), nan=np.inf)
        order = np.lexsort((rows, late, ~held, logged[rows] != trip, silent, key))
        _keys, first = np.unique(key[order], return_index=True)
        return order[first]

    def to_give_up(self) -> np.ndarray:
        """Rows of the vehicles that are kept on a trip that is theirs no more: whoever has it now must not wait."""
        moved = (self.kept_trip != self.trip) | (self.kept_day != self.day)
        return np.flatnonzero((self.kept_trip != NONE) & moved)

    def keep(self, rows: np.ndarray) -> None:
        """Notes that what these rows have been given has been kept."""
        self.kept_trip[rows], self.kept_day[rows] = self.trip[rows], self.day[rows]

    def driven_by_another(self, row: int, trip: int, day: int) -> bool:
        """Whether a trip of a day has been given to another vehicle."""
        others = (self.trip == trip) & (self.day == day)
        others[row : row + 1] = False
        return bool(others.any())

    def rename(self, new_row: Callable[[int], int]) -> None:
        """Goes over to another timetable: `new_row` gives a trip's row in it, -1 where it is not there."""
        for rows in (self.trip, self.kept_trip):
            for at in np.flatnonzero(rows >= 0).tolist():
                found = new_row(int(rows[at]))
                rows[at] = found if found >= 0 else GONE
