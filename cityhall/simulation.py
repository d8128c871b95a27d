"""What `cityhall demo` does besides serving: making the demo city, and giving the simulator the keys it needs."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from cityhall.democity import make
from cityhall.progress import Report

GATEWAY = "demo-fleet"
KEYS = "simulator.json"


def make_demo(folder: Path, seed: int, report: Report) -> None:
    """Makes the demo city's folder, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".demo-", dir=folder.parent))
    try:
        make(draft, seed, report)
        draft.chmod(0o755)
        if folder.exists():
            # An attempt that was broken off before it had been loaded.
            shutil.rmtree(folder)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def prepare(folder: Path, address: str, speed: float) -> list[str]:
    """Registers the simulated fleet and its gateway where they are not yet; returns the simulator's command."""
    from cityhall.kernel.devices.registry import register
    from cityhall.kernel.people.actors import system
    from cityhall.services.transit.control.vehicles import register as register_vehicle
    from cityhall.services.transit.timetables import service as timetable
    from cityhall.simulator.roster import Roster

    fleet = Roster(timetable().schedule).vehicles
    for vehicle in fleet:
        register_vehicle(system("demo"), vehicle.id, kind=vehicle.kind, capacity=vehicle.capacity, wheelchair=True)
    keys = folder / KEYS
    if not keys.exists():
        device, key = register(
            system("demo"), kind="gateway", owner="transit", label="Simulated fleet", public_id=GATEWAY
        )
        keys.touch(mode=0o600)
        keys.write_text(json.dumps({"device": device.public_id, "key": key}))
    buses = [vehicle.id for vehicle in fleet if vehicle.kind == "bus" and vehicle.id[-1] == "5"]
    keys.write_text(json.dumps(json.loads(keys.read_text()) | _receivers(buses)))
    return [
        *(sys.executable, "-m", "cityhall.simulator", "--address", address),
        *("--keys", str(keys), "--speed", str(speed)),
    ]


def _receivers(vehicles: list[str]) -> dict[str, Any]:
    """Receivers of their own for some vehicles: {"port", "receivers": {vehicle: receiver's id}}.

    None where the port of their door is another program's: it may be another demo city, whose buses have these ids.
    """
    from cityhall.kernel.people.actors import system
    from cityhall.services.transit.doors.options import options
    from cityhall.services.transit.doors.registry import register_receiver
    from cityhall.services.transit.models import Receiver

    port = options().receiver_port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            port = 0
    if not port:
        return {"port": 0, "receivers": {}}
    known = set(Receiver.objects.values_list("device__public_id", flat=True))
    ids = {vehicle: f"receiver-{vehicle}" for vehicle in vehicles}
    for vehicle, public_id in ids.items():
        if public_id not in known:
            register_receiver(system("demo"), vehicle=vehicle, address="127.0.0.1", public_id=public_id)
    return {"port": port, "receivers": ids}
