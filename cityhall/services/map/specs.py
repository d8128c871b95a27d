"""What the map page must know of each layer, and the words it speaks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import seen_by
from cityhall.kernel.service import Service
from cityhall.services.map.datasets.pictures import tiles
from cityhall.services.map.models import OutsideMap
from cityhall.services.map.replay import can_replay
from cityhall.services.map.tiles import tiles_path
from cityhall.web.layers import layer_spec


def layer_specs(actor: Actor) -> list[dict[str, Any]]:
    """Every layer that somebody may see, with the addresses of its parts."""
    return [_spec(service, layer) for service, layer in seen_by(actor) if layer.source or layer.query]


def _spec(service: Service, layer: Layer) -> dict[str, Any]:
    names = [service.slug, layer.slug]
    return layer_spec(service, layer) | {
        # A live layer is drawn from its address and moved by its topic; what stands still comes as tiles.
        "tiles": tiles_path(service, layer),
        "summary": reverse("map_summary", args=names),
        "heat": reverse("map_heat", args=names),
        "zones": reverse("map_zones", args=names),
        "table": reverse("map_table", args=names),
        "replay": reverse("map_replay", args=names) if can_replay(layer) else "",
        # What is live is always now: choosing by time would only hide what has not been heard of for a moment.
        "times": reverse("map_timeline", args=names) if layer.time and not layer.live else "",
        "downloads": "" if layer.permission else reverse("map_download", args=[*names, "geojson"]),
        "labels": {one: str(layer.labels.get(one, one)) for one in layer.public_fields if one not in layer.unshown},
        "values": {name: layer.words(name) for name in layer.values},
    }


def outside_specs() -> list[dict[str, Any]]:
    """Other servers' maps as MapLibre raster sources."""
    return [
        {"id": f"outside/{one.pk}", "name": one.name, "tiles": tiles(one), "attribution": one.attribution}
        for one in OutsideMap.objects.all()
    ]


def spans() -> list[tuple[int, str]]:
    """How far back one may look, in seconds, and its name."""
    day, year = 86_400, 365 * 86_400
    names = [(3_600, _("the last hour")), (day, _("the last day")), (7 * day, _("the last week"))]
    names += [(30 * day, _("the last month")), (year, _("the last year"))]
    # The city's own data sets may tell of when it was built.
    return [*names, (10 * year, _("the last ten years")), (100 * year, _("the last hundred years"))]


def words() -> dict[str, str]:
    """Every word that the page's own scripts say, in the reader's language."""
    return {
        "points": _("Places"),
        "heat": _("Heat"),
        "zones": _("By district"),
        "table": _("Table"),
        "inView": _("in view"),
        "nothing": _("Nothing here."),
        "counted": _("%(count)s in view: %(layer)s"),
        "more": _("others"),
        "clear": _("Clear the choices"),
        "play": _("Play"),
        "pause": _("Pause"),
        "live": _("Live"),
        "noReplay": _("Nothing is kept of that hour."),
        "replaying": _("Replay of %(time)s"),
        "few": _("few"),
        "many": _("many"),
        "keyFor": _("Colours of %(name)s"),
        "happened": _("%(count)s in view from %(from)s to %(to)s"),
        "mostAt": _("Counts over time; the most, %(count)s, from %(time)s on"),
        "failed": _("That did not work. Try again."),
        "offline": _("No network since %(time)s; shown is what was known then."),
        "silent": _("%(name)s does not answer: its server sends no pictures now."),
        "saved": _("Saved."),
        "copied": _("The link is copied."),
        "deleted": _("%(name)s is deleted."),
        "undo": _("Undo"),
        "drawnAs": _("Drawn as"),
        "people": _("a thousand people"),
        "stands": _("%(count)s places here"),
        "close": _("Close"),
        "download": _("Download"),
        "reading": _("Being read …"),
        "ready": _("On the map."),
        "dropped": _("Drop the file to put it on the map"),
        "left": _("Left"),
        "right": _("Right"),
        "updated": _("updated %(time)s"),
        "count": ngettext("place", "places", 2),
        "city": settings.CITY.name,
    }
