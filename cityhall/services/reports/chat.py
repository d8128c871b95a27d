"""The door for conversations: what an assistant has understood becomes a filing."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places import geocoder
from cityhall.services.reports import suggestion
from cityhall.services.reports.filing import Filing, file_report
from cityhall.services.reports.models import Report

OTHER = "other"


def file_by_chat(
    actor: Actor, *, text: str, place: str = "", lon: float | None = None, lat: float | None = None, source: str = ""
) -> dict[str, Any]:
    """Files what somebody said in a conversation, at a place they named or shared.

    Gives {"id", "link", "category", "text"}: the last is what to answer. Raises Invalid, with what to ask for, where
    the place is missing or not known.
    """
    if lon is None or lat is None:
        found = geocoder.search(place[:200], limit=1) if place.strip() else []
        if not found:
            raise Invalid(
                _("A place is missing."), code="missing_place", field="place", mend=_("Name a street or a square.")
            )
        lon, lat = found[0].point
    guessed = suggestion.suggest(text, 1)
    filed = file_report(
        actor,
        Filing(
            category=guessed[0][0] if guessed else OTHER,
            text=text,
            lon=lon,
            lat=lat,
            named=actor.person_id is not None,
            source=source or pseudonym(str(actor)),
            via=Report.Via.CHAT,
        ),
    )
    link = f"/reports/follow/{filed.secret}/"
    said = _("Thank you. It is number %(number)d (%(category)s).") % {
        "number": filed.report.pk,
        "category": filed.report.category.name,
    }
    return {"id": filed.report.pk, "link": link, "category": filed.report.category.slug, "text": said}
