"""What `cityhall check` says of people: whether somebody may give roles to others."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import roles

GRANT = "people.grant_role"


def findings() -> Iterator[tuple[str, str, str]]:
    """(level, what, how to mend it)."""
    giving = [name for name, role in roles().items() if GRANT in role.permissions]
    held = Q(memberships__role__in=giving, memberships__scope="") | Q(is_superuser=True)
    count = Person.objects.filter(held, is_active=True).distinct().count()
    if count:
        yield "ok", f"people: {count} may give roles to others.", ""
    else:
        yield (
            "warning",
            "people: nobody may give roles to others, so no officer can work.",
            "Make the first administrator: cityhall officer add EMAIL --role administrator.",
        )
