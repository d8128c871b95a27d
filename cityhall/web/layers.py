"""Layers as the map component takes them: one form, whoever draws them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import seen_by
from cityhall.kernel.service import Service, Text

THUMB_PX = 7
"""The size of what a page is about: on its map it is pressed with a thumb."""


def layer_id(service: Service, layer: Layer) -> str:
    """A layer's name in addresses, saved views and pages: "<service>/<layer>"."""
    return f"{service.slug}/{layer.slug}"


def layer_spec(service: Service, layer: Layer) -> dict[str, Any]:
    """A layer that a service declares, as the map component takes it."""
    return {
        "id": layer_id(service, layer),
        "name": str(layer.name),
        "group": str(service.name),
        "kind": layer.kind,
        "url": reverse("map_layer", args=[service.slug, layer.slug]),
        "live": reverse("live", args=[layer.live]) if layer.live else "",
        "panel": layer.panel,
        "icon": layer.icon or service.icon,
        "color": layer.color,
        "style": layer.style,
        "minzoom": layer.min_zoom,
        "visible": layer.visible,
    }


def map_layers(actor: Actor = ANONYMOUS) -> list[dict[str, Any]]:
    """Every layer that somebody may see of what the city's services draw."""
    return [layer_spec(service, layer) for service, layer in seen_by(actor)]


def chosen_layers(chosen: dict[str, bool], actor: Actor = ANONYMOUS, **own: Any) -> list[dict[str, Any]]:
    """Some layers for a page's own map, each by its id with whether it is shown at first; `own` goes over the rest."""
    return [layer | {"visible": chosen[layer["id"]]} | own for layer in map_layers(actor) if layer["id"] in chosen]


def page_points(slug: str, name: Text, url: str, color: str, **more: Any) -> dict[str, Any]:
    """Points that only one page shows, from an address of its own: no layer, and on nobody else's map."""
    shown = {"id": slug, "name": str(name), "kind": "point", "url": url, "live": "", "color": color}
    return shown | {"minzoom": 0, "visible": True, "style": {"size": THUMB_PX}} | more
