"""As the role that a city's program runs as: it posts, and cannot touch what is in the books."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.posting import post, post_many
from tests.conftest import speak_as_owner, speak_as_program
from tests.kernel.ledger.test_posting import account, has, pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def as_program() -> Iterator[None]:
    speak_as_program()
    try:
        yield
    finally:
        speak_as_owner()


def test_the_program_posts_and_changes_nothing_that_is_posted(as_program: None) -> None:
    cash, wallet = account("cash", "asset"), account("wallet", floor=0)
    assert post(pay(cash, wallet, 250)).is_posted
    assert post_many([pay(cash, wallet, 1), pay(wallet, cash, 51)])[1].is_posted
    for table in ("ledger_entry", "ledger_posting", "ledger_use"):
        for statement in (
            f"UPDATE {table} SET id = id" if table != "ledger_posting" else f"UPDATE {table} SET kind = 'x'",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        ):
            with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
            assert isinstance(refused.value.__cause__, InsufficientPrivilege), statement
    assert has(wallet) == 200 and queries.faults() == []
