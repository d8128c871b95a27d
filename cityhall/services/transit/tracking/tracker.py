"""The tracker: takes all the city's fixes, estimates where each vehicle is, keeps and publishes that.

One tracker works at a time (an advisory lock); another process of the same city waits to take over. It works in
ticks: what came since the last one is estimated together, kept by one statement and published in the same
transaction.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from datetime import UTC, datetime

import psycopg
from django.conf import settings
from django.db import Error, close_old_connections, transaction

from cityhall.kernel.database import psycopg_url
from cityhall.kernel.live import publish
from cityhall.kernel.places.point import Point
from cityhall.services.transit import queries
from cityhall.services.transit.models import Vehicle, VehicleState
from cityhall.services.transit.tracking import inbox
from cityhall.services.transit.tracking.fixes import Fix

TICK_S = 0.25
LOCK = 0x7261_636B
log = logging.getLogger("cityhall.transit.tracker")


def run(stop: threading.Event) -> None:
    """Tracks until `stop`, as soon as no other process of the city does."""
    url = psycopg_url(settings.DATABASES["default"])
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as holding:
                _track(stop, holding)
        except (psycopg.Error, Error) as problem:
            log.warning("the tracker waits for the database: %r", problem)
            close_old_connections()
            stop.wait(0.5)


def _track(stop: threading.Event, holding: psycopg.Connection[tuple[object, ...]]) -> None:
    while not stop.is_set():
        row = holding.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if row and row[0]:
            break
        stop.wait(1.0)
    holding.execute(f"LISTEN {inbox.CHANNEL}")
    here = inbox.open_here()
    try:
        while not stop.is_set():
            began = time.monotonic()
            step(here)
            left = TICK_S - (time.monotonic() - began)
            if left > 0:
                stop.wait(left)
    finally:
        inbox.close_here()


def step(here: queue.SimpleQueue[tuple[list[Fix], float]] | None = None) -> int:
    """Takes what has come in, and gives how many fixes that was."""
    fixes: list[tuple[Fix, float]] = []
    while here is not None and not here.empty():
        batch, received = here.get()
        fixes += [(fix, received) for fix in batch]
    with transaction.atomic():
        fixes += inbox.take()
        if fixes:
            states = _keep(fixes)
            publish("vehicles", [queries.vehicle_feature(state) for state in states if not state.vehicle.hidden])
    return len(fixes)


def _keep(fixes: list[tuple[Fix, float]]) -> list[VehicleState]:
    newest: dict[str, Fix] = {}
    for fix, _received in fixes:
        if fix.vehicle not in newest or fix.at >= newest[fix.vehicle].at:
            newest[fix.vehicle] = fix
    vehicles = _vehicles(newest)
    now = datetime.now(UTC)
    states = []
    for name in sorted(newest):
        fix = newest[name]
        states.append(
            VehicleState(
                vehicle=vehicles[name],
                at=datetime.fromtimestamp(fix.at, UTC),
                published_at=now,
                point=Point(fix.lon, fix.lat),
                measured=Point(fix.lon, fix.lat),
                accuracy_m=10.0,
                fix_class=fix.fix_class,
                line=fix.line,
                trip=fix.trip,
            )
        )
    VehicleState.objects.bulk_create(
        states,
        update_conflicts=True,
        unique_fields=["vehicle"],
        update_fields=["at", "published_at", "point", "measured", "accuracy_m", "fix_class", "line", "trip"],
    )
    return states


def _vehicles(names: dict[str, Fix]) -> dict[str, Vehicle]:
    known = {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=names)}
    missing = [Vehicle(public_id=name) for name in names if name not in known]
    if missing:
        Vehicle.objects.bulk_create(missing, ignore_conflicts=True)
        known |= {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=names)}
    return known
