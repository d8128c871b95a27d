"""The nightly proof that all sums to zero, kept so that whoever looks later sees when it last held."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from cityhall.kernel.journal import append
from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.models import Proof
from cityhall.kernel.people.actors import system

log = logging.getLogger("cityhall.ledger")
SHOWN = 20


@transaction.atomic
def prove() -> Proof:
    """Reckons the books from their entries and keeps what was found, once a day (a Task's action)."""
    began, day = timezone.now(), timezone.localdate()
    kept = Proof.objects.filter(day=day).first()
    if kept is not None:
        return kept
    found = queries.faults()
    for one in found[:SHOWN]:
        log.error("the books are wrong: %s %s is off by %s", one.what, one.which, one.off)
    kept = Proof.objects.create(
        day=day,
        at=began,
        faults=len(found),
        found=[[one.what, one.which, one.off] for one in found[:SHOWN]],
    )
    append("ledger", "books.proved", {"faults": len(found)}, subject=f"proof:{kept.pk}", actor=str(system("ledger")))
    return kept
