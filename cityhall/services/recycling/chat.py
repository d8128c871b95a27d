"""What may be asked for in one's own words: a pickup, one's points, where to bring something."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places import geocoder
from cityhall.kernel.places.point import metres_between
from cityhall.services.recycling import accounts, planning, points, queries
from cityhall.services.recycling.collecting import topic_of
from cityhall.services.recycling.wording import money
from cityhall.services.recycling.wording import points as points_text
from cityhall.web.when import span

NEAREST = 3


def pickup(actor: Actor, place: str = "") -> dict[str, Any]:
    """When a crew could come to a place (a Skill's action); the wish itself is made on the page that it names."""
    found = geocoder.search(place, limit=1) if place.strip() else []
    point = found[0].point if found else None
    spend("recycling windows", str(actor), planning.ASKED_A_MINUTE, 60)
    windows = planning.offers(planning.zone_of(point), 3, point=point)
    page = "/recycling/ask/"
    if not windows:
        return {"text": _("No crew comes there in the next days. You may ask, and are told when."), "page": page}
    when = "; ".join(span(one.begin, one.end) for one in windows)
    return {"text": _("A crew could come: %(when)s. Say what you have, and choose.") % {"when": when}, "page": page}


def own_points(actor: Actor) -> dict[str, Any]:
    """What points the reader has, and what they are worth (a Skill's action)."""
    from cityhall.services.recycling.rules import rules

    stands = points.standing(accounts.account_of(actor))
    text = _("You have %(points)s, worth %(money)s.") % {
        "points": points_text(stands.balance),
        "money": money(rules().worth(stands.balance)),
    }
    return {"text": text, "points": stands.balance, "page": "/recycling/points/"}


def where(actor: Actor, material: str = "", place: str = "") -> dict[str, Any]:
    """The nearest drop-off points that take something (a Skill's action)."""
    asked = material.casefold().strip()
    near = geocoder.search(place, limit=1) if place.strip() else []
    found = [
        one
        for one in queries.drop_points()
        if not asked
        or any(asked in str(name).casefold() for kind in one.materials.all() for name in kind.names.values())
    ]
    if near:
        found.sort(key=lambda one: metres_between(one.point, near[0].point))
    if not found:
        return {"text": _("No drop-off point takes that. Ask for a pickup."), "page": "/recycling/where/"}
    names = "; ".join(f"{one.name} ({one.opens})" if one.opens else one.name for one in found[:NEAREST])
    text = ngettext("%(count)d place takes it: %(names)s.", "%(count)d places take it: %(names)s.", len(found))
    return {"text": text % {"count": len(found), "names": names}, "page": "/recycling/where/"}


def may_hear(actor: Actor, topic: str) -> bool:
    """Whether somebody may hear of an account's pickups as they move on (a LiveTopic's function)."""
    from cityhall.services.recycling.models import Account

    number = topic.removeprefix(topic_of(""))
    found = (
        Account.objects.filter(pk=int(number)).first()
        if number.isascii() and number.isdigit() and len(number) < 19
        else None
    )
    return found is not None and accounts.holds(actor, found)
