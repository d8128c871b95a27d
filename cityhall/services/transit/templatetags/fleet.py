"""Numbers as the fleet room shows them; what is not known is a dash."""

from __future__ import annotations

from django import template
from django.http import HttpRequest

from cityhall.engines import groups
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """A share of 1 as whole percent."""
    return "–" if share is None else f"{100 * share:.0f} %"


@register.filter
def late(seconds: float | None) -> str:
    """Seconds late as signed whole minutes."""
    return "–" if seconds is None else f"{seconds / 60:+.0f}"


@register.simple_tag
def journeys_wait() -> bool:
    """Whether the search is still being compiled, as in the minute after installing."""
    return not groups.ready(groups.JOURNEYS)


@register.filter
def sees_fleet(request: HttpRequest) -> bool:
    """Whether who asks may go into the fleet room."""
    return may(actor_of(request), "transit.view_fleet")
