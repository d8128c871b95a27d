"""`python -m cityhall.simulator`: drives a city's buses through its public doors, as their own gateway would."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from cityhall.engines.gtfs import read_feeds
from cityhall.simulator.fleet import Fleet
from cityhall.simulator.signing import Signer

log = logging.getLogger("cityhall.simulator")
EVERY_S = 2.0
BATCH = 200


def fetch_fleet(client: httpx.Client) -> Fleet:
    """The city's timetable from its public door."""
    answer = client.get("/transit/gtfs.zip")
    answer.raise_for_status()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gtfs.zip"
        path.write_bytes(answer.content)
        schedule, _ = read_feeds([path])
    return Fleet(schedule)


def lateness(trip: int, second: int) -> float:
    """How late a trip is: each has a character of its own, and traffic breathes. Seconds, the same every run."""
    character = (trip * 2654435761 % 1000) / 1000
    return 150.0 * character * character * min(1.0, second % 3600 / 1800)


def step(client: httpx.Client, signer: Signer, fleet: Fleet, now: datetime) -> int:
    """Sends where every bus is; returns how many there are."""
    messages = []
    for trip, second in fleet.running(now):
        message = fleet.position(trip, second, lateness(trip, second))
        # The position is simulated, the moment it is sent is not: the city would refuse one from another time.
        messages.append({**message, "at": time.time()})
    for start in range(0, len(messages), BATCH):
        answer = client.post("/api/devices/messages", content=signer.envelope(messages[start : start + BATCH]))
        if answer.status_code != 200:
            log.warning("the city answered %s: %s", answer.status_code, answer.text[:200])
    return len(messages)


def main() -> None:
    """Runs until it is told to stop; waits where the city is not there yet."""
    parser = argparse.ArgumentParser(prog="cityhall.simulator", description=__doc__)
    parser.add_argument("--address", required=True, help="where the city is, http://...")
    parser.add_argument("--keys", required=True, type=Path, help="JSON file with the gateway's device and key")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the city's day goes by")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    keys = json.loads(options.keys.read_text())
    signer = Signer(keys["device"], keys["key"])
    with httpx.Client(base_url=options.address, timeout=20) as client:
        fleet = None
        began, waiting = time.time(), True  # on the first start the city is not there yet, and that is no news
        while not stop.is_set():
            try:
                fleet = fleet or fetch_fleet(client)
                zone = ZoneInfo(fleet.schedule.timezone)
                now = datetime.fromtimestamp(began, zone) + timedelta(seconds=(time.time() - began) * options.speed)
                step(client, signer, fleet, now)
                waiting = False
            except httpx.HTTPError as problem:
                if not waiting:
                    log.info("waiting for the city: %r", problem)
                waiting = True
            stop.wait(EVERY_S)


if __name__ == "__main__":
    main()
