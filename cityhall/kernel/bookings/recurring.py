"""The days of a rule (RFC 5545, 3.3.10), over whole days of the wall clock: values only."""

from __future__ import annotations

from datetime import MAXYEAR, date, datetime, time, timedelta
from itertools import islice

from dateutil.rrule import rrulestr
from django.utils.translation import gettext_lazy as _

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Invalid

MOST = 400
"""Days of a series: a daily one of a year, a weekly one of five."""
LONGEST = timedelta(days=366 * 5 + 2)
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "BYMONTH", "WKST")


def days(rule: str, first: date) -> list[date]:
    """The days of "FREQ=WEEKLY;BYDAY=MO;COUNT=10" (or "...;UNTIL=20310331", that day included) from `first` on.

    Raises Invalid ("bad_rule") for what is no rule, has no end or more than MOST days.
    """
    parts = _parts(rule)
    try:
        count = values.whole(parts.pop("COUNT", str(MOST + 1))) or 0
        until = _day(parts.pop("UNTIL", "")) or first + LONGEST
        if count < 1 or not values.whole(parts.get("INTERVAL", "1")):
            raise _bad()
        last = min(until, first + LONGEST)
        ahead = _near_the_end(first)
        text = ";".join(f"{name}={value}" for name, value in parts.items())
        text += f";UNTIL={last.replace(year=last.year + ahead):%Y%m%d}"
        start = datetime.combine(first.replace(year=first.year + ahead), time.min)
        found = islice(rrulestr(f"RRULE:{text}", dtstart=start), min(count, MOST + 1))
        listed = [one.replace(year=one.year - ahead).date() for one in found]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, CityhallError) as problem:
        raise _bad() from problem
    if not listed or len(listed) > MOST:
        raise _bad()
    return listed


def _near_the_end(first: date) -> int:
    """Years by which a rule is reckoned later: 400 of them are as the 400 before, to the weekday.

    dateutil compares its end with days that it found, so a rule without any (30 February) is looked through until the
    year 9999; from here that is soon.
    """
    return (MAXYEAR - 6 - first.year) // 400 * 400


def _parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for one in rule.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = one.partition("=")
        if not equals or not value or name not in PARTS or name in parts:
            raise _bad()
        parts[name] = value
    if parts.get("FREQ") not in FREQUENCIES or not parts.keys() & {"COUNT", "UNTIL"} or len(rule) > 200:
        raise _bad()
    return parts


def _day(text: str) -> date | None:
    return datetime.strptime(text, "%Y%m%d").date() if text else None


def _bad() -> CityhallError:
    return Invalid(
        _("This is no rule for a series."),
        code="bad_rule",
        field="rule",
        mend=_("Choose how often, and how many times or until when: at most 400 times in five years."),
    )
