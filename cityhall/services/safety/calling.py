"""What whoever called and the desk say to one another: the caller calls it off, and both write."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import company_telling, stream
from cityhall.services.safety.actions import ANSWER, in_order, locked, say, step, touch
from cityhall.services.safety.codes import hash_of
from cityhall.services.safety.models import Alert, Line
from cityhall.services.safety.phrases import CALLER, DESK
from cityhall.services.safety.workflow import State


@transaction.atomic
def cancel(code: str, *, duress: bool, now: datetime | None = None) -> Alert:
    """The caller calls it off. It stays open for an operator to close, and looks the same under duress.

    Raises Missing for a code that follows nothing, Conflict once it is closed.
    """
    now = now or timezone.now()
    alert, *main = _with_main(by_code(code))
    call_off(alert, Actor("anonymous"), now, duress=duress)
    for whole in main:
        if whole.is_open:
            whole.duress = whole.duress or duress
            _tell_whole(whole, "part_off", alert, now)
    return alert


def call_off(alert: Alert, actor: Actor, now: datetime, *, duress: bool) -> Alert:
    """The same of a locked alert, for a door that has looked whose it is. Raises Conflict."""
    alert.cancelled_at = now
    alert.duress = alert.duress or duress
    return step(alert, "cancel", actor, now, by_caller=True)


def hear(alert: Alert, text: str, actor: Actor, now: datetime) -> Line:
    """What the caller of a locked alert says, for a door that has looked whose it is. Raises Invalid."""
    line = say(alert, "said", actor, now, text=text, by_caller=True)
    alert.unread_since = alert.unread_since or now
    touch(alert, "unread_since")
    return line


@transaction.atomic
def tell(code: str, text: str, *, phrase: str = "", key: str = "", now: datetime | None = None) -> Line:
    """The caller writes to the desk, or presses one of `phrases.CALLER`. The same key again is the same line.

    Raises Missing, Invalid, Conflict once the call is closed: nobody would read it.
    """
    alert, *main = _with_main(by_code(code))
    known = alert.lines.filter(key=key).first() if key else None
    if known is not None:
        return known
    if alert.state == State.CLOSED:
        raise Conflict(_("Your call is closed."), code="closed", mend=_("Call again if you need help."))
    now = now or timezone.now()
    line = _written(alert, "said", ANONYMOUS, now, text, phrase, CALLER, by_caller=True)
    if key:
        line.key = key[:64]
        line.save(update_fields=["key"])
    append("safety", "alert.said", {"line": line.pk}, subject=stream.subject(alert.pk))
    # Whoever works on the whole that it is part of has the caller's words before them too.
    for one in (alert, *main):
        one.unread_since = one.unread_since or now
        touch(one, "unread_since")
    for whole in main:
        if whole.is_open:
            say(whole, "part_said", ANONYMOUS, now, data={"alert": alert.pk}, by_caller=True)
    return line


def _tell_whole(whole: Alert, what: str, part: Alert, now: datetime) -> None:
    """What the caller of a part does is seen by whoever has the whole."""
    say(whole, what, Actor("anonymous"), now, data={"alert": part.pk}, by_caller=True)
    touch(whole, "duress")


@transaction.atomic
def reply(actor: Actor, alert_id: int, text: str, *, phrase: str = "", now: datetime | None = None) -> Line:
    """An operator writes to the caller, who reads it on the page of their alert, a phrase in their own language.

    Raises Denied, Missing, Invalid.
    """
    require(actor, ANSWER)
    alert = locked(alert_id)
    line = _written(alert, "reply", actor, now or timezone.now(), text, phrase, DESK)
    append("safety", "alert.replied", {"line": line.pk}, subject=stream.subject(alert.pk), actor=str(actor))
    touch(alert)
    company_telling.answered(alert, line)
    return line


def _written(
    alert: Alert,
    what: str,
    actor: Actor,
    at: datetime,
    text: str,
    phrase: str,
    phrases: Collection[str],
    *,
    by_caller: bool = False,
) -> Line:
    if phrase and phrase not in phrases:
        raise Invalid(_("There is no such quick reply."), code="no_such_phrase", field="phrase")
    if not phrase and not text.strip():
        raise Invalid(_("Write something first."), code="empty", field="text")
    line = say(alert, what, actor, at, text="" if phrase else text, by_caller=by_caller)
    if phrase:
        line.phrase = phrase
        line.save(update_fields=["phrase"])
    return line


def _with_main(alert: Alert) -> list[Alert]:
    """The alert and what it is part of, if anything, locked. Raises Missing."""
    both = {one.pk: one for one in in_order(Alert.objects.filter(pk__in=(alert.pk, alert.part_of_id or alert.pk)))}
    found = both.get(alert.pk)
    if found is None:
        raise Missing(_("There is no such alert."), code="no_such_alert")
    return [found, *(one for one in both.values() if one.pk == found.part_of_id)]


def by_code(code: str, *, lock: bool = False) -> Alert:
    """The alert that a caller's code follows. Raises Missing."""
    found = Alert.objects.select_for_update() if lock else Alert.objects.all()
    alert = found.filter(code=hash_of(code.strip().lower())).first()
    if alert is None:
        raise Missing(_("This code follows no alert."), code="no_such_code", mend=_("Check that it is written whole."))
    return alert
