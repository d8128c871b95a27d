"""Which unit is the best for an alert, and why.

The best is the one that is there first by road, as far as it is known where it is, and that can do what is needed; for
a bus under way, the one that meets it first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.kernel.places.point import Point, metres_between
from cityhall.kernel.ports.driving import Driving
from cityhall.services.safety import intercepting, roads
from cityhall.services.safety.intercepting import Meet
from cityhall.services.safety.models import Alert, Assignment, Unit
from cityhall.services.safety.roads import Seen, place_of

BUSY = (Assignment.State.OFFERED, Assignment.State.ACCEPTED, Assignment.State.THERE)
WANTS = {Alert.Kind.HARASSMENT: "harassment", Alert.Kind.MEDICAL: "medical"}
"""Skills that a unit should have for a kind of alert."""
PLANNED = 25
"""For so many units, the nearest in a straight line, it is reckoned where they meet a bus."""
SURE, LIKELY, REACHED, UNKNOWN = range(4)
"""How much is known of a unit's way, the better first: it surely meets a bus, may meet it, goes where it was seen."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A unit that could be sent: `seconds` of its way (None: nobody knows where it is), by `road` or reckoned.

    `meet` is where it meets the bus that the alert is in; `chases`: that bus has left its line, or is not to be
    overtaken, and the way is to where it was seen last.
    """

    unit: Unit
    point: Point | None
    at: datetime | None
    seconds: float | None
    road: bool
    skilled: bool
    meet: Meet | None = None
    chases: str = ""
    seen: Seen | None = None

    @property
    def minutes(self) -> int | None:
        """The way, in whole minutes begun."""
        return None if self.seconds is None else math.ceil(self.seconds / 60)

    @property
    def order(self) -> tuple[bool, int, float, float, str]:
        """The better, the smaller: those who can do it, of them those of whose way the most is known, the first."""
        tier = REACHED if self.seconds is not None else UNKNOWN
        worth = self.seconds or 0.0
        if self.meet is not None:
            tier, worth = (SURE, self.meet.bus) if self.meet.sure else (LIKELY, -self.meet.chance)
        return (not self.skilled, tier, worth, self.seconds or 0.0, self.unit.name)


@dataclass(frozen=True, slots=True)
class Goal:
    """Where an alert is now: `point`, and the bus that it is in, where somebody knows what that does next.

    `chases` says why a unit goes after the bus instead of before it, in the reader's language; "" where it is in none.
    """

    point: Point | None
    driving: Driving | None = None
    chases: str = ""


def goal_of(alert: Alert, now: datetime) -> Goal:
    """Where units have to go for an alert."""
    state = getattr(alert.vehicle, "state", None) if alert.vehicle else None
    if state is None or now - state.at > roads.FRESH:
        return Goal(alert.point)
    driving = intercepting.driving_of(alert.vehicle, now)
    place = Point(*state.point)
    if driving is None or not (driving.ahead or driving.off_way):
        return Goal(place)
    if intercepting.knows_way(driving):
        return Goal(place, driving, _("it cannot be before it: chase the last position"))
    return Goal(place, None, _("off its line: chase the last position"))


def choices(alert: Alert, *, now: datetime | None = None) -> list[Choice]:
    """The free units, the best first. One that refused this alert, or did not answer, is not among them."""
    now = now or timezone.now()
    busy = Assignment.objects.filter(state__in=BUSY).values("unit_id")
    if not alert.exercise:
        # The real thing takes a unit out of an exercise.
        busy = busy.filter(alert__exercise=False)
    asked = Assignment.objects.filter(alert=alert, state__in=("refused", "lapsed")).values("unit_id")
    free = Unit.objects.filter(on_duty=True).exclude(pk__in=busy).exclude(pk__in=asked)
    if alert.exercise:
        free = free.filter(exercises__pretended__alert=alert)
    placed = [(unit, *place_of(unit, now)) for unit in free.select_related("vehicle__state")]
    goal = goal_of(alert, now)
    times, road = roads.seconds_to(goal.point, [place for _unit, place, _at in placed if place])
    left = iter(times)
    meets = _meets(goal, [(unit.pk, place) for unit, place, _at in placed if place], now)
    wanted = WANTS.get(Alert.Kind(alert.kind), "")
    found = []
    for unit, place, at in placed:
        seconds, meet = next(left) if place else None, meets.get(unit.pk)
        found.append(
            Choice(
                unit,
                place,
                at,
                meet.seconds if meet else seconds,
                road,
                not wanted or wanted in unit.skills,
                meet,
                "" if meet or seconds is None else goal.chases,
                Seen.of(unit, now),
            )
        )
    return sorted(found, key=lambda choice: choice.order)


def _meets(goal: Goal, places: list[tuple[int, Point]], now: datetime) -> dict[int, Meet]:
    """Where each of the nearest units meets the bus."""
    if goal.driving is None or goal.point is None:
        return {}
    last = goal.driving.ahead[-1].at
    ends = (goal.point, Point(last.lon, last.lat))
    nearest = sorted(places, key=lambda one: min(metres_between(one[1], end) for end in ends))[:PLANNED]
    found = intercepting.meets(goal.driving, [place for _pk, place in nearest], now)
    return {pk: meet for (pk, _place), meet in zip(nearest, found, strict=True) if meet is not None}
