"""What a caller and the desk write to each other, as each of them sees it: who has read it, and in which language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from cityhall.kernel import translating
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.services.safety import stream
from cityhall.services.safety.actions import locked, touch
from cityhall.services.safety.models import Alert, Line
from cityhall.services.safety.phrases import CAUTION, DESK

SPOKEN = ("said", "reply")
AT_ONCE = 5
"""So many lines are translated at one wish, the latest first: each may take a moment."""


def lines(alert: Alert, *, with_parts: bool = False) -> list[Line]:
    """What was written, the earliest first; `with_parts`, also what callers of its parts have."""
    of = Q(alert=alert) | Q(alert__part_of=alert) if with_parts else Q(alert=alert)
    return list(Line.objects.filter(of, what__in=SPOKEN).select_related("alert", "who").order_by("pk"))


def no_door(alert: Alert) -> bool:
    """Whether its caller, or one of its parts, asked that nobody comes to the door."""
    return Line.objects.filter(Q(alert=alert) | Q(alert__part_of=alert), phrase=CAUTION).exists()


def for_caller(alert: Alert, *, now: datetime | None = None) -> list[Line]:
    """The lines for the caller's page; what the desk wrote has been read from now on."""
    found = lines(alert)
    _read([line for line in found if not line.by_caller], now or timezone.now())
    return found


def for_desk(actor: Actor, alert: Alert, *, translate: bool = False, now: datetime | None = None) -> dict[str, Any]:
    """The conversation for an operator's screen; it is read from now on where they have the alert.

    `translate`: what callers wrote in another language is translated first, as far as the machine can. `rows` are
    pairs of a line and its translation, "" where there is none.
    """
    found = lines(alert, with_parts=True)
    if alert.owner_id is not None and alert.owner_id == actor.person_id:
        _read([line for line in found if line.by_caller], now or timezone.now())
        _heed(alert)
    language = (get_language() or "")[:2]
    foreign = [line for line in found if _foreign(line, language)]
    if translate:
        _translate(foreign, language)
    return {
        "talk": [(line, line.translations.get(language, "")) for line in found],
        "untranslated": any(language not in line.translations for line in foreign),
        "no_door": any(line.phrase == CAUTION for line in found),
        "desk_phrases": DESK.items(),
    }


def _foreign(line: Line, language: str) -> bool:
    """Whether there is a way from a caller's own words to the reader's language."""
    theirs = line.alert.language[:2]
    if not line.by_caller or not line.text or theirs in ("", language):
        return False
    return bool(translating.ways(theirs, language))


def _translate(found: list[Line], language: str) -> None:
    # One for which nothing came is not asked for again: "" is kept for it.
    for line in [one for one in reversed(found) if language not in one.translations][:AT_ONCE]:
        line.translations[language] = translating.draft(line.text, line.alert.language[:2], language)
        line.save(update_fields=["translations"])


@transaction.atomic
def _read(found: Iterable[Line], now: datetime) -> None:
    """The other side has these before them: kept once, and whoever wrote them is shown it."""
    unread = {line.pk: line for line in found if line.seen_at is None}
    if not unread:
        return
    for number in sorted({line.alert_id for line in unread.values()}):
        alert = locked(number)
        mine = [line.pk for line in unread.values() if line.alert_id == number]
        if not Line.objects.filter(pk__in=mine, seen_at=None).update(seen_at=now):
            continue
        append("safety", "alert.read", {"lines": mine}, subject=stream.subject(number))
        touch(alert)
    for line in unread.values():
        line.seen_at = now


@transaction.atomic
def _heed(alert: Alert) -> None:
    """Whoever has the alert has it before them: nothing waits for them in it."""
    if alert.unread_since is not None:
        one = locked(alert.pk)
        one.unread_since = None
        touch(one, "unread_since")
