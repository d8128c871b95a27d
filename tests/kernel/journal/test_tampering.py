"""What was written stays: the database refuses to change it, and who forces the database is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from cityhall.kernel.journal import append, verify_all
from cityhall.kernel.journal.sealer import seal_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def five() -> None:
    """Five sealed events of a stream, and one of another."""
    for number in range(5):
        with transaction.atomic():
            append("money", "test.paid", {"cents": 100 + number})
    with transaction.atomic():
        append("other", "test.paid", {"cents": 1})
    seal_all()
    assert verify_all() == []


def sql(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def forced(text: str) -> None:
    """As the owner of the database could."""
    sql("ALTER TABLE journal_entry DISABLE TRIGGER USER")
    sql(text)
    sql("ALTER TABLE journal_entry ENABLE TRIGGER USER")
    sql("ALTER TABLE journal_entry DISABLE TRIGGER journal_no_truncate")


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE journal_entry SET data = '{"cents": 0}' WHERE sequence = 2""",
        "UPDATE journal_entry SET hash = NULL, position = NULL, sequence = NULL WHERE sequence = 2",
        "DELETE FROM journal_entry WHERE sequence = 2",
        "DELETE FROM journal_entry",
    ],
)
def test_the_database_refuses(five: None, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        sql(statement)
    assert verify_all() == []


def test_the_database_refuses_to_empty_it(five: None) -> None:
    sql("ALTER TABLE journal_entry ENABLE TRIGGER journal_no_truncate")
    try:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            sql("TRUNCATE journal_entry")
    finally:
        sql("ALTER TABLE journal_entry DISABLE TRIGGER journal_no_truncate")


def test_what_waits_to_be_sealed_cannot_be_changed_either() -> None:
    with transaction.atomic():
        append("money", "test.paid", {"cents": 100})
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("""UPDATE journal_entry SET data = '{"cents": 0}'""")
    seal_all()
    assert verify_all() == []


SWAP = """
UPDATE journal_entry SET sequence = -1, position = -1 WHERE stream = 'money' AND sequence = 2;
UPDATE journal_entry SET sequence = 2, position = 2 WHERE stream = 'money' AND sequence = 3;
UPDATE journal_entry SET sequence = 3, position = 3 WHERE stream = 'money' AND sequence = -1
"""


@pytest.mark.parametrize(
    ("deed", "places"),
    [
        ("""UPDATE journal_entry SET data = '{"cents": 0}' WHERE stream = 'money' AND sequence = 2""", [2]),
        ("UPDATE journal_entry SET actor = 'x' WHERE stream = 'money' AND sequence = 5", [5]),
        ("UPDATE journal_entry SET time = time + interval '1 us' WHERE stream = 'money' AND sequence = 1", [1]),
        ("DELETE FROM journal_entry WHERE stream = 'money' AND sequence = 3", [3]),
        ("DELETE FROM journal_entry WHERE stream = 'money' AND sequence >= 4", [4, 5]),
        (SWAP, [2, 3, 4]),
        ("DELETE FROM journal_head WHERE stream = 'money'", [5]),
    ],
)
def test_verify_names_what_was_done(five: None, deed: str, places: list[int]) -> None:
    forced(deed)
    faults = verify_all()
    # What is said of all streams together (stream "") comes on top, where places are empty or exchanged.
    of_streams = [(fault.stream, fault.sequence) for fault in faults if fault.stream]
    assert of_streams == [("money", place) for place in places]
    assert all(str(fault) for fault in faults)


def test_an_event_put_in_is_found(five: None) -> None:
    forced(
        """
        UPDATE journal_entry SET sequence = 6, position = 100 WHERE stream = 'money' AND sequence = 5;
        INSERT INTO journal_entry (id, stream, type, source, subject, actor, time, data, transaction,
                                   sequence, position, hash)
        SELECT gen_random_uuid(), stream, type, source, subject, actor, time, data, transaction, 5, 101, hash
        FROM journal_entry WHERE stream = 'money' AND sequence = 4
        """
    )
    assert {fault.sequence for fault in verify_all()} >= {5}


def test_the_command_says_it(five: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    from typer.testing import CliRunner

    from cityhall import cli
    from cityhall.commands import journal

    monkeypatch.setattr(journal, "opened", lambda data, city: nullcontext())
    run: Callable[[], object] = lambda: CliRunner().invoke(cli.app, ["journal", "verify"])  # noqa: E731
    good = run()
    assert good.exit_code == 0 and "unchanged" in good.output  # type: ignore[attr-defined]
    forced("DELETE FROM journal_entry WHERE stream = 'money' AND sequence = 3")
    bad = run()
    assert bad.exit_code == 1 and "money" in bad.output and "removed" in bad.output  # type: ignore[attr-defined]
