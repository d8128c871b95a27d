"""What the city's front page shows of a reader's recycling."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template import Library

from cityhall.kernel.people.models import Person
from cityhall.services.recycling import accounts, points, workflow
from cityhall.services.recycling.models import Pickup
from cityhall.services.recycling.wording import points as points_text

register = Library()


@register.filter
def recycled(request: HttpRequest) -> dict[str, Any]:
    """`{{ request|recycled }}`: the points that a reader may spend and the pickup that comes next; {} for nobody.

    An account is not opened by looking.
    """
    user = request.user
    held = accounts.held_by(user) if isinstance(user, Person) else []
    if not held:
        return {}
    coming = Pickup.objects.filter(account__in=held, state__in=workflow.OPEN, begin__isnull=False)
    return {
        "points": points_text(sum(points.standing(account).balance for account in held)),
        "next": coming.order_by("begin").first(),
    }
