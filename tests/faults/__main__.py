"""`script/faults [--only kills|disk|clock|presses|ledger] [--json]`: kills, a full disk, a clock that jumps; runs of
presses; racing clients in the books.

Each is in a city of a folder of its own. Exit 0: it did its work, whatever it found; 2: it could not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.faults import books_run, trouble
from tests.faults.killing import Killer, Outage, Watch
from tests.faults.ledger import Ledger
from tests.faults.people import Crowd
from tests.faults.presses import ALL_MUTANTS, presses
from tests.faults.reckoning import reckon
from tests.faults.town import Town

DISK_MB = 2500
IN_A_TOWN = ("kills", "disk", "clock")
PHASES = (*IN_A_TOWN, "presses", "ledger")
OUTAGE_S, OUTAGE_P95_S = 10.0, 5.0


def kills(town: Town, ledger: Ledger, seconds: float, seed: int, rate: float = 3.0) -> dict[str, Any]:
    """SIGKILL of whatever there is for so long, people at the doors."""
    watch, crowd = Watch(town), Crowd(town, ledger, rate)
    crowd.start()
    time.sleep(3)
    watch.start()
    killer = Killer(town, watch, seed)
    killer.run(seconds)
    back = town.wait("ok", 60)
    watch.end()
    crowd.end()
    return {
        "seconds": seconds,
        "killed": dict(killer.killed),
        "starts": town.starts,
        "ok_after_s": round(back, 1),
        "outages": outages(watch.outages),
        "answers": {str(status): times for status, times in sorted(ledger.answers.items())},
    }


def outages(found: list[Outage]) -> dict[str, Any]:
    """How many, and how long: seconds."""
    lengths = sorted(one.seconds for one in found)
    worst = max(found, key=lambda one: one.seconds, default=None)
    p95 = statistics.quantiles(lengths, n=20, method="inclusive")[-1] if len(lengths) > 1 else sum(lengths)
    return {
        "count": len(lengths),
        "median_s": round(statistics.median(lengths), 2) if lengths else 0.0,
        "p95_s": round(p95, 2),
        "worst_s": round(worst.seconds, 2) if worst else 0.0,
        "worst_after": worst.after if worst else "",
        "within": p95 <= OUTAGE_P95_S and (worst is None or worst.seconds <= OUTAGE_S),
    }


@contextmanager
def a_town(root: Path, poles: int) -> Iterator[tuple[Town, trouble.Clock | None, bool]]:
    """A city below `root`, not started, whose clock can be moved; whether its disk is small."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)
    with trouble.small_disk(root / "disk", DISK_MB) as small:
        town = Town(root / "disk" / "data", root / "log.txt")
        town.make(poles)
        clock = trouble.Clock(root) if trouble.can_move_clock() else None
        if clock:
            town.environment |= clock.environment
        yield town, clock, small


def table(name: str, found: dict[str, Any]) -> Table:
    """What was found, a line each."""
    shown = Table("what", "", title=name, title_justify="left")
    for key, value in found.items():
        if key != "faults":
            text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
            shown.add_row(key, text)
    shown.add_row("faults", "\n".join(found["faults"][:40]) or "none")
    return shown


def in_a_town(root: Path, given: argparse.Namespace, chosen: list[str]) -> tuple[dict[str, Any], list[str]]:
    """What came of those that go on in one city, None where this machine cannot; and what was left running."""
    found: dict[str, Any] = {}
    with a_town(root, poles=60 + int(given.minutes * 90)) as (town, clock, small):
        phases = {
            "kills": lambda ledger: kills(town, ledger, given.minutes * 60, given.seed),
            "disk": (lambda ledger: trouble.full_disk(town, ledger, given.minutes * 6)) if small else None,
            "clock": (lambda ledger: trouble.jumping_clock(town, clock, ledger, given.minutes * 2)) if clock else None,
        }
        with town.running():
            for name in chosen:
                ledger, phase = Ledger(), phases[name]
                found[name] = phase(ledger) | reckon(town, ledger) if phase else None
        return found, town.left()


def asked() -> argparse.Namespace:
    """What is wanted. A wrong option ends it with 2."""
    parser = argparse.ArgumentParser(prog="script/faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of kills; a full disk lasts a tenth of it")
    parser.add_argument("--runs", type=int, default=10, help="of presses; 200 take a night")
    parser.add_argument("--presses", type=int, default=2000, help="in each run")
    parser.add_argument("--transfers", type=int, default=1_000_000, help="in the books")
    parser.add_argument("--clients", type=int, default=32, help="that race in the books")
    parser.add_argument("--kills", type=int, default=20, help="of these clients, and as many of their server")
    parser.add_argument("--holds", type=int, default=10_000, help="posted, voided and expired at one instant")
    parser.add_argument("--instants", type=int, default=1000, help="at which statements are replayed")
    parser.add_argument("--histories", type=int, default=10_000, help="of points, beside an oracle")
    parser.add_argument("--mutants", nargs="*", choices=ALL_MUTANTS, default=list(ALL_MUTANTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=PHASES, action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="leave the cities and their logs in this folder")
    given = parser.parse_args()
    if given.minutes <= 0 or given.runs < 1 or given.presses < 1:
        parser.error("--minutes, --runs and --presses are above 0")
    return given


def in_the_books(given: argparse.Namespace) -> dict[str, Any]:
    """Racing clients in the books of a city of their own, and histories of points."""
    found = books_run.apart(given.transfers, given.clients, given.kills, given.holds, given.instants, given.seed)
    histories = books_run.histories(given.histories) if given.histories else {"times": 0, "faults": []}
    found["faults"] += histories.pop("faults")
    return {"ok": not found["faults"], **found, "histories": histories}


def main() -> int:
    """Runs what is asked for, prints a table for each, and one JSON object on the last line where that is asked for.

    With `--only presses` or `--only ledger` alone the object is what came of that; else it has each phase by its name.
    """
    given = asked()
    console = Console(stderr=given.json)
    chosen = given.only or list(PHASES)
    found: dict[str, Any] = {}
    left: list[str] = []
    with tempfile.TemporaryDirectory(prefix="cityhall-faults-") as scratch:
        root = given.keep or Path(scratch)
        try:
            if those := [name for name in chosen if name in IN_A_TOWN]:
                found, left = in_a_town(root, given, those)
            if "presses" in chosen:
                found["presses"] = presses(
                    root / "presses", given.runs, given.presses, given.seed, console.print, mutants=given.mutants
                )
            if "ledger" in chosen:
                found["ledger"] = in_the_books(given)
        except (RuntimeError, TimeoutError, OSError, psycopg.Error, subprocess.SubprocessError) as problem:
            print(f"script/faults: {problem}", file=sys.stderr)
            return 2
    for name, one in found.items():
        if one is None:
            console.print(f"{name}: not here (a full disk needs root, a jumping clock Linux and a C compiler)")
        else:
            console.print(table(name, one))
    console.print(f"left running after its end: {', '.join(left) or 'nothing'}")
    if given.json:
        ok = not left and all(one is None or (not one["faults"] and one.get("ok", True)) for one in found.values())
        whole = {"ok": ok, **found, "left": left}
        alone = chosen[0] if chosen in (["presses"], ["ledger"]) else ""
        print(json.dumps(found[alone] if alone else whole))
    return 0


if __name__ == "__main__":
    sys.exit(main())
