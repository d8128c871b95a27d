"""What the city lends and sells, read from the file that `[service.house] file` of city.toml names."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.media.storing import store
from cityhall.kernel.people.actors import ANONYMOUS
from cityhall.services.house import booking
from cityhall.services.house.models import Item, Room

NEEDED = ("names", "seats", "price", "weekdays")
MORE = ("about", "reached", "equipment", "wheelchair", "hearing_loop", "approval", "cancel_hours", "buffer_minutes")


def named() -> Path | None:
    """The city's file of rooms and wares, None where it names none."""
    name = settings.CITY.options.get("house", {}).get("file")
    return Path(settings.CITY_FOLDER) / str(name) if name else None


def load(progress: Callable[[str, float], None]) -> list[tuple[str, str, str]]:
    """Makes rooms and wares what the file says. One that it does not name any more keeps what was booked and bought,
    and can be had no longer.

    Raises Invalid for a file that cannot be used; then nothing is changed.
    """
    path = named()
    if path is None:
        return [
            (
                "warning",
                _("City Hall lends no room and sells nothing."),
                _('Write a file as docs/house.md says, and name it in city.toml: [service.house] file = "house.toml".'),
            )
        ]
    progress("rooms", 0.1)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        with transaction.atomic():
            for place, one in enumerate(values.get("room", [])):
                _keep(Room, one, _of_room(one) | {"order": place}, path.parent)
            for place, one in enumerate(values.get("item", [])):
                _keep(Item, one, _of_item(one) | {"order": place}, path.parent)
            for model, key in ((Room, "room"), (Item, "item")):
                listed = [one["slug"] for one in values.get(key, [])]
                model.objects.exclude(slug__in=listed).update(active=False)
            for room in Room.objects.filter(active=True):
                booking.keep_resource(room)
    except (OSError, KeyError, TypeError, ValueError) as problem:
        raise Invalid(
            _("%(file)s cannot be used: %(why)s.") % {"file": path.name, "why": repr(problem)},
            mend=_("Write it as docs/house.md says."),
        ) from problem
    return []


def _of_room(one: dict[str, Any]) -> dict[str, Any]:
    times = {name: time.fromisoformat(one[name]) for name in ("opens", "closes")}
    # A slot ends on the day on which it begins, so the house closes by midnight.
    if not times["opens"] < times["closes"]:
        raise ValueError(f"{one['slug']} closes before it opens")
    return {name: one[name] for name in NEEDED} | {name: one[name] for name in MORE if name in one} | times


def _of_item(one: dict[str, Any]) -> dict[str, Any]:
    return {"names": one["names"], "price": one["price"], "about": one.get("about", {})}


def _keep(model: type[Room] | type[Item], one: dict[str, Any], values: dict[str, Any], folder: Path) -> None:
    """Makes or changes one row. The stock is the file's only when the ware is new: from then on sales change it."""
    fresh = {"stock": one.get("stock")} if model is Item else {}
    found, _made = model.objects.update_or_create(
        slug=one["slug"],
        defaults=values | {"active": True},
        create_defaults=values | fresh | {"active": True},
    )
    if one.get("picture"):
        _picture(found, (folder / str(one["picture"])).read_bytes())


def _picture(found: models.Model, data: bytes) -> None:
    """Keeps a picture anew only where it is another one: a second load of the same file makes nothing."""
    assert isinstance(found, Room | Item)
    digest = sha256(data).hexdigest()
    if found.picture_id is None or found.picture_of != digest:
        found.picture = store(ANONYMOUS, data, purpose="house", public=True, patient=True)
        found.picture_of = digest
        found.save(update_fields=["picture", "picture_of"])
