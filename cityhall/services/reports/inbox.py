"""What an officer's inbox shows: only reports of their own agencies, by a filter that stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.workflow import OPEN, State
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.permissions import roles
from cityhall.services.reports.actions import WORK
from cityhall.services.reports.models import Photo, Report

PAGE = 50
FILTERS = ("state", "category", "agency", "zone", "light", "mine", "photo", "text", "after")


def agencies_of(actor: Actor) -> list[Agency]:
    """The agencies whose reports an actor may work on; every one for a role held for the whole city."""
    if actor.person_id is None:
        return []
    person = Person.objects.filter(pk=actor.person_id, is_active=True).first()
    if person is None:
        return []
    giving = [name for name, role in roles().items() if WORK in role.permissions]
    scopes = set(Membership.objects.filter(person=person, role__in=giving).values_list("scope", flat=True))
    if person.is_superuser or "" in scopes:
        return list(Agency.objects.all())
    slugs = [scope.removeprefix("agency:") for scope in scopes if scope.startswith("agency:")]
    return list(Agency.objects.filter(slug__in=slugs))


def read_filter(values: Mapping[str, str]) -> dict[str, str]:
    """The filters of an address or a form that say something."""
    found = {name: values.get(name, "").replace("\0", "").strip()[:100] for name in FILTERS}
    return {name: value for name, value in found.items() if value}


def reports_for(actor: Actor) -> QuerySet[Report]:
    """Every report an actor may work on, also what came up to their agency."""
    reports = Report.objects.select_related("case__agency", "case__above", "case__assignee", "category")
    return reports.filter(_theirs(actor, "case__"))


def _theirs(actor: Actor, case: str = "") -> Q:
    """Which cases are an actor's; `case` leads to them."""
    mine = agencies_of(actor)
    if len(mine) == Agency.objects.count():
        return Q()
    return Q(**{f"{case}agency__in": mine}) | Q(**{f"{case}above__in": mine})


def filtered(actor: Actor, chosen: Mapping[str, str], now: datetime | None = None) -> QuerySet[Report]:
    """The reports of a filter. Without a state: what is open."""
    now = now or timezone.now()
    found = reports_for(actor)
    state = chosen.get("state", "")
    # By the case's own state: what is open and due first has an index there.
    found = found.filter(case__state=state) if state in State.values else found.filter(case__state__in=OPEN)
    for name in ("category", "agency"):
        if chosen.get(name):
            found = found.filter(**{f"{'case__' if name == 'agency' else ''}{name}__slug": chosen[name]})
    if chosen.get("zone"):
        found = found.filter(zone=chosen["zone"])
    if chosen.get("mine"):
        found = found.filter(case__assignee=actor.person_id)
    if chosen.get("photo"):
        waiting = Photo.objects.filter(report=OuterRef("pk"), state__in=(Photo.State.NEW, Photo.State.WAITING))
        found = found.filter(Exists(waiting))
    if chosen.get("light") == "red":
        found = found.filter(case__due_at__lte=now)
    elif chosen.get("light") == "amber":
        found = found.filter(case__level=1, case__due_at__gt=now)
    text = chosen.get("text", "").lstrip("#")
    if text.isdigit() and len(text) < 19:
        found = found.filter(pk=int(text))
    elif text:
        found = found.filter(Q(text__icontains=text) | Q(address__icontains=text))
    return found


def page(actor: Actor, chosen: Mapping[str, str]) -> tuple[list[Report], int | None]:
    """A page of a filter, and where the next one starts, None at the end. On top: what is due first, or came last."""
    start = int(chosen["after"]) if chosen.get("after", "").isdigit() and len(chosen["after"]) < 6 else 0
    done = chosen.get("state", "") in set(State.values) - set(OPEN)
    ordered = filtered(actor, chosen).order_by(*(() if done else ("case__due_at",)), "-case__pk")
    rows = list(ordered[start : start + PAGE + 1])
    return rows[:PAGE], start + PAGE if len(rows) > PAGE else None


def counts(actor: Actor) -> dict[str, int]:
    """How much is open, red, mine, and how many photos wait."""
    now = timezone.now()
    found: dict[str, int] = Case.objects.filter(_theirs(actor), kind="reports", state__in=OPEN).aggregate(
        open=Count("pk"),
        red=Count("pk", filter=Q(due_at__lte=now)),
        mine=Count("pk", filter=Q(assignee=actor.person_id)),
    )
    waiting = Photo.objects.filter(state__in=(Photo.State.NEW, Photo.State.WAITING), report__in=reports_for(actor))
    return {**found, "photo": waiting.count()}


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
