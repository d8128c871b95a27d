"""The SLA clock: how much working time a case has used of what was promised. Values only; the case keeps them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from cityhall.kernel.cases.calendars import WorkingCalendar

Light = Literal["green", "amber", "red"]
AMBER = 0.75
"""Share of the promised time from which a case is amber."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`promised` and `used` working time; `since`: the clock has run from then on, None while it stands."""

    promised: timedelta
    used: timedelta = timedelta()
    since: datetime | None = None

    def elapsed(self, calendar: WorkingCalendar, now: datetime) -> timedelta:
        """Working time used by `now`. A clock of the machine that was set back takes nothing away."""
        return self.used if self.since is None else self.used + calendar.between(self.since, now)

    def run(self, now: datetime) -> Clock:
        """Running from `now` on; unchanged where it runs."""
        return self if self.since is not None else replace(self, since=now)

    def stand(self, calendar: WorkingCalendar, now: datetime) -> Clock:
        """Standing from `now` on, with what was used kept."""
        return replace(self, used=self.elapsed(calendar, now), since=None)

    def due(self, calendar: WorkingCalendar, share: float = 1.0) -> datetime | None:
        """When that share of what was promised is, or was, used up; None while it stands, or where it never will be.

        Where it was used up before the clock was last started, that start is given.
        """
        if self.since is None:
            return None
        return calendar.after(self.since, self.promised * share - self.used)

    def light(self, calendar: WorkingCalendar, now: datetime) -> Light:
        """Green, amber from AMBER of the promised time on, red once all of it is used."""
        elapsed = self.elapsed(calendar, now)
        return "red" if elapsed >= self.promised else "amber" if elapsed >= self.promised * AMBER else "green"
