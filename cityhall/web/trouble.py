"""The day's trouble: the database is away, or nothing can be kept. It passes, nobody has made a mistake, and it is 503.

Nothing here asks the database: neither who is signed in nor what they may see.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from psycopg.errors import DiskFull, ReadOnlySqlTransaction

from cityhall.kernel.database.outage import disk_is_full
from cityhall.kernel.errors import Unavailable

log = logging.getLogger(__name__)
AWAY_S = 5
"""A database that was killed is back by then."""
FULL_S = 60
"""Somebody has to make room."""


def trouble_of(exception: BaseException | None) -> Unavailable | None:
    """What a reader is told of an outage; None: the exception is none.

    The database's own words for it: it cannot be reached, ends the connection, has no room, is read only, gives up
    waiting. Trying again will do.
    """
    cause = exception.__cause__ if isinstance(exception, OperationalError | InternalError) else exception
    if disk_is_full(exception) or isinstance(cause, DiskFull | ReadOnlySqlTransaction):
        return Unavailable(
            _("The city can be read, but nothing can be kept just now."),
            code="full",
            mend=_("Whoever runs the city has to make room. Try again later."),
            wait_s=FULL_S,
        )
    if isinstance(exception, OperationalError | InterfaceError):
        return Unavailable(
            _("The city's database is not there."),
            code="no_database",
            mend=_("It comes back by itself. Try again in a few seconds."),
            wait_s=AWAY_S,
        )
    return None


def for_program(request: HttpRequest) -> bool:
    """Whether a program asks: it gets JSON, a browser a page."""
    return request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", "text/html")


def told(request: HttpRequest, trouble: Unavailable, exception: BaseException) -> HttpResponse:
    """The answer, 503 with Retry-After; one line of the log, not a defect's traceback."""
    log.warning("%s %s: %s", request.method, request.path, str(exception).strip().split("\n", 1)[0])
    answer: HttpResponse
    if for_program(request):
        answer = JsonResponse(trouble.to_dict(), status=trouble.status)
    else:
        seen = {"error": trouble, "city": settings.CITY, "language": get_language(), "again": request.method == "GET"}
        answer = HttpResponse(render_to_string("503.html", seen), status=trouble.status)
    answer["Retry-After"] = str(trouble.wait_s)
    answer["Cache-Control"] = "no-store"
    # Django would write it down as a defect.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer
