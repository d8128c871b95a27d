"""Scenes of the jobs of the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.books import transfer
from cityhall.kernel.ledger.posting import post
from tests.running.twice.scenes import Stage, scene


@scene("ledger.expire")
def points_of_then(stage: Stage) -> dict[str, Any]:
    issued = open_account("issued", "expense", "points").pk
    gone = str(timezone.localdate() - timedelta(days=3))
    for number in range(3):
        mine = open_account(f"person:{number}", "liability", "points", floor=0, lots=True).pk
        post(transfer(UUID(int=number), "test.earned", debit=issued, credit=mine, amount=10, expires_on=gone))
    return {}


@scene("ledger.prove")
def books_to_prove(stage: Stage) -> dict[str, Any]:
    cash, purse = open_account("cash", "asset", "EUR").pk, open_account("purse", "liability", "EUR").pk
    post(transfer(UUID(int=1), "test.paid", debit=cash, credit=purse, amount=10))
    return {}
