"""Counting what a source does, in one statement, for all processes at once."""

from __future__ import annotations

import hashlib
import hmac
import math

from django.conf import settings
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import TooMany

# The generic cell rate algorithm (ATM Forum, Traffic Management 4.0, section 4.4.2), in its "virtual scheduling" form:
# a row holds the moment at which all that was spent has come back, at most a window ahead. One that is further ahead is
# of a clock that was ahead and has come back: it says nothing of now.
_SPEND = """
INSERT INTO limits_spent AS s (key, until)
VALUES (%(key)s, clock_timestamp() + least(%(step)s, %(window)s) * interval '1 second')
ON CONFLICT (key) DO UPDATE SET until = least(%(step)s, %(window)s) * interval '1 second' + CASE
    WHEN s.until > clock_timestamp() + (%(window)s + 5) * interval '1 second' THEN clock_timestamp()
    ELSE greatest(clock_timestamp(), s.until) END
WHERE s.until <= clock_timestamp() + (%(window)s - %(step)s) * interval '1 second'
    OR s.until > clock_timestamp() + (%(window)s + 5) * interval '1 second'
RETURNING 1
"""
_WAIT = """
SELECT extract(epoch FROM until - clock_timestamp())::float8 - %(window)s + %(step)s
FROM limits_spent WHERE key = %(key)s
"""


def spend(what: str, source: str, most: int, window_s: float, *, share: int = 1) -> None:
    """Counts one attempt of a source at `what`, of which it has `most` in `window_s` seconds (they come back evenly).

    `share` counts it as so many. Nothing is counted where it is refused. Raises TooMany with `wait_s`.
    """
    values: dict[str, str | float] = {"key": _key(what, source), "step": window_s / most * share, "window": window_s}
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, values)
        if cursor.fetchone() is not None:
            return
        cursor.execute(_WAIT, values)
        row = cursor.fetchone()
    raise TooMany(
        _("Too many attempts came from here."),
        code="flood",
        mend=_wait_text(wait_s := max(1, math.ceil(row[0] if row else 1))),
        wait_s=wait_s,
    )


def forget_old() -> None:
    """Takes away what has come back: a row then says nothing any more."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM limits_spent WHERE until < clock_timestamp()")
        cursor.execute("DELETE FROM limits_cache WHERE expires < clock_timestamp()")


def _key(what: str, source: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"limit {what} {source}".encode(), hashlib.sha256).hexdigest()


def _wait_text(seconds: int) -> str | Promise:
    if seconds < 120:
        return _("Try again in a moment.")
    return _("Try again in %(minutes)d minutes.") % {"minutes": math.ceil(seconds / 60)}
