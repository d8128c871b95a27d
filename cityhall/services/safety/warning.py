"""Warnings to everybody: drafted by one, released by another, changed and taken back as CAP 1.2 wants it.

What was released is kept to the byte; `sent` is the moment of release and never another one. A change is a message of
its own (Update) that names what it replaces, and so is taking one back (Cancel).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.cap.message import Alert, Area, CapError, Circle, Info, Reference
from cityhall.engines.cap.writing import write
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point, metres_between
from cityhall.services.safety import texting
from cityhall.services.safety.models import Warning, WarningFollower

DRAFT, RELEASE = "safety.draft_warning", "safety.release_warning"
LONGEST = timedelta(days=7)
LENGTHS = {"headlines": 160, "texts": 2000, "instructions": 2000}
CHOICES = {
    "category": Warning.Category,
    "urgency": Warning.Urgency,
    "severity": Warning.Severity,
    "certainty": Warning.Certainty,
}
CODES = {"en": "en-US", "es": "es", "pt": "pt-BR", "ko": "ko-KR"}


@transaction.atomic
def draft(actor: Actor, given: Mapping[str, Any], *, now: datetime | None = None) -> Warning:
    """A draft of what `given` says: category, urgency, severity, certainty, headlines, texts and instructions by
    language, area, center and radius_m, expires_at. Raises Denied, Invalid.
    """
    require(actor, DRAFT)
    now = now or timezone.now()
    warning = Warning(identifier=f"urn:uuid:{uuid.uuid4()}", author_id=actor.person_id, drafted_at=now)
    _fill(warning, given, now)
    warning.save()
    _note(actor, warning, "drafted", {})
    return warning


@transaction.atomic
def update(actor: Actor, warning_id: int, given: Mapping[str, Any], *, now: datetime | None = None) -> Warning:
    """A draft that will replace a released warning. Raises Denied, Missing, Conflict, Invalid."""
    return _follow_up(actor, warning_id, Warning.Type.UPDATE, given, now)


@transaction.atomic
def cancel(actor: Actor, warning_id: int, *, now: datetime | None = None) -> Warning:
    """A draft that will take a released warning back. Raises Denied, Missing, Conflict."""
    return _follow_up(actor, warning_id, Warning.Type.CANCEL, None, now)


def _follow_up(
    actor: Actor, warning_id: int, type: str, given: Mapping[str, Any] | None, now: datetime | None
) -> Warning:
    require(actor, DRAFT)
    old = _locked(warning_id)
    if old.state != Warning.State.RELEASED:
        raise Conflict(_("Only what was released and is not over can be changed."), code="not_released")
    return _changed(actor, old, type, given, now or timezone.now())


def _changed(actor: Actor, old: Warning, type: str, given: Mapping[str, Any] | None, now: datetime) -> Warning:
    fields = ("category", "urgency", "severity", "certainty", "headlines", "texts", "instructions", "area")
    same = {name: getattr(old, name) for name in (*fields, "center", "radius_m", "expires_at")}
    warning = Warning(
        identifier=f"urn:uuid:{uuid.uuid4()}", type=type, replaces=old, author_id=actor.person_id, drafted_at=now
    )
    _fill(warning, same | dict(given or {}), now, cancels=type == Warning.Type.CANCEL)
    warning.save()
    _note(actor, warning, "drafted", {"replaces": old.pk})
    return warning


def draft_for(actor: Actor, given: Mapping[str, Any] | None, *, replaces: Warning | None, now: datetime) -> Warning:
    """The draft of another system, in its door's transaction: a new warning, or a change of a released one that is
    locked; without `given`, that it is taken back. Raises Invalid.
    """
    if replaces is not None:
        type = Warning.Type.CANCEL if given is None else Warning.Type.UPDATE
        return _changed(actor, replaces, type, given, now)
    warning = Warning(identifier=f"urn:uuid:{uuid.uuid4()}", drafted_at=now)
    _fill(warning, given or {}, now)
    warning.save()
    _note(actor, warning, "drafted", {})
    return warning


@transaction.atomic
def drop(actor: Actor, warning_id: int) -> Warning:
    """Throws a draft away. Raises Denied, Missing, Conflict for what is no draft."""
    require(actor, DRAFT)
    warning = _locked(warning_id)
    if warning.state != Warning.State.DRAFT:
        raise Conflict(_("It is no draft any more."), code="no_draft")
    return drop_for(actor, warning)


def drop_for(actor: Actor, warning: Warning) -> Warning:
    """The same for another system, which has changed its mind; `warning` is locked, and a draft."""
    warning.state = Warning.State.DROPPED
    warning.save(update_fields=["state"])
    _note(actor, warning, "dropped", {})
    return warning


@transaction.atomic
def release(actor: Actor, warning_id: int, *, now: datetime | None = None) -> Warning:
    """Sends a draft out by every door. Raises Denied to who drafted it, whatever their roles; Missing; Conflict where
    it is no draft or what it replaces is over; Invalid where it would be over already.
    """
    require(actor, RELEASE)
    now = (now or timezone.now()).replace(microsecond=0)
    warning = _locked(warning_id)
    if warning.state != Warning.State.DRAFT:
        raise Conflict(_("It is no draft any more."), code="no_draft", mend=_("Look at it again."))
    if warning.author_id == actor.person_id or (warning.author_id is None and not warning.heard.exists()):
        raise Denied(_("Somebody else must release it."), code="own", mend=_("Ask a colleague to read it."))
    if warning.expires_at <= now:
        raise Invalid(_("It would be over already."), code="over", field="expires_at")
    if warning.replaces_id is not None:
        old = _locked(warning.replaces_id)
        if old.state != Warning.State.RELEASED:
            raise Conflict(_("What it replaces is over."), code="not_released", mend=_("Draft a new warning."))
        old.state = Warning.State.OVER
        old.save(update_fields=["state"])
    warning.state, warning.sent_at, warning.releaser_id = Warning.State.RELEASED, now, actor.person_id
    try:
        warning.xml = write(message(warning))
    except CapError as problem:
        raise Invalid(str(problem), code="no_cap") from problem
    if warning.type == Warning.Type.CANCEL:
        warning.state = Warning.State.OVER
    warning.save()
    warning.told = _tell(warning)
    warning.save(update_fields=["told"])
    _note(actor, warning, "released", {"type": warning.type, "replaces": warning.replaces_id, "told": warning.told})
    return warning


def message(warning: Warning) -> Alert:
    """A warning as a CAP message: an `info` for each language that it is written in."""
    old = warning.replaces
    references = () if old is None or old.sent_at is None else (Reference(sender(), old.identifier, old.sent_at),)
    circles: tuple[Circle, ...] = ()
    if warning.center is not None and warning.radius_m:
        circles = (Circle((warning.center.lon, warning.center.lat), warning.radius_m / 1000),)
    infos = tuple(
        Info(
            categories=(warning.category,),
            event=headline[:80],
            urgency="Past" if warning.type == Warning.Type.CANCEL else warning.urgency,
            severity=warning.severity,
            certainty=warning.certainty,
            language=CODES.get(language, language),
            expires=warning.expires_at.replace(microsecond=0),
            sender_name=settings.CITY.name,
            headline=headline,
            description=warning.texts.get(language, ""),
            instruction=warning.instructions.get(language, ""),
            areas=(Area(warning.area, circles=circles),),
        )
        for language, headline in warning.headlines.items()
    )
    assert warning.sent_at is not None
    return Alert(
        identifier=warning.identifier,
        sender=sender(),
        sent=warning.sent_at,
        status="Actual",
        msg_type=warning.type,
        scope="Public",
        references=references,
        infos=infos,
    )


def sender() -> str:
    """Who the city is to others who read CAP."""
    return f"{settings.CITY.slug}@cityhall"


def going_on(now: datetime | None = None) -> list[Warning]:
    """The released warnings that are not over, the gravest first."""
    found = Warning.objects.filter(state=Warning.State.RELEASED, expires_at__gt=now or timezone.now())
    order = list(Warning.Severity.values)
    return sorted(found, key=lambda one: (order.index(one.severity), -one.pk))


def said(by_language: Mapping[str, str], language: str) -> str:
    """A text in a language, else in the city's own, else in any."""
    for code in (language[:2], settings.LANGUAGE_CODE[:2]):
        if by_language.get(code):
            return by_language[code]
    return next((text for text in by_language.values() if text), "")


@transaction.atomic
def follow(actor: Actor, *, wanted: bool, point: Point | None = None) -> None:
    """Somebody wants to be told of warnings, of all or of those for a place, or no more. Raises Denied."""
    if actor.person_id is None:
        raise Denied(_("Sign in first."), code="denied")
    if wanted:
        WarningFollower.objects.update_or_create(person_id=actor.person_id, defaults={"point": point})
    else:
        WarningFollower.objects.filter(person_id=actor.person_id).delete()


def _tell(warning: Warning) -> int:
    """Tells whoever wants to be told of warnings there, by text message too where they wish; gives how many."""
    told = []
    for follower in WarningFollower.objects.select_related("person").order_by("pk").iterator():
        if not reaches(warning, follower.point):
            continue
        headline = said(warning.headlines, follower.person.language or settings.LANGUAGE_CODE)
        title = _("No more: %(headline)s") if warning.type == Warning.Type.CANCEL else _("Warning: %(headline)s")
        values = {"headline": headline}
        send(follower.person, title, values=values, url=f"/safety/warnings/{warning.pk}/", key=f"warning-{warning.pk}")
        told.append(follower)
    texting.warn(warning, told, warning.sent_at or timezone.now())
    return len(told)


def reaches(warning: Warning, point: Point | None) -> bool:
    """Whether a warning is for somebody at a place; of whom the place is not known, it is."""
    if point is None or warning.center is None or not warning.radius_m:
        return True
    return metres_between(warning.center, point) <= warning.radius_m


def _fill(warning: Warning, given: Mapping[str, Any], now: datetime, *, cancels: bool = False) -> None:
    """Puts in what is given. Raises Invalid."""
    for name, choices in CHOICES.items():
        value = given.get(name)
        if value not in choices.values:
            raise Invalid(_("Choose one of the list."), code="no_choice", field=name)
        setattr(warning, name, value)
    for name, most in LENGTHS.items():
        texts = {code: text.strip()[: most + 1] for code, text in dict(given.get(name) or {}).items() if text.strip()}
        if any(len(text) > most for text in texts.values()):
            raise Invalid(_("Write at most %(most)d characters.") % {"most": most}, code="too_long", field=name)
        setattr(warning, name, texts)
    if not warning.headlines:
        raise Invalid(_("A warning needs a headline."), code="no_headline", field="headlines")
    warning.area = str(given.get("area") or "").strip()[:200] or settings.CITY.name
    warning.center, warning.radius_m = given.get("center"), given.get("radius_m")
    if (warning.center is None) != (not warning.radius_m):
        raise Invalid(_("A place needs a radius, and a radius a place."), code="half_area", field="radius_m")
    expires = given.get("expires_at")
    if not isinstance(expires, datetime) or not (cancels or now < expires <= now + LONGEST):
        raise Invalid(_("Say until when: in the next seven days."), code="bad_until", field="expires_at")
    warning.expires_at = expires


def _locked(warning_id: int) -> Warning:
    warning = Warning.objects.select_for_update().filter(pk=warning_id).first()
    if warning is None:
        raise Missing(_("There is no such warning."), code="no_such_warning")
    return warning


def _note(actor: Actor, warning: Warning, what: str, data: dict[str, Any]) -> None:
    append("safety", f"warning.{what}", data, subject=f"warning:{warning.pk}", actor=str(actor))
