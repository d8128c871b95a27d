"""`script/faults --only presses`: runs of presses over a bad network while the city is killed, counted in PostgreSQL.

A run is a seeded sequence of presses over MQTT and HTTP, doubled, delayed, overtaken and cut on their way, some with a
clock that is a day off; meanwhile two or three kinds of process get SIGKILL, the broker and the database among them.
Then the database is asked: each receipt has its alert, each press counts once, each alert was answered or has gone up,
and no receipt came before its commit was on the disk. Mutants, each a defect that this must find, come last.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.conftest import ROOT
from tests.faults.between import Between
from tests.faults.callers import PATIENCE_S, Callers, Press, drawn
from tests.faults.counting import Count, close, count, last_alert, risen
from tests.faults.shore import Broker, Operator, Shore
from tests.faults.wal import Flushed

MUTANTS = Path(__file__).with_name("mutants")
ALL_MUTANTS = ("receipt_before_commit", "pid_client_id", "asynchronous_commit")
GROUP = 25
"""Runs for which a city is started once."""
RATE, SHORTEST_S = 250.0, 4.0
"""Presses a second; a run is never over sooner."""
KILLS = ("web", "web worker", "worker", "devices", "urgent", "broker", "postmaster", "database", "up")
MUTANT_KILLS = ("urgent", "web worker", "urgent")
MUTANT_PRESSES, MUTANT_RUNS, MUTANT_PATIENCE_S = 200, 20, 30.0
READY_S = 60.0
Say = Callable[[str], None]


@dataclass
class Found:
    """What came of runs."""

    runs: int = 0
    presses: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    unreached: int = 0
    wal_ok: bool = True
    again: int = 0
    answered: int = 0
    held: int = 0
    """Receipts that were held against the log."""
    killed: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    """Doors by which a press came that had no receipt in time."""

    def add(self, one: Count, presses: list[Press]) -> None:
        """One more run."""
        self.runs += 1
        self.presses += len(presses)
        self.acknowledged += sum(bool(press.subject) for press in presses)
        self.late |= {press.door for press in presses if not press.subject}
        self.lost, self.doubled = self.lost + one.lost, self.doubled + one.doubled
        self.unreached += one.unreached
        self.faults += one.faults

    @property
    def ok(self) -> bool:
        nothing = not (self.lost or self.doubled or self.unreached or self.faults)
        return nothing and self.wal_ok and self.acknowledged == self.presses


@dataclass
class Runs:
    """Runs in one city."""

    town: Shore
    broker: Broker
    seed: int
    say: Say
    patience_s: float = PATIENCE_S

    def run(self, number: int, presses: int, found: Found, kills: tuple[str, ...] = (), name: str = "run") -> None:
        """One run; `kills` instead of those that its seed draws. Raises TimeoutError, psycopg.Error, OSError."""
        chance = random.Random(f"{self.seed} {name} {number}")
        kills = kills or tuple(chance.sample(KILLS, chance.choice((2, 3))))
        made = drawn(f"{name}{number}", presses, min(RATE, presses / SHORTEST_S), self.town.signs, chance)
        if "broker" in kills:
            # What it had taken is gone with it: whoever sends once would have to send again.
            made = [replace(press, door="mqtt") if press.door == "once" else press for press in made]
        first, flushed, operator = last_alert(self.town), Flushed(self.town), Operator(self.town)
        flushed.begin()
        striker = threading.Thread(target=self._strike, args=(kills, made[-1].at, chance, found.killed), daemon=True)
        with operator.working():
            asyncio.run(self._press(made, flushed, chance, striker.start))
            striker.join()
            flushed.end()
            self.town.wait("ok", READY_S)
            risen(self.town, first)
        one = count(self.town, first, made)
        early = flushed.faults()
        close(self.town)
        found.wal_ok &= not early
        found.answered += operator.answered
        found.held += len(flushed.seen)
        late = [f"{press.token} ({press.door}): no receipt" for press in made if not press.subject]
        found.add(replace(one, faults=one.faults + early[:20] + late[:20]), made)
        self.say(
            f"{name} {number}: {len(made)} presses, {', '.join(kills)} killed, lost {one.lost}, doubled {one.doubled}, "
            f"unreached {one.unreached}, without receipt {len(late)}, early {len(early)}, "
            f"{len(flushed.seen)} receipts held against the log, {flushed.unasked} while it was away"
        )

    async def _press(self, made: list[Press], flushed: Flushed, chance: random.Random, strike: Any) -> None:
        between = Between(self.broker.port, self.town.port, chance)
        async with between.open() as ports:
            await self._listening()
            callers = Callers(made, flushed.ask, ports, self.broker.port, chance, self.patience_s)
            strike()
            await callers.run()
        if callers.forged:
            raise RuntimeError(f"{callers.forged} receipts are forged")

    async def _listening(self) -> None:
        """Waits until the city hears urgent messages by MQTT. Raises TimeoutError."""
        until, pole = time.monotonic() + READY_S, self.town.signs[0]
        chance = random.Random()
        while time.monotonic() < until:
            press = drawn(f"test{chance.getrandbits(32):08x}", 1, 1.0, [pole], chance)[0]
            body = pole.signer.envelope([{"kind": "press", "id": press.token, "test": True}])
            press = replace(press, door="once", pole=pole, body=body)
            probe = Callers([press], lambda _told: None, (self.broker.port, 0), self.broker.port, chance)
            with suppress(TimeoutError):
                await asyncio.wait_for(probe.run(), 2)
            if press.subject:
                return
        raise TimeoutError(f"the city does not hear the broker; see {self.town.log}")

    def _strike(self, kills: tuple[str, ...], seconds: float, chance: random.Random, killed: Counter[str]) -> None:
        moments = sorted(chance.uniform(0.1, 0.9) * seconds for _kill in kills)
        began = time.monotonic()
        for moment, name in zip(moments, kills, strict=True):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            if name == "broker":
                self.broker.kill()
            else:
                self._kill(name, chance)
            killed[name] += 1

    def _kill(self, name: str, chance: random.Random) -> None:
        """SIGKILL of one; what is not there just now is waited for, as it is being started."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if group := self.town.parts().get(name):
                with suppress(psutil.Error):
                    chance.choice(group).kill()
                    return
            time.sleep(0.1)


@contextmanager
def started(root: Path, poles: int) -> Iterator[tuple[Shore, Broker]]:
    """A city that is made, and its broker, which runs; the city does not yet."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)
    town, broker = Shore(root / "data", root / "log.txt"), Broker(root)
    town.environment["MQTT_URL"] = f"mqtt://127.0.0.1:{broker.port}"
    with broker.running():
        town.make(poles)
        yield town, broker


def presses(root: Path, runs: int, each: int, seed: int, say: Say, *, mutants: Sequence[str]) -> dict[str, Any]:
    """What `--only presses` prints. Raises RuntimeError, TimeoutError, OSError where it could not be done."""
    found, journal, caught = Found(), True, {}
    with started(root, max(50, each // 2)) as (town, broker):
        all_runs = Runs(town, broker, seed, say)
        for first in range(0, runs, GROUP):
            with town.running():
                for number in range(first, min(first + GROUP, runs)):
                    all_runs.run(number, each, found)
                journal &= verified(town, found)
        for name in mutants:
            caught[name] = is_caught(all_runs, name)
        left = town.left()
    found.faults += [f"orphan: {one}" for one in left]
    return {
        "runs": found.runs,
        "presses": found.presses,
        "acknowledged": found.acknowledged,
        "lost": found.lost,
        "doubled": found.doubled,
        "unreached": found.unreached,
        "journal_ok": journal,
        "wal_ok": found.wal_ok,
        "mutants": caught,
        "ok": found.ok and journal and all(caught.values()),
        "receipts_held_against_log": found.held,
        "answered": found.answered,
        "killed": dict(found.killed),
        "starts": town.starts,
        "faults": found.faults[:100],
    }


def verified(town: Shore, found: Found) -> bool:
    """Whether the journal is whole, once it has been put in order."""
    until = time.monotonic() + READY_S
    with town.owner() as look:
        while time.monotonic() < until:
            (waiting,) = look.execute("SELECT count(*) FROM journal_entry WHERE position IS NULL").fetchone() or (0,)
            if not waiting:
                break
            time.sleep(0.2)
    said = json.loads(town.command("journal", "verify", "--json").splitlines()[-1])
    found.faults += [f"journal: {one}" for one in said["faults"]]
    return bool(said["ok"])


SIGNS: dict[str, Callable[[Found], bool]] = {
    "receipt_before_commit": lambda found: found.lost > 0,
    "asynchronous_commit": lambda found: not found.wal_ok and not found.lost,
    # The broker deals a group's messages out to each of its sessions in turn, to those of the dead as well: what is
    # sent once is gone with them, what is sent again by MQTT may meet one each time, what comes by HTTP never does.
    "pid_client_id": lambda found: "once" in found.late and found.late <= {"once", "mqtt"} and not found.lost,
}
"""What one run with a defect shows: what the defect does, and nothing else."""


def is_caught(runs: Runs, name: str) -> bool:
    """Whether a defect is found in at most MUTANT_RUNS short runs, by what it does and not by anything else."""
    town = runs.town
    runs = replace(runs, patience_s=MUTANT_PATIENCE_S)
    # What the broker keeps for the sound city's processes is gone: none of them would come for it.
    runs.broker.kill()
    before = town.environment
    town.environment = before | {"CITYHALL_FAULTS_MUTANT": name, "PYTHONPATH": f"{MUTANTS}{os.pathsep}{ROOT}"}
    try:
        with town.running():
            for number in range(MUTANT_RUNS):
                found = Found()
                runs.run(number, MUTANT_PRESSES, found, MUTANT_KILLS, name=name)
                if SIGNS[name](found):
                    return True
    finally:
        town.environment = before
    return False
