"""`python -m tests.faults.books_run`: a city without services, its books raced and killed; JSON on the last line."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ROOT, outside
from tests.faults import books, books_past


def run(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All of it, in this process and those that it forks."""
    from cityhall.kernel.database import EMBEDDED, database
    from cityhall.running.loading import migrate, prepare_django

    city = folder / "city"
    city.mkdir()
    (city / "city.toml").write_text(books.CITY)
    with database(city):
        prepare_django(city)
        migrate(lambda what, share: None)
        from django.db import connection

        connection.close()
        if connection.pool is not None:  # type: ignore[attr-defined]
            connection.close_pool()  # type: ignore[attr-defined]
        # Each client has a connection of its own, and makes a new one at once.
        connection.settings_dict["OPTIONS"].pop("pool", None)
        plan = books.Plan(given.transfers, given.clients, given.seed, folder, *_accounts())
        connection.close()
        found = books.race(plan, (city / EMBEDDED).resolve(), given.kills)
        found |= books.reckon(plan)
        past = books_past.replay(given.instants, given.seed)
        once = books_past.at_once(given.holds, given.seed)
        connection.close()
        found["faults"] += past.pop("faults") + once["faults"]
        return found | {"past": past, "holds": once}


def _accounts() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of money and of points in lots: first one without a limit, then purses that may not go below zero."""
    from cityhall.kernel.ledger.accounts import open_account

    made = []
    for unit, lots in (("EUR", False), ("points", True)):
        source = open_account(f"source:{unit}", "equity", unit)
        names = [f"purse:{number}:{unit}" for number in range(books.PURSES)]
        purses = [open_account(name, "liability", unit, floor=0, lots=lots) for name in names]
        made.append((source.pk, *(one.pk for one in purses)))
    return made[0], made[1]


def apart(transfers: int, clients: int, kills: int, holds: int, instants: int, seed: int) -> dict[str, Any]:
    """The same in a process of its own, whose Django nobody else has set up. Raises RuntimeError where it breaks."""
    line = [sys.executable, "-m", "tests.faults.books_run"]
    for name, value in (
        *(("transfers", transfers), ("clients", clients), ("kills", kills)),
        *(("holds", holds), ("instants", instants), ("seed", seed)),
    ):
        line += [f"--{name}", str(value)]
    done = subprocess.run(
        line, cwd=ROOT, env=outside() | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the race in the books broke: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def histories(times: int) -> dict[str, Any]:
    """So many histories of points beside their oracle (tests/kernel/ledger/test_lots.py)."""
    line = [sys.executable, "-m", "pytest", "-q", "tests/kernel/ledger/test_lots.py", "-k", "any_history"]
    environment = outside() | {"PYTHONPATH": str(ROOT), "CITYHALL_POINT_HISTORIES": str(times)}
    done = subprocess.run(
        [*line, "-p", "no:cacheprovider", "--timeout=7200"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return {"times": times, "faults": [done.stdout[-2000:]] if done.returncode else []}


def main() -> None:
    """Runs it and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (
        *(("transfers", 20_000), ("clients", 32), ("kills", 2)),
        *(("holds", 200), ("instants", 1000), ("seed", 1)),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityhall-books-") as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        found = run(given, root)
    sys.stdout.flush()
    os.write(1, (json.dumps(found) + "\n").encode())


if __name__ == "__main__":
    main()
