"""The city that is tormented: reports, and the sample service whose poles call for help, started by `cityhall up`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from cityhall.engines.parent import STARTED_BY
from tests.e2e.conftest import ROOT, free_port, outside
from tests.faults import weighings
from tests.samples import city_toml, install, python_path
from tests.testville import owner

SLUG = "harbour"
PASSWORD = "low tide at eleven"
DESK, COAST = "rua@example.org", "olga@example.org"
"""Who works on reports, and who answers the poles."""
AUTHOR, RELEASER = "wilma@example.org", "xavi@example.org"
"""Who drafts warnings, and who releases them."""
LETTERS = "letters"
SERVICES = """\
[service.reports]
per_hour = 1000000
maildir = "letters"
[service.recycling]
file = "recycling.toml"
"""
PEOPLE = """
import json
from allauth.account.models import EmailAddress
from django.db import transaction
from cityhall.kernel.cases.models import Agency
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places.point import Point
from lifeguards.actions import add_pole
with transaction.atomic():
    roles = [("DESK", "reports.officer", one.scope) for one in Agency.objects.all()]
    roles += [("COAST", "lifeguards.coast", ""), ("AUTHOR", "safety.warnings", ""), ("RELEASER", "safety.warnings", "")]
    for email, role, scope in roles:
        person = Person.objects.filter(email=email).first()
        if person is None:
            person = Person.objects.create_user(email, "PASSWORD", name=email.partition("@")[0])
            EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
        grant(system("test"), person, role, scope=scope)
    poles = [add_pole(system("test"), f"Pole {n}", Point(-9.15, 38.75)) for n in range(POLES)]
    from cityhall.services.safety.buttons import put_up
    buttons = [put_up(system("test"), f"Button {n}", "pole", point=Point(-9.15, 38.75)) for n in range(BUTTONS)]
signers = [[pole.name, pole.device.public_id, key] for pole, key in (*poles, *buttons)]
print(json.dumps([signers[:POLES], signers[POLES:], cards]))

"""
BUTTONS = 30
START_S = 240
STOP_S = 60


@dataclass
class Town:
    """A city in a folder of its own. Where `up` ends unasked it is started again, as a service manager does it."""

    data: Path
    log: Path
    poles: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, device and key of each."""
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """The same of buttons that call the control desk."""
    cards: list[str] = field(default_factory=list)
    """Codes of the cards of accounts of points."""
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    starts: int = 0
    process: psutil.Popen | None = None
    _wanted: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def folder(self) -> Path:
        return self.data / SLUG

    def make(self, poles: int) -> None:
        """Makes the city, its officers and as many poles. Raises CalledProcessError."""
        self.folder.mkdir(parents=True)
        toml = city_toml(SLUG, "reports").replace('["reports"]', '["reports", "safety", "recycling", "lifeguards"]')
        (self.folder / "city.toml").write_text(f"{toml}\n{SERVICES}")
        (self.folder / "recycling.toml").write_text(weighings.FILE)
        for part in ("new", "cur", "tmp"):
            (self.folder / LETTERS / part).mkdir(parents=True)
        self.environment["PYTHONPATH"] = python_path(install("lifeguards", self.log.parent / "lifeguards"))
        self.command("load")
        code = PEOPLE.replace("DESK", DESK).replace("COAST", COAST).replace("PASSWORD", PASSWORD)
        code = code.replace("AUTHOR", AUTHOR).replace("RELEASER", RELEASER)
        code = code.replace("POLES", str(poles)).replace("BUTTONS", str(BUTTONS))
        code = weighings.people(PASSWORD) + code
        self.poles, self.buttons, self.cards = json.loads(self.command("manage", code=code).splitlines()[-1])

    def command(self, *words: str, code: str = "") -> str:
        """What `cityhall ...` prints about the city; with `code`, what a shell in it prints."""
        line = [sys.executable, "-m", "cityhall.cli", *words, "--city", SLUG, "--data", str(self.data)]
        line += ["shell"] if code else []
        done = subprocess.run(line, input=code, cwd=ROOT, env=self._env(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"cityhall {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def _env(self) -> dict[str, str]:
        return outside() | self.environment

    @contextmanager
    def running(self) -> Iterator[None]:
        """The city is up within, whatever happens to it."""
        self._wanted.set()
        keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        keeper.start()
        try:
            self.wait("ok", START_S)
            yield
        finally:
            self._wanted.clear()
            keeper.join(STOP_S + 10)

    def _keep(self) -> None:
        while self._wanted.is_set():
            with self.log.open("ab") as output:
                self.process = psutil.Popen(
                    [
                        *(sys.executable, "-m", "cityhall.cli", "up", "--city", SLUG, "--data", str(self.data)),
                        *("--port", str(self.port), "--workers", "2"),
                    ],
                    stdout=output,
                    stderr=output,
                    env=self._env(),
                    cwd=ROOT,
                )
            self.starts += 1
            while self._wanted.is_set() and self.process.poll() is None:
                time.sleep(0.05)
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with suppress(psutil.TimeoutExpired):
                self.process.wait(STOP_S)

    def health(self) -> str:
        """What `/healthz` says; "" where nobody answers."""
        with suppress(httpx.HTTPError, ValueError):
            return str(httpx.get(f"{self.address}/healthz", timeout=10).json()["status"])
        return ""

    def wait(self, status: str, seconds: float) -> float:
        """Waits until `/healthz` says that; gives how long it took. Raises TimeoutError."""
        began = time.monotonic()
        while (said := self.health()) != status:
            if time.monotonic() > began + seconds:
                raise TimeoutError(f"healthz says {said!r} and not {status!r} after {seconds:.0f} s; see {self.log}")
            time.sleep(0.2)
        return time.monotonic() - began

    def postmaster(self) -> psutil.Process | None:
        """The embedded database's first process."""
        with suppress(OSError, ValueError, psutil.Error):
            return psutil.Process(int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n")[0]))
        return None

    def owner(self) -> psycopg.Connection[Any]:
        """A connection that sees every table; to look only."""
        return owner(self.folder)

    def parts(self) -> dict[str, list[psutil.Process]]:
        """Every process of the city, by what it is."""
        found: dict[str, list[psutil.Process]] = {}
        top = self.process
        if top is None:
            return found
        with suppress(psutil.Error):
            found["up"] = [psutil.Process(top.pid)]
            for child in top.children(recursive=True):
                with suppress(psutil.Error):
                    found.setdefault(_what(child), []).append(child)
        first = self.postmaster()
        if first is not None:
            with suppress(psutil.Error):
                found["postmaster"] = [first]
                found["database"] = first.children()
        return found

    def left(self) -> list[str]:
        """What of the city runs though its `up` does not look after it: to be asked while nothing is being started."""
        known = {process.pid for group in self.parts().values() for process in group}
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get(STARTED_BY, "").partition(":")[2] == str(self.folder)
                base = str(self.folder / "postgres")
                if process.pid not in known and (ours or (process.name() == "postgres" and process.cwd() == base)):
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
        return found


def _what(process: psutil.Process) -> str:
    words = process.cmdline()
    if "--only" in words:
        return f"{words[words.index('--only') + 1]}"
    above = process.parent()
    if "confined" in " ".join(words):
        return "confined"
    if above is not None and "--only" in above.cmdline():
        return "web worker" if "web" in above.cmdline() else "confined"
    return "other"
