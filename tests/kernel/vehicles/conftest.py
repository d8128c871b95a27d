"""Doors that are open, and what comes in through them."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from cityhall.engines.gnss.nmea import sentence
from cityhall.kernel.devices import drops
from cityhall.kernel.people.actors import system
from cityhall.kernel.vehicles import inbox
from cityhall.kernel.vehicles.doors import directory, handover
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.registry import register_receiver

BUILDER = system("test")


def wait_for(condition: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def epoch(lon: float = 126.5, lat: float = 33.5, *, at: float | None = None, quality: int = 4) -> bytes:
    """One epoch as a receiver sends it: GGA, RMC and GST."""
    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    clock = f"{moment:%H%M%S}.{moment.microsecond // 10_000:02}"
    place = f"{int(lat):02}{(lat % 1) * 60:08.5f},N,{int(lon):03}{(lon % 1) * 60:08.5f},E"
    return b"".join(
        sentence(text.encode())
        for text in (
            f"$GNGGA,{clock},{place},{quality},12,0.6,20.0,M,10.0,M,1.0,0001",
            f"$GNRMC,{clock},A,{place},10.0,90.0,{moment:%d%m%y},,,R",
            f"$GNGST,{clock},0.02,,,,0.012,0.009,0.02",
        )
    )


class Counted:
    """What was dropped, by (device, reason)."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], int] = {}

    def __call__(self, reason: str, messages: int = 1, *, device: str = "", at: Any = None) -> None:
        self.found[device, reason] = self.found.get((device, reason), 0) + messages


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    found = Counted()
    monkeypatch.setattr(drops, "count", found)
    return found


class Taken:
    """What has been handed to the tracker."""

    def __init__(self, waiting: inbox.Backlog) -> None:
        self.waiting, self.fixes = waiting, list[Fix]()

    def __call__(self, number: int = 1) -> list[Fix]:
        """Every fix so far; waits until there are `number`."""

        def enough() -> bool:
            self.fixes += self.waiting.take()
            return len(self.fixes) >= number

        wait_for(enough)
        return self.fixes


@pytest.fixture
def taken() -> Iterator[Taken]:
    yield Taken(inbox.open_here())
    inbox.close_here()


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Sets `[service.vehicles]` of city.toml."""

    def set_options(**table: Any) -> None:
        settings.CITY = dataclasses.replace(settings.CITY, options={"vehicles": table})

    return set_options


@contextmanager
def running(run: Callable[[threading.Event], None]) -> Iterator[None]:
    """A Runner of the manifest, in a thread as the devices process has it."""
    stop = threading.Event()

    def work() -> None:
        try:
            run(stop)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(15)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry is read more often than in a city."""
    monkeypatch.setattr(directory, "READ_EVERY_S", 0.1)
    monkeypatch.setattr(handover, "NOTE_EVERY_S", 0.1)


@pytest.fixture
def receiver(transactional_db: None) -> Callable[..., str]:
    """Registers a receiver; gives its key."""

    def make(public_id: str, **fields: Any) -> str:
        given = {"vehicle": f"bus of {public_id}", "address": "127.0.0.1"} | fields
        return register_receiver(BUILDER, public_id=public_id, **given)[1]

    return make
