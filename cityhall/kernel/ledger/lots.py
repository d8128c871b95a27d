"""Points in lots: each lot has its origin and its day of expiry, and what is spent comes from those that go first.

What an account of lots has is what is left in its lots; where a posting that could not be refused took it below zero,
nothing is left, and what comes next pays that debt first. A reversal undoes what it reverses: what was spent goes back
into the lots that it came from, what was earned is taken from the lot that it made before any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import F, Q, Sum

from cityhall.kernel.ledger.books import Leg, Movement
from cityhall.kernel.ledger.models import Account, Lot, Use

FIRST = (F("expires_on").asc(nulls_last=True), "id")
"""The order in which lots are spent: what expires soonest first."""


@dataclass(slots=True)
class _Pile:
    """An account's lots in the order in which they are spent, and what each account has by now."""

    account: Account
    balances: dict[int, int]
    lots: list[Lot] = field(default_factory=list)


def follow(movements: Sequence[Movement]) -> None:
    """Keeps the lots of what was just posted, in the transaction that has the accounts locked."""
    touched = {leg.account for movement in movements for leg in movement.legs}
    accounts = {one.pk: one for one in Account.objects.filter(pk__in=touched, lots=True)} if touched else {}
    if not accounts:
        return
    balances = _before(accounts, movements)
    begin = 0
    for place, movement in enumerate(movements, 1):
        # What a reversal gives back is read from what is written: two of one posting must see one another.
        if place == len(movements) or movement.reverses or movements[place].reverses:
            _follow(accounts, balances, movements[begin:place])
            begin = place


def _follow(accounts: dict[int, Account], balances: dict[int, int], movements: Sequence[Movement]) -> None:
    piles = _piles(accounts, balances, movements)
    made: list[Lot] = []
    uses: list[tuple[Lot, UUID, int]] = []
    for movement in movements:
        for leg in movement.legs:
            pile = piles.get(leg.account)
            if pile is not None:
                _leg(pile, movement, leg, made, uses)
    changed = {id(lot): lot for lot, _posting, _amount in uses if lot.pk}
    Lot.objects.bulk_update(changed.values(), ["left"])
    Lot.objects.bulk_create(made)
    Use.objects.bulk_create([Use(lot=lot, posting_id=posting, amount=amount) for lot, posting, amount in uses])


def _before(accounts: dict[int, Account], movements: Sequence[Movement]) -> dict[int, int]:
    """What the accounts had before the movements, which the books have already."""
    gained: dict[int, int] = defaultdict(int)
    for movement in movements:
        for leg in movement.legs:
            gained[leg.account] += leg.amount
    return {pk: one.side * (one.posted - gained[pk]) for pk, one in accounts.items()}


def _piles(accounts: dict[int, Account], balances: dict[int, int], movements: Sequence[Movement]) -> dict[int, _Pile]:
    piles = {pk: _Pile(one, balances) for pk, one in accounts.items()}
    undone = [movement.reverses for movement in movements if movement.reverses]
    # Of what is undone also the lots that are empty by now.
    wanted = Q(left__gt=0) | Q(posting__in=undone) | Q(uses__posting__in=undone)
    for lot in Lot.objects.filter(wanted, account__in=piles).order_by(*FIRST).distinct():
        piles[lot.account_id].lots.append(lot)
    return piles


def _leg(pile: _Pile, movement: Movement, leg: Leg, made: list[Lot], uses: list[tuple[Lot, UUID, int]]) -> None:
    gain = pile.account.side * leg.amount
    before = pile.balances[leg.account]
    pile.balances[leg.account] += gain
    if gain < 0:
        for lot, taken in _spent(pile, -gain, movement.reverses):
            lot.left -= taken
            uses.append((lot, movement.uid, taken))
        return
    # What comes pays what is owed first.
    owed = min(gain, max(0, -before))
    gain_left = gain - owed
    if movement.reverses and gain_left:
        for lot, back in _given_back(pile, gain_left, movement.reverses):
            lot.left += back
            gain_left -= back
            uses.append((lot, movement.uid, -back))
    if gain_left + owed:
        day = date.fromisoformat(movement.expires_on) if movement.expires_on else None
        lot = Lot(
            account=pile.account,
            posting_id=movement.uid,
            origin=movement.origin or movement.kind,
            amount=gain_left + owed,
            left=gain_left,
            expires_on=day,
        )
        made.append(lot)
        if owed:
            uses.append((lot, movement.uid, owed))
        _insert(pile.lots, lot)


def _insert(lots: list[Lot], lot: Lot) -> None:
    """Puts a new lot where it is spent: behind those that expire no later."""
    latest = date.max
    place = next(
        (n for n, one in enumerate(lots) if (one.expires_on or latest) > (lot.expires_on or latest)), len(lots)
    )
    lots.insert(place, lot)


def _spent(pile: _Pile, amount: int, undone: UUID | None) -> Iterable[tuple[Lot, int]]:
    """(lot, how much of it) for an amount; less than that where the account goes below zero."""
    order = sorted(pile.lots, key=lambda lot: lot.posting_id != undone) if undone else pile.lots
    for lot in order:
        taken = min(amount, lot.left)
        if taken:
            amount -= taken
            yield lot, taken
        if not amount:
            return


def _given_back(pile: _Pile, amount: int, undone: UUID) -> Iterable[tuple[Lot, int]]:
    """(lot, how much) of what a posting took, and what was not given back before; those that expire last first."""
    family = Q(posting=undone) | Q(posting__reverses=undone)
    taken = dict(
        Use.objects.filter(family, lot__in=[lot for lot in pile.lots if lot.pk])
        .values("lot")
        .annotate(all=Sum("amount"))
        .values_list("lot", "all")
    )
    for lot in reversed(pile.lots):
        back = min(amount, max(0, taken.get(lot.pk, 0)), lot.amount - lot.left)
        if back:
            amount -= back
            yield lot, back
        if not amount:
            return
