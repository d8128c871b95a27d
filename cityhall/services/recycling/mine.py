"""What residents find of theirs on the city's own pages."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.services.recycling import accounts, points, queries, workflow
from cityhall.services.recycling.models import Pickup
from cityhall.services.recycling.wording import points as points_text
from cityhall.services.recycling.workflow import State
from cityhall.web.declares import Found
from cityhall.web.rows import Row
from cityhall.web.when import span


def rows(actor: Actor) -> list[Row]:
    """A resident's points, the pickups that are to come, and weights that wait for their word."""
    person = Person.objects.filter(pk=actor.person_id).first() if actor.person_id is not None else None
    found: list[Row] = []
    for account in accounts.held_by(person) if person is not None else []:
        for one in queries.own_pickups(account):
            if one.state in (*workflow.OPEN, State.WEIGHED):
                found.append(_row(one))
        stands = points.standing(account)
        detail = _("points owed: %(points)d") % {"points": stands.debt} if stands.debt else points_text(stands.balance)
        name = account.name or _("Your points")
        found.append(Row(name, f"/recycling/points/?account={account.pk}", detail, "star", waits=bool(stands.debt)))
    return sorted(found, key=lambda row: not row.waits)


def _row(one: Pickup) -> Row:
    state = State(one.state).label
    detail = f"{span(one.begin, one.end)} · {state}" if one.begin and one.end else f"{state}"
    waits = one.state == State.WEIGHED
    what = ", ".join(f"{part.material.name}" for part in one.estimates.all())
    return Row(
        _("Pickup: %(what)s") % {"what": what},
        f"/recycling/pickups/{one.pk}/",
        detail,
        "swap",
        one.begin,
        waits=waits,
    )


def findable(words: str, most: int) -> list[Found]:
    """Materials and drop-off points whose name holds what a reader typed, in any language of the city."""
    asked = words.casefold().strip()
    if len(asked) < 2:
        return []
    found = [
        Found(one.name, _("Recycling"), one.told, f"/recycling/materials/#{one.key}", "swap")
        for one in queries.materials()
        if any(asked in str(name).casefold() for name in one.names.values())
    ]
    found += [
        Found(one.name, _("Drop-off point"), one.opens, f"/recycling/where/#{one.key}", "locate")
        for one in queries.drop_points()
        if any(asked in str(name).casefold() for name in one.names.values())
    ]
    return found[:most]
