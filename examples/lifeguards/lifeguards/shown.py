"""What the city's own pages show of the beaches: what is out of the ordinary, what is somebody's, what is found."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.folding import fold
from cityhall.web.declares import Found
from cityhall.web.rows import Row
from lifeguards.models import Beach, Follow, Patrol


def wrong_now() -> list[Row]:
    """The beaches that are closed, the latest first."""
    shut = Beach.objects.filter(closed_at__isnull=False).order_by("-closed_at")
    return [
        Row(beach.name, address(beach), _("Closed: nobody may swim there"), "warning", beach.closed_at)
        for beach in shut
    ]


def mine(actor: Actor) -> list[Row]:
    """The beacon that a lifeguard carries, then the beaches that somebody follows."""
    if actor.person_id is None:
        return []
    carried = Patrol.objects.filter(guard_id=actor.person_id).order_by("name")
    followed = Follow.objects.filter(person_id=actor.person_id).select_related("beach").order_by("beach__name")
    return [
        *(Row(one.name, "/accounts/me/", _("You carry this beacon"), "locate", one.seen_at) for one in carried),
        *(Row(one.beach.name, address(one.beach), state(one.beach), "bell", one.beach.closed_at) for one in followed),
    ]


def beaches(words: str, most: int) -> list[Found]:
    """Those whose name has every word that was typed."""
    asked = fold(words).split()
    named = [
        beach for beach in Beach.objects.order_by("name") if all(f" {word}" in f" {fold(beach.name)}" for word in asked)
    ]
    return [Found(beach.name, _("Beach"), state(beach), address(beach), "locate") for beach in named[:most]]


def state(beach: Beach) -> str:
    """Whether people may bathe there, in words."""
    return pgettext("beach", "Closed") if beach.closed_at else pgettext("beach", "Open")


def address(beach: Beach) -> str:
    """Where it stands on the service's page."""
    return f"/lifeguards/#beach-{beach.pk}"
