"""The embedded database server, looked after as the city's processes are: one that died or stands still starts anew."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from cityhall.kernel import database
from cityhall.kernel.database import postmaster
from cityhall.kernel.work.beats import STILL_S
from cityhall.running.progress import console

PING_S = 2.0
ANSWER_S = 5
LONGEST_WAIT = 30.0


def looked_after(folder: Path) -> list[Server]:
    """The embedded server of a city's folder, where this process runs one."""
    place = folder / database.EMBEDDED
    address = database.runs_here(place)
    return [Server(place, address)] if address else []


class Server:
    """What `supervise` looks at beside its children. `folder` is the server's own, `address` what it answers at."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder, self._address = folder.resolve(), address
        self._answered = time.monotonic()
        self._wait, self._not_before = 0.5, 0.0
        self._starts_late = False
        self._trimmed = float("-inf")
        self._pinging: threading.Thread | None = None

    def look(self) -> None:
        """Starts the server where it is not running; one that cannot start is tried less and less often."""
        if self._pinging is None:
            # Not before: a process with threads cannot fork (running/apart.py).
            self._pinging = threading.Thread(target=self._ping, name="ping", daemon=True)
            self._pinging.start()
        now = time.monotonic()
        if now - self._trimmed > PING_S:
            self._trimmed = now
            postmaster.trim_log(self._folder)
        if now < self._not_before:
            return
        process = postmaster.postmaster(self._folder)
        if process is not None and now - self._answered > STILL_S:
            console.print(f"[yellow]the database stands still (process {process.pid}); starting it again")
            # What is stopped hears nothing else; `clear` waits for those that it started.
            process.kill()
        elif process is not None:
            if self._starts_late:
                self._starts_late = not database.start_again(self._folder)
                self._not_before = now + PING_S
            return
        else:
            console.print("[yellow]the database ended; starting it again")
        self._answered = now
        self._starts_late = not database.start_again(self._folder)
        self._not_before = time.monotonic() + self._wait
        self._wait = min(self._wait * 2, LONGEST_WAIT) if self._starts_late else 0.5

    def _ping(self) -> None:
        """Any answer will do, also that the server is busy with its start or has no connection left."""
        import psycopg

        while True:
            try:
                psycopg.connect(self._address, connect_timeout=ANSWER_S).close()
            except psycopg.errors.ConnectionTimeout:
                pass
            except psycopg.Error:
                self._answered = time.monotonic()
            else:
                self._answered = time.monotonic()
            time.sleep(PING_S)
