"""Holds: an amount that is kept from being spent until it is posted, voided or expires, and only one of these.

Whoever settles a hold locks its row first and the accounts then, in the order of their ids, and so does its expiry: at
the same instant one of them finds it held, and the others find it settled.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import CityhallError, Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.accounts import locked
from cityhall.kernel.ledger.books import LARGEST, Became, Leg, Movement, Outcome, refusal
from cityhall.kernel.ledger.models import Account, Hold, State
from cityhall.kernel.ledger.posting import post_many
from cityhall.kernel.people.actors import Actor, system

EXPIRES = "ledger.hold"


@transaction.atomic
def hold(
    uid: UUID,
    kind: str,
    *,
    debit: int,
    credit: int,
    amount: int,
    expires_at: datetime | None = None,
    subject: str = "",
    actor: Actor | None = None,
) -> Hold:
    """Holds `amount`; the same key again is the same hold.

    Raises Conflict ("short", "account_closed", "key_used"), Invalid for what can be no hold.
    """
    if type(amount) is not int or not 0 < amount <= LARGEST or debit == credit:
        raise Invalid(_("An amount is a whole number above zero."), code="bad_amount", field="amount")
    accounts = locked(debit, credit)
    known = Hold.objects.filter(uid=uid).first()
    if known is not None:
        if (known.kind, known.subject, known.debit_id, known.credit_id, known.amount, known.expires_at) != (
            *(kind, subject, debit, credit, amount, expires_at),
        ):
            raise Conflict(_("Another hold was made with this key."), code="key_used", field="uid")
        return known
    if accounts[debit].unit != accounts[credit].unit:
        raise refusal(Outcome(Became.UNBALANCED))
    for account in accounts.values():
        if account.closed_at is not None:
            raise refusal(Outcome(Became.CLOSED, account.pk))
    for account in _takes_from(accounts[debit], accounts[credit]):
        if account.floor is not None and account.available - amount < account.floor:
            raise refusal(Outcome(Became.SHORT, account.pk))
        account.held += amount
        account.save(update_fields=["held"])
    made = Hold.objects.create(
        uid=uid,
        kind=kind,
        subject=subject,
        debit=accounts[debit],
        credit=accounts[credit],
        amount=amount,
        made_at=timezone.now(),
        expires_at=expires_at,
    )
    if expires_at is not None:
        set_deadline(EXPIRES, made.ref, expires_at)
    _note(made, "hold.made", actor)
    return made


@transaction.atomic
def post_hold(uid: UUID, of: UUID, amount: int | None = None, *, actor: Actor | None = None) -> Outcome:
    """Posts a hold under the key `uid`, whole or (`amount`) in part; what is left of it is let go.

    Raises Conflict where it was settled another way, Missing where there is none, Invalid for more than is held.
    """
    found = _find(of)
    amount = found.amount if amount is None else amount
    if type(amount) is not int or not 0 < amount <= found.amount:
        raise Invalid(_("That is more than is held."), code="bad_amount", field="amount")
    again = found.state == State.POSTED and found.postings.filter(uid=uid).exists()
    if not again:
        _must_be_held(found)
        if found.expires_at is not None and found.expires_at <= timezone.now():
            # Whoever looks after moments is about to let it go.
            raise _settled(State.EXPIRED)
    accounts = locked(found.debit_id, found.credit_id)
    losing = {one.pk for one in _takes_from(accounts[found.debit_id], accounts[found.credit_id])}
    legs = tuple(
        Leg(account, signed, -found.amount if account in losing else 0)
        for account, signed in ((found.debit_id, amount), (found.credit_id, -amount))
    )
    movement = Movement(uid, found.kind, legs, found.subject, hold=of)
    outcome = post_many([movement], actor)[0]
    if not outcome.is_posted:
        raise refusal(outcome)
    if not again:
        _settle(found, State.POSTED)
    return outcome


@transaction.atomic
def void_hold(of: UUID, actor: Actor | None = None) -> Hold:
    """Lets go what is held; voided again it stays as it is. Raises Conflict where it was posted or has expired."""
    found = _find(of)
    if found.state != State.VOIDED:
        _must_be_held(found)
        _let_go(found, State.VOIDED, actor)
    return found


def expired(due: Due) -> None:
    """The moment of a hold has come (a DeadlineKind's action): unless it was settled, it is let go."""
    found = _find(UUID(due.subject.removeprefix("hold:")))
    if found.state == State.HELD:
        _let_go(found, State.EXPIRED, system("ledger"))


def _find(uid: UUID) -> Hold:
    found = Hold.objects.select_for_update().filter(uid=uid).first()
    if found is None:
        raise Missing(_("There is no such hold."), code="no_such_hold", field="uid")
    return found


def _must_be_held(found: Hold) -> None:
    if found.state != State.HELD:
        raise _settled(found.state)


def _settled(state: str) -> CityhallError:
    return Conflict(
        _("This is not held any more: it is %(state)s.") % {"state": State(state).label}, code=f"hold_{state}"
    )


def _takes_from(debit: Account, credit: Account) -> list[Account]:
    """Those of the two that have less once it is posted."""
    return [one for one, less in ((debit, debit.side < 0), (credit, credit.side > 0)) if less]


def _let_go(found: Hold, state: State, actor: Actor | None) -> None:
    accounts = locked(found.debit_id, found.credit_id)
    for account in _takes_from(accounts[found.debit_id], accounts[found.credit_id]):
        account.held -= found.amount
        account.save(update_fields=["held"])
    _settle(found, state)
    _note(found, f"hold.{state}", actor)


def _settle(found: Hold, state: State) -> None:
    found.state, found.settled_at = state, timezone.now()
    found.save(update_fields=["state", "settled_at"])
    if found.expires_at is not None:
        clear(EXPIRES, found.ref)


def _note(found: Hold, what: str, actor: Actor | None) -> None:
    data = {"kind": found.kind, "of": found.subject, "debit": found.debit_id, "credit": found.credit_id}
    append("ledger", what, data | {"amount": found.amount}, subject=found.ref, actor=str(actor or ""))
