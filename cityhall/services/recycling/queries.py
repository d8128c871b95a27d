"""What pages, API, map and desks read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import Actor
from cityhall.services.recycling import accounts, coming, signals, workflow
from cityhall.services.recycling.contesting import LATE
from cityhall.services.recycling.models import (
    Account,
    Contest,
    DropPoint,
    Material,
    Offer,
    Partner,
    Pickup,
    Voucher,
    Weighing,
)
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.workflow import State

if TYPE_CHECKING:
    from cityhall.services.recycling.rounds import Day

MOST = 100
Bounds = tuple[float, float, float, float]


def materials() -> QuerySet[Material]:
    """What is taken, in the city's order."""
    return Material.objects.filter(active=True)


def drop_points() -> QuerySet[DropPoint]:
    """Where anybody may bring something."""
    return DropPoint.objects.filter(active=True).prefetch_related("materials").order_by("machine", "key")


def own_pickups(account: Account) -> list[Pickup]:
    """An account's pickups, what is to come first, then the latest."""
    found = Pickup.objects.filter(account=account).prefetch_related("estimates__material")
    rows = list(found.select_related("weighing").order_by("-asked_at")[:MOST])
    return sorted(rows, key=lambda one: one.state not in workflow.OPEN)


def find_pickup(actor: Actor, number: int) -> Pickup:
    """A pickup of an account that the actor acts for. Raises Missing: of others there is none."""
    found = (
        Pickup.objects.select_related("account", "booking", "photo", "weighing")
        .prefetch_related("estimates__material")
        .filter(pk=number)
        .first()
        if number < 2**63
        else None
    )
    if found is None or not accounts.holds(actor, found.account):
        raise Missing(_("There is no such pickup."), code="no_such_pickup")
    return found


def find_weighing(actor: Actor, uid: UUID) -> Weighing:
    """A weighing of an account that the actor acts for. Raises Missing."""
    found = Weighing.objects.select_related("account", "pickup", "place", "photo").filter(uid=uid).first()
    if found is None or not accounts.holds(actor, found.account):
        raise Missing(_("There is no such weighing."), code="no_such_weighing")
    return found


def contest_of(weighing: Weighing) -> Contest | None:
    """What was contested of it, None where nothing was."""
    return Contest.objects.filter(weighing=weighing).first()


def own_vouchers(account: Account) -> QuerySet[Voucher]:
    """The account's vouchers, the latest first."""
    return Voucher.objects.filter(account=account).select_related("offer__partner").order_by("-made_at")[:MOST]


def find_voucher(actor: Actor, number: int) -> Voucher:
    """A voucher of an account that the actor acts for. Raises Missing."""
    found = Voucher.objects.select_related("account", "offer__partner").filter(pk=number).first()
    if found is None or not accounts.holds(actor, found.account):
        raise Missing(_("There is no such voucher."), code="no_such_voucher")
    return found


def catalogue() -> list[tuple[Partner, list[Offer]]]:
    """The shops that take part, each with what it gives."""
    shops = Partner.objects.filter(active=True).prefetch_related("offers").order_by("key")
    return [(one, [offer for offer in one.offers.all() if offer.active]) for one in shops]


def partner_scopes() -> Iterable[tuple[str, str]]:
    """For which shops the role of a shop may be held."""
    return [(one.scope, one.name) for one in Partner.objects.order_by("key")]


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """From a day's first moment on the city's clock until the next one's."""
    begin = datetime.combine(day, datetime.min.time(), settings.CITY.zone)
    return begin, begin + timedelta(days=1, hours=3)


def round_of(day: date, truck: str = "") -> list[Pickup]:
    """A day's pickups for the crew: in the order of the trucks' rounds (of one of them by its key), what is over last.

    Without trucks what is on the way comes first, then by window and district.
    """
    return round_as(coming.day_read(day), day, truck)


def round_as(read: Day | None, day: date, truck: str = "") -> list[Pickup]:
    """The same of a day that was `read` already."""
    found = _on(day).exclude(state=State.CANCELLED)
    rows = list(_for_crew(found).order_by("begin", "zone", "pk"))
    rows.sort(key=lambda one: (one.state not in workflow.OPEN, one.state != State.ON_WAY))
    return coming.in_order(rows, read, truck)


def _on(day: date) -> QuerySet[Pickup]:
    begin, _end = bounds_of(day)
    end, _later = bounds_of(day + timedelta(days=1))
    return Pickup.objects.filter(begin__gte=begin, begin__lt=end)


def _for_crew(found: QuerySet[Pickup]) -> QuerySet[Pickup]:
    return found.select_related("account", "person", "photo", "weighing").prefetch_related("estimates__material")


def without_window() -> list[Pickup]:
    """Those to whom nobody has promised a window, the longest waiting first."""
    return list(_for_crew(Pickup.objects.filter(state=State.ASKED)).order_by("asked_at")[:MOST])


def overdue() -> list[Pickup]:
    """Promised windows that are over, and nobody came or said why not."""
    late = Q(state__in=(State.PROMISED, State.ON_WAY), end__lt=timezone.now())
    return list(_for_crew(Pickup.objects.filter(late)).order_by("end")[:MOST])


def contests() -> list[Contest]:
    """What waits for a decision, the longest first."""
    found = Contest.objects.filter(verdict="").select_related("weighing__account", "weighing__pickup", "person")
    return list(found.order_by("at")[:MOST])


def waiting(actor: Actor) -> int:
    """How much waits at the officers' desk."""
    asked = Pickup.objects.filter(state=State.ASKED).count()
    return asked + Contest.objects.filter(verdict="").count() + len(overdue()) + signals.waiting(actor)


def late(_actor: Actor) -> int:
    """How much of it is late: windows that were not kept, and contests that nobody decided."""
    return len(overdue()) + Contest.objects.filter(verdict="", at__lt=timezone.now() - LATE).count()


def counted(day: date) -> tuple[int, int]:
    """(a day's pickups, those of them that are still to be made)."""
    found = _on(day).exclude(state=State.CANCELLED)
    return found.count(), found.filter(state__in=workflow.OPEN).count()


def today_waiting(_actor: Actor) -> int:
    """Pickups that are still to be made today."""
    return counted(today())[1]


def _inside(bounds: Bounds | None) -> Q:
    return Q(point__inside=bounds) if bounds is not None else Q()


def points_layer(bounds: Bounds | None) -> dict[str, Any]:
    """Drop-off points and machines for the map: what they take, in the reader's language."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": one.pk,
                "geometry": {"type": "Point", "coordinates": list(one.point)},
                "properties": {
                    "id": one.pk,
                    "name": one.name,
                    "kind": "machine" if one.machine else "point",
                    "materials": ", ".join(material.name for material in one.materials.all()),
                    "hours": one.opens,
                },
            }
            for one in drop_points().filter(_inside(bounds))
        ],
    }


def demand_layer(bounds: Bounds | None) -> dict[str, Any]:
    """Pickups that somebody still has to make, for officers and crews."""
    found = Pickup.objects.filter(_inside(bounds), state__in=workflow.OPEN, point__isnull=False)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": one.pk,
                "geometry": {"type": "Point", "coordinates": list(one.point)},
                "properties": {"id": one.pk, "state": one.state, "begin": one.begin.isoformat() if one.begin else ""},
            }
            for one in found[:5000]
            if one.point is not None
        ],
    }


def rounds_layer(bounds: Bounds | None) -> dict[str, Any]:
    """Today's rounds along the streets, one line a truck."""
    read = coming.day_read(today())
    if read is None:
        return {"type": "FeatureCollection", "features": []}
    features = []
    for route in read.plan.routes:
        line = [place for way in coming.driven(read, route) for place in way.line]
        truck = read.trucks[route.vehicle]
        left = sum(read.pickups[job].state in workflow.OPEN for job in route.jobs())
        features.append(
            {
                "type": "Feature",
                "id": truck.pk,
                "geometry": {"type": "LineString", "coordinates": line},
                "properties": {"id": truck.pk, "name": truck.name, "left": left},
            }
        )
    return {"type": "FeatureCollection", "features": features}


def trucks_layer(bounds: Bounds | None) -> dict[str, Any]:
    """Collection trucks where their receivers say that they are."""
    from cityhall.kernel.vehicles.tracking.shown import collection

    return collection("truck")
