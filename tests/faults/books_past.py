"""The books at past instants beside a replay of the journal; and holds that are posted, voided and expire at once."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np

LANES = 4
"""Processes that race, each for holds of its own."""
AHEAD_S = 0.02
"""From making a hold until the moment at which all befalls it."""
_LEGS = """
SELECT (leg->>0)::bigint, (leg->>1)::bigint, p.at FROM journal_entry j
CROSS JOIN LATERAL jsonb_array_elements(j.data->'legs') AS leg
JOIN ledger_posting p ON p.uid = substr(j.subject, 9)::uuid WHERE j.type = 'posting.made'
"""


def replay(instants: int, seed: int) -> dict[str, Any]:
    """Compares random accounts at random instants, and the whole trial balance at a hundredth of them."""
    from django.db import connection

    from cityhall.kernel.ledger import queries
    from cityhall.kernel.ledger.models import Account

    with connection.cursor() as cursor:
        cursor.execute(_LEGS)
        rows = cursor.fetchall()
    accounts = np.array([row[0] for row in rows])
    amounts = np.array([row[1] for row in rows])
    moments = np.array([_micros(row[2]) for row in rows])
    known = list(Account.objects.values_list("pk", flat=True))
    mine = {}
    for account in known:
        its = accounts == account
        order = np.argsort(moments[its], kind="stable")
        mine[account] = moments[its][order], np.cumsum(amounts[its][order])
    chance, wrong = random.Random(seed), 0
    first, last = int(moments.min()), int(moments.max())

    def at(account: int, moment: int) -> int:
        when, sums = mine[account]
        place = int(np.searchsorted(when, moment, side="right"))
        return int(sums[place - 1]) if place else 0

    for number in range(instants):
        # Half of them are the very instant of an entry.
        moment = int(chance.choice(moments)) if number % 2 else chance.randint(first - 1000, last + 1000)
        account = chance.choice(known)
        wrong += queries.posted_at(account, _moment(moment)) != at(account, moment)
        if number % 100 == 0:
            whole = {one.account: one.posted for one in queries.trial_balance(_moment(moment))}
            wrong += sum(whole.get(one, 0) != at(one, moment) for one in known)
            wrong += sum(whole.values()) != 0
    return {"instants": instants, "legs": len(rows), "faults": [f"past: {wrong}"] if wrong else []}


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _moment(micros: int) -> datetime:
    from datetime import UTC

    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def at_once(times: int, seed: int) -> dict[str, Any]:
    """So many holds, each posted, voided and expired at one instant: what became of them, and what is wrong."""
    from django.db import connection

    connection.close()
    context = multiprocessing.get_context("fork")
    queue: Any = context.Queue()
    lanes = [
        context.Process(
            target=_lane, args=(times // LANES + (lane < times % LANES), seed * 100 + lane, queue), daemon=True
        )
        for lane in range(LANES)
    ]
    for lane in lanes:
        lane.start()
    found = [queue.get(timeout=60 + times) for _lane in lanes]
    for lane in lanes:
        lane.join()
    outcomes, faults = Counter[str](), []
    for became, wrong in found:
        outcomes.update(became)
        faults += wrong
    from cityhall.kernel.ledger import queries

    faults += [f"{one.what} {one.which} {one.off}" for one in queries.faults()]
    return {"times": times, "outcomes": dict(outcomes), "faults": faults[:50]}


def _lane(times: int, seed: int, queue: Any) -> None:
    from django.db import connection

    from cityhall.kernel.ledger.accounts import open_account
    from cityhall.kernel.ledger.books import transfer
    from cityhall.kernel.ledger.models import Account
    from cityhall.kernel.ledger.posting import post

    chance = random.Random(seed)
    cash = open_account(f"lane:{seed}:cash", "asset", "EUR").pk
    purse = open_account(f"lane:{seed}:purse", "liability", "EUR", floor=0).pk
    shop = open_account(f"lane:{seed}:shop", "liability", "EUR").pk
    post(transfer(uuid4(), "lane", debit=cash, credit=purse, amount=times * 10 + 1))
    became, wrong = Counter[str](), []
    for _time in range(times):
        outcome, problem = _once(purse, shop, chance)
        became[outcome] += 1
        if problem and len(wrong) < 20:
            wrong.append(problem)
    kept = Account.objects.get(pk=purse)
    spent = Account.objects.get(pk=shop).balance
    if kept.held or spent != 10 * became["posted"] or kept.balance != times * 10 + 1 - spent:
        wrong.append(f"purse {kept.balance}, held {kept.held}, shop {spent}, posted {became['posted']}")
    connection.close()
    queue.put((became, wrong))


def _once(purse: int, shop: int, chance: random.Random) -> tuple[str, str]:
    """(state of the hold, what is wrong)."""
    from django.utils import timezone

    from cityhall.kernel.ledger.holds import hold
    from cityhall.kernel.ledger.models import Hold

    moment = timezone.now() + timedelta(seconds=AHEAD_S)
    made = hold(uuid4(), "lane", debit=purse, credit=shop, amount=10, expires_at=moment)
    said: list[str] = []
    jitter = {how: timedelta(microseconds=chance.randint(-10_000, 1000)) for how in ("post", "void", "expire")}
    threads = [threading.Thread(target=_settle, args=(how, made.uid, moment + jitter[how], said)) for how in jitter]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = Hold.objects.get(uid=made.uid)
    postings = made.postings.count()
    right = said == {"posted": ["post"], "voided": ["void"], "expired": ["expire"]}.get(after.state)
    if right and postings == (after.state == "posted"):
        return after.state, ""
    return after.state, f"{made.uid}: {after.state}, {said}, {postings} postings"


def _settle(how: str, uid: Any, moment: datetime, said: list[str]) -> None:
    from django.db import connection
    from django.utils import timezone

    from cityhall.kernel.errors import CityhallError
    from cityhall.kernel.ledger import holds
    from cityhall.kernel.ledger.models import Hold

    connection.ensure_connection()
    while timezone.now() < moment:
        time.sleep(0)
    try:
        if how == "post":
            holds.post_hold(uuid4(), uid)
        elif how == "void":
            holds.void_hold(uid)
        else:
            _expire(uid)
            if Hold.objects.get(uid=uid).state != "expired":
                return
        said.append(how)
    except CityhallError:
        pass
    finally:
        connection.close()


def _expire(uid: Any) -> None:
    from cityhall.kernel.deadlines import taker
    from cityhall.kernel.ledger.models import Hold

    while Hold.objects.get(uid=uid).state == "held":
        taker.take_due()
