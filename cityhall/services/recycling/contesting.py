"""Right or wrong: a resident confirms or contests a weight, an officer decides, a correction reverses and posts anew.

Locks: pickup, account, the ledger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send, send_to_holders
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import accounts, collecting, points, tariffs, weighing, workflow
from cityhall.services.recycling.models import Contest, Pickup, Weighing
from cityhall.services.recycling.rules import contest_until, day_of, rules
from cityhall.services.recycling.tariffs import Line
from cityhall.services.recycling.weighing import SETTLE
from cityhall.services.recycling.workflow import State

DECIDE = "recycling.decide_weight"
LATE = timedelta(days=3)
"""An officer who has not decided by then is late."""


def _own(actor: Actor, uid: UUID) -> Weighing:
    """A weighing of an account that the actor acts for, its pickup and account locked. Raises Missing."""
    found = Weighing.objects.select_related("account").filter(uid=uid).first()
    if found is None or not accounts.holds(actor, found.account):
        raise Missing(_("There is no such weighing."), code="no_such_weighing")
    return _locked(found)


def _locked(found: Weighing) -> Weighing:
    pickup = collecting.locked(found.pickup_id) if found.pickup_id is not None else None
    found.account = accounts.locked(found.account_id)
    found.pickup = pickup
    return found


@transaction.atomic
def confirm(actor: Actor, uid: UUID) -> Weighing:
    """The weight is right. Raises Missing, Conflict."""
    mine = _own(actor, uid)
    if mine.pickup is not None and mine.pickup.state != State.CONFIRMED:
        collecting.step(mine.pickup, "confirm", actor)
    return mine


@transaction.atomic
def unconfirm(actor: Actor, uid: UUID) -> Weighing:
    """That was pressed by mistake. Raises Missing, Conflict once it is settled."""
    mine = _own(actor, uid)
    if mine.pickup is not None:
        collecting.step(mine.pickup, "unconfirm", actor)
    return mine


@transaction.atomic
def contest(actor: Actor, uid: UUID, text: str) -> Contest:
    """The weight is wrong: an officer looks at it. Once; within the city's days. Raises Missing, Invalid, Conflict."""
    mine = _own(actor, uid)
    known = Contest.objects.filter(weighing=mine).first()
    if known is not None:
        return known
    if not text.strip():
        raise Invalid(_("Say what is wrong."), code="no_text", field="text", mend=_("Write what you think it weighed."))
    if mine.source == Weighing.Source.EARLIER:
        raise Conflict(
            _("An earlier system weighed this: it cannot be contested here."),
            code="earlier",
            mend=_("Write to the city hall."),
        )
    now = timezone.now()
    if now > contest_until(mine.heard_at):
        raise Conflict(
            _("A weight may be contested for %(days)d days only.") % {"days": rules().contest_days},
            code="too_late",
            mend=_("Write to the city hall."),
        )
    if mine.pickup is not None:
        collecting.step(mine.pickup, "contest", actor)
        clear(SETTLE, mine.pickup.ref)
    made = Contest.objects.create(weighing=mine, person_id=actor.person_id, text=text.strip()[:500], at=now)
    append("recycling", "weight.contested", {}, subject=mine.ref, actor=str(actor))
    send_to_holders(
        _("A weight is contested"),
        _("Look at it and decide."),
        role="recycling.officer",
        url=f"/recycling/desk/weights/{mine.uid}/",
        key=f"recycling:contest:{mine.uid}",
    )
    return made


@transaction.atomic
def decide(actor: Actor, uid: UUID, lines: Sequence[Line] | None, answer: str) -> Contest:
    """An officer decides: the weight stands (`lines` None), or was this. Its points are taken back and given anew.

    What was spent of them already is then a debt of the account. Raises Denied, also for who weighed it or has the
    points, Missing, Invalid, Conflict where it was decided.
    """
    require(actor, DECIDE)
    found = Weighing.objects.select_related("account").filter(uid=uid).first()
    if found is None:
        raise Missing(_("There is no such weighing."), code="no_such_weighing")
    mine = _locked(found)
    if actor.person_id is not None and (actor.person_id == mine.person_id or accounts.holds(actor, mine.account)):
        raise Denied(
            _("It is your own weighing or your own points."), code="own", mend=_("Another officer has to decide it.")
        )
    case = Contest.objects.select_for_update().filter(weighing=mine).first()
    if case is None or case.verdict:
        raise Conflict(_("Nobody waits for a decision on this."), code="not_contested")
    if not answer.strip():
        raise Invalid(_("Say why."), code="no_answer", field="answer", mend=_("Whoever contested it reads it."))
    case.verdict = Contest.Verdict.STANDS if lines is None else Contest.Verdict.CORRECTED
    case.officer_id, case.answer, case.decided_at = actor.person_id, answer.strip()[:500], timezone.now()
    case.save()
    if lines is not None:
        correct(mine, lines, actor)
    if mine.pickup is not None:
        collecting.step(mine.pickup, "decide", actor)
    append("recycling", "weight.decided", {"verdict": str(case.verdict)}, subject=mine.ref, actor=str(actor))
    _tell(case)
    return case


def correct(mine: Weighing, lines: Sequence[Line], actor: Actor) -> None:
    """Puts other weights in the place of those of a locked weighing: points back by reversal, and anew."""
    worth = tariffs.reckon(lines, day_of(mine.at))
    before = list(mine.lines.filter(valid=True))
    mine.lines.filter(valid=True).update(valid=False)
    weighing.write_lines(mine, worth)
    for origin, amount in ((points.EARNED, sum(x.base for x in before)), (points.BONUS, sum(x.bonus for x in before))):
        points.take_back(
            points.key(mine.uid, origin, "undone"),
            points.key(mine.uid, origin, ""),
            mine.account,
            amount,
            subject=mine.ref,
            actor=actor,
        )
    weighing.earn(mine, worth, actor, "corrected")
    mine.corrected = True
    mine.save(update_fields=["corrected"])


def _tell(case: Contest) -> None:
    if case.person is None:
        return
    title = (
        _("The weight that you contested stands")
        if case.verdict == Contest.Verdict.STANDS
        else _("The weight that you contested was corrected")
    )
    send(
        case.person,
        title,
        _("Read the answer, and look at your points."),
        url=f"/recycling/weighings/{case.weighing_id}/",
        key=f"recycling:decided:{case.weighing_id}",
    )


def settle(due: Due) -> None:
    """The days to contest are over (a deadline's action): what was weighed stays as it is."""
    pickup = Pickup.objects.filter(pk=int(due.subject.removeprefix("pickup:"))).first()
    if pickup is None:
        return
    mine = collecting.locked(pickup.pk)
    if workflow.can("settle", mine.state):
        collecting.step(mine, "settle", system("recycling"))
