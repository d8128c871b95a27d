"""What an officer's inbox shows: only reports of their own agencies, by a filter that stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.workflow import OPEN, State
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.permissions import roles
from cityhall.kernel.values import whole
from cityhall.services.reports.actions import WORK
from cityhall.services.reports.models import Photo, Report

PAGE = 50
FILTERS = ("state", "category", "agency", "zone", "light", "mine", "photo", "text", "after")


@dataclass(frozen=True, slots=True)
class Desk:
    """Who sits at it, and the agencies whose reports come to it; `whole_city` where that is every one."""

    actor: Actor
    agencies: list[Agency]
    whole_city: bool = False

    def cases(self, before: str = "") -> Q:
        """Which cases come to it, also those that came up to its agencies; `before` leads to them."""
        if self.whole_city:
            return Q()
        return Q(**{f"{before}agency__in": self.agencies}) | Q(**{f"{before}above__in": self.agencies})


def desk_of(actor: Actor) -> Desk:
    """The desk of an actor; a role held for the whole city has every agency's reports."""
    person = Person.objects.filter(pk=actor.person_id, is_active=True).first() if actor.person_id is not None else None
    if person is None:
        return Desk(actor, [])
    giving = [name for name, role in roles().items() if WORK in role.permissions]
    scopes = set(Membership.objects.filter(person=person, role__in=giving).values_list("scope", flat=True))
    if person.is_superuser or "" in scopes:
        return Desk(actor, list(Agency.objects.all()), whole_city=True)
    slugs = [scope.removeprefix("agency:") for scope in scopes if scope.startswith("agency:")]
    return Desk(actor, list(Agency.objects.filter(slug__in=slugs)))


def read_filter(values: Mapping[str, str]) -> dict[str, str]:
    """The filters of an address or a form that say something."""
    found = {name: values.get(name, "").replace("\0", "").strip()[:100] for name in FILTERS}
    return {name: value for name, value in found.items() if value}


def reports_for(desk: Desk) -> QuerySet[Report]:
    """Every report that comes to a desk."""
    reports = Report.objects.select_related("case__agency", "case__above", "case__assignee", "category")
    return reports.filter(desk.cases("case__"))


def filtered(desk: Desk, chosen: Mapping[str, str], now: datetime | None = None) -> QuerySet[Report]:
    """The reports of a filter. Without a state: what is open."""
    now = now or timezone.now()
    found = reports_for(desk)
    state = chosen.get("state", "")
    # By the case's own state: what is open and due first has an index there.
    found = found.filter(case__state=state) if state in State.values else found.filter(case__state__in=OPEN)
    for name in ("category", "agency"):
        if chosen.get(name):
            found = found.filter(**{f"{'case__' if name == 'agency' else ''}{name}__slug": chosen[name]})
    if chosen.get("zone"):
        found = found.filter(zone=chosen["zone"])
    if chosen.get("mine"):
        found = found.filter(case__assignee=desk.actor.person_id)
    if chosen.get("photo"):
        waiting = Photo.objects.filter(report=OuterRef("pk"), state__in=(Photo.State.NEW, Photo.State.WAITING))
        found = found.filter(Exists(waiting))
    if chosen.get("light") == "red":
        found = found.filter(case__due_at__lte=now)
    elif chosen.get("light") == "amber":
        found = found.filter(case__level=1, case__due_at__gt=now)
    text = chosen.get("text", "").lstrip("#")
    number = whole(text)
    if number is not None:
        found = found.filter(pk=number)
    elif text:
        found = found.filter(Q(text__icontains=text) | Q(address__icontains=text))
    return found


def page(desk: Desk, chosen: Mapping[str, str]) -> tuple[list[Report], int | None]:
    """A page of a filter, and where the next one starts, None at the end. On top: what is due first, or came last."""
    start = whole(chosen.get("after", ""), 99_999) or 0
    done = chosen.get("state", "") in set(State.values) - set(OPEN)
    ordered = filtered(desk, chosen).order_by(*(() if done else ("case__due_at",)), "-case__pk")
    rows = list(ordered[start : start + PAGE + 1])
    return rows[:PAGE], start + PAGE if len(rows) > PAGE else None


def counts(desk: Desk) -> dict[str, int]:
    """How much is open, red, mine, and how many photos wait."""
    now = timezone.now()
    found: dict[str, int] = Case.objects.filter(desk.cases(), kind="reports", state__in=OPEN).aggregate(
        open=Count("pk"),
        red=Count("pk", filter=Q(due_at__lte=now)),
        mine=Count("pk", filter=Q(assignee=desk.actor.person_id)),
    )
    waiting = Photo.objects.filter(state__in=(Photo.State.NEW, Photo.State.WAITING), report__in=reports_for(desk))
    return {**found, "photo": waiting.count()}


def open_for(actor: Actor) -> int:
    """How many open reports come to an officer's desk."""
    return Case.objects.filter(desk_of(actor).cases(), kind="reports", state__in=OPEN).count()


def late_for(actor: Actor) -> int:
    """How many of them are past their time."""
    now = timezone.now()
    return Case.objects.filter(desk_of(actor).cases(), kind="reports", state__in=OPEN, due_at__lte=now).count()


def geojson(reports: list[Report], now: datetime) -> dict[str, Any]:
    """Reports for the desk's own map: their exact places, for officers only. Numbered as the list is."""
    colors = {"red": "#b3261e", "amber": "#b8860b", "green": "#1a7f4b", "": "#8b8a83"}
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": list(report.point)},
                "properties": {
                    "id": report.pk,
                    "name": f"{number} · {report.category.name}",
                    "color": colors[report.case.light(now) if report.case.is_open else ""],
                    "url": f"/reports/desk/{report.pk}/",
                },
            }
            for number, report in enumerate(reports, start=1)
        ],
    }
