"""Runs a job, again, and broken off anywhere; and says what of a city it left: rows, files, mails."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from cityhall.kernel.media.storing import sweep
from tests.jobs import run_job

MOST_BREAKS = 24
"""Of a job with more steps so many are tried, as far from one another as can be."""
SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
ATTEMPTS = {"reports_refused"}
"""Tables that count what was tried, and not what came of it: two workers have tried twice."""
REMADE = {"map_datasetfeature"}
"""Tables whose rows are taken away and made anew: they have other numbers then."""
MOMENTS = {"timestamp with time zone", "timestamp without time zone"}
"""Types of columns that differ from one run to the next; whether there is a moment at all does not."""
_COLUMNS = """
SELECT t.relname, array_agg(
    CASE WHEN format_type(a.atttypid, NULL) = ANY(%s) THEN format('%%I IS NULL', a.attname) ELSE quote_ident(a.attname)
    END ORDER BY a.attnum) FROM pg_class t
JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE t.relkind = 'r' AND format_type(a.atttypid, NULL) <> 'uuid' GROUP BY t.relname
"""
_SEQUENCES = """
SELECT quote_ident(s.relname), quote_ident(t.relname), quote_ident(a.attname) FROM pg_class s
JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i') JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE s.relkind = 'S'
"""


class Killed(BaseException):
    """The worker dies here. Not an Exception: no code has anything to say to it."""


@dataclass
class Worker:
    """Counts a job's steps (before a statement, after a mail or a change of a file); dies at the one numbered `at`.

    A dead worker does nothing any more, whatever its `finally` would.
    """

    at: int | None = None
    steps: int = 0
    dead: bool = False

    def step(self) -> None:
        if self.dead or self.steps == self.at:
            self.dead = True
            raise Killed
        self.steps += 1

    def execute(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        # What is rolled back for a dead worker is what the database itself does when its connection is gone.
        if not str(sql).startswith(SAVEPOINTS):
            self.step()
        return execute(sql, params, many, context)

    @contextmanager
    def works(self) -> Iterator[None]:
        """Everything that a job does to the world outside of it is a step of this worker."""

        def after(act: Callable[..., Any]) -> Callable[..., Any]:
            def done(*values: Any, **more: Any) -> Any:
                if self.dead:
                    raise Killed
                found = act(*values, **more)
                self.step()
                return found

            return done

        atomic = transaction.Atomic.__init__

        def by_itself(self: transaction.Atomic, using: str | None, _savepoint: bool, _durable: bool) -> None:
            # In the test's own transaction each of the job's has to be one that can be rolled back.
            atomic(self, using, True, False)

        with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(self.execute):
            patch.setattr(transaction.Atomic, "__init__", by_itself)
            patch.setattr(EmailBackend, "send_messages", after(EmailBackend.send_messages))
            for name in ("rename", "replace", "unlink"):
                patch.setattr(os, name, after(getattr(os, name)))
            yield


@dataclass(frozen=True)
class Left:
    """What counts of a city after a run: its rows without times, its files, and its mails."""

    rows: Counter[str]
    files: dict[str, str]
    mails: list[tuple[str, ...]]

    def differs(self, other: Left) -> str:
        """What this has and the other has not, and the other way round; "" where both are the same."""
        mine, theirs = self._all(), other._all()
        return "\n".join([f"+ {one}" for one in mine - theirs] + [f"- {one}" for one in theirs - mine])

    def _all(self) -> Counter[str]:
        files = [f"file {name} {digest}" for name, digest in self.files.items()]
        return self.rows + Counter(files) + Counter(f"mail {one}" for one in self.mails)


@dataclass
class Trials:
    """A job with its values in a city that is as its scene left it, each time anew."""

    name: str
    values: dict[str, Any]
    folder: Path
    _files: Path = field(init=False)
    _columns: list[tuple[str, list[str]]] = field(init=False)
    before: Left = field(init=False)

    def __post_init__(self) -> None:
        self._files = self.folder.with_name("as the scene left it")
        shutil.copytree(self.folder, self._files)
        with connection.cursor() as cursor:
            cursor.execute(_COLUMNS, [list(MOMENTS)])
            self._columns = [
                (table, [column for column in columns if column != "id" or table not in REMADE])
                for table, columns in cursor.fetchall()
                if table not in ATTEMPTS
            ]
        mail.outbox.clear()
        self.before = self._left()

    def run(self, *workers: Worker) -> Left:
        """What is left after the workers have had the job one after the other, and then nothing of it."""
        point = transaction.savepoint()
        mail.outbox.clear()
        try:
            for worker in workers:
                self._count_from_the_last()
                with worker.works():
                    try:
                        run_job(self.name, self.values)
                        self._committed()
                    except Killed:
                        connection.run_on_commit.clear()
            self._next_night()
            return self._left()
        finally:
            transaction.savepoint_rollback(point)
            shutil.rmtree(self.folder)
            shutil.copytree(self._files, self.folder)

    def _next_night(self) -> None:
        """Files of no row, that a dead worker could not take away, are swept up."""
        for place in (self.folder / "media").glob("??/??/*"):
            os.utime(place, (0, 0))
        sweep()

    def _committed(self) -> None:
        while connection.run_on_commit:
            waiting, connection.run_on_commit = connection.run_on_commit, []
            for one in waiting:
                one[1]()

    def _count_from_the_last(self) -> None:
        """Numbers that were given to rows and rolled back are given again, so that rows can be compared."""
        with connection.cursor() as cursor:
            cursor.execute(_SEQUENCES)
            given = ", ".join(
                f"setval('{name}', (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
                for name, table, column in cursor.fetchall()
            )
            cursor.execute(f"SELECT {given}")

    def _left(self) -> Left:
        parts = [
            f"SELECT '{table} ' || ROW({', '.join(columns)})::text AS row FROM {table}"
            for table, columns in self._columns
        ]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT row, count(*) FROM ({' UNION ALL '.join(parts)}) AS every GROUP BY 1")
            rows = Counter(dict(cursor.fetchall()))
        files = {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in sorted(self.folder.rglob("*"))
            # A draft that a dead worker left is nobody's, and goes with the next sweep.
            if path.is_file() and not any(part.startswith(".") or part == "making" for part in path.parts)
        }
        mails = [(*one.to, one.subject, one.extra_headers.get("Message-ID", str(id(one)))) for one in mail.outbox]
        return Left(rows, files, mails)


def breaks(steps: int) -> list[int]:
    """The steps at which a worker is to die."""
    if steps <= MOST_BREAKS:
        return list(range(steps))
    return sorted({round(number * (steps - 1) / (MOST_BREAKS - 1)) for number in range(MOST_BREAKS)})
