"""What a search found, for people: rides and walks with their times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ride:
    """A ride on one trip. Times are seconds after midnight of the queried service day; rows are the
    schedule's.
    """

    trip: int
    route: int
    from_stop: int
    to_stop: int
    departure: int
    arrival: int
    first_row: int  # stop time where one boards
    last_row: int  # stop time where one alights
    shift: int = 0  # seconds the trip's own times were moved: -86 400 for the service day before


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk. `from_stop` or `to_stop` is -1 where the journey begins or ends away from a stop."""

    from_stop: int
    to_stop: int
    departure: int
    arrival: int


@dataclass(frozen=True, slots=True)
class Journey:
    """From start to goal. `departure` is the latest one can leave for the first ride."""

    departure: int
    arrival: int
    legs: tuple[Ride | Walk, ...]

    @property
    def rides(self) -> tuple[Ride, ...]:
        return tuple(leg for leg in self.legs if isinstance(leg, Ride))

    @property
    def transfers(self) -> int:
        return max(0, len(self.rides) - 1)

    @property
    def walking(self) -> int:
        """Seconds on foot."""
        return sum(leg.arrival - leg.departure for leg in self.legs if isinstance(leg, Walk))
