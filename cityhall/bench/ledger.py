"""Postings a second: ours one by one and batched, beside row locks in bare SQL, and django-hordak if installed.

A server of its own, durable (fsync on). Accounts are drawn by Zipf's law (exponent 1.0) over 100,000, as tb-perf does,
or one side is always one hot account. A client of `single` waits for each posting before the next; of `batched` it has
IN_FLIGHT on their way. Failures are what was refused or broke; retries are not made.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

ACCOUNTS = 100_000
IN_FLIGHT = 32
PROCESSES = 4
"""That the clients are shared among; each process has a thread for each of its clients."""
CLIENTS = (1, 8, 32)
PEER = """
CREATE TABLE peer_account (id bigint PRIMARY KEY, balance numeric NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0, changed_at timestamptz);
CREATE TABLE peer_transfer (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    from_id bigint NOT NULL REFERENCES peer_account, to_id bigint NOT NULL REFERENCES peer_account,
    amount numeric NOT NULL, made_at timestamptz NOT NULL);
CREATE INDEX ON peer_transfer (from_id); CREATE INDEX ON peer_transfer (to_id); CREATE INDEX ON peer_transfer (made_at);
CREATE TABLE peer_entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id uuid NOT NULL REFERENCES peer_transfer, account_id bigint NOT NULL REFERENCES peer_account,
    amount numeric NOT NULL, balance_before numeric NOT NULL, balance_after numeric NOT NULL, version bigint NOT NULL,
    made_at timestamptz NOT NULL);
CREATE INDEX ON peer_entry (account_id); CREATE INDEX ON peer_entry (transfer_id);
CREATE FUNCTION peer_move(a bigint, b bigint, amount numeric) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE moved uuid; stamp timestamptz := now(); one peer_account; other peer_account;
BEGIN
    PERFORM 1 FROM peer_account WHERE id = least(a, b) FOR UPDATE;
    PERFORM 1 FROM peer_account WHERE id = greatest(a, b) FOR UPDATE;
    INSERT INTO peer_transfer (from_id, to_id, amount, made_at) VALUES (a, b, amount, stamp) RETURNING id INTO moved;
    UPDATE peer_account SET balance = balance - amount, version = version + 1, changed_at = stamp WHERE id = a
        RETURNING * INTO one;
    UPDATE peer_account SET balance = balance + amount, version = version + 1, changed_at = stamp WHERE id = b
        RETURNING * INTO other;
    INSERT INTO peer_entry (transfer_id, account_id, amount, balance_before, balance_after, version, made_at)
    VALUES (moved, a, -amount, one.balance + amount, one.balance, one.version, stamp),
        (moved, b, amount, other.balance - amount, other.balance, other.version, stamp);
    RETURN moved;
END $$;
"""
OURS = """
INSERT INTO ledger_account (key, kind, unit, posted, held, floor, debt, lots, opened_at)
SELECT 'bench:' || n, CASE WHEN n %% 2 = 0 THEN 'asset' ELSE 'liability' END, 'XXX', 0, 0, NULL, 0, false, now()
FROM generate_series(1, %s) AS n ORDER BY n RETURNING id
"""
Draw = Callable[[np.random.Generator], tuple[int, int]]


def run(seconds: float = 4.0, seed: int = 1, entries: int = 1_000_000) -> dict[str, Any]:
    """What `cityhall bench ledger --help` says; `seconds` of each run. Raises OSError where no server starts."""
    with _books() as (url, first):
        runs: list[dict[str, Any]] = []
        for hot in (False, True):
            draw = _draws(first, hot)
            for clients in CLIENTS:
                # Keys are drawn too, so each run has a seed of its own.
                for who in ("ours", "ours, journal", "row locks"):
                    seed += 1
                    runs.append(_single(who, url, clients, draw, seconds, seed) | {"accounts": _name(hot)})
                for who in ("ours", "ours, journal"):
                    seed += 1
                    runs.append(_batched(who, clients, draw, seconds, seed) | {"accounts": _name(hot)})
                if not hot:
                    runs.append(_hordak(url, clients, seconds, seed))
        return {"runs": runs, "ratios": _ratios(runs)} | _reading(first, entries)


def soak(minutes: float, share: float = 0.5, seed: int = 1) -> dict[str, Any]:
    """A hot account for so long, batched, at a `share` of the rate that it can: p99 of each minute, and its trend."""
    with _books() as (_url, first):
        draw = _draws(first, True)
        top = _batched("ours, journal", 32, draw, 5.0, seed)["per_s"]
        return _soak(draw, top * share, minutes * 60, seed)


def _name(hot: bool) -> str:
    return "one hot" if hot else "Zipf 1.0"


@contextmanager
def _books() -> Iterator[tuple[str, int]]:
    """A city without services, with ACCOUNTS accounts in its books: the server's address, the first's number."""
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

            from cityhall.kernel.database import psycopg_url
            from cityhall.kernel.program_role import as_owner

            with as_owner():
                with connection.cursor() as cursor:
                    cursor.execute(OURS, [ACCOUNTS])
                    first = cursor.fetchone()[0]
                    cursor.execute(PEER)
                    cursor.execute(
                        "INSERT INTO peer_account (id) SELECT %s + n FROM generate_series(0, %s) n", [first, ACCOUNTS]
                    )
                    cursor.execute("ANALYZE")
                url = psycopg_url(settings.DATABASES["default"])
                connection.close()
                yield url, first


def _draws(first: int, hot: bool) -> Draw:
    """Pairs of accounts; the second is always the first of all where it is `hot`."""
    weights = 1 / np.arange(1, ACCOUNTS + 1)
    steps = np.cumsum(weights / weights.sum())

    def draw(rng: np.random.Generator) -> tuple[int, int]:
        one, other = np.searchsorted(steps, rng.random(2)).tolist()
        other = 0 if hot else other
        return first + (one if one != other else (one + 1) % ACCOUNTS), first + other

    return draw


def _movement(rng: np.random.Generator, draw: Draw) -> Any:
    from cityhall.kernel.ledger.books import transfer

    debit, credit = draw(rng)
    return transfer(
        UUID(bytes=rng.bytes(16)), "bench.moved", debit=debit, credit=credit, amount=int(rng.integers(1, 100))
    )


def _single(who: str, url: str, clients: int, draw: Draw, seconds: float, seed: int) -> dict[str, Any]:
    """Clients that each wait for one posting after the other, in processes of their own."""
    from django.db import connection

    # What is forked must not share a connection.
    connection.close()
    if connection.pool is not None:  # type: ignore[attr-defined]
        connection.close_pool()  # type: ignore[attr-defined]
    context = multiprocessing.get_context("fork")
    queue: Any = context.Queue()
    shares = [clients // PROCESSES + (place < clients % PROCESSES) for place in range(PROCESSES)]
    began = time.time() + 0.7
    processes = [
        context.Process(
            target=_work, args=(who, url, share, draw, began, seconds, seed * 1000 + place, queue), daemon=True
        )
        for place, share in enumerate(shares)
        if share
    ]
    for process in processes:
        process.start()
    found = [queue.get(timeout=seconds + 60) for _process in processes]
    for process in processes:
        process.join()
    took = np.concatenate([one for one, _failed in found])
    return _row(who, clients, "single", took, sum(failed for _took, failed in found), seconds)


def _row(who: str, clients: int, mode: str, took: np.ndarray, failed: int, seconds: float) -> dict[str, Any]:
    return {
        "who": who,
        "clients": clients,
        "mode": mode,
        "per_s": round(took.size / seconds, 1),
        "p99_ms": round(float(np.percentile(took, 99)) * 1e3, 2) if took.size else None,
        "failed_share": round(failed / max(1, took.size + failed), 5),
    }


def _work(who: str, url: str, clients: int, draw: Draw, began: float, seconds: float, seed: int, queue: Any) -> None:
    found: list[tuple[list[float], int]] = []
    threads = [
        threading.Thread(target=_client, args=(who, url, draw, began, seconds, seed * 100 + number, found))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put((np.array([one for took, _failed in found for one in took]), sum(failed for _took, failed in found)))


def _client(who: str, url: str, draw: Draw, began: float, seconds: float, seed: int, found: list[Any]) -> None:
    rng = np.random.default_rng(seed)
    took: list[float] = []
    failed = 0
    with _one_by_one(who, url, rng, draw) as once:
        time.sleep(max(0.0, began - time.time()))
        until = time.perf_counter() + seconds
        while (start := time.perf_counter()) < until:
            try:
                once()
                took.append(time.perf_counter() - start)
            except Exception:
                failed += 1
    found.append((took, failed))


@contextmanager
def _one_by_one(who: str, url: str, rng: np.random.Generator, draw: Draw) -> Iterator[Callable[[], Any]]:
    if who == "row locks":
        with psycopg.connect(url, autocommit=True) as peer:
            yield lambda: peer.execute("SELECT peer_move(%s, %s, %s)", [*draw(rng), int(rng.integers(1, 100))])
        return
    from django.db import connection

    from cityhall.kernel.ledger.posting import post, write

    try:
        if who == "ours":
            yield lambda: write([_movement(rng, draw)])
        else:
            yield lambda: post(_movement(rng, draw))
    finally:
        connection.close()


def _batched(who: str, clients: int, draw: Draw, seconds: float, seed: int) -> dict[str, Any]:
    """Clients of one process, each with IN_FLIGHT postings on their way, through its writer."""
    took: list[float] = []
    failed = 0
    rng = np.random.default_rng(seed)
    free = threading.Semaphore(clients * IN_FLIGHT)
    with _writer(who) as writer:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            free.acquire()

            def done(answer: Any, start: float = time.perf_counter()) -> None:
                nonlocal failed
                if answer.exception() is None and answer.result().is_posted:
                    took.append(time.perf_counter() - start)
                else:
                    failed += 1
                free.release()

            writer.hand_in(_movement(rng, draw)).add_done_callback(done)
        count = len(took)
        for _one in range(clients * IN_FLIGHT):
            free.acquire()
    row = _row(who, clients, "batched", np.array(took), failed, seconds)
    return row | {"per_s": round(count / seconds, 1)}


@contextmanager
def _writer(who: str) -> Iterator[Any]:
    from cityhall.kernel.ledger import posting
    from cityhall.kernel.ledger.writer import Writer

    told = posting._journal
    if who == "ours":
        posting._journal = lambda movements, actor: None
    try:
        yield Writer()
    finally:
        posting._journal = told


def _soak(draw: Draw, rate: float, seconds: float, seed: int) -> dict[str, Any]:
    """An open loop: latencies count from the moment at which each was to be handed in."""
    from cityhall.kernel.errors import Unavailable

    rng = np.random.default_rng(seed)
    minutes: dict[int, list[float]] = {}
    refused = failed = number = 0
    with _writer("ours, journal") as writer:
        began = time.perf_counter()
        while (now := time.perf_counter() - began) < seconds:
            planned = number / rate
            if planned > now:
                time.sleep(min(planned - now, 0.002))
                continue
            number += 1

            def done(answer: Any, planned: float = planned) -> None:
                nonlocal failed
                if answer.exception() is None and answer.result().is_posted:
                    minutes.setdefault(int(planned // 60), []).append(time.perf_counter() - began - planned)
                else:
                    failed += 1

            try:
                writer.hand_in(_movement(rng, draw)).add_done_callback(done)
            except Unavailable:
                refused += 1
        time.sleep(2.0)
    p99 = [round(float(np.percentile(minutes[minute], 99)) * 1e3, 2) for minute in sorted(minutes)]
    slope = float(np.polyfit(np.arange(len(p99)), p99, 1)[0]) if len(p99) > 2 else None
    everything = np.concatenate([np.array(one) for one in minutes.values()])
    return {
        "rate": round(rate, 1),
        "posted": int(everything.size),
        "refused": refused,
        "failed": failed,
        "p99_ms": round(float(np.percentile(everything, 99)) * 1e3, 2),
        "p99_ms_by_minute": p99,
        "slope_ms_a_minute": slope,
    }


def _hordak(url: str, clients: int, seconds: float, seed: int) -> dict[str, Any]:
    """The same of django-hordak, in a Django of its own; nothing where it is not installed."""
    none = {"who": "django-hordak", "clients": clients, "mode": "single", "accounts": _name(False)}
    if find_spec("hordak") is None:
        return none | {"per_s": None, "p99_ms": None, "failed_share": None}
    from cityhall.bench.ledger_hordak import measure

    took, failed = measure(url, clients, seconds, seed)
    return none | _row("django-hordak", clients, "single", np.array(took), failed, seconds)


def _ratios(runs: list[dict[str, Any]]) -> dict[str, float | None]:
    """Ours beside the peers, the best of each over the clients."""

    def best(who: str, mode: str, accounts: str = _name(False)) -> float | None:
        rates = [
            one["per_s"]
            for one in runs
            if (one["who"], one["mode"], one["accounts"]) == (who, mode, accounts) and one["per_s"] is not None
        ]
        return max(rates, default=None)

    locks, weak = best("row locks", "single"), best("django-hordak", "single")
    batched, single = best("ours", "batched"), best("ours", "single")
    told = best("ours, journal", "single")
    return {
        "batched_to_row_locks": round(batched / locks, 2) if batched and locks else None,
        "batched_to_hordak": round(batched / weak, 2) if batched and weak else None,
        "single_to_row_locks": round(single / locks, 2) if single and locks else None,
        "single_with_journal_to_row_locks": round(told / locks, 2) if told and locks else None,
    }


def _reading(first: int, entries: int) -> dict[str, Any]:
    """A balance and a trial balance once there are so many entries."""
    from django.db import connection

    from cityhall.kernel.ledger import queries
    from cityhall.kernel.ledger.models import Account

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_entry")
        missing = max(0, entries - cursor.fetchone()[0])
        cursor.execute(
            """
            INSERT INTO ledger_entry (posting_id, account_id, amount, posted, at)
            SELECT gen_random_uuid(), %s + n %% %s, 1, 0, now() - interval '1 day' FROM generate_series(1, %s) AS n
            """,
            [first, ACCOUNTS, missing],
        )
        cursor.execute("ANALYZE ledger_entry")
        cursor.execute("SELECT now()")
        moment = cursor.fetchone()[0]
    one = [_seconds(lambda: Account.objects.values_list("posted", flat=True).get(pk=first)) for _time in range(50)]
    past = [_seconds(lambda: queries.posted_at(first, moment)) for _time in range(50)]
    return {
        "entries": entries,
        "balance_ms": round(float(np.median(one)) * 1e3, 3),
        "past_balance_ms": round(float(np.median(past)) * 1e3, 3),
        "trial_balance_s": round(_seconds(queries.trial_balance), 3),
        "past_trial_balance_s": round(_seconds(lambda: queries.trial_balance(moment)), 3),
    }


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
