"""Who gets it where many want it at one moment, and how long it takes to see what is free.

A server of its own, durable (fsync on). Beside ours, in the same run, the way of LibreBooking before its issue 147:
look whether it is free, then insert, with nothing in the database that refuses. A client is a thread; ours and the
peer's share as many connections (POOL). Clients wait for one another before they begin.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

POOL = 8
CLIENTS = 500
RESOURCES = 200
BOOKINGS = 200_000
DAY = datetime(2040, 1, 2, tzinfo=UTC)
"""A Monday."""
HOUR = timedelta(hours=1)
PEER = """
CREATE TABLE peer_booking (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, resource bigint NOT NULL,
    begins timestamptz NOT NULL, ends timestamptz NOT NULL, who bigint NOT NULL);
CREATE INDEX ON peer_booking (resource, begins);
"""
FILL = """
WITH made AS (
    INSERT INTO bookings_booking (key, state, begin, "end", note, reason, about, made_at, changed_at, free_until, late,
        fee_due, sequence)
    SELECT gen_random_uuid(), 'confirmed', at, at + interval '2 hours', '', '', unit::text, now(), now(), at, 'refuse',
        false, 0
    FROM (SELECT unit.id AS unit, %(day)s + n / 3 * interval '1 day' + (8 + n %% 3 * 4) * interval '1 hour' AS at
        FROM bookings_unit AS unit CROSS JOIN generate_series(0, %(each)s - 1) AS n
        WHERE unit.resource_id = ANY (%(resources)s)) AS wanted
    RETURNING id, about::bigint AS unit, begin, "end"
), parts AS (
    INSERT INTO bookings_part (booking_id, resource_id, seats, begins, ends, asked, live)
    SELECT made.id, unit.resource_id, 1, extract(epoch FROM made.begin), extract(epoch FROM made."end"), true, true
    FROM made JOIN bookings_unit AS unit ON unit.id = made.unit RETURNING id, booking_id, begins, ends
)
INSERT INTO bookings_taken (part_id, unit_id, begins, ends)
SELECT parts.id, made.unit, parts.begins, parts.ends FROM parts JOIN made ON made.id = parts.booking_id
"""


def run(
    clients: int = CLIENTS,
    resources: int = RESOURCES,
    bookings: int = BOOKINGS,
    seconds: float = 4.0,
    rounds: int = 20,
    pairs: int = 50,
) -> dict[str, Any]:
    """What `cityhall bench bookings --help` says. Raises OSError where no server starts."""
    with _city():
        race, seats = _race(clients, 1), _race(clients, 8)
        rates = {"ours_per_s": _rate(_ours(), seconds), "peer_per_s": _rate(_peers(), seconds)}
        return {
            "race": race,
            "seats": {"seats": 8} | seats,
            "peer": {"way": "check, then insert, no constraint"} | _doubles(clients, rounds),
            "rate": rates | {"ours_to_peer": round(rates["ours_per_s"] / rates["peer_per_s"], 3)},
            "approvals": _approvals(pairs),
            "availability": _availability(resources, bookings),
        }


@contextmanager
def _city() -> Iterator[None]:
    """A city without services, with the peer's table."""
    import tempfile

    from cityhall.kernel.database import database
    from cityhall.running.loading import migrate, prepare_django

    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder:
        city = Path(folder) / "bench"
        city.mkdir()
        (city / "city.toml").write_text(
            'name = "Bench"\nslug = "bench"\ntimezone = "UTC"\nlanguages = ["en"]\ncurrency = "XXX"\nservices = []\n'
            "[map]\ncenter = [0.0, 0.0]\nbounds = [-1.0, -1.0, 1.0, 1.0]\n"
        )
        with database(city):
            prepare_django(city)
            migrate(lambda what, share: None)
            from django.conf import settings
            from django.db import connection

            from cityhall.kernel.program_role import as_owner

            # Those who wait for a connection wait as long as it takes: it is the outcome that is looked at.
            settings.DATABASES["default"]["OPTIONS"]["pool"] |= {"max_size": POOL, "timeout": 120}
            with as_owner():
                connection.close()
                connection.close_pool()  # type: ignore[attr-defined]
                with connection.cursor() as cursor:
                    cursor.execute(PEER)
                yield
                connection.close()


def _at_once(work: list[Callable[[], Any]]) -> Counter[str]:
    """Does all of it at one moment; counts "yes", the codes of refusals, and "error" for what broke."""
    from django.db import connection

    from cityhall.kernel.errors import CityhallError

    found: list[str] = []
    ready = threading.Barrier(len(work))

    def one(action: Callable[[], Any]) -> None:
        ready.wait()
        try:
            action()
            found.append("yes")
        except CityhallError as refusal:
            found.append(refusal.code)
        except Exception:
            found.append("error")
        finally:
            connection.close()

    connection.close()
    threads = [threading.Thread(target=one, args=(action,), daemon=True) for action in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(found)


def _room(key: str, **rules: Any) -> Any:
    from cityhall.kernel.bookings.resources import keep_resource
    from cityhall.kernel.people.actors import system

    return keep_resource(system("bench"), key, owner="bench", name=key, always_open=True, **rules)


def _book(room: Any, begin: datetime, end: datetime) -> Any:
    from cityhall.kernel.bookings.actions import book
    from cityhall.kernel.people.actors import system

    return book([room], begin, end, who=None, key=uuid4(), actor=system("bench"))


def _race(clients: int, seats: int) -> dict[str, int]:
    """All of them want one seat of the same hour."""
    room = _room(f"race-{seats}", capacity=seats)
    found = _at_once([lambda: _book(room, DAY, DAY + HOUR)] * clients)
    return {
        "clients": clients,
        "yes": found["yes"],
        "refused": sum(count for what, count in found.items() if what not in ("yes", "error")),
        "errors": found["error"],
    }


def _peer_books(resource: int, begin: datetime, end: datetime) -> bool:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as peer:
        peer.execute(
            "SELECT count(*) FROM peer_booking WHERE resource = %s AND begins < %s AND ends > %s",
            [resource, end, begin],
        )
        if peer.fetchone()[0]:
            return False
        peer.execute(
            "INSERT INTO peer_booking (resource, begins, ends, who) VALUES (%s, %s, %s, 1)", [resource, begin, end]
        )
    return True


def _doubles(clients: int, rounds: int) -> dict[str, int]:
    """The same race, of the peer, several times: how many were told yes, and how many too many."""
    yes = 0
    for number in range(rounds):
        said: list[bool] = []
        _at_once(
            [lambda number=number, said=said: said.append(_peer_books(-number, DAY, DAY + HOUR))] * clients  # type: ignore[misc]
        )
        yes += sum(said)
    return {"clients": clients, "races": rounds, "yes": yes, "doubles": yes - rounds}


def _ours() -> Callable[[int, int], Any]:
    rooms = [_room(f"rate-{number}") for number in range(POOL)]
    return lambda client, step: _book(rooms[client], DAY + step * HOUR, DAY + (step + 1) * HOUR)


def _peers() -> Callable[[int, int], Any]:
    return lambda client, step: _peer_books(client + 1, DAY + step * HOUR, DAY + (step + 1) * HOUR)


def _rate(once: Callable[[int, int], Any], seconds: float) -> float:
    """Bookings a second of POOL clients who are in nobody's way, each in its own room."""
    counts = [0] * POOL
    until = time.perf_counter() + seconds

    def client(number: int) -> None:
        while time.perf_counter() < until:
            once(number, counts[number])
            counts[number] += 1

    _at_once([lambda number=number: client(number) for number in range(POOL)])  # type: ignore[misc]
    return round(sum(counts) / seconds, 1)


def _approvals(pairs: int) -> dict[str, int]:
    """Two officers approve two requests for the same hour at once, so many times."""
    from cityhall.kernel.bookings.actions import approve
    from cityhall.kernel.people.actors import system

    room = _room("approvals", approval="compete")
    found: Counter[str] = Counter()
    for number in range(pairs):
        begin = DAY + number * HOUR
        two = [_book(room, begin, begin + HOUR) for _one in range(2)]
        said = _at_once([lambda one=one: approve(one, system("bench")) for one in two])  # type: ignore[misc]
        found["errors" if said["error"] else "one_won" if said["yes"] == 1 else "other"] += 1
    return {"pairs": pairs, "one_won": found["one_won"], "other": found["other"], "errors": found["errors"]}


def _availability(resources: int, bookings: int) -> dict[str, Any]:
    """A week of all of them, among a year's bookings; calendars are read and reckoned anew each time."""
    from django.db import connection

    from cityhall.kernel.bookings import calendars, queries
    from cityhall.kernel.bookings.models import Resource
    from cityhall.kernel.bookings.resources import Open

    hours = [Open(day, 8 * 60, 20 * 60) for day in range(7)]
    rooms = [
        Resource.objects.get(pk=_room(f"free-{number}", hours=hours, before_min=15).pk) for number in range(resources)
    ]
    Resource.objects.filter(pk__in=[one.pk for one in rooms]).update(always_open=False)
    rooms = list(Resource.objects.filter(pk__in=[one.pk for one in rooms]))
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"day": DAY, "each": bookings // resources, "resources": [one.pk for one in rooms]})
        cursor.execute("ANALYZE")
        cursor.execute("SELECT count(*) FROM bookings_booking WHERE about <> ''")
        made = cursor.fetchone()[0]
    took, found = [], 0
    for number in range(60):
        monday = DAY + timedelta(days=7 * (number % 40))
        calendars.forget()
        began = time.perf_counter()
        found = sum(map(len, queries.free(rooms, monday, monday + timedelta(days=7)).values()))
        took.append((time.perf_counter() - began) * 1e3)
    return {
        "resources": len(rooms),
        "bookings": made,
        "intervals": found,
        "ms_p50": round(float(np.percentile(took, 50)), 1),
        "ms_p99": round(float(np.percentile(took, 99)), 1),
    }
