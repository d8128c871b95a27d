"""A small city as whoever runs one has it: started by the command line, in a folder of its own.

It is the demo's, whose simulator plays residents, officers and a fleet by public doors, with a mailbox more. It
believes `X-Forwarded-For` of this machine, as behind a web server, so that who asks from here may come from many
addresses.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import psutil
import psycopg

from tests.e2e.conftest import AT, ROOT, free_port, outside, start, stop_demo
from tests.testville import owner

MAILBOX = "mail-in"
RECEIVER = "endurance-receiver"
"""A device whose key the hostile have read, once: what it signed they send again."""


@dataclass(frozen=True)
class City:
    """A running city; its log is beside its folder. `ahead`: seconds that its clock is ahead of ours."""

    address: str
    folder: str
    process: int
    log: str
    receiver_port: int
    ntrip_port: int
    device: str
    key: str
    ahead: float

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def mailbox(self) -> Path:
        return Path(self.folder) / MAILBOX

    def accounts(self) -> dict[str, Any]:
        """{"password", "residents": [email], "officers": [{"email", "crew"}], "administrator": email, ...}."""
        known: dict[str, Any] = json.loads((Path(self.folder) / "simulator.json").read_text())
        return known

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The embedded database, as its owner."""
        return owner(Path(self.folder))


@contextmanager
def started(place: Path) -> Iterator[City]:
    """Makes a city in `place`, starts it, and stops it in the end."""
    data, log = place / "data", place / "log.txt"
    _command("demo", "--still", "--data", str(data))
    folder = data / "demo"
    receiver_port, ntrip_port = free_port(), free_port()
    _set_up(folder, receiver_port, ntrip_port)
    device, key = _command(
        *("receivers", "add", "bus-endurance", "--id", RECEIVER, "--address", "192.0.2.1"),
        *("--data", str(data), "--city", "demo"),
    ).split()[-2:]
    with patch.dict(os.environ, TRUSTED_PROXIES="127.0.0.1"):
        running = start("demo", data, log, "--at", AT)
    try:
        _whole(running.address)
        yield City(
            address=running.address.replace("localhost", "127.0.0.1"),
            folder=str(folder),
            process=running.process.pid,
            log=str(log),
            receiver_port=receiver_port,
            ntrip_port=ntrip_port,
            device=device,
            key=key,
            ahead=float(running.process.children()[0].environ().get("CITYHALL_CLOCK", 0)),
        )
    finally:
        with _forgiven():
            stop_demo(running)
        shutil.rmtree(data, ignore_errors=True)


def _whole(address: str) -> None:
    """Waits until the worker is there too: pages are served before."""
    for _ in range(300):
        if httpx.get(f"{address}/healthz", timeout=30).json()["status"] == "ok":
            return
        time.sleep(0.2)
    raise RuntimeError("the city's worker did not start")


@contextmanager
def _forgiven() -> Iterator[None]:
    """What cannot be stopped in order is killed: the city ends with its parent."""
    try:
        yield
    except psutil.TimeoutExpired as problem:
        psutil.Process(problem.pid).kill()
    except psutil.Error:
        pass


def _command(*words: str) -> str:
    """What a command of `cityhall` printed. Raises RuntimeError where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "cityhall.cli", *words], cwd=ROOT, env=outside(), capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"cityhall {words[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def _set_up(folder: Path, receiver_port: int, ntrip_port: int) -> None:
    """Ports of its own, for there may be another demo on this machine, and a mailbox."""
    file = folder / "city.toml"
    text = re.sub(r"receiver_port = \d+", f"receiver_port = {receiver_port}", file.read_text())
    text = re.sub(r"ntrip_port = \d+", f"ntrip_port = {ntrip_port}", text)
    # One source's share as a real city has it: the demo's is made for one address for all.
    text = re.sub(r"per_hour = 300.*", f'per_hour = 20\nmaildir = "{MAILBOX}"', text)
    file.write_text(text)
    for part in ("new", "cur", "tmp"):
        (folder / MAILBOX / part).mkdir(parents=True, exist_ok=True)
