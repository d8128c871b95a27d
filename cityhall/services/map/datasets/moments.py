"""Moments in the files that people bring: ISO 8601 dates, with or without a time of day and an offset.

Without an offset they are on the city's clock. A file's own words stay as they are; only the period reads them so.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Value, When
from django.db.models.expressions import Func
from django.db.models.functions import Cast, NullIf
from django.db.models.lookups import Regex

FORM = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?)?")
WITH_OFFSET = r":[0-9.]*(Z|[+-][0-9:]+)$"
FARTHEST = timedelta(hours=15, minutes=59)
"""From UTC, as far as PostgreSQL takes an offset."""


def is_moment(text: str) -> bool:
    """Whether every reader takes a text for the same moment: 31/01/2026 may be two, 2026-01-31 is one."""
    if not FORM.fullmatch(text):
        return False
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return False
    return offset is None or abs(offset) <= FARTHEST


class OnTheCitysClock(Func):
    """A text without an offset as a moment."""

    template = "(%(expressions)s)::timestamp AT TIME ZONE '%(zone)s'"
    output_field = models.DateTimeField()

    def __init__(self, text: Any) -> None:
        super().__init__(text, zone=settings.CITY.zone.key)


def as_moment(text: Any) -> Case:
    """An expression of texts that `is_moment` as one of moments; "" has none."""
    text = NullIf(text, Value("", output_field=models.TextField()))
    aware = When(
        Regex(text, Value(WITH_OFFSET, output_field=models.TextField())), then=Cast(text, models.DateTimeField())
    )
    return Case(aware, default=OnTheCitysClock(text), output_field=models.DateTimeField())
