"""Makes the archive of this version: `python -m tests.upgrades.make NAME [MINUTES]`; see README.md beside it.

The town lives for some minutes with the simulator's buses, residents and officers, and life.py's people; then it is
stopped in order, put into the archive, and looked at once as the test will look at it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from cityhall.kernel.database import database
from tests.upgrades import look
from tests.upgrades.town import SLUG, make_town

HERE = Path(__file__).parent
LEFT_OUT = ("derived", "static", "mail", "simulator.json", "logs")
"""What can be made anew, or is nobody's."""
NO_USE = (".log", ".pid", "/log", "/postmaster.opts", ".lock")
"""Ends of names of files that say what was on that machine."""
MOST_BYTES = 5_000_000


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    """A process that is told to stop at the end, and waited for."""
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def up(folder: Path, port: int) -> list[str]:
    """The command that serves the town."""
    where = ["--city", folder.name, "--data", str(folder.parent), "--port", str(port)]
    return [sys.executable, "-m", "cityhall.cli", "up", *where]


def wait_for(what: str, true: Any, seconds: float = 240.0) -> None:
    """Waits until `true()`. Raises TimeoutError that says what was waited for."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.5)


def answers(address: str) -> bool:
    """Whether the town's pages are there."""
    try:
        return httpx.get(f"{address}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def make(folder: Path, minutes: float) -> dict[str, Any]:
    """Makes the town and lets it live; what a later look must know of it, with its tables as they were left."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    make_town(folder, free_port())
    port = free_port()
    address = f"http://localhost:{port}"
    os.environ["CITYHALL_URL"] = address
    with database(folder):
        look.command("load", folder)
        from cityhall.running.demo import prepare
        from tests.upgrades import life

        simulator = prepare(folder, address, 6.0, 4)
        gateway = json.loads((folder / "simulator.json").read_text())
        with running(up(folder, port)):
            wait_for("the town's pages", lambda: answers(address))
            with running(simulator):
                time.sleep(20)
                known = life.live(address) | {"gateway": gateway["device"], "gateway_key": gateway["key"]}
                time.sleep(minutes * 60)
            wait_for("the data set", _dataset_is_read)
            life.publish_map()
            _regular_tasks()
            wait_for("the jobs and the sealer", _all_is_done)
        life.leave_a_job()
        _seal()
        return known | _moments() | {"tables": look.tables()}


def _dataset_is_read() -> bool:
    from cityhall.services.map.models import Dataset

    return Dataset.objects.filter(slug="benches", version__state="ready").exists()


def _regular_tasks() -> None:
    """What comes once an hour or a day, now."""
    from cityhall.kernel.service import declared, resolve
    from cityhall.kernel.work.declares import Task

    for _service, task in declared(Task):
        resolve(task.action)()


def _all_is_done() -> bool:
    waiting = look.rows("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND attempts = 0")
    return waiting == [(0,)] and look.rows("SELECT count(*) FROM journal_entry WHERE position IS NULL") == [(0,)]


def _moments() -> dict[str, str]:
    """The service day and the minute in which the first position was kept, on the town's clock."""
    ((first,),) = look.rows("SELECT min(at) AT TIME ZONE 'Atlantic/Azores' FROM transit_positionhistory")
    return {"day": f"{first:%Y-%m-%d}", "start": f"{first:%Y-%m-%dT%H:%M}"}


def _seal() -> None:
    from cityhall.kernel.journal.sealer import seal

    while seal():
        pass


def _shorten(postgres: Path) -> None:
    """Gives a server that was stopped in order an empty log of what it last wrote: 16 MB of zeros."""
    # The tools are beside the program that the server says it was.
    tool = Path((postgres / "postmaster.opts").read_text().split()[0]).with_name("pg_resetwal")
    # It does nothing for root; the server's own user is the folder's owner.
    owner = postgres.stat().st_uid
    as_owner: dict[str, Any] = {"user": owner} if os.getuid() == 0 else {}
    subprocess.run([tool, "-D", postgres], check=True, stdout=subprocess.DEVNULL, **as_owner)


def pack(folder: Path, archive: Path) -> None:
    """The folder as an archive; its server must be stopped. Owners are left out, permissions kept."""

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(member.name).parts[1:]
        if (parts and parts[0] in LEFT_OUT) or member.name.endswith(NO_USE):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member if member.isdir() or member.isfile() else None

    with tarfile.open(archive, "w:xz", preset=9 | 1 << 31) as bundle:
        bundle.add(folder, SLUG, filter=kept)


def main() -> None:
    """Makes NAME.tar.xz and NAME.json beside this file."""
    name, minutes = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    for variable in ("DATABASE_URL", "NATS_URL", "MQTT_URL", "EMAIL_URL"):
        os.environ.pop(variable, None)
    with tempfile.TemporaryDirectory(prefix="town-") as made:
        Path(made).chmod(0o755)
        folder = Path(made) / SLUG
        known = make(folder, minutes)
        (folder / "known.json").write_text(json.dumps(known, indent=1))
        _shorten(folder / "postgres")
        archive = HERE / f"{name}.tar.xz"
        pack(folder, archive)
    assert archive.stat().st_size <= MOST_BYTES, f"{archive} is too large: {archive.stat().st_size} bytes"
    with tempfile.TemporaryDirectory(prefix="town-") as unpacked:
        seen = look.in_a_process(look.unpack(archive, Path(unpacked)))
    # What was there before the town was stopped and packed: nothing of it may be lost on the way.
    seen["tables"] |= known["tables"]
    archive.with_name(f"{name}.json").write_text(json.dumps(seen, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    print(f"{archive}: {archive.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
