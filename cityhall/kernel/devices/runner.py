"""The devices process: the doors that keep a connection open, and the watch for silent devices."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import Error, close_old_connections

from cityhall.kernel.devices import drops, mqtt, silence
from cityhall.kernel.service import declared, resolve

LOOK_SECONDS = 5.0
log = logging.getLogger(__name__)


def watch(stop: threading.Event, every: float = LOOK_SECONDS) -> None:
    """Looks for silent devices until `stop` is set; an outage of the database is waited for."""
    while not stop.wait(every):
        try:
            silent, heard = silence.look()
        except Error as problem:
            log.warning("silent devices could not be looked for: %s", type(problem).__name__)
        else:
            for public_id in silent:
                log.warning("device %s has fallen silent", public_id)
            for public_id in heard:
                log.info("device %s is heard again", public_id)
        finally:
            close_old_connections()


def main(stop: threading.Event) -> None:
    """Runs every door until `stop` is set."""
    parts = [threading.Thread(target=watch, args=(stop,), name="silence")]
    if settings.MQTT_URL:
        parts.append(threading.Thread(target=mqtt.run, args=(stop,), name="mqtt"))
    for service, runner in declared("runners"):
        if runner.part == "devices":
            run = resolve(runner.run)
            parts.append(threading.Thread(target=run, args=(stop,), name=f"{service.slug}.{runner.slug}"))
    for part in parts:
        part.start()
    while not stop.wait(0.5):
        dead = [part.name for part in parts if not part.is_alive()]
        if dead:
            # The parent starts this process anew, which is better than one that looks alive.
            stop.set()
            log.error("a door has closed: %s", ", ".join(dead))
    for part in parts:
        part.join(timeout=8)
    drops.flush()
