"""What reporters find of theirs on the city's own pages, and what is out of the ordinary on its front page."""

from __future__ import annotations

from cityhall.kernel.cases.workflow import State
from cityhall.kernel.people.actors import Actor
from cityhall.services.reports.following import mail_link
from cityhall.services.reports.models import Incident, Report
from cityhall.web.rows import Row

SHOWN = 3
MOST = 50
ASKS = (State.WAITING, State.RESOLVED)
"""In these the city waits for the reporter: for an answer, or for whether it is mended."""


def wrong_now() -> list[Row]:
    """The incidents that go on, the gravest first."""
    going_on = Incident.objects.filter(ended_at=None).select_related("category").order_by("-severity", "-began_at")
    return [
        Row(one.category.name, f"/reports/incidents/{one.pk}/", icon="warning", at=one.began_at)
        for one in going_on[:SHOWN]
    ]


def reports(actor: Actor) -> list[Row]:
    """A person's reports, those first that ask something of them; what this browser keeps is the browser's to show."""
    if actor.person_id is None:
        return []
    mine = Report.objects.filter(person_id=actor.person_id, erased_at=None).select_related("category")
    rows = [
        Row(
            f"{one.category.name} · {one.pk}",
            mail_link(one),
            one.get_state_display(),
            "camera",
            one.filed_at,
            waits=one.state in ASKS,
        )
        for one in mine.order_by("-filed_at")[:MOST]
    ]
    return sorted(rows, key=lambda row: not row.waits)
