"""Who files how much: floods from one source are refused, and what was refused is counted."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import TooMany
from cityhall.kernel.limits.spending import spend
from cityhall.services.reports.categories import options

PER_HOUR = 20
"""Reports that one source may file an hour, unless city.toml says otherwise ([service.reports] per_hour)."""


ATTEMPTS = 5
"""Times as many attempts as reports: a photo counts like one more, and a report has four."""
DAY_BYTES = 500_000_000
"""Bytes of photos that are kept of one source in a day."""


def check(source: str, per_hour: int | None = None) -> None:
    """Raises TooMany, with how long to wait, where a source has filed its share of this hour."""
    most = _most(per_hour)
    if not source:
        return
    hour_ago = timezone.now() - timedelta(hours=1)
    filed, oldest = _filed_since(source, hour_ago, most)
    if filed >= most:
        raise TooMany(
            _("Many reports came from here within the hour."),
            code="flood",
            mend=_("Try again in an hour. In danger, call the emergency number."),
            wait_s=max(1, math.ceil((oldest - hour_ago).total_seconds())) if oldest else 3600,
        )


def attempt(source: str, photos: int, per_hour: int | None = None) -> None:
    """Counts an attempt to file, with so many photos, before anything is done for it. Raises TooMany."""
    if source:
        spend("report attempt", source, max(1, _most(per_hour)) * ATTEMPTS, 3600, share=1 + photos)


def keep_bytes(source: str, size: int) -> None:
    """Counts what is to be kept of a source's photos, in bytes. Raises TooMany."""
    if source and size:
        spend("report bytes", source, DAY_BYTES, 86_400, share=size)


def _most(per_hour: int | None) -> int:
    return per_hour if per_hour is not None else int(options().get("per_hour", PER_HOUR))


def _filed_since(source: str, since: datetime, most: int) -> tuple[int, datetime | None]:
    """How many a source filed since a moment, at most `most`, and when the oldest of these was."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), min(filed_at) FROM (
                SELECT filed_at FROM reports_report WHERE source = %s AND filed_at >= %s
                ORDER BY filed_at DESC LIMIT %s
            ) AS latest
            """,
            [source, since, most],
        )
        count, oldest = cursor.fetchone()
        return int(count), oldest


def count_refused(reason: str) -> None:
    """Counts a filing that was refused, by day and reason."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO reports_refused AS r (day, reason, count) VALUES (%s, %s, 1)
            ON CONFLICT (day, reason) DO UPDATE SET count = r.count + 1
            """,
            [timezone.localdate(), reason[:50]],
        )
