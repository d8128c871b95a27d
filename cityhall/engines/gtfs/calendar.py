"""Which service runs on which day: calendar.txt and calendar_dates.txt as one matrix."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from cityhall.engines.gtfs.archive import Archive, Limits
from cityhall.engines.gtfs.report import Report
from cityhall.engines.gtfs.schedule import Services
from cityhall.engines.gtfs.tables import Columns, drop, read

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDAR = Columns(("service_id", *WEEKDAYS, "start_date", "end_date"))
DATES = Columns(("service_id", "date", "exception_type"))
DAY = "Write the day as YYYYMMDD."


def _day(name: str) -> pl.Expr:
    return pl.col(name).str.to_date("%Y%m%d", strict=False).alias(name)


def read_calendar(archive: Archive, report: Report, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """calendar.txt and calendar_dates.txt with real dates; rows whose dates or marks are wrong are dropped.

    Raises FeedError where both files are missing.
    """
    if not {"calendar.txt", "calendar_dates.txt"} & archive.files.keys():
        raise report.fail(
            "no_calendar",
            archive.name,
            "Neither calendar.txt nor calendar_dates.txt is there.",
            "Add one: without it no trip runs on any day.",
        )
    weeks = read(archive, "calendar.txt", CALENDAR, report, limits).with_columns(
        _day("start_date"), _day("end_date"), *[(pl.col(name) == "1").fill_null(False) for name in WEEKDAYS]
    )
    label = archive.label("calendar.txt")
    for name in ("start_date", "end_date"):
        weeks = drop(weeks, pl.col(name).is_null(), report, label, "bad_date", "There is no such day.", DAY, name)
    weeks = drop(
        weeks,
        pl.col("end_date") < pl.col("start_date"),
        report,
        label,
        "dates_reversed",
        "The service ends before it starts ({}).",
        "Swap the dates.",
        "end_date",
    )
    dates = read(archive, "calendar_dates.txt", DATES, report, limits).with_columns(_day("date"))
    label = archive.label("calendar_dates.txt")
    dates = drop(dates, pl.col("date").is_null(), report, label, "bad_date", "There is no such day.", DAY, "date")
    known = pl.col("exception_type").is_in(["1", "2"])
    dates = drop(
        dates,
        ~known,
        report,
        label,
        "bad_exception",
        "exception_type {} is unknown.",
        "Use 1 (added) or 2 (removed).",
        "exception_type",
    )
    return weeks, dates


def services(weeks: pl.DataFrame, dates: pl.DataFrame, report: Report, limits: Limits, label: str) -> Services:
    """The matrix of services and days. Raises FeedError where no day is left."""
    ids = sorted(set(weeks["service_id"].drop_nulls()) | set(dates["service_id"].drop_nulls()))
    days = [*weeks["start_date"], *weeks["end_date"], *dates.filter(pl.col("exception_type") == "1")["date"]]
    if not days:
        raise report.fail("no_days", label, "No service runs on any day.", "Check the dates of the calendar.")
    first, last = min(days), max(days)
    if (last - first).days >= limits.days:
        first, last = _window(weeks, first, last, limits.days)
        report.add(
            "warning",
            "long_calendar",
            label,
            f"The calendar spans more than {limits.days} days; {first} to {last} is kept.",
            "Give the services nearer end dates.",
        )
    row = {service: place for place, service in enumerate(ids)}
    active = np.zeros((len(ids), (last - first).days + 1), np.bool_)
    for values in weeks.select("service_id", *WEEKDAYS, "start_date", "end_date").iter_rows():
        service, *week, start, end = values
        begin, stop = max(0, (start - first).days), min(active.shape[1], (end - first).days + 1)
        if service is None or begin >= stop:
            continue
        weekday = (np.arange(begin, stop) + first.weekday()) % 7
        active[row[service], begin:stop] |= np.array(week, np.bool_)[weekday]
    for service, day, kind in dates.select("service_id", "date", "exception_type").iter_rows():
        offset = (day - first).days
        if service is not None and 0 <= offset < active.shape[1]:
            active[row[service], offset] = kind == "1"
    return Services(ids, first, active)


def _window(weeks: pl.DataFrame, first: date, last: date, days: int) -> tuple[date, date]:
    """The `days` that matter most: from the median start on, so that one absurd date does not decide."""
    starts = sorted(weeks["start_date"])
    middle = starts[len(starts) // 2] if starts else first
    begin = max(first, min(middle, last - timedelta(days=days - 1)))
    return begin, begin + timedelta(days=days - 1)
