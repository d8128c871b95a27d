"""Where vehicles were: thinned, kept by day, published as Parquet, forgotten in time, never of a school bus."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db import connection, transaction
from django.test import Client

from cityhall.kernel.journal.models import Entry
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import days
from cityhall.services.transit.models import StopCall
from cityhall.services.transit.realtime import archive, history

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)
DAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def forget_what_was_kept(db: None, settings: Any, tmp_path: Path) -> Any:
    settings.MEDIA_ROOT = tmp_path
    history._kept.clear()
    history._made.clear()
    yield
    history._kept.clear()
    history._made.clear()


def state(name: str, at: datetime, kind: str = "bus", **more: Any) -> dict[str, Any]:
    vehicle, _ = Vehicle.objects.get_or_create(public_id=name, defaults={"kind": kind})
    fields = dict.fromkeys(history.COLUMNS) | {"lon": -51.2, "lat": -30.0, "accuracy_m": 2.0, "fix_class": 4}
    fields |= {"status": "on_route", "route": "R1", "direction": 0, "trip": "", "at_stop": False}
    return fields | {"vehicle": vehicle, "at": at.timestamp()} | more


def keep(*states: dict[str, Any]) -> int:
    vehicles = [state["vehicle"] for state in states]
    return history.keep(vehicles, {name: [state[name] for state in states] for name in history.COLUMNS})


def rows() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT vehicle, at FROM {history.TABLE} ORDER BY vehicle, at")
        return cursor.fetchall()


def test_a_row_every_ten_seconds_and_at_every_change() -> None:
    for second in range(30):
        keep(state("7", NOON + timedelta(seconds=second), trip="a" if second < 25 else "b"))
    assert [(at - NOON).total_seconds() for _name, at in rows()] == [0, 10, 20, 25]
    assert keep(state("7", NOON - timedelta(hours=1), trip="b")) == 1, "a clock set back keeps nobody out"


def test_a_school_bus_leaves_no_trace() -> None:
    assert keep(state("s", NOON, kind="school"), state("7", NOON)) == 1
    assert [name for name, _at in rows()] == ["7"]


def test_days_are_the_citys(settings: Any) -> None:
    # Whoever kept real positions before has left a day of its own: it is a table, and no row.
    before = set(history.kept_days())
    midnight = datetime(2026, 11, 21, 3, tzinfo=UTC)
    keep(state("7", midnight - timedelta(minutes=1)), state("8", midnight))
    assert [day for day in history.kept_days() if day not in before] == [DAY, DAY + timedelta(days=1)]


@pytest.mark.django_db(transaction=True)
def test_a_day_that_was_rolled_back_is_made_again() -> None:
    try:
        with transaction.atomic():
            keep(state("7", NOON))
            raise RuntimeError
    except RuntimeError:
        pass
    assert keep(state("8", NOON)) == 1
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {history.TABLE}_20261120")


def call(sequence: int, vehicle: str = "7", day: date = DAY) -> None:
    at = NOON + timedelta(minutes=sequence)
    StopCall.objects.create(
        service_day=day,
        trip="out4",
        sequence=sequence,
        stop="square",
        route="R1",
        vehicle=vehicle,
        arrived_at=at,
        scheduled_arrival=at,
        scheduled_departure=at,
    )


def test_a_day_as_files_that_explain_themselves(client: Client, settings: Any) -> None:
    for number in range(3):
        keep(state("7", NOON + timedelta(seconds=20 * number), delay_s=-5), state("8", NOON))
    call(0)
    Vehicle.objects.create(public_id="s", kind="school")
    call(1, vehicle="s")
    archive.run()
    assert [file.name for file in archive.files()] == ["stop_calls-2026-11-20.parquet", "positions-2026-11-20.parquet"]
    table = pq.read_table(archive.find("positions-2026-11-20.parquet"))
    assert table.column("vehicle").to_pylist() == ["7", "7", "7", "8"]
    assert table.column("delay_s").to_pylist() == [-5, -5, -5, None]
    assert table.column("at")[0].as_py() == NOON and table.column("bearing")[0].as_py() is None
    about = {name.decode(): value.decode() for name, value in table.schema.metadata.items()}
    assert about["city"] == "Testville" and about["licence"] == "CC-BY-4.0" and about["timezone"] == settings.TIME_ZONE
    assert all(field.metadata[b"description"] for field in table.schema)
    calls = pq.read_table(archive.find("stop_calls-2026-11-20.parquet"))
    assert calls.column("sequence").to_pylist() == [0] and calls.column("departed_at").to_pylist() == [None]
    listed = client.get("/transit/history.json").json()
    assert [one["name"] for one in listed["files"]] == [file.name for file in archive.files()]
    assert {column["name"] for column in listed["schemas"]["positions"]} == set(table.schema.names)
    page = client.get("/transit/history/").content.decode()
    assert "positions-2026-11-20.parquet" in page
    whole = b"".join(client.get("/transit/history/positions-2026-11-20.parquet").streaming_content)  # type: ignore[arg-type]
    assert pq.read_table(io.BytesIO(whole)).num_rows == 4
    part = client.get("/transit/history/positions-2026-11-20.parquet", headers={"Range": "bytes=-4"})
    assert part.status_code == 206 and part.content == b"PAR1"
    assert client.get("/transit/history/positions-2026-11-21.parquet").status_code == 404
    assert client.get("/transit/history/..%2f..%2fcity.toml").status_code == 404
    archive.run()
    assert Entry.objects.filter(type="transit.history.written").count() == 2, "a day is written once"


def test_a_day_that_is_not_over_is_not_written() -> None:
    now = datetime.now(UTC)
    keep(state("7", now))
    call(0, day=days.today())
    archive.run()
    assert archive.files() == []


def test_raw_rows_go_when_they_are_old_and_published() -> None:
    long_ago = datetime.now(UTC) - timedelta(days=history.RAW_DAYS + 3)
    keep(state("7", long_ago))
    assert history.forget(set()) == [], "nothing is lost before it is published"
    archive.run()
    assert long_ago.astimezone(None).date() not in history.kept_days()
    assert days.today() + timedelta(days=1) in history.kept_days(), "there is room for tomorrow"
    assert len(archive.files()) == 1
