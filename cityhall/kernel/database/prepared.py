"""Statements that the server keeps ready, for what is asked so often that reading and planning it anew would count.

Django writes each value into the statement's text, so that the server never sees the same one twice. Here it sees the
text once for each connection, and then only values (PostgreSQL 18, 54.2.3, "Extended Query").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections


def asked(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, in the transaction that Django's connection is in. Raises Django's database errors."""
    # Looked up once: `django.db.connection` looks for the thread's own at every word.
    mine = connections[DEFAULT_DB_ALIAS]
    mine.close_if_health_check_failed()
    mine.ensure_connection()
    mine.validate_no_broken_transaction()
    with mine.wrap_database_errors:
        return psycopg.Cursor(mine.connection).execute(statement, values, prepare=True).fetchall()
