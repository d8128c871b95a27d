"""`script/faults --only ledger`: random transfers from racing processes, killed at random, and their server with them.

Every client draws its batches from (seed, its number, the batch's number), and writes down which one it is about to
send and what became of it. Killed, or left without an answer, it sends the same batch again: whatever is acknowledged
must be in the books once, and nothing else. Afterwards the books are reckoned from what clients were told, apart from
what the books say of themselves.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

CITY = """\
name = "Books"
slug = "books"
timezone = "UTC"
languages = ["en"]
currency = "EUR"
services = []
[map]
center = [0.0, 0.0]
bounds = [-1.0, -1.0, 1.0, 1.0]
"""
PURSES = 60
"""Accounts of each unit that may not go below zero."""
LOT_SHARE = 0.1
"""Of batches: points in lots."""
AGAIN_SHARE = 0.1
"""Of batches: one of before is sent again, although it was acknowledged."""
LARGEST_BATCH = 60
LONGEST_S = 3600.0
SIGN = {"posted": "p", "again": "a", "short": "s"}


@dataclass(frozen=True)
class Plan:
    """What is to be done: how much, by how many, from which numbers; and the numbers of the accounts."""

    transfers: int
    clients: int
    seed: int
    folder: Path
    money: tuple[int, ...]
    points: tuple[int, ...]

    def log(self, client: int) -> Path:
        return self.folder / f"client-{client}.log"

    @property
    def share(self) -> int:
        """Of each client."""
        return -(-self.transfers // self.clients)


@dataclass(frozen=True)
class Move:
    """A transfer as it is drawn."""

    uid: UUID
    debit: int
    credit: int
    amount: int


def batch(plan: Plan, client: int, number: int) -> list[Move]:
    """A client's batch of a number, the same whenever it is drawn."""
    chance = random.Random(f"{plan.seed}:{client}:{number}")
    accounts = plan.points if chance.random() < LOT_SHARE else plan.money
    moves = []
    for _move in range(chance.randint(1, LARGEST_BATCH)):
        uid = UUID(int=chance.getrandbits(128), version=4)
        # The first of each unit gives and takes without a limit, so that there is something to spend.
        debit, credit = chance.sample(accounts, 2)
        if chance.random() < 0.2:
            debit, credit = accounts[0], chance.choice(accounts[1:])
        moves.append(Move(uid, debit, credit, chance.randint(1, 200)))
    return moves


def told(plan: Plan, client: int) -> tuple[dict[int, str], int | None]:
    """What a client wrote down: batch -> signs of what became of it; and the one that is in doubt."""
    done: dict[int, str] = {}
    doubt: int | None = None
    if plan.log(client).exists():
        for line in plan.log(client).read_text().splitlines():
            what, number, *signs = line.split()
            if what == "T":
                doubt = int(number)
            elif what == "A":
                done[int(number)], doubt = signs[0], None
    return done, doubt


def client(plan: Plan, number: int, progress: Any) -> None:
    """One racing client, from where it was killed."""
    from cityhall.kernel.ledger.posting import post_many

    done, doubt = told(plan, number)
    chance = random.Random(os.urandom(8))
    count = sum(map(len, done.values()))
    turn = doubt if doubt is not None else len(done)
    with plan.log(number).open("a", buffering=1) as log:
        while count < plan.share:
            moves = batch(plan, number, turn)
            log.write(f"T {turn}\n")
            signs = "".join(SIGN[one.became] for one in _insist(post_many, _movements(moves)))
            log.write(f"A {turn} {signs}\n")
            count += len(moves)
            progress[number] = count
            if chance.random() < AGAIN_SHARE:
                before = batch(plan, number, chance.randint(0, turn))
                found = _insist(post_many, _movements(before))
                # What was posted is; what was refused may have been possible now, and is in the books then.
                late = [move.uid for move, one in zip(before, found, strict=True) if one.became == "posted"]
                if late:
                    log.write(f"L {turn} {','.join(uid.hex for uid in late)}\n")
            turn += 1


def _movements(moves: list[Move]) -> list[Any]:
    from cityhall.kernel.ledger.books import transfer

    return [transfer(one.uid, "race", debit=one.debit, credit=one.credit, amount=one.amount) for one in moves]


def _insist(work: Any, *given: Any) -> Any:
    """Does it until there is an answer."""
    from django.db import InterfaceError, OperationalError, connection

    until = time.monotonic() + 120
    while True:
        try:
            return work(*given)
        except (OperationalError, InterfaceError):
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.05)


def race(plan: Plan, server: Path, kills: int) -> dict[str, Any]:
    """Runs the clients to their end; at `kills` moments each kills the server, and clients, with SIGKILL."""
    from cityhall.kernel.database import postmaster, start_again

    context = multiprocessing.get_context("fork")
    progress = context.Array("q", plan.clients)
    chance, killed = random.Random(plan.seed), Counter[str]()
    began = time.monotonic()

    def begin(number: int) -> Any:
        process = context.Process(target=client, args=(plan, number, progress), daemon=True)
        process.start()
        return process

    racing = {number: begin(number) for number in range(plan.clients)}
    moments = [plan.transfers * (place + 1) // (2 * kills + 1) for place in range(2 * kills)]
    while racing:
        time.sleep(0.01)
        if time.monotonic() - began > LONGEST_S:
            raise TimeoutError(f"the clients have not ended after {LONGEST_S} s")
        while moments and sum(progress) >= moments[0]:
            moments.pop(0)
            if len(moments) % 2:
                number = chance.choice(sorted(racing))
                racing[number].kill()
                killed["client"] += 1
            elif (process := postmaster.postmaster(server)) is not None:
                process.kill()
                killed["server"] += 1
                # One that is dying still would be taken for one that runs; nobody may ever take note of its end.
                while postmaster.postmaster(server) == process:
                    time.sleep(0.01)
                while postmaster.postmaster(server) is None:
                    start_again(server)
                    time.sleep(0.05)
        for number, process in list(racing.items()):
            if process.is_alive():
                continue
            process.join()
            del racing[number]
            if process.exitcode == -signal.SIGKILL:
                racing[number] = begin(number)
            elif process.exitcode:
                raise RuntimeError(f"client {number} ended with {process.exitcode}")
    seconds = time.monotonic() - began
    return {"killed": dict(killed), "seconds": round(seconds, 1), "per_s": round(sum(progress) / seconds, 1)}


def _late(plan: Plan, client: int) -> Iterator[UUID]:
    for line in plan.log(client).read_text().splitlines():
        if line.startswith("L "):
            yield from (UUID(one) for one in line.split()[2].split(","))


def reckon(plan: Plan) -> dict[str, Any]:
    """What is wrong: the books beside what the clients were told."""
    from django.db import connection

    from cityhall.kernel.ledger import queries

    acknowledged: dict[UUID, Move] = {}
    refused: dict[UUID, Move] = {}
    asked = 0
    for number in range(plan.clients):
        done, doubt = told(plan, number)
        late = set(_late(plan, number))
        if doubt is not None:
            raise RuntimeError(f"client {number} ended in doubt")
        for turn, signs in done.items():
            for move, sign in zip(batch(plan, number, turn), signs, strict=True):
                asked += 1
                (refused if sign == "s" and move.uid not in late else acknowledged)[move.uid] = move
    with connection.cursor() as cursor:
        cursor.execute("SELECT uid FROM ledger_posting WHERE kind = 'race'")
        there = {uid for (uid,) in cursor.fetchall()}
        counts = {
            "entries_not_two": _ask(cursor, _NOT_TWO),
            "below_limit": _ask(cursor, _BELOW),
            "not_in_journal_once": _ask(cursor, _NOT_ONCE),
        }
        cursor.execute("SELECT id, posted FROM ledger_account")
        balances = dict(cursor.fetchall())
    mine: dict[int, int] = defaultdict(int)
    for uid in there & (acknowledged.keys() | refused.keys()):
        move = acknowledged.get(uid) or refused[uid]
        mine[move.debit] += move.amount
        mine[move.credit] -= move.amount
    # One that was refused when it was sent again by a client that was killed before it wrote so down.
    doubted = there & refused.keys()
    wrong = {
        "lost": len(acknowledged.keys() - there),
        "unknown": len(there - acknowledged.keys() - refused.keys()),
        "balances": sum(balances[account] != mine[account] for account in (*plan.money, *plan.points)),
        "books": len(queries.faults()),
        **counts,
    }
    return {
        "asked": asked,
        "posted": len(there),
        "acknowledged": len(acknowledged),
        "refused": len(refused) - len(doubted),
        "posted_again_unseen": len(doubted),
        "faults": [f"{name}: {count}" for name, count in wrong.items() if count],
    }


_NOT_TWO = "SELECT count(*) FROM (SELECT 1 FROM ledger_entry GROUP BY posting_id HAVING count(*) <> 2) x"
_BELOW = """
SELECT count(*) FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.floor IS NOT NULL
    AND CASE WHEN a.kind IN ('asset', 'expense') THEN 1 ELSE -1 END * e.posted < a.floor
"""
_NOT_ONCE = """
SELECT count(*) FROM (
    SELECT p.uid FROM ledger_posting p LEFT JOIN journal_entry j
        ON j.subject = 'posting:' || p.uid AND j.type = 'posting.made' GROUP BY p.uid HAVING count(j.entry) <> 1
) AS x
"""


def _ask(cursor: Any, statement: str) -> int:
    cursor.execute(statement)
    return int(cursor.fetchone()[0])
