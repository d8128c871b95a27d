"""On which line and before which stop a call came from: asked of whoever knows it, once, when the alert is opened."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from cityhall.kernel.ports.asking import ask
from cityhall.kernel.ports.driving import Driving, DrivingNow
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety.models import Journey

log = logging.getLogger(__name__)


def keep(riding: Sequence[tuple[int, int]]) -> int:
    """Keeps what the vehicles of new alerts, (alert, vehicle) each, are doing; gives of how many.

    In the transaction of the press: that nobody can say is no reason to lose it, nor is that something goes wrong here.
    """
    port = ask(DrivingNow) if riding else None
    if port is None:
        return 0
    try:
        with transaction.atomic():
            return _keep(riding, port)
    except Exception:
        log.exception("what the vehicles of alerts are doing was not kept")
        return 0


def _keep(riding: Sequence[tuple[int, int]], port: DrivingNow) -> int:
    numbers = dict(Vehicle.objects.filter(pk__in={one for _alert, one in riding}).values_list("pk", "public_id"))
    found = port(sorted(numbers.values()), timezone.now(), 1)
    driving = [(alert, found.get(numbers.get(vehicle, ""))) for alert, vehicle in riding]
    made = [_journey(alert, one) for alert, one in driving if one is not None]
    Journey.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def _journey(alert: int, driving: Driving) -> Journey:
    stop = driving.ahead[0].at if driving.ahead else driving.previous
    return Journey(
        alert_id=alert,
        line=driving.line[:200],
        line_name=driving.line_name[:100],
        direction=driving.direction,
        headsign=driving.headsign[:200],
        stop=stop.stop[:200] if stop else "",
        stop_name=stop.name[:300] if stop else "",
    )
