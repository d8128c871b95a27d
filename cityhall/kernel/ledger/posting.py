"""Posting: the one way into the books.

The database's own function (migration 0002) locks, reckons and writes; here movements are made ready for it, lots are
kept beside it, and the journal told, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.database.prepared import asked
from cityhall.kernel.errors import Missing
from cityhall.kernel.journal.log import append_many, told_by_the_database, wake_after
from cityhall.kernel.ledger import lots
from cityhall.kernel.ledger.books import Became, Movement, Outcome, refusal
from cityhall.kernel.people.actors import Actor

_MOVE = """
SELECT outcome, account, lots FROM ledger_move(%s::uuid, %s::text, %s::text, %s::timestamptz, %s::bytea, %s::uuid,
    %s::bool, %s::bigint, %s::bigint, %s::bigint, %s::bool, %s::uuid, %s::text, %s::timestamptz, %s::jsonb)
"""
NO_SUCH = "23503"
"""PostgreSQL's foreign_key_violation."""
MOST = 1000
"""Movements of one call."""
_POST = """
SELECT outcome, account, lots FROM ledger_post(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::bytea[],
    %s::uuid[], %s::uuid[], %s::bool[], %s::bigint[], %s::int[], %s::int[], %s::bigint[], %s::bigint[])
"""


def post(movement: Movement, actor: Actor | None = None) -> Outcome:
    """Posts one movement, in the caller's transaction if there is one.

    Raises Conflict where it cannot be now ("short", "account_closed", "key_used"), Invalid for what never can.
    """
    movement.check()
    outcome = _post_plain(movement, actor) if _is_plain(movement) else post_many([movement], actor)[0]
    if not outcome.is_posted:
        raise refusal(outcome)
    return outcome


def post_many(movements: Sequence[Movement], actor: Actor | None = None) -> list[Outcome]:
    """Posts movements in their order, each on what those before it left, and says what became of each.

    One that is refused keeps none of the others out. At most MOST at once. Raises Invalid for what is no movement,
    Missing for an account that is not there, and then nothing is posted.
    """
    return post_for([(movement, actor) for movement in movements])


def post_for(asked: Sequence[tuple[Movement, Actor | None]]) -> list[Outcome]:
    """The same of movements of several actors, in one transaction."""
    movements = [movement for movement, _actor in asked]
    for movement in movements:
        movement.check()
    if not movements:
        return []
    with transaction.atomic():
        outcomes, in_lots = write(movements)
        new = [one for one, outcome in zip(asked, outcomes, strict=True) if outcome.became is Became.POSTED]
        if in_lots:
            lots.follow([movement for movement, _actor in new])
        for actor, theirs in groupby(new, key=lambda one: one[1]):
            _journal([movement for movement, _actor in theirs], actor)
    return outcomes


def write(movements: Sequence[Movement]) -> tuple[list[Outcome], bool]:
    """Has the database post them, and says whether an account among theirs has lots.

    Lots and journal are not written: `post_many` sees to these.
    """
    if len(movements) == 1 and _is_plain(movements[0]):
        said, account, in_lots = _moved(movements[0], False, (None, "", None, None))
        return [Outcome(Became(said), account)], in_lots
    rows = _asked(_POST, _many(movements))
    return [Outcome(Became(said), account) for said, account, _lots in rows], bool(rows[0][2])


def _is_plain(movement: Movement) -> bool:
    """Of two legs and of no hold, as most are: the database has a shorter way for these."""
    return len(movement.legs) == 2 and movement.hold is None and sum(leg.amount for leg in movement.legs) == 0


def _post_plain(movement: Movement, actor: Actor | None) -> Outcome:
    """Posting and event in one trip; outside of a transaction that is all of it, but for accounts of lots."""
    alone = not connection.in_atomic_block
    identity, now, data = told_by_the_database(_event(movement))
    said, account, in_lots = _moved(movement, alone, (identity, str(actor or ""), now, data))
    if said == _LOTS:
        with transaction.atomic():
            return _post_plain(movement, actor)
    outcome = Outcome(Became(said), account)
    if outcome.became is Became.POSTED:
        if in_lots:
            lots.follow([movement])
        wake_after()
    return outcome


_LOTS, _MISSING = "lots", "missing"


def _moved(movement: Movement, alone: bool, event: tuple[Any, ...]) -> tuple[str, int | None, bool]:
    debit, credit = sorted(movement.legs, key=lambda leg: -leg.amount)
    values = [
        *(movement.uid, movement.kind, movement.subject, movement.effective_at, movement.digest(), movement.reverses),
        *(movement.forced, debit.account, credit.account, debit.amount, alone, *event),
    ]
    ((said, account, in_lots),) = asked(_MOVE, values)
    if said == _MISSING:
        raise Missing(_("There is no such account."), code="no_such_account")
    return said, account, bool(in_lots)


def _asked(statement: str, values: list[Any]) -> list[tuple[str, int | None, bool]]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())
    except IntegrityError as problem:
        if getattr(problem.__cause__, "sqlstate", "") == NO_SUCH:
            raise Missing(_("There is no such account."), code="no_such_account") from problem
        raise


def _many(movements: Sequence[Movement]) -> list[Any]:
    accounts = sorted({leg.account for movement in movements for leg in movement.legs})
    places = {account: place for place, account in enumerate(accounts, 1)}
    legs = [(place, leg) for place, movement in enumerate(movements, 1) for leg in movement.legs]
    return [
        [one.uid for one in movements],
        [one.kind for one in movements],
        [one.subject for one in movements],
        [one.effective_at for one in movements],
        [one.digest() for one in movements],
        [one.reverses for one in movements],
        [one.hold for one in movements],
        [one.forced for one in movements],
        accounts,
        [place for place, _leg in legs],
        [places[leg.account] for _place, leg in legs],
        [leg.amount for _place, leg in legs],
        [leg.held for _place, leg in legs],
    ]


def _journal(movements: Sequence[Movement], actor: Actor | None) -> None:
    told = [(f"posting:{one.uid}", _event(one)) for one in movements]
    append_many("ledger", "posting.made", told, actor=str(actor) if actor else "")


def _event(movement: Movement) -> dict[str, Any]:
    """What the journal keeps of a posting."""
    legs = [[leg.account, leg.amount] for leg in movement.legs]
    return {"kind": movement.kind, "of": movement.subject, "legs": legs}
