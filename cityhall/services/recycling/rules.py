"""The city's own rules for recycling: `[service.recycling]` of city.toml, each with what holds without it."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone


@dataclass(frozen=True, slots=True)
class Fee:
    """The waste fee of a household: `amount` in the smallest part of the city's currency, every so many months."""

    amount: int = 0
    months: int = 3
    due_days: int = 30


@dataclass(frozen=True, slots=True)
class Rules:
    """`cents_per_100_points`: what a hundred points are worth, in the smallest part of the currency; 0: nothing.

    `pays`: the services whose bills may be paid with points. `payout_least`: fewer points are not paid out.
    Where trucks are planned: minutes at a door, how long before a window's end they plan to be there, and what a pickup
    takes whose place nobody knows; from which hour on the next day is planned, with so many seconds of search.
    """

    contest_days: int = 7
    cancel_hours: int = 2
    expire_months: int = 18
    cents_per_100_points: int = 50
    pays: tuple[str, ...] = ("recycling",)
    payout_least: int = 2000
    open_most: int = 4
    door_minutes: int = 4
    margin_minutes: int = 15
    unknown_minutes: int = 20
    plan_hour: int = 20
    plan_seconds: int = 60
    fee: Fee = Fee()

    def worth(self, points: int) -> int:
        """What points are worth, rounded down: the city never pays for a part of a point."""
        return points * self.cents_per_100_points // 100

    def points_for(self, amount: int) -> int:
        """How many points an amount takes, rounded up."""
        return -(-amount * 100 // self.cents_per_100_points)


def options() -> dict[str, Any]:
    """`[service.recycling]` of city.toml."""
    found: dict[str, Any] = settings.CITY.options.get("recycling", {})
    return found


def rules() -> Rules:
    """The rules now. Raises TypeError for a fee that is none."""
    said = options()
    plain = {one.name: said[one.name] for one in fields(Rules) if one.name in said and one.name != "fee"}
    if "pays" in plain:
        plain["pays"] = tuple(plain["pays"])
    return Rules(**plain, fee=Fee(**said.get("fee", {})))


def today() -> date:
    """The day on the city's clock."""
    return day_of(timezone.now())


def day_of(moment: datetime) -> date:
    """The day of a moment on the city's clock."""
    return moment.astimezone(settings.CITY.zone).date()


def months_later(day: date, months: int) -> date:
    """The last day of the month so many months later: points of a month end together, and on a day people remember."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])


def contest_until(weighed: datetime) -> datetime:
    """Until when a weight may be contested."""
    return weighed + timedelta(days=rules().contest_days)
