"""What is done to the books by hand: a posting is reversed, a hold let go. Nothing is ever changed.

What is above the city's limit (`limits.py`) is asked for by one officer and done once another agrees.
"""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.accounts import locked
from cityhall.kernel.ledger.books import Leg, Movement
from cityhall.kernel.ledger.holds import void_hold
from cityhall.kernel.ledger.models import Account, Entry, Hold, Posting
from cityhall.kernel.ledger.posting import post
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may, require
from cityhall.services.treasury import limits
from cityhall.services.treasury.models import Correction, Release, State

SEE, VOID, REVERSE = "treasury.see_books", "treasury.void_hold", "treasury.reverse_posting"
REVERSED = "treasury.reversed"
LEAST_REASON, LONGEST_REASON = 8, 500


@transaction.atomic
def let_go(actor: Actor, hold: UUID, reason: str) -> Hold:
    """Voids an open hold. Raises Denied, Invalid without a reason, Missing, Conflict where it is settled already."""
    require(actor, VOID)
    reason = _reason(reason)
    found = void_hold(hold, actor)
    # Let go already, it stays as it was said then.
    Release.objects.get_or_create(
        hold=hold, defaults={"reason": reason, "officer_id": actor.person_id, "at": timezone.now()}
    )
    return found


@transaction.atomic
def ask(actor: Actor, posting: UUID, reason: str, *, forced: bool = False) -> Correction:
    """Reverses what is left of a posting; above the limit it is asked for, and `agree` does it.

    `forced`: also where it takes an account below its limit, which leaves a debt. Raises Denied, Invalid without a
    reason, Missing, Conflict where nothing is left to reverse ("reversed"), it is a reversal itself ("is_reversal") or
    asked for already ("asked"), or an account has not so much ("short").
    """
    require(actor, REVERSE)
    if actor.person_id is None:
        raise Denied(_("Sign in first."), code="denied")
    reason = _reason(reason)
    found = _posting(posting)
    left = _rest(found)
    if Correction.objects.filter(posting=posting, state=State.ASKED).exists():
        raise Conflict(_("Somebody has asked for this already."), code="asked")
    made = Correction.objects.create(
        posting=posting,
        reason=reason,
        forced=forced,
        second=needs_second(left),
        asker_id=actor.person_id,
        asked_at=timezone.now(),
    )
    append(
        "treasury",
        "correction.asked",
        {"posting": str(posting), "forced": forced},
        subject=made.ref,
        actor=str(actor),
    )
    return made if made.second else _do(made, found, left, actor)


@transaction.atomic
def agree(actor: Actor, correction: int) -> Correction:
    """Another officer agrees, and the posting is reversed. Raises Denied to who asked for it, and as `ask` does."""
    require(actor, REVERSE)
    found = _asked(correction)
    if actor.person_id is None or actor.person_id == found.asker_id:
        raise Denied(
            _("Who asked for it cannot agree to it."),
            code="same_officer",
            mend=_("Ask another treasurer."),
        )
    posting = _posting(found.posting)
    return _do(found, posting, _rest(posting), actor)


@transaction.atomic
def refuse(actor: Actor, correction: int, reason: str) -> Correction:
    """It is not done; who asked may take it back so. Raises Denied, Invalid without a reason, Missing, Conflict."""
    require(actor, REVERSE)
    reason = _reason(reason)
    found = _asked(correction)
    found.state, found.answer = State.REFUSED, reason
    found.decider_id, found.decided_at = actor.person_id, timezone.now()
    found.save(update_fields=["state", "answer", "decider", "decided_at"])
    append("treasury", "correction.refused", {}, subject=found.ref, actor=str(actor))
    return found


def waiting_for(actor: Actor) -> int:
    """How many corrections wait for this officer: those that others asked for."""
    if not may(actor, REVERSE):
        return 0
    return Correction.objects.filter(state=State.ASKED).exclude(asker=actor.person_id).count()


def left_of(posting: Posting) -> dict[int, int]:
    """What of a posting is not reversed, by account; nothing where all of it is, or it is a reversal itself."""
    if posting.reverses_id is not None:
        return {}
    left: dict[int, int] = defaultdict(int)
    for account, amount in _family(posting).values_list("account", "amount"):
        left[account] += amount
    return {account: amount for account, amount in sorted(left.items()) if amount}


def needs_second(left: dict[int, int]) -> bool:
    """Whether so much is above what one officer may reverse, in any unit."""
    units = dict(Account.objects.filter(pk__in=left).values_list("pk", "unit"))
    totals: dict[str, int] = defaultdict(int)
    for account, amount in left.items():
        totals[units[account]] += max(0, amount)
    return any(total > limits.alone(unit) for unit, total in totals.items())


def _do(correction: Correction, posting: Posting, left: dict[int, int], actor: Actor) -> Correction:
    uid = uuid5(posting.uid, f"cityhall:treasury:correction:{correction.pk}")
    legs = tuple(Leg(account, -amount) for account, amount in left.items())
    movement = Movement(
        uid, REVERSED, legs, posting.subject, reverses=posting.uid, forced=correction.forced, origin=REVERSED
    )
    post(movement, actor)
    correction.state, correction.reversal = State.DONE, uid
    correction.decider_id, correction.decided_at = actor.person_id, timezone.now()
    correction.save(update_fields=["state", "reversal", "decider", "decided_at"])
    append("treasury", "correction.done", {"reversal": str(uid)}, subject=correction.ref, actor=str(actor))
    return correction


def _family(posting: Posting) -> QuerySet[Entry]:
    return Entry.objects.filter(posting__in=[posting.pk, *posting.reversals.values_list("pk", flat=True)])


def _rest(posting: Posting) -> dict[int, int]:
    """What is left to reverse, its accounts locked, so that no other reversal comes between. Raises Conflict."""
    if posting.reverses_id is not None:
        raise Conflict(_("This is a reversal itself."), code="is_reversal", mend=_("Make the movement anew."))
    locked(*_family(posting).values_list("account", flat=True))
    left = left_of(posting)
    if not left:
        raise Conflict(_("All of it is reversed already."), code="reversed")
    return left


def _posting(uid: UUID) -> Posting:
    found = Posting.objects.filter(uid=uid).first()
    if found is None:
        raise Missing(_("There is no such posting."), code="no_such_posting")
    return found


def _asked(number: int) -> Correction:
    found = Correction.objects.select_for_update().filter(pk=number).first()
    if found is None:
        raise Missing(_("There is no such correction."), code="no_such_correction")
    if found.state != State.ASKED:
        raise Conflict(_("This is decided already."), code="decided")
    return found


def _reason(text: str) -> str:
    text = text.strip()
    if not LEAST_REASON <= len(text) <= LONGEST_REASON:
        raise Invalid(_("Say in a few words why, for whoever reads the books later."), code="reason", field="reason")
    return text
