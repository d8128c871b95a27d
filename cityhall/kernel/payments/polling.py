"""Asking providers what has become of payments: the way back for every message that was lost."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.payments.facts import ON_ITS_WAY, Heard, Said
from cityhall.kernel.payments.intents import WAITS, heard
from cityhall.kernel.payments.models import Intent
from cityhall.kernel.payments.providers import Silent, provider

MOST = 200
"""Payments that one run of the task asks about."""
GIVEN_UP = timedelta(days=1)
"""After so long a payment that its provider never heard of has come to nothing."""
log = logging.getLogger("cityhall.payments")


def poll() -> int:
    """Asks about every payment whose moment has come (a Task's action); gives how many answers came."""
    waiting = Intent.objects.filter(ask_at__lte=timezone.now()).order_by("ask_at").values_list("pk", flat=True)
    return sum(ask(pk) for pk in list(waiting[:MOST]))


def ask(pk: int, via: str = "poll") -> bool:
    """Asks a provider about one payment; False where it does not answer, or what it says cannot be booked now."""
    intent = Intent.objects.get(pk=pk)
    try:
        said = _look(intent)
        if said is not None:
            heard(intent.provider, said, via)
            return True
    except (Silent, CityhallError) as problem:
        log.warning("asking %s about %s: %s", intent.provider, intent.ref, problem)
    _not_answered(pk)
    return False


@transaction.atomic
def _not_answered(pk: int) -> None:
    """Asked about later: one that never answers holds up no other."""
    intent = Intent.objects.select_for_update().get(pk=pk)
    intent.asked += 1
    intent.ask_at = timezone.now() + timedelta(minutes=WAITS[min(intent.asked, len(WAITS) - 1)])
    intent.save(update_fields=["asked", "ask_at"])


def _look(intent: Intent) -> Heard | None:
    if intent.provider_ref:
        return provider(intent.provider).look(intent.provider_ref)
    # It was begun here, and the provider's answer was lost. What it asked for is there by our uid, if at all, and its
    # own messages name that; nobody was shown a page to pay on.
    if timezone.now() - intent.made_at < GIVEN_UP:
        return None
    over = Said("expired", "never", 0, timezone.now())
    return Heard("", (over,), str(intent.uid))


def ends(due: Due) -> None:
    """The time to pay is over (a deadline's action): the provider is told and asked, by a job."""
    from cityhall.kernel.payments.tasks import end

    pk = int(due.subject.removeprefix("intent:"))
    if Intent.objects.filter(pk=pk, standing__in=ON_ITS_WAY).exists():
        end.defer(intent=pk)
