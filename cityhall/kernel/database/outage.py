"""Whether an error of the database or the disk passes by itself, or says something of what it was given.

Whoever works through a queue waits for the first and goes past the second: were they taken for one another, one bad
item would keep all behind it waiting, or an outage would cost good ones.
"""

from __future__ import annotations

import errno

import psycopg
from django.db import Error, InterfaceError, OperationalError

OF_THE_SERVER = ("08", "53", "57P", "58", "25006")
"""How the codes begin (SQLSTATE; PostgreSQL, Appendix A) that are about the server: not reached, no room, shutting
down, its disk, read only."""
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where nothing more can be written."""
OF_THE_VALUE = "54"
"""Something is too large or too deep for the database, which Django takes for an outage (OperationalError)."""


def _state(problem: BaseException) -> str | None:
    cause = problem.__cause__ if isinstance(problem, Error) else problem
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def disk_is_full(problem: BaseException | None) -> bool:
    """Whether the city's own disk, or its share of one, has no room."""
    return isinstance(problem, OSError) and problem.errno in OF_THE_DISK


def is_outage(problem: BaseException) -> bool:
    """Whether the database is away, or nothing can be kept just now: whatever it was asked, it would have said so."""
    if disk_is_full(problem):
        return True
    state = _state(problem)
    if state:
        return state.startswith(OF_THE_SERVER)
    # Without a code nobody answered: the connection broke, or there was none.
    kinds = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    return isinstance(problem, kinds)


def too_much(problem: BaseException) -> bool:
    """Whether a value was too large or too deep for the database: given again, it would be refused again."""
    return (_state(problem) or "").startswith(OF_THE_VALUE)
