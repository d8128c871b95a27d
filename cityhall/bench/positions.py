"""From the receivers' doors to the riders: a city with its real processes under the load of thousands of buses.

The demo city's web, worker, devices and database processes run as `cityhall up` runs them; the buses
(`positions_load`) and the riders (`positions_riders`) are processes of their own on the same machine, and what they
take is told with the rest.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

WARM_S = 10.0
"""Sending before measuring: what is compiled or read on first use is then."""
AFTER_S = 8.0
"""Sending goes on while riders connect."""
NETWORK = "127.0.0.0/8"


def run(
    *,
    buses: int = 4000,
    hz: float = 2.5,
    seconds: float = 60.0,
    mqtt: float = 0.1,
    riders: int = 0,
    rider_buses: int = 139,
    rider_hz: float = 1.0,
    city: Path | None = None,
) -> list[dict[str, Any]]:
    """A row a measure, a column a part. `mqtt` is the share that comes through the broker.

    The first part has `buses` at `hz` for `seconds` and one rider; the second `rider_buses` at `rider_hz`, and `riders`
    for half a minute. `city` is a demo folder to use again; one is made where it is None.
    """
    # However it is ended, it leaves no city running.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder:
        made = Path(folder) / "demo"
        if city is None:
            subprocess.run([sys.executable, "-m", "cityhall.cli", "demo", "--data", folder, "--still"], check=True)
        else:
            shutil.copytree(city, made, ignore=shutil.ignore_patterns("*.pid", ".s.PGSQL.*"))
            shutil.copystat(city / "postgres", made / "postgres")
            _own_again(made / "postgres", city / "postgres")
        os.environ.setdefault("TRUSTED_PROXIES", "127.0.0.0/8")
        with _broker(Path(folder), mqtt) as broker_port, _serving(made, broker_port) as town:
            parts = [town.load(buses, hz, seconds, mqtt if broker_port else 0.0, riders=1)]
            if riders:
                parts.append(town.load(rider_buses, rider_hz, 30.0, 0.0, riders=riders))
    return [{"measure": name, **{part["of"]: part[name] for part in parts}} for name in parts[0] if name != "of"]


def _own_again(copy: Path, original: Path) -> None:
    """A copied database belongs to whom the original does; the server insists."""
    owner = original.stat()
    for path in (copy, *copy.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _broker(folder: Path, share: float) -> Iterator[int]:
    """Mosquitto on a free port, 0 where there is none on this machine."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if not binary or not share:
        yield 0
        return
    port = _free_port()
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nuser root\n"
    )
    process = subprocess.Popen([binary, "-c", str(folder / "mosquitto.conf")])
    try:
        os.environ["MQTT_URL"] = f"mqtt://127.0.0.1:{port}"
        yield port
    finally:
        del os.environ["MQTT_URL"]
        process.terminate()
        process.wait(10)


class Town:
    """A running city. `processes` are its parts by name."""

    def __init__(self, folder: Path, web_port: int, door_port: int, broker_port: int) -> None:
        self.folder, self.web_port, self.door_port, self.broker_port = folder, web_port, door_port, broker_port
        self.processes: dict[str, psutil.Process] = {}

    def load(self, buses: int, hz: float, seconds: float, mqtt: float, *, riders: int) -> dict[str, Any]:
        """One part: what was measured, by name; `of` says of what."""
        by_broker = round(buses * mqtt)
        names = [f"bench-{number}" for number in range(buses)]
        register(names[by_broker:], NETWORK)
        register(names[:by_broker], "mqtt")
        time.sleep(7.0)  # the doors read the registry every five seconds
        before = _dropped()
        config = self.folder / "load.json"
        config.write_text(
            json.dumps(
                {
                    **{
                        "tcp": names[by_broker:],
                        "mqtt": names[:by_broker],
                        "hz": hz,
                        "seconds": seconds + WARM_S + AFTER_S,
                    },
                    **{"port": self.door_port, "mqtt_port": self.broker_port, "gtfs": str(self.folder / "gtfs.zip")},
                }
            )
        )
        sending = _start("positions_load", str(config))
        time.sleep(WARM_S)
        watching = _start("positions_riders", str(self.web_port), str(riders), str(seconds))
        parts = {**self.processes, "buses": psutil.Process(sending.pid), "riders": psutil.Process(watching.pid)}
        samples = Samples(parts, seconds)
        seen, sent = _result(watching), _result(sending)
        samples.join()
        time.sleep(2.0)  # drops are written once a second
        dropped = {reason: number - before.get(reason, 0) for reason, number in _dropped().items()}
        lost = sum(dropped.values())
        rate = sent["sent"] / sent["seconds"]
        return {
            "of": f"{buses} buses at {hz:g} Hz, {riders} riders",
            "fixes/s sent and not dropped": rate * (1 - lost / max(1, sent["sent"])),
            "dropped": ", ".join(f"{reason} {number}" for reason, number in dropped.items() if number) or "none",
            **samples.ages(),
            "age when a rider has it, p50 ms": seen["age_p50_ms"],
            "age when a rider has it, p99 ms": seen["age_p99_ms"],
            "positions seen/s by all riders": seen["positions_s"],
            "MB/s to all riders": seen["mb_s"],
            "riders told to load anew": int(seen["resets"]),
            "connections lost, buses and riders": f"{sent['lost']} {seen['lost']}",
            "buses were late by at most, ms": sent["late_s"] * 1e3,
            **samples.processes(),
        }


def register(names: list[str], address: str) -> None:
    """Receivers and their vehicles, many at once; those that are there stay as they are."""
    from cityhall.kernel.devices import keys
    from cityhall.kernel.devices.models import Device
    from cityhall.kernel.vehicles.models import Receiver, Vehicle

    key = keys.seal(keys.new_key())
    Vehicle.objects.bulk_create([Vehicle(public_id=name) for name in names], ignore_conflicts=True)
    Device.objects.bulk_create(
        [Device(public_id=name, kind="receiver", owner="transit", key=key) for name in names], ignore_conflicts=True
    )
    vehicles = dict(Vehicle.objects.filter(public_id__in=names).values_list("public_id", "pk"))
    devices = Device.objects.filter(public_id__in=names).values_list("public_id", "pk")
    Receiver.objects.filter(device__public_id__in=names).delete()
    Receiver.objects.bulk_create(
        [Receiver(device_id=pk, vehicle_id=vehicles[name], address=address) for name, pk in devices]
    )


def _dropped() -> dict[str, int]:
    from django.db.models import Sum

    from cityhall.kernel.devices.models import DropCount

    return dict(DropCount.objects.values_list("reason").annotate(Sum("count")))


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """A part of the bench in a process of its own, once it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"cityhall.bench.{module}", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{module} did not start")
    return process


def _result(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    process.wait(30)
    found: dict[str, Any] = json.loads(line)
    return found


class Samples(threading.Thread):
    """Once a second: CPU and memory of each process, and how old the published states were when they were."""

    def __init__(self, parts: dict[str, psutil.Process], seconds: float) -> None:
        super().__init__(name="samples")
        self.parts, self.seconds = parts, seconds
        self.rss: dict[str, list[tuple[float, float]]] = {name: [] for name in parts}
        self.cpu: dict[str, float] = {}
        self.published: list[float] = []
        self.behind = 0.0
        self.start()

    def run(self) -> None:
        from django.db import connection

        began, before = time.monotonic(), {name: _cpu(part) for name, part in self.parts.items()}
        while (now := time.monotonic()) < began + self.seconds:
            for name, part in self.parts.items():
                self.rss[name].append((now - began, _rss(part)))
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT extract(epoch FROM published_at - at)::float FROM transit_vehiclestate "
                    "WHERE published_at > now() - interval '2 seconds'"
                )
                self.published += [row[0] for row in cursor.fetchall()]
                cursor.execute("SELECT extract(epoch FROM now() - max(at))::float FROM transit_vehiclestate")
                self.behind = cursor.fetchone()[0] or float("nan")
            time.sleep(1.0)
        spent = time.monotonic() - began
        self.cpu = {name: 100 * (_cpu(part) - before[name]) / spent for name, part in self.parts.items()}
        connection.close()

    def ages(self) -> dict[str, float]:
        """Age of a position when it was published, p50 and p99 in ms; and that of the newest kept at the end.

        Where the newest is old, fixes are waiting: the rate was not sustained.
        """
        ages = np.array(self.published or [np.nan]) * 1e3
        shares = {f"age when published, p{share} ms": float(np.percentile(ages, share)) for share in (50, 99)}
        return {**shares, "behind at the end, s": self.behind}

    def processes(self) -> dict[str, str]:
        """Of each process CPU in hundredths of a core, memory at the end, and its slope over the second half."""
        return {
            f"{name}: CPU %, MB, MB/min": f"{self.cpu[name]:.0f}, {rss[-1][1]:.0f}, {_slope(rss):+.1f}"
            for name, rss in self.rss.items()
        }


def _slope(samples: list[tuple[float, float]]) -> float:
    late = np.array(samples[len(samples) // 2 :])
    return float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) * 60 if len(late) > 2 else float("nan")


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(process: psutil.Process) -> float:
    """Seconds of CPU of a process and its children."""
    spent = 0.0
    for one in _family(process):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
    return spent


def _rss(process: psutil.Process) -> float:
    """MB of a process and its children; of what they share, as much as the one has that has most of it.

    Each of the database's processes maps the shared buffers that it has read: their sum would seem to grow for hours.
    """
    own, shared = 0, 0
    for one in _family(process):
        try:
            memory = one.memory_info()
        except psutil.NoSuchProcess:
            continue
        common = getattr(memory, "shared", 0)  # Linux alone tells
        own, shared = own + memory.rss - common, max(shared, common)
    return (own + shared) / 2**20


@contextmanager
def _serving(folder: Path, broker_port: int) -> Iterator[Town]:
    """The city in `folder` with its processes running."""
    from cityhall.kernel.database import database
    from cityhall.running.loading import migrate, prepare_django
    from cityhall.running.processes import Child, part_command, stop_all, wanted

    web_port, door_port = _free_port(), _free_port()
    written = folder / "city.toml"
    # The demo city's own ports may be in use by a demo that runs.
    rest = re.split(r"\[service\.(?:vehicles|transit)\.doors\]", written.read_text())[0]
    written.write_text(f'{rest}[service.vehicles.doors]\nhost = "127.0.0.1"\nreceiver_port = {door_port}\n')
    town = Town(folder, web_port, door_port, broker_port)
    with database(folder):
        prepare_django(folder)
        migrate(lambda what, share: None)
        children = [Child(part, part_command(part, folder, host="127.0.0.1", port=web_port)) for part in wanted()]
        try:
            for child in children:
                child.start()
            _wait_for(web_port)
            town.processes = {child.name: psutil.Process(child.process.pid) for child in children if child.process}
            server = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
            town.processes["database"] = psutil.Process(server)
            yield town
        finally:
            stop_all(children)


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("the city does not answer")
