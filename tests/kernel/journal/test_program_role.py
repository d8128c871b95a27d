"""The role that the program runs as: it does all that a city does, and cannot touch what must stay as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection, transaction
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, RestrictViolation

from cityhall.kernel import program_role
from cityhall.kernel.database import psycopg_url
from cityhall.kernel.journal import append, verify_all
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.journal.sealer import seal_all
from tests.conftest import speak_as_owner, speak_as_program

pytestmark = pytest.mark.django_db(transaction=True)
Speaking = psycopg.Connection[Any]


@pytest.fixture
def owner() -> Iterator[Speaking]:
    with psycopg.connect(psycopg_url(connection.settings_dict), autocommit=True) as speaking:
        yield speaking


@pytest.fixture
def program(owner: Speaking) -> Iterator[Speaking]:
    """A connection as the program's role; Django's own speaks as it too, until the test is over."""
    speak_as_program()
    try:
        with psycopg.connect(psycopg_url(connection.settings_dict), autocommit=True) as speaking:
            yield speaking
    finally:
        speak_as_owner()


def note() -> None:
    with transaction.atomic():
        append("test", "test.happened", {"number": 1}, subject="thing:1", actor="system:test")


def held(owner: Speaking, role: str, table: str) -> set[str]:
    """What a role may do with a table, by the server's own list of rights."""
    rows = owner.execute(
        "SELECT privilege_type FROM information_schema.table_privileges WHERE grantee = %s AND table_name = %s",
        [role, table],
    )
    return {row[0] for row in rows.fetchall()}


REFUSED = (
    "UPDATE journal_entry SET data = '{}'",
    "UPDATE journal_entry SET actor = 'person:1'",
    "UPDATE journal_entry SET position = 1, time = now()",
    "DELETE FROM journal_entry",
    "TRUNCATE journal_entry",
    "TRUNCATE journal_entry CASCADE",
    "ALTER TABLE journal_entry DISABLE TRIGGER ALL",
    "ALTER TABLE journal_entry DISABLE TRIGGER journal_no_change",
    "ALTER TABLE journal_entry DROP COLUMN data",
    "ALTER TABLE journal_entry OWNER TO CURRENT_USER",
    "ALTER TABLE people_person ADD COLUMN more text",
    "DROP TRIGGER journal_no_change ON journal_entry",
    "DROP TABLE journal_entry",
    "DROP FUNCTION journal_protect() CASCADE",
    "CREATE RULE none AS ON INSERT TO journal_entry DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON journal_entry EXECUTE FUNCTION journal_protect()",
    "CREATE OR REPLACE FUNCTION journal_protect() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE mine (number int)",
    "CREATE ROLE mine",
    "SET session_replication_role = replica",
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION {owner}",
    "GRANT ALL ON journal_entry TO CURRENT_USER; DELETE FROM journal_entry",
    "GRANT {owner} TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "COPY journal_entry TO PROGRAM 'cat'",
    "DELETE FROM django_migrations",
    "SELECT transit_history_drop('2000-01-01'); DELETE FROM journal_entry",
)


def test_what_the_program_may_not_do(program: Speaking, owner: Speaking) -> None:
    note()
    before = owner.execute("SELECT count(*), max(data::text) FROM journal_entry").fetchone()
    name = sql.Identifier(owner.info.user).as_string(owner)
    program.execute("SELECT transit_history_begin('2000-01-01')")
    for statement in REFUSED:
        with pytest.raises(InsufficientPrivilege):
            program.execute(statement.replace("{owner}", name))
            pytest.fail(f"not refused: {statement}")
        assert owner.execute("SELECT count(*), max(data::text) FROM journal_entry").fetchone() == before, statement
    program.execute("SELECT transit_history_drop('2000-01-01')")
    assert owner.execute("SELECT to_regclass('transit_positionhistory_20000101')").fetchone() == (None,)


def test_an_entry_is_sealed_once(program: Speaking) -> None:
    note()
    assert seal_all() >= 1, "the sealer may fill in what it is there for"
    assert Entry.objects.filter(position=None).count() == 0
    assert verify_all() == []
    with pytest.raises(RestrictViolation):
        program.execute("UPDATE journal_entry SET position = position + 100")


def test_each_table_has_the_rights_that_are_declared(program: Speaking, owner: Speaking) -> None:
    role = program.info.user
    tables = {model._meta.db_table for model in apps.get_models() if not model._meta.proxy}
    assert len(tables) > 60
    views = {row[0] for row in owner.execute("SELECT viewname FROM pg_views WHERE schemaname = current_schema()")}
    only = set(program_role.append_only())
    assert "journal_entry" in only
    for table in sorted(tables - views):
        expected = {"SELECT", "INSERT"} if table in only else {"SELECT", "INSERT", "UPDATE", "DELETE"}
        assert held(owner, role, table) == ({"SELECT"} if table == "django_migrations" else expected), table
    assert views and all(held(owner, role, view) == {"SELECT"} for view in views)
    fills = owner.execute(
        "SELECT column_name FROM information_schema.column_privileges WHERE grantee = %s AND privilege_type = 'UPDATE' "
        "AND table_name = 'journal_entry'",
        [role],
    )
    assert {row[0] for row in fills} == {"sequence", "position", "hash"}


def test_what_was_given_by_mistake_is_taken_back(program: Speaking, owner: Speaking) -> None:
    role = sql.Identifier(program.info.user)
    owner.execute(sql.SQL("GRANT DELETE ON journal_entry TO {}").format(role))
    owner.execute(sql.SQL("GRANT UPDATE (data) ON journal_entry TO {}").format(role))
    owner.execute(sql.SQL("REVOKE DELETE ON people_person FROM {}").format(role))
    speak_as_owner()
    assert [what for what, _mend in program_role.faults()]
    program_role.settle()
    assert list(program_role.faults()) == []
    for statement in ("DELETE FROM journal_entry", "UPDATE journal_entry SET data = '{}'"):
        with pytest.raises(InsufficientPrivilege):
            program.execute(statement)
    program.execute("DELETE FROM people_person WHERE false")


def test_a_table_of_a_later_migration(program: Speaking, owner: Speaking) -> None:
    owner.execute("CREATE TABLE later (id serial PRIMARY KEY, word text)")
    try:
        program.execute("INSERT INTO later (word) VALUES ('one')")
        assert program.execute("SELECT word FROM later").fetchall() == [("one",)]
        with pytest.raises(InsufficientPrivilege):
            program.execute("UPDATE later SET word = 'two'")
        speak_as_owner()
        program_role.settle()
        program.execute("UPDATE later SET word = 'two'")
    finally:
        owner.execute("DROP TABLE later")


def test_what_else_a_city_does_with_its_database(program: Speaking) -> None:
    program.execute("CREATE TEMP TABLE mine (number int)")
    program.execute("LISTEN something")
    program.execute("NOTIFY something, 'heard'")
    assert [notice.payload for notice in program.notifies(timeout=5, stop_after=1)] == ["heard"]
    with program.transaction():
        program.execute("SELECT pg_advisory_xact_lock(1)")
        with program.cursor().copy("COPY devices_device TO STDOUT") as copy:
            assert list(copy) == []
        # As a backup reads: every table and sequence, in one snapshot.
        found = program.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'S') "
            "AND relnamespace = current_schema()::regnamespace"
        )
        for (name,) in found.fetchall():
            program.execute(f"SELECT 1 FROM {name} LIMIT 1")


def test_it_is_made_once_and_no_other_role_is_taken(owner: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    role = "somebody_elses_app"
    owner.execute("DROP ROLE IF EXISTS somebody_elses_app")
    owner.execute("CREATE ROLE somebody_elses_app LOGIN")
    try:
        assert not program_role.make(owner, role, "a word"), "a role that was not made here is left as it is"
        owner.execute("DROP ROLE somebody_elses_app")
        assert program_role.make(owner, role, "a word") and program_role.make(owner, role, "another word")
    finally:
        owner.execute("DROP ROLE somebody_elses_app")
    monkeypatch.setenv(program_role.PROGRAM, "postgresql://nobody_at_all@/cityhall")
    with pytest.raises(ValueError, match="nobody_at_all"):
        program_role.settle()


def test_a_city_whose_owner_may_make_no_role_is_told_what_to_run(program: Speaking) -> None:
    assert not program_role.make(program, "one_more", "a word"), "who may make no role makes none"
    speak_as_owner()
    ((what, mend),) = program_role.faults()
    assert "owner" in what and f'CREATE ROLE "{program.info.user}" LOGIN' in mend and program_role.PROGRAM in mend


def test_a_part_of_the_city_does_not_learn_the_owners_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(program_role.PROGRAM, "postgresql://app@/cityhall")
    # What is forgotten here is known again to the tests that follow.
    monkeypatch.setenv(program_role.OWNER, os.environ[program_role.OWNER])
    given = program_role.for_children()
    assert given["DATABASE_URL"] == given["DATABASE_APP_URL"] == "postgresql://app@/cityhall"
    program_role.forget_owner()
    assert os.environ["DATABASE_URL"] == "postgresql://app@/cityhall"
