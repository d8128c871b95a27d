"""Who is at the desk: shifts, which begin once the test sound was heard, and whose browser is silent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.safety.models import Alert, Shift
from cityhall.services.safety.workflow import HELD

SILENT = timedelta(seconds=7)
"""A browser that has not spoken for so long is silent. Screens ask every two seconds, so what its operator has turns
amber for all within ten, with a second left for a busy machine."""


@transaction.atomic
def begin(actor: Actor, *, heard: bool, now: datetime | None = None) -> Shift:
    """An operator begins work. Raises Denied; Invalid where no test sound was heard: a mute desk misses calls."""
    require(actor, "safety.answer_alert")
    if not heard:
        raise Invalid(
            _("The test sound must be heard first."),
            code="not_heard",
            field="heard",
            mend=_("Turn up the sound, play it again, and confirm that you heard it."),
        )
    now = now or timezone.now()
    shift, made = Shift.objects.get_or_create(
        person_id=actor.person_id or 0, ended_at=None, defaults={"began_at": now, "seen_at": now}
    )
    if made:
        append("safety", "shift.began", {}, subject=f"shift:{shift.pk}", actor=str(actor))
    return shift


@transaction.atomic
def end(actor: Actor, *, now: datetime | None = None) -> None:
    """An operator goes. Raises Conflict while they have alerts: those are handed over first."""
    shift = Shift.objects.select_for_update().filter(person_id=actor.person_id or 0, ended_at=None).first()
    if shift is None:
        return
    if Alert.objects.filter(owner_id=actor.person_id, state__in=HELD).exists():
        raise Conflict(
            _("You still have alerts."), code="has_alerts", mend=_("Close them, put them back or hand them over.")
        )
    shift.ended_at = now or timezone.now()
    shift.save(update_fields=["ended_at"])
    append("safety", "shift.ended", {}, subject=f"shift:{shift.pk}", actor=str(actor))


def here(actor: Actor, *, now: datetime | None = None) -> bool:
    """An operator's browser says that it is there; False without a shift."""
    shifts = Shift.objects.filter(person_id=actor.person_id or 0, ended_at=None)
    return bool(shifts.update(seen_at=now or timezone.now()))


def on_shift(actor: Actor) -> None:
    """Raises Conflict for an operator whose shift has not begun."""
    if actor.kind != "system" and not Shift.objects.filter(person_id=actor.person_id or 0, ended_at=None).exists():
        raise Conflict(
            _("Your shift has not begun."), code="no_shift", mend=_("Begin it at the desk: the test sound comes first.")
        )


def is_here(person_id: int, now: datetime) -> bool:
    """Whether an operator's browser has spoken lately."""
    return Shift.objects.filter(person_id=person_id, ended_at=None, seen_at__gt=now - SILENT).exists()


def present(now: datetime) -> list[Shift]:
    """The shifts that go on, those who are silent among them."""
    return list(Shift.objects.filter(ended_at=None).select_related("person").order_by("began_at"))
