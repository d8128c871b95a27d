"""Positions from another system: its GTFS-Realtime VehiclePositions, asked for again and again.

Which systems: `[[service.transit.vehicle_positions]]` in city.toml, because there are few, they change with contracts,
and a new one wants `cityhall check` and a start anyway. Keys for their headers are in secrets.json.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.conf import settings
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from cityhall.kernel import clock
from cityhall.kernel.devices import drops
from cityhall.kernel.values import whole
from cityhall.kernel.vehicles.doors.handover import Batch, Handover
from cityhall.kernel.vehicles.fixes import MAX_SPEED, POLLED, UNREAD, Fix, fault, text
from cityhall.services.transit.doors.judging import Judge
from cityhall.services.transit.doors.options import Source, sources

LARGEST = 16 * 2**20
"""Bytes of a feed; 50,000 vehicles take 5 MB."""
MOST_VEHICLES = 50_000
TIMEOUT_S = 20.0
OLDEST_S = 90.0
"""A polled position may be this old (GTFS Realtime Best Practices, VehiclePosition), one sent to us less."""
LONGEST_WAIT_S = 300.0
log = logging.getLogger("cityhall.transit.doors")


class FeedProblem(Exception):
    """What came is no feed. The message says why."""


def read_feed(body: bytes, source: Source, received: float) -> tuple[list[Fix], int]:
    """The fixes in a feed, and how many entities had no place or time. `received` in Unix seconds.

    Raises FeedProblem where it is no GTFS-Realtime.
    """
    return _fixes(_parsed(body), source)


def _parsed(body: bytes) -> Any:
    feed = gtfs_realtime_pb2.FeedMessage()
    try:
        feed.ParseFromString(body)
    except DecodeError as problem:
        raise FeedProblem("it is no GTFS-Realtime feed") from problem
    if len(feed.entity) > MOST_VEHICLES:
        raise FeedProblem(f"it has over {MOST_VEHICLES} entities")
    return feed


def _fixes(feed: Any, source: Source) -> tuple[list[Fix], int]:
    fixes, malformed = [], 0
    for entity in feed.entity:
        if not entity.HasField("vehicle"):
            continue
        fix = _fix(entity, feed.header.timestamp, source)
        if fix is None:
            malformed += 1
        else:
            fixes.append(fix)
    return fixes, malformed


def _fix(entity: gtfs_realtime_pb2.FeedEntity, made_at: int, source: Source) -> Fix | None:
    vehicle = entity.vehicle
    name = vehicle.vehicle.id or vehicle.vehicle.label or entity.id
    at = vehicle.timestamp or made_at
    if not vehicle.HasField("position") or not name or not at:
        return None
    place = vehicle.position
    speed = place.speed if place.HasField("speed") else math.nan
    bearing = place.bearing if place.HasField("bearing") else math.nan
    return Fix(
        vehicle=text(f"{source.prefix}{name}", 100),
        device=f"{POLLED}{source.name}"[:64],
        at=float(at),
        lon=place.longitude,
        lat=place.latitude,
        # A good place is not thrown away for a speed that is none (-1, or kilometres an hour): that is not known then.
        speed=speed if 0.0 <= speed <= MAX_SPEED else math.nan,
        bearing=bearing % 360 if math.isfinite(bearing) else math.nan,
        trip=text(vehicle.trip.trip_id, 200),
        line=text(vehicle.trip.route_id, 100),
        occupancy=vehicle.occupancy_status if vehicle.HasField("occupancy_status") else -1,
    )


@dataclass(slots=True)
class Poll:
    """One source, and what is remembered of it from answer to answer."""

    source: Source
    etag: str = ""
    modified: str = ""
    failures: int = 0
    newest: dict[str, float] = field(default_factory=dict)
    feed: Any = None
    judge: Judge = field(default_factory=Judge)

    @property
    def device(self) -> str:
        """What is counted of the source is counted under this name."""
        return f"{POLLED}{self.source.name}"[:64]

    def headers(self) -> dict[str, str]:
        """Conditional (RFC 9110, 13.1), so that an unchanged feed costs nothing; and the source's own keys."""
        own: dict[str, str] = settings.SECRETS.get("vehicle_positions", {}).get(self.source.name, {})
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {**own, **{name: value for name, value in conditions.items() if value}}

    def take(self, body: bytes, now: float, batch: Batch) -> None:
        """Puts what is new in a feed into the batch. Raises FeedProblem."""
        device = self.device
        self.feed = _parsed(body)
        fixes, malformed = _fixes(self.feed, self.source)
        if malformed:
            batch.drops[device, "malformed"] += malformed
        before, self.newest = self.newest, {}
        for fix in fixes:
            self.newest[fix.vehicle] = max(fix.at, self.newest.get(fix.vehicle, -math.inf))
            if fix.at <= before.get(fix.vehicle, -math.inf):
                # It stands in the feed until there is a newer one: that is no duplicate to count.
                continue
            why = fault(fix, now, OLDEST_S)
            if why:
                batch.drops[device, why] += 1
            else:
                batch.fixes.append(fix)

    def wait(self, asked: float = 0.0) -> float:
        """Seconds until the next question: after failures twice as long each time, or as long as was `asked`."""
        usual = self.source.every_s
        if not self.failures:
            return usual
        longest = max(usual, LONGEST_WAIT_S)
        return min(longest, max(asked, usual * 2.0 ** min(self.failures, 16))) * random.uniform(0.8, 1.2)


async def ask(client: httpx.AsyncClient, poll: Poll, handover: Handover) -> float:
    """Asks once; gives how long to wait."""
    asked = 0.0
    try:
        async with client.stream("GET", poll.source.url, headers=poll.headers()) as answer:
            if answer.status_code == 304:
                poll.failures = 0
                return poll.wait()
            if answer.status_code != 200:
                asked = _retry_after(answer)
                raise FeedProblem(f"it answers {answer.status_code}")
            body = await _body(answer)
        batch = Batch()
        now = clock.time()
        poll.take(body, now, batch)
        handover.put(batch)
        await _judge(poll, now, handover)
        poll.etag, poll.modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        poll.failures = 0
    except (httpx.HTTPError, httpx.InvalidURL, FeedProblem, TimeoutError) as problem:
        _failed(poll, str(problem) or type(problem).__name__)
    except Exception as problem:
        # Whatever is in one source's answer: were this to end, all the city's doors would with it.
        log.exception("vehicle positions %s stumbled", poll.source.name)
        _failed(poll, repr(problem))
    return poll.wait(asked)


async def _judge(poll: Poll, now: float, handover: Handover) -> None:
    """Counts the rules that an answer breaks, beside the other sources' answers and not before them."""
    try:
        broken = await asyncio.to_thread(poll.judge.look, poll.feed, now)
    except Exception:
        log.exception("vehicle positions %s could not be judged", poll.source.name)
        return
    if broken:
        handover.put(Batch(drops=Counter({(poll.device, rule): number for rule, number in broken.items()})))


def _failed(poll: Poll, why: str) -> None:
    """Notes that a source was asked in vain: `cityhall check` tells how often."""
    poll.failures += 1
    drops.count(UNREAD, device=poll.device)
    if poll.failures in (1, 10) or poll.failures % 100 == 0:
        log.warning("vehicle positions %s: %s", poll.source.name, why)


async def _body(answer: httpx.Response) -> bytes:
    size, pieces = 0, []
    async with asyncio.timeout(TIMEOUT_S):
        async for piece in answer.aiter_bytes():
            size += len(piece)
            if size > LARGEST:
                raise FeedProblem(f"it is over {LARGEST >> 20} MB")
            pieces.append(piece)
    return b"".join(pieces)


def _retry_after(answer: httpx.Response) -> float:
    return float(whole(answer.headers.get("Retry-After", ""), 99_999) or 0)


async def _follow(poll: Poll, handover: Handover) -> None:
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
        while True:
            await asyncio.sleep(await ask(client, poll, handover))


async def _all(stop: threading.Event, polled: tuple[Source, ...], handover: Handover) -> None:
    tasks = [asyncio.create_task(_follow(Poll(source), handover)) for source in polled]
    while not stop.is_set() and not any(task.done() for task in tasks):
        await asyncio.sleep(0.25)
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


def run(stop: threading.Event) -> None:
    """Polls every source until `stop`; where there is none, there is nothing to do."""
    polled = sources()
    if not polled:
        stop.wait()
        return
    with Handover(lambda: None, 3600.0) as handover:
        asyncio.run(_all(stop, polled, handover))
