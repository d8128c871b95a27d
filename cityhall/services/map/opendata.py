"""Which layers are open data, and the pages of features that every open door gives of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Missing
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import all_layers
from cityhall.kernel.service import Service
from cityhall.services.map.reading import Answers, read
from cityhall.services.map.selection import Selection

log = logging.getLogger(__name__)
Made = TypeVar("Made")
PAGE = 5_000
LICENCE = "https://creativecommons.org/licenses/by/4.0/"


def open_layers() -> dict[str, tuple[Service, Layer]]:
    """Every layer that anybody may have, by the name it is given out under: "<service>-<layer>"."""
    return {
        f"{service.slug}-{layer.slug}": (service, layer)
        for service, layer in all_layers()
        if not layer.permission and (layer.source or layer.query)
    }


def open_layer(name: str) -> tuple[Service, Layer]:
    """A public layer by its name. Raises Missing."""
    found = open_layers().get(name)
    if found is None:
        raise Missing(
            _("There is no collection %(name)s.") % {"name": name[:100]},
            code="NotFound",
            mend=_("Choose one of /map/ogc/collections."),
        )
    return found


def of_each(make: Callable[[str, Service, Layer], Made]) -> list[Made]:
    """What `make` gives of each public layer, for lists: one that cannot be read is left out, and that is noted."""
    made = []
    for name, (service, layer) in open_layers().items():
        try:
            with transaction.atomic():
                made.append(make(name, service, layer))
        except Exception:
            # Whatever one service's layer stumbles on, the others are answered for.
            log.exception("the layer %s was left out of a list", name)
    return made


def every_feature(service: Service, layer: Layer, selection: Selection) -> Iterator[list[dict[str, Any]]]:
    """All selected features, a page at a time: a layer of a million is never held whole."""
    answers: Answers = read(service, layer)
    after: int | None = 0
    while after is not None:
        page, after = answers.features(selection, after, PAGE)
        yield page


def title(layer: Layer) -> str:
    return str(layer.name)


def description(service: Service, layer: Layer) -> str:
    """A sentence on a layer, for catalogues."""
    return str(layer.summary) or _("%(layer)s (%(service)s), as %(city)s has them.") % {
        "layer": layer.name,
        "service": service.name,
        "city": settings.CITY.name,
    }


def licence(layer: Layer) -> str:
    """The address of the licence: the layer's own, the city's (`[map] licence`), or CC BY 4.0."""
    return layer.licence or str(settings.CITY.options.get("map", {}).get("licence", "")) or LICENCE
