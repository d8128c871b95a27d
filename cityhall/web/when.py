"""Moments as people read them: the city's clock, 24 hours, and the day beside every time that is not today's."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.utils import formats, timezone
from django.utils.functional import Promise, lazystr
from django.utils.translation import gettext as _

WEEK = 7
"""From so many days ahead on a weekday could be one of two, so the date is said."""


def clock(moment: datetime) -> str:
    """The time on the city's clock: "09:44"."""
    return f"{_here(moment):%H:%M}"


def when(moment: datetime) -> str:
    """ "09:44" today, "09:44 tomorrow", "09:44 on Sunday" within a week, else "09:44 on December 4"."""
    return _with_day(clock(moment), _here(moment).date(), _today())


def span(start: datetime, end: datetime) -> str:
    """From a moment until another, with their day where it is not today: "09:44 – 10:12 tomorrow"."""
    if _here(start).date() == _here(end).date():
        return _with_day(f"{clock(start)} – {clock(end)}", _here(end).date(), _today())
    return f"{when(start)} – {when(end)}"


def which_day(day: date) -> str:
    """A day with its name and its date: "today, Friday, November 27"; tomorrow's and yesterday's alike."""
    named = _("%(weekday)s, %(date)s") % {"weekday": _weekday(day), "date": _date(day, _today())}
    form = {-1: _("yesterday, %(day)s"), 0: _("today, %(day)s"), 1: _("tomorrow, %(day)s")}.get(_ahead(day))
    return form % {"day": named} if form else named


def written(moment: datetime) -> Promise:
    """For a message, which is read on any day: always with its date, in the language of who reads it."""
    return lazystr(_Written(moment))


class _Written:
    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __str__(self) -> str:
        values = {"time": clock(self.moment), "date": _date(_here(self.moment).date(), _today())}
        return _("%(time)s on %(date)s") % values


def _here(moment: datetime) -> datetime:
    return moment.astimezone(settings.CITY.zone)


def _today() -> date:
    return _here(timezone.now()).date()


def _ahead(day: date) -> int:
    return (day - _today()).days


def _with_day(time: str, day: date, today: date) -> str:
    ahead = (day - today).days
    if ahead == 0:
        return time
    if ahead == 1:
        return _("%(time)s tomorrow") % {"time": time}
    if ahead == -1:
        return _("%(time)s yesterday") % {"time": time}
    if 1 < ahead < WEEK:
        return _("%(time)s on %(weekday)s") % {"time": time, "weekday": _weekday(day)}
    return _("%(time)s on %(date)s") % {"time": time, "date": _date(day, today)}


def _weekday(day: date) -> str:
    return formats.date_format(day, "l")


def _date(day: date, today: date) -> str:
    """The day as the reader's language writes it; with its year where that is another."""
    return formats.date_format(day, "MONTH_DAY_FORMAT" if day.year == today.year else "DATE_FORMAT")
