"""Stickers for vehicles: a code that leads whoever rides there to the button, with the vehicle's number in it.

A rider calls by it without a word, and the desk knows the vehicle, its line and where it is. Printed by who looks after
the buttons; only of vehicles that everybody may see, since only those does the button take.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety.buttons import CHANGE
from cityhall.web.codes import qr_path

A_PAGE = 24


@dataclass(frozen=True, slots=True)
class Sticker:
    """One vehicle's: its number, where its code leads, and the code as (modules a side, SVG path data)."""

    vehicle: Vehicle
    address: str
    side: int
    path: str


@never_cache
@require_safe
def stickers(request: HttpRequest) -> HttpResponse:
    """Those of the vehicles whose number or name has what was asked for (`q`), A_PAGE of them behind `after`."""
    require(actor_of(request), CHANGE)
    asked = request.GET.get("q", "").replace("\0", "").strip()
    after = request.GET.get("after", "").replace("\0", "")
    found = Vehicle.objects.public().filter(public_id__gt=after).order_by("public_id")
    if asked:
        found = found.filter(public_id__icontains=asked) | found.filter(label__icontains=asked)
    vehicles = list(found[: A_PAGE + 1])
    more = vehicles[A_PAGE - 1].public_id if len(vehicles) > A_PAGE else ""
    context = {
        "stickers": [_sticker(one) for one in vehicles[:A_PAGE]],
        "lines": _lines(),
        "q": asked,
        "more": urlencode({"q": asked, "after": more}) if more else "",
    }
    return render(request, "safety/stickers.html", context)


def _sticker(vehicle: Vehicle) -> Sticker:
    address = f"{settings.PUBLIC_URL}{reverse('safety')}?{urlencode({'bus': vehicle.public_id})}"
    return Sticker(vehicle, address, *qr_path(address))


def _lines() -> list[tuple[str, str, str]]:
    """(language, what it is for, what happens then) in each of the city's languages: riders read one of them."""
    said = []
    for language in settings.CITY.languages:
        with translation.override(language):
            said.append(
                (language, _("In danger, or harassed? Scan this."), _("Nobody in the vehicle hears that you call."))
            )
    return said
