"""The devices process is killed in mid-stream, as by a lack of memory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from cityhall.engines.gnss.nmea import sentence
from cityhall.kernel.journal.models import Entry
from cityhall.running.processes import Child, part_command, supervise
from cityhall.services.transit.models import VehicleState
from tests.kernel.vehicles.conftest import epoch, free_port, wait_for
from tests.testville import CITY_TOML

BUSES = 5


class Bus(threading.Thread):
    """A receiver that connects again whenever it is cut off, as they do."""

    def __init__(self, number: int, port: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.number, self.port, self.stop = number, port, stop
        self.connections = 0

    def run(self) -> None:
        while not self.stop.wait(0.2):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as way:
                self.connections += 1
                way.sendall(sentence(f"$PCHID,rx-{self.number}".encode()))
                while not self.stop.wait(0.2):
                    way.sendall(epoch(126.5 + self.number / 10, 33.5))


@pytest.mark.slow
def test_it_is_back_by_itself_with_no_wrong_bus_and_nothing_twice(
    receiver: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = connection.settings_dict
    host = f"host={made['HOST']}" if made["HOST"].startswith("/") else ""
    place = "" if host else f"{made['HOST']}:{made['PORT'] or 5432}"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{made['USER']}:{made['PASSWORD']}@{place}/{made['NAME']}?{host}")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "cityhall.settings")
    port, folder = free_port(), tmp_path / "testville"
    folder.mkdir()
    doors = f'\n[service.vehicles.doors]\nhost = "127.0.0.1"\nreceiver_port = {port}\n'
    (folder / "city.toml").write_text(CITY_TOML + doors)
    for number in range(BUSES + 1):
        # The last one will fall silent, which is told in the journal.
        receiver(f"rx-{number}", vehicle=f"bus-{number}", address="127.0.0.0/8", silence_after=number // BUSES)
    child = Child("devices", part_command("devices", folder, host="127.0.0.1", port=1))
    stop, quiet = threading.Event(), threading.Event()
    parent = threading.Thread(target=supervise, args=([child], stop, lambda: None))
    parent.start()
    buses = [Bus(number, port, stop) for number in range(BUSES)]
    last = Bus(BUSES, port, quiet)
    try:
        for bus in (*buses, last):
            bus.start()
        _all_after(0.0, BUSES + 1)
        quiet.set()
        wait_for(lambda: _told("device.silent") == {f"rx-{BUSES}": 1}, 20)
        assert child.process is not None
        before = child.process.pid
        os.kill(before, signal.SIGKILL)
        _all_after(time.time(), BUSES)
        assert child.process is not None and child.process.pid != before
        # Longer than the watch for silent devices takes to look again.
        time.sleep(6)
    finally:
        stop.set()
        quiet.set()
        parent.join(20)
    assert all(bus.connections >= 2 for bus in buses)
    for state in VehicleState.objects.select_related("vehicle"):
        number = int(state.vehicle.public_id.removeprefix("bus-"))
        assert state.measured.lon == pytest.approx(126.5 + number / 10, abs=1e-5)
    assert _told("device.silent") == {f"rx-{BUSES}": 1}
    assert set(_told("transit.receiver.registered").values()) == {1}


def _all_after(moment: float, number: int) -> None:
    """Waits until so many vehicles have a position measured after `moment`."""
    after = datetime.fromtimestamp(moment, UTC)
    wait_for(lambda: VehicleState.objects.filter(at__gt=after).count() >= number, 20)


def _told(event: str) -> Counter[str]:
    return Counter(Entry.objects.filter(type=event).values_list("subject", flat=True))
