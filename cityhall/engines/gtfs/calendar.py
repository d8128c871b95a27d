"""Which service runs on which day: calendar.txt and calendar_dates.txt as rules."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from cityhall.engines.gtfs.archive import Archive, Limits
from cityhall.engines.gtfs.report import Report
from cityhall.engines.gtfs.schedule import Int32, Services
from cityhall.engines.gtfs.tables import Columns, drop, read

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDAR = Columns(("service_id", *WEEKDAYS, "start_date", "end_date"))
DATES = Columns(("service_id", "date", "exception_type"))
DAY = "Write the day as YYYYMMDD."
EARLIEST, LATEST = date(2, 1, 1), date(9998, 12, 31)
"""Feeds write 9999 for an end that is open; from Python's own last day no other can be reckoned."""


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


def services(weeks: pl.DataFrame, dates: pl.DataFrame) -> Services:
    """The rules and exceptions of `read_calendar`. Of two exceptions for one service and day the later row holds."""
    weeks, dates = weeks.drop_nulls("service_id"), dates.drop_nulls("service_id")
    ids = sorted(set(weeks["service_id"]) | set(dates["service_id"]))
    row = {service: place for place, service in enumerate(ids)}
    exceptions = {
        (min(max(day, EARLIEST), LATEST).toordinal(), row[service]): kind == "1"
        for service, day, kind in dates.select("service_id", "date", "exception_type").iter_rows()
    }
    ordered = sorted(exceptions)
    week = weeks.select(WEEKDAYS).to_numpy().reshape(-1, 7).astype(np.int8)
    return Services(
        id=ids,
        rule_service=np.array([row[service] for service in weeks["service_id"]], np.int32),
        rule_week=(week << np.arange(7, dtype=np.int8)).sum(axis=1, dtype=np.int8),
        rule_start=_ordinals(weeks["start_date"]),
        rule_end=_ordinals(weeks["end_date"]),
        exception_day=np.array([day for day, _service in ordered], np.int32),
        exception_service=np.array([service for _day, service in ordered], np.int32),
        exception_added=np.array([exceptions[key] for key in ordered], np.bool_),
    )


def _ordinals(days: pl.Series) -> Int32:
    return np.array([min(max(day, EARLIEST), LATEST).toordinal() for day in days], np.int32)
