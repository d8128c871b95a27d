"""What `cityhall demo` does besides serving: making the demo city, and giving the simulator the keys it needs."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

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

    for vehicle in Roster(timetable().schedule).vehicles:
        register_vehicle(system("demo"), vehicle.id, kind=vehicle.kind, capacity=vehicle.capacity, wheelchair=True)

    keys = folder / KEYS
    if not keys.exists():
        device, key = register(
            system("demo"), kind="gateway", owner="transit", label="Simulated fleet", public_id=GATEWAY
        )
        keys.touch(mode=0o600)
        keys.write_text(json.dumps({"device": device.public_id, "key": key}))
    return [
        *(sys.executable, "-m", "cityhall.simulator", "--address", address),
        *("--keys", str(keys), "--speed", str(speed)),
    ]
