"""Presses of buttons in an open loop: how long receipts and the rows of the desk's screen take; none lost or doubled.

A city of its own is started as `cityhall up` starts it, durable (fsync on), with a broker of its own for `mqtt`. The
presses are sent at their moments, whatever became of those before; latencies count from the *scheduled* moment. A
press without a receipt is sent again after AGAIN_S. What is acknowledged, lost and doubled is counted in PostgreSQL
afterwards. Load and screen are processes of their own on the same machine.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

DOORS = ("mqtt", "http", "batch")
BUTTONS = 11_337
"""As many as Mexico City has poles."""
VEHICLES = 1000
"""Whose positions come beside the presses, where it is asked for."""
AFTER_S, MOST_AFTER_S = 12.0, 180.0
"""How long is waited for receipts and rows after the last of them, and after the last press."""
READY_S = 180.0
OPERATOR, PASSWORD = "operator@example.org", "the desk is never alone"
CITY = """\
name = "Bench"
slug = "bench"
timezone = "America/Mexico_City"
languages = ["en"]
currency = "MXN"
services = ["safety"]
[map]
center = [-99.13, 19.43]
bounds = [-99.6, 19.0, -98.7, 19.9]
"""
MAKE = """
import json, random
from pathlib import Path
from allauth.account.models import EmailAddress
from django.db import transaction
from cityhall.kernel.devices import keys
from cityhall.kernel.devices.models import Device
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety.models import Button
random.seed(1)
with transaction.atomic():
    person = Person.objects.create_user("{operator}", "{password}", name="Operator")
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    grant(system("bench"), person, "safety.operator")
    made = [keys.new_key() for _ in range({buttons})]
    devices = Device.objects.bulk_create(
        [Device(public_id=f"pole-{{n}}", kind="pole-button", owner="safety", key=keys.seal(key))
         for n, key in enumerate(made)])
    Button.objects.bulk_create(
        [Button(device=d, kind="pole", name=f"Pole {{n}}",
                point=Point(-99.13 + random.gauss(0, 0.08), 19.43 + random.gauss(0, 0.08)))
         for n, d in enumerate(devices)])
    gateway = keys.new_key()
    Device.objects.create(public_id="gateway", kind="gateway", owner="safety", key=keys.seal(gateway))
    Vehicle.objects.bulk_create([Vehicle(public_id=f"patrol-{{n}}", kind="patrol") for n in range({vehicles})])
Path("{path}").with_name("gateway.json").write_text(json.dumps(keys.as_text(gateway)))
Path("{path}").write_text(json.dumps([[d.public_id, keys.as_text(k)] for d, k in zip(devices, made)]))
"""
COUNT = """
import json
from django.db import connection
from cityhall.kernel.devices.models import UrgentMessage
from django.db.models import Sum
from cityhall.services.safety.models import Alert
with connection.cursor() as cursor:
    cursor.execute("SELECT device_id, count(*) FROM devices_urgentmessage WHERE subject LIKE 'alert:%' GROUP BY 1")
    messages = dict(cursor.fetchall())
    cursor.execute("SELECT d.public_id, m.key, m.subject FROM devices_urgentmessage m JOIN devices_device d "
                   "ON d.id = m.device_id WHERE m.subject LIKE 'alert:%'")
    with open("{path}", "w") as kept:
        for device, key, subject in cursor:
            kept.write(f"{{device}} {{key}} {{subject}}\\n")
    cursor.execute("SELECT count(*) FROM deadlines_deadline WHERE due_at < now() - interval '1 second'")
    overdue = cursor.fetchone()[0]
    cursor.execute("SELECT coalesce(max(extract(epoch FROM e.time - a.received_at - interval '10 seconds')), 0) "
                   "FROM journal_entry e JOIN safety_alert a ON e.subject = 'alert:' || a.id "
                   "WHERE e.type = 'alert.escalated' AND (e.data->>'level')::int = 1")
    late = float(cursor.fetchone()[0])
print(json.dumps({{"presses": Alert.objects.aggregate(all=Sum("presses"))["all"] or 0,
                  "messages": sum(messages.values()), "alerts": Alert.objects.count(),
                  "escalated": Alert.objects.filter(level__gt=0).count(), "overdue": overdue,
                  "escalation_late_s": late}}))
"""


def run(rate: float, seconds: float, door: str, *, buttons: int = BUTTONS, positions: float = 0.0) -> dict[str, Any]:
    """What the command prints: see `cityhall bench alerts --help`.

    `positions`: so many positions of vehicles a second beside it, from a gateway on the ordinary lane of the broker.
    Raises ValueError for what cannot be, FileNotFoundError where the broker is not installed.
    """
    if door not in DOORS:
        raise ValueError(f"--door is one of {', '.join(DOORS)}")
    if positions and door != "mqtt":
        raise ValueError("--positions go with --door mqtt")
    if not (0 < rate <= 100_000 and 0 < seconds <= 7200 and 0 < buttons <= 200_000):
        raise ValueError("--rate, --seconds and --buttons are above 0, at most 100000, 7200 and 200000")
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        town = _Town(folder, _broker(stack, folder) if door == "mqtt" else 0)
        town.make(buttons)
        stack.enter_context(town.running())
        return _measure(town, rate, seconds, door, positions)


def _measure(town: _Town, rate: float, seconds: float, door: str, positions: float) -> dict[str, Any]:
    from cityhall.bench.alerts_load import screen_ms

    config = {
        "door": door,
        "port": town.port,
        "mqtt_port": town.mqtt,
        "rate": rate,
        "seconds": seconds,
        "after": AFTER_S,
        "most_after": MOST_AFTER_S,
        "positions": positions,
        "vehicles": VEHICLES,
        "buttons": str(town.folder / "buttons.json"),
        "out": str(town.folder / "load.npz"),
        "seen": str(town.folder / "seen.npz"),
        "email": OPERATOR,
        "password": PASSWORD,
    }
    path = town.folder / "config.json"
    path.write_text(json.dumps(config))
    screen = _process("screen", path)
    _ready(screen)
    load = _process("load", path)
    _ready(load)
    memory = _Memory(town)
    memory.start()
    before, began = town.cpu_s(), time.monotonic()
    assert load.stdin is not None and screen.stdin is not None
    load.stdin.write("go\n")
    load.stdin.flush()
    said = json.loads(_line(load, seconds + MOST_AFTER_S + 120))
    # The first level comes ten seconds after the last press, and should have been acted on by now.
    time.sleep(2.0)
    screen.stdin.write("stop\n")
    screen.stdin.flush()
    seen = json.loads(_line(screen, 60))
    cores = {name: (used - before.get(name, 0.0)) / (time.monotonic() - began) for name, used in town.cpu_s().items()}
    memory.stop.set()
    memory.join()
    load.wait(30)
    screen.wait(30)
    kept = town.count()
    sent = np.load(town.folder / "load.npz", allow_pickle=False)
    receipts = (sent["received"] - sent["planned"]) * 1000
    got = receipts[np.isfinite(receipts)]
    shown = screen_ms(sent, np.load(town.folder / "seen.npz", allow_pickle=False))
    in_database = _kept(town.folder / "kept.txt")
    acknowledged = sent["received"].size - int(np.isnan(sent["received"]).sum())
    named = [
        (f"pole-{button}", key)
        for button, key, at in zip(sent["button"], sent["key"], sent["received"], strict=True)
        if np.isfinite(at)
    ]
    return {
        "offered": int(sent["planned"].size),
        "acknowledged": len(in_database),
        "receipt_p50_ms": _share(got, 50),
        "receipt_p99_ms": _share(got, 99),
        "receipt_worst_ms": _share(got, 100),
        "screen_p50_ms": _share(shown, 50),
        "screen_p99_ms": _share(shown, 99),
        "lost": sum(name not in in_database for name in named) + int(sent["planned"].size) - acknowledged,
        "doubled": int(kept["presses"]) - len(in_database),
        "rss_slope_mb_min": memory.slope(),
        "rss_mb": memory.last(),
        "generator_cores": (said["cpu_s"] + seen["cpu_s"]) / max(said["wall_s"], 1e-9),
        "alerts": kept["alerts"],
        "escalated": kept["escalated"],
        "escalation_late_s": kept["escalation_late_s"],
        "sent_again": said["again"],
        "refused": said["refused"],
        "late_ms": said["late_ms"],
        "not_seen": int(np.isnan(shown).sum()),
        "door": door,
        "city_cores": {name: round(value, 2) for name, value in sorted(cores.items())},
    }


def _share(values: np.ndarray, per_cent: float) -> float | None:
    values = values[np.isfinite(values)]
    return round(float(np.percentile(values, per_cent)), 2) if values.size else None


def _kept(path: Path) -> dict[tuple[str, str], str]:
    found = {}
    for line in path.read_text().splitlines():
        device, key, subject = line.split(" ")
        found[device, key] = subject
    return found


def _process(what: str, config: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cityhall.bench.alerts_load", what, str(config)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ready(process: subprocess.Popen[str]) -> None:
    if _line(process, READY_S) != "ready":
        raise RuntimeError("the load could not begin; what it wrote is above")


def _line(process: subprocess.Popen[str], seconds: float) -> str:
    """Its next line; "" where it ends. It is killed where it says nothing for so long."""
    assert process.stdout is not None
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        return process.stdout.readline().strip()
    finally:
        timer.cancel()


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _broker(stack: ExitStack, folder: Path) -> int:
    """A broker that is there for this run. Raises FileNotFoundError where none is installed."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise FileNotFoundError("mosquitto is not installed: install it, or take --door http")
    port = _port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
        "persistence false\nlog_type error\nset_tcp_nodelay true\n"
    )
    process = subprocess.Popen([program, "-c", str(settings)], stderr=subprocess.DEVNULL)
    stack.callback(process.wait, 10)
    stack.callback(process.terminate)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return port
        time.sleep(0.05)
    raise FileNotFoundError("mosquitto did not start")


class _Town:
    """The city that is pressed."""

    def __init__(self, folder: Path, mqtt: int) -> None:
        self.folder, self.mqtt, self.port = folder, mqtt, _port()
        self.environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self.environment.pop("CITYHALL_CITY", None)
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        if mqtt:
            self.environment["MQTT_URL"] = f"mqtt://127.0.0.1:{mqtt}"
        # The load is one machine that speaks for thousands: it is not refused as one telephone would be.
        self.environment["TRUSTED_PROXIES"] = "127.0.0.0/8"
        self.process: psutil.Popen | None = None

    def make(self, buttons: int) -> None:
        """The city, an operator, and its buttons. Raises RuntimeError with what went wrong."""
        home = self.folder / "bench"
        home.mkdir()
        (home / "city.toml").write_text(CITY)
        self._command("load")
        path = str(self.folder / "buttons.json")
        values = {"operator": OPERATOR, "password": PASSWORD, "buttons": buttons, "vehicles": VEHICLES, "path": path}
        self._command("manage", MAKE.format(**values))

    def count(self) -> dict[str, Any]:
        """What PostgreSQL holds."""
        said = self._command("manage", COUNT.format(path=str(self.folder / "kept.txt")))
        counted: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return counted

    def _command(self, word: str, code: str = "") -> str:
        line = [sys.executable, "-m", "cityhall.cli", word, "--city", "bench", "--data", str(self.folder)]
        line += ["shell"] if code else []
        done = subprocess.run(line, input=code, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"cityhall {word}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    @contextmanager
    def running(self) -> Iterator[None]:
        """The city is up within."""
        line = [sys.executable, "-m", "cityhall.cli", "up", "--city", "bench", "--data", str(self.folder)]
        with (self.folder / "up.log").open("wb") as log:
            self.process = psutil.Popen([*line, "--port", str(self.port)], env=self.environment, stdout=log, stderr=log)
            try:
                self._wait()
                yield
            finally:
                self.process.send_signal(signal.SIGINT)
                with suppress(psutil.TimeoutExpired):
                    self.process.wait(60)

    def _wait(self) -> None:
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            with suppress(httpx.HTTPError, ValueError):
                if httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).json()["status"] == "ok":
                    return
            time.sleep(0.2)
        raise RuntimeError(f"the city did not start: {(self.folder / 'up.log').read_text()[-2000:]}")

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds by what spent them; those of processes that have ended are not in it."""
        found: dict[str, float] = {}
        if self.process is None:
            return found
        base = str(self.folder / "bench" / "postgres")
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                if one.name() == "postgres" and one.cwd() == base:
                    used = one.cpu_times()
                    found["database"] = found.get("database", 0.0) + used.user + used.system
        for one in (self.process, *self.process.children(recursive=True)):
            with suppress(psutil.Error):
                words = one.cmdline()
                name = "up"
                if one.name() == "postgres":
                    continue
                if "--only" in words:
                    name = words[words.index("--only") + 1]
                elif name == "up" and one.pid != self.process.pid:
                    name = "web"
                used = one.cpu_times()
                found[name] = found.get(name, 0.0) + used.user + used.system
        return found

    def memory_mb(self) -> float:
        """Of its own processes; the database's is shared."""
        if self.process is None:
            return 0.0
        total = 0
        for one in (self.process, *self.process.children(recursive=True)):
            with suppress(psutil.Error):
                if one.name() != "postgres":
                    total += one.memory_info().rss
        return total / 2**20


class _Memory(threading.Thread):
    """Looks at the city's memory once a second."""

    def __init__(self, town: _Town) -> None:
        super().__init__(daemon=True)
        self.town, self.stop = town, threading.Event()
        self.seen: list[tuple[float, float]] = []

    def run(self) -> None:
        while not self.stop.wait(1.0):
            self.seen.append((time.monotonic(), self.town.memory_mb()))

    def slope(self) -> float | None:
        """MB a minute over the second half; None for a run too short to say."""
        half = self.seen[len(self.seen) // 2 :]
        if len(half) < 10:
            return None
        at, mb = np.array(half).T
        return round(float(np.polyfit(at - at[0], mb, 1)[0]) * 60, 3)

    def last(self) -> float:
        return round(self.seen[-1][1], 1) if self.seen else 0.0
