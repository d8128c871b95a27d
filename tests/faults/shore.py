"""The city whose buttons are pressed: calls for help alone, with a broker of its own that can be killed as well."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from cityhall.simulator.signing import Signer
from cityhall.simulator.visits import Visit, connector
from tests.e2e.conftest import free_port
from tests.faults.callers import Pole
from tests.faults.town import PASSWORD, SLUG, Town
from tests.samples import city_toml

FIRST_LEVEL_S = 3
"""After which an alert that waits goes up here."""
SETTINGS = f"\n[service.safety]\nescalate_s = [{FIRST_LEVEL_S}, 60, 120, 240]\n"
OPERATOR = "ana@example.org"
MAKE = """
import json
from allauth.account.models import EmailAddress
from django.db import transaction
from cityhall.kernel.devices import keys
from cityhall.kernel.devices.models import Device
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places.point import Point
from cityhall.services.safety.models import Button
with transaction.atomic():
    person = Person.objects.create_user("OPERATOR", "PASSWORD", name="Ana")
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    grant(system("test"), person, "safety.operator")
    made = [keys.new_key() for _ in range(POLES)]
    devices = Device.objects.bulk_create(
        [Device(public_id=f"pole-{n}", kind="pole-button", owner="safety", key=keys.seal(key))
         for n, key in enumerate(made)])
    Button.objects.bulk_create(
        [Button(device=one, kind="pole", name=f"Pole {n}", point=Point(-9.15, 38.75))
         for n, one in enumerate(devices)])
print(json.dumps([[one.pk, one.public_id, keys.as_text(key)] for one, key in zip(devices, made)]))

"""


@dataclass
class Shore(Town):
    """A town with nothing but buttons."""

    signs: list[Pole] = field(default_factory=list)

    def make(self, poles: int) -> None:
        """Makes the city, an operator and as many buttons. Raises RuntimeError with what went wrong."""
        self.folder.mkdir(parents=True)
        (self.folder / "city.toml").write_text(city_toml(SLUG, "safety") + SETTINGS)
        # The callers are behind one proxy, which says where each is.
        self.environment["TRUSTED_PROXIES"] = "127.0.0.0/8"
        self.command("load")
        code = MAKE.replace("OPERATOR", OPERATOR).replace("PASSWORD", PASSWORD).replace("POLES", str(poles))
        made = json.loads(self.command("manage", code=code).splitlines()[-1])
        self.signs = [Pole(number, Signer(device, key)) for number, device, key in made]


@dataclass
class Broker:
    """Mosquitto, started again whenever it dies. It keeps nothing on a disk."""

    folder: Path
    port: int = field(default_factory=free_port)
    _wanted: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """It is there within. Raises FileNotFoundError where it is not installed."""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise FileNotFoundError("mosquitto is not installed")
        settings = self.folder / "mosquitto.conf"
        settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
            "persistence false\nlog_type error\nset_tcp_nodelay true\n"
        )
        self._wanted.set()
        keeper = threading.Thread(target=self._keep, args=([program, "-c", str(settings)],), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._wanted.clear()
            self.kill()
            keeper.join(10)

    def _keep(self, command: list[str]) -> None:
        while self._wanted.is_set():
            self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            self._process.wait()
            time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()


@dataclass
class Operator:
    """Somebody at the desk who answers what waits, as fast as a person might; the rest goes up."""

    town: Town
    answered: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """They are there within."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        try:
            yield
        finally:
            self.stop.set()
            self._thread.join(60)

    def _work(self) -> None:
        visit = Visit(connector(self.town.address)(1))
        first = [partial(self._sign_in, visit), partial(visit.post, "/safety/desk/shift/begin/", {"heard": "1"})]
        while not self.stop.wait(0.5):
            with suppress(httpx.HTTPError, ValueError):
                while first:
                    first[0]()
                    first.pop(0)
                found = visit.get("/api/safety/alerts", limit=40).raise_for_status().json()
                waiting = [one["id"] for one in found if one["state"] == "waiting"]
                for number in waiting[:2]:
                    visit.post(f"/safety/alerts/{number}/answer/", {})
                    self.answered += 1

    @staticmethod
    def _sign_in(visit: Visit) -> None:
        # Whoever was let in and has not heard of it begins anew.
        visit.client.cookies.clear()
        visit.sign_in(OPERATOR, PASSWORD)
