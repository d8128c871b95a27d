"""`python -m cityhall.simulator`: drives buses, lets residents report and officers work, by public doors."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from cityhall.engines import groups, parent
from cityhall.engines.gtfs import Schedule
from cityhall.simulator import (
    cameras,
    clock,
    officers,
    recycling,
    recycling_desk,
    reporters,
    safety,
    texting,
    townhall,
    treasurers,
)
from cityhall.simulator.bank import Bank
from cityhall.simulator.doors import Advice, Gateway, Receivers
from cityhall.simulator.fleet import Fleet
from cityhall.simulator.signing import Signer

log = logging.getLogger("cityhall.simulator")
EVERY_S = 1.0


def fetch_schedule(client: httpx.Client) -> Schedule:
    """The city's timetable, which comes from its public door."""
    from cityhall.engines.gtfs import read_feeds

    answer = client.get("/transit/gtfs.zip")
    answer.raise_for_status()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gtfs.zip"
        path.write_bytes(answer.content)
        schedule, _ = read_feeds([path])
    return schedule


def fetch_fleet(client: httpx.Client, speed: float) -> Fleet:
    """The fleet of the city's timetable."""
    return Fleet(fetch_schedule(client), clock.time(), speed=speed)


def _schedule_of(address: str) -> Schedule:
    with httpx.Client(base_url=address, timeout=20) as client:
        return fetch_schedule(client)


def step(fleet: Fleet, receivers: Receivers, gateway: Gateway, advice: Advice) -> int:
    """A second of the fleet's life; returns how many vehicles said where they are."""
    messages = fleet.step(clock.time())
    gateway.send(receivers.send(messages))
    for bus in fleet.asking():
        seconds = advice.hold(bus.vehicle.id)
        if seconds is not None:
            bus.hold_until = fleet.now + seconds
    return len(messages)


def _lives(options: argparse.Namespace, keys: dict[str, Any], stop: threading.Event) -> list[tuple[str, Any]]:
    """What goes on beside the buses: (name, function to run)."""
    password, values = keys.get("password", ""), {"seed": options.seed, "speed": options.speed}
    accounts = [(email, password) for email in keys.get("residents", [])]
    people = [officers.Worker(one["email"], one["crew"]) for one in keys.get("officers", [])]
    bank = Bank()
    counting = [(one, password) for one in keys.get("treasury", {}).get("officers", [])]
    at_the_scales = [(one, password) for one in keys.get("recycling", {}).get("officers", [])]
    at_the_hall = (keys["house"]["officer"], password) if "house" in keys else None
    evening = {"known": keys.get("safety", {}), "schedule": partial(_schedule_of, options.address)}
    return [
        ("residents", partial(reporters.live, options.address, stop, accounts=accounts, **values)),
        ("officers", partial(officers.live, options.address, stop, people=people, password=password, **values)),
        ("cameras", partial(cameras.live, stop, keys.get("cameras", {}).get("port", 0))),
        ("recycling", partial(recycling.live, options.address, stop, accounts=accounts, **_round(keys), **values)),
        ("recycling desk", partial(recycling_desk.live, options.address, stop, officers=at_the_scales, **values)),
        (
            "guests",
            partial(townhall.live, options.address, stop, accounts=accounts, officer=at_the_hall, bank=bank, **values),
        ),
        ("treasurers", partial(treasurers.live, options.address, stop, officers=counting, bank=bank, **values)),
        (
            "text messages",
            partial(
                texting.live,
                options.address,
                stop,
                known=keys.get("telephones", {}),
                gateway=keys.get("safety", {}).get("texts", []),
                seed=options.seed,
            ),
        ),
        ("evening", partial(safety.live, options.address, stop, password=password, **evening, **values)),
    ]


def _round(keys: dict[str, Any]) -> dict[str, Any]:
    """Who weighs what is recycled, who takes vouchers, and the machines that take bottles."""
    known = keys.get("recycling", {})
    crew = (known["crew"], keys.get("password", "")) if "crew" in known else None
    shop = (known["shop"], keys.get("password", "")) if "shop" in known else None
    return {"crew": crew, "shop": shop, "machines": [(device, key) for device, key in known.get("machines", [])]}


def main() -> None:
    """Runs until it is told to stop; waits where the city is not there yet."""
    parent.end_with_starter()
    parser = argparse.ArgumentParser(prog="cityhall.simulator", description=__doc__)
    parser.add_argument("--address", required=True, help="where the city is, http://...")
    parser.add_argument(
        "--keys", required=True, type=Path, help="JSON file with the gateway's key and people's accounts"
    )
    parser.add_argument("--seed", type=int, default=4, help="what residents and officers do follows from it")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="how fast traffic, crowds, incidents and reports change; the buses themselves keep to the clock",
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    keys = json.loads(options.keys.read_text())
    for name, life in _lives(options, keys, stop):
        threading.Thread(target=life, name=name, daemon=True).start()
    signer = Signer(keys["device"], keys["key"], ahead_s=clock.AHEAD_S)
    with httpx.Client(base_url=options.address, timeout=20) as client:
        fleet, gateway, advice = None, Gateway(client, signer), Advice(client, signer)
        receivers = Receivers(keys.get("port", 0), keys.get("receivers", {}))
        # Buses drive along ways; what finds those is compiled once, beside the city's first start.
        groups.wait(groups.POSITIONING, stop)
        waiting = True  # on the first start the city is not there yet, and that is no news
        while not stop.is_set():
            began = time.monotonic()
            try:
                fleet = fleet or fetch_fleet(client, options.speed)
                step(fleet, receivers, gateway, advice)
                waiting = False
            except httpx.HTTPError as problem:
                if not waiting:
                    log.info("waiting for the city: %r", problem)
                waiting = True
            stop.wait(max(0.05, EVERY_S - (time.monotonic() - began)))


if __name__ == "__main__":
    main()
