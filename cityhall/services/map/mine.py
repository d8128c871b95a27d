"""What people find of the map on the page of what is theirs."""

from __future__ import annotations

from django.urls import reverse

from cityhall.kernel.people.actors import Actor
from cityhall.services.map.models import SavedView
from cityhall.web.rows import Row


def views(actor: Actor) -> list[Row]:
    """A person's own views of the map, each with who may see it; what others share is on the map."""
    if actor.person_id is None:
        return []
    return [
        Row(
            view.name,
            reverse("map_view", args=[view.public_id]),
            view.get_audience_display(),
            "map",
            delete=reverse("map_delete_view", args=[view.public_id]),
        )
        for view in SavedView.objects.filter(owner_id=actor.person_id, deleted_at=None)
    ]
