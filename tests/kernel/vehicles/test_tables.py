"""The tables that were the buses' own: kept with their rows where they are, made where they are not, in any order."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TABLES = ("vehicle", "receiver", "fixinbox", "vehiclestate", "basestation", "stationstate", "driving")
BEFORE = ("transit", "0006_corrections")
LOOK = """
SELECT relname, relpersistence::text, array(SELECT attname || ' ' || format_type(atttypid, atttypmod) || attnotnull
        FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attname),
    array(SELECT replace(pg_get_indexdef(indexrelid), relnamespace::regnamespace || '.', '')
        FROM pg_index WHERE indrelid = pg_class.oid ORDER BY 1),
    array(SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = pg_class.oid ORDER BY 1)
FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s) ORDER BY relname
"""


@pytest.fixture
def empty() -> None:
    """A database without any table, as far as this test sees."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA anew")
        cursor.execute("SET LOCAL search_path TO anew")


def migrate(*targets: tuple[str, str]) -> None:
    for target in targets:
        executor = MigrationExecutor(connection)
        if target[1]:
            executor.migrate([target])
        else:
            executor.migrate(executor.loader.graph.leaf_nodes(target[0]))


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def rows(statement: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def tables() -> list[tuple[object, ...]]:
    return rows(LOOK, [f"transit_{table}" for table in TABLES])


def test_the_order_in_which_the_rooms_come_changes_nothing(empty: None) -> None:
    migrate(("transit", ""))
    both = tables()
    assert len(both) == len(TABLES)
    for schema, order in (("older", [BEFORE, ("vehicles", ""), ("transit", "")]), ("alone", [("vehicles", "")])):
        run(f"CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}")
        migrate(*order)
        assert tables() == both, schema


def test_an_older_citys_vehicles_stay_as_they_are(empty: None) -> None:
    migrate(BEFORE)
    run("INSERT INTO transit_vehicle (public_id, label, kind, enabled) VALUES ('S1', 'old', 'school', true)")
    run("INSERT INTO django_content_type (app_label, model) VALUES ('transit', 'vehicle'), ('transit', 'stop')")
    migrate(("transit", ""), ("vehicles", ""))
    assert rows("SELECT public_id, label, kind, enabled FROM transit_vehicle") == [("S1", "old", "school", True)]
    named = "SELECT app_label, model FROM django_content_type ORDER BY 1, 2"
    assert rows(named) == [("transit", "stop"), ("vehicles", "vehicle")]
    migrate(BEFORE)
    assert rows("SELECT public_id FROM transit_vehicle") == [("S1",)]
    assert rows(named) == [("transit", "stop"), ("transit", "vehicle")]
