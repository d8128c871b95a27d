"""What is done to an order to the bank, of payouts or of direct debits alike: released by a second officer, its file
fetched once. The callers hold the transaction, have locked the batch and asked for the permission."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TypeAlias

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.message import BankFileError
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.payments.models import DebitBatch, PayoutBatch
from cityhall.kernel.payments.models.payouts import BatchState
from cityhall.kernel.people.actors import Actor

Batch: TypeAlias = PayoutBatch | DebitBatch


def may_release(actor: Actor, batch: Batch) -> bool:
    """False where it was released already. Raises Conflict for who prepared it, or one that was withdrawn."""
    if batch.state in (BatchState.RELEASED, BatchState.SENT, BatchState.OVER):
        return False
    if batch.state != BatchState.PREPARED:
        raise Conflict(_("The batch was withdrawn."), code="withdrawn")
    if str(actor) == batch.prepared_by:
        raise Conflict(
            _("Who prepared a batch cannot release it."),
            code="same_officer",
            mend=_("Another officer looks at it and releases it."),
        )
    return True


def write(batch: Batch, file: Callable[[], bytes]) -> None:
    """Makes the batch's file, which can be fetched once from now on. Raises Invalid for what the bank would refuse."""
    try:
        batch.content = file()
    except BankFileError as problem:
        raise Invalid(str(problem), code="bank_would_refuse") from problem
    batch.digest = sha256(batch.content).hexdigest()
    batch.state, batch.fetches_left = BatchState.RELEASED, 1
    batch.save()


def withdraw(batch: Batch, reason: str) -> None:
    """Takes apart what was not released. Raises Conflict, Invalid without a reason."""
    if batch.state != BatchState.PREPARED:
        raise Conflict(_("Only what was not released can be withdrawn."), code="released")
    batch.state, batch.why = BatchState.WITHDRAWN, said(reason)
    batch.save(update_fields=["state", "why"])


def fetch(actor: Actor, batch: Batch, event: str) -> bytes:
    """The file for the bank, once. Raises Conflict where it was not released or was fetched."""
    if batch.content is None:
        raise Conflict(_("The batch is not released."), code="not_released")
    if not batch.fetches_left:
        raise Conflict(
            _("The file was fetched already."),
            code="fetched",
            mend=_("An officer who did not fetch it can allow it once more: first ask the bank whether it has it."),
        )
    batch.fetches_left -= 1
    if batch.state == BatchState.RELEASED:
        batch.state = BatchState.SENT
    batch.save(update_fields=["fetches_left", "state"])
    batch.fetches.create(by=str(actor), at=timezone.now())
    append("payments", event, {"sha256": batch.digest}, subject=batch.ref, actor=str(actor))
    return bytes(batch.content)


def allow_again(actor: Actor, batch: Batch, reason: str, event: str) -> None:
    """Lets the file be fetched once more. Raises Invalid without a reason, Conflict for who fetched it."""
    why, last = said(reason), batch.fetches.order_by("-pk").first()
    if last is None or last.by == str(actor) or batch.fetches_left:
        raise Conflict(_("Another officer than who fetched it allows it, once it was fetched."), code="same_officer")
    batch.fetches_left, batch.why = 1, why
    batch.save(update_fields=["fetches_left", "why"])
    append("payments", event, {}, subject=batch.ref, actor=str(actor))


def said(reason: str) -> str:
    """The reason as it is kept. Raises Invalid for none."""
    if not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    return reason.strip()[:500]
