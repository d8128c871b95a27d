"""Alarms of alarm companies (APCO/TMA ASAP, engines/asap): each is an alert as any press is, once by its number.

Nothing that can be read is lost: a type that nobody knows is an unknown signal. What is rejected (no place at all,
hours old) is kept with why, and the company is told in the answer, so that it calls by telephone.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.asap import Alarm, AsapError, Notice, Status, read
from cityhall.kernel.devices import registry
from cityhall.kernel.devices.models import Device
from cityhall.kernel.errors import Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places import geocoder
from cityhall.kernel.places.point import Point
from cityhall.services.safety import actions, calling, stream
from cityhall.services.safety.carrying import own_servers
from cityhall.services.safety.models import AlarmCompany, Alert, CompanyAlarm, CompanyMessage
from cityhall.services.safety.pressing import press
from cityhall.services.safety.workflow import State

CHANGE = "safety.change_doors"
DEVICE = "alarm-company"
TOO_OLD = timedelta(hours=2)
"""A signal that was given so long ago is nobody's emergency any more; the company calls if it is."""
NUMBERS = re.compile(r"\b\d+\w?\b")
WORDS = {
    Alert.Kind.FIRE: {"fire", "smoke", "heat", "gas", "co", "monoxide", "waterflow", "sprinkler"},
    Alert.Kind.MEDICAL: {"medical", "ambulance", "ems"},
    Alert.Kind.PANIC: {"panic", "holdup", "hold", "duress", "robbery", "ambush", "emergency"},
    Alert.Kind.BURGLARY: {"burg", "burglary", "burglar", "intrusion", "intruder", "perimeter"},
}
"""What a type of alarm must hold one word of to be a kind; the first in this order."""
Reason, Kind = CompanyMessage.Reason, CompanyMessage.Kind


@transaction.atomic
def register(actor: Actor, name: str, callback: str = "") -> tuple[AlarmCompany, str]:
    """A company and its key, which is shown this once. Raises Denied, Invalid for an address that may not be asked."""
    require(actor, CHANGE)
    if not name.strip():
        raise Invalid(_("It needs a name."), code="no_name", field="name")
    callback = _checked(callback)
    # Whoever looks after the doors of this service need not be one who looks after all devices.
    device, key = registry.register(system("safety"), kind=DEVICE, owner="safety", label=name[:100])
    company = AlarmCompany.objects.create(device=device, name=name.strip()[:100], callback=callback)
    _note(actor, company, "company.registered")
    return company, key


@transaction.atomic
def change(actor: Actor, company_id: int, callback: str) -> AlarmCompany:
    """Another call-back address; "": the company asks for what waits. Raises Denied, Missing, Invalid."""
    require(actor, CHANGE)
    company = found(company_id)
    company.callback = _checked(callback)
    company.save(update_fields=["callback"])
    _note(actor, company, "company.changed")
    return company


def new_key(actor: Actor, company_id: int) -> str:
    """A new key, shown this once; the old one is refused from now on. Raises Denied, Missing."""
    require(actor, CHANGE)
    return registry.rotate_key(system("safety"), found(company_id).device.public_id)


def switch(actor: Actor, company_id: int, *, on: bool) -> None:
    """Lets a company in or shuts it out. Raises Denied, Missing."""
    require(actor, CHANGE)
    (registry.enable if on else registry.disable)(system("safety"), found(company_id).device.public_id)


def found(company_id: int) -> AlarmCompany:
    """A company by its number. Raises Missing."""
    company = AlarmCompany.objects.select_related("device").filter(pk=company_id).first()
    if company is None:
        raise Missing(_("There is no such company."), code="no_such_company")
    return company


def of(device: Device) -> AlarmCompany:
    """The company that speaks by a device. Raises Denied."""
    company = AlarmCompany.objects.filter(device=device).first()
    if company is None:
        raise Denied(_("This device is no alarm company's."), code="no_company")
    return company


@transaction.atomic
def hear(device: Device, body: bytes, *, now: datetime | None = None) -> Notice:
    """Takes a company's message and gives what it is answered: accepted with the city's number, or rejected and why.

    The same message again is answered as it was. Raises Invalid for what cannot be read, Denied.
    """
    now = now or timezone.now()
    try:
        said = read(body, settings.CITY.zone)
    except AsapError as problem:
        raise Invalid(str(problem), code="no_asap") from problem
    # One after another, so that one alarm that comes twice at a moment is one alert.
    company = AlarmCompany.objects.select_for_update(no_key=True).get(pk=of(device).pk)
    digest = hashlib.sha256(body).digest()
    before = CompanyMessage.objects.filter(company=company, digest=digest).select_related("alarm").first()
    if before is not None and not before.reason:
        return _answer(said.number, before.alarm, "", now)
    actor = Actor("device", device.public_id)
    known = CompanyAlarm.objects.filter(company=company, number=said.number).select_related("alert").first()
    if isinstance(said, Alarm):
        alarm, reason = _alarm(actor, company, said, known, now)
        kind, text = Kind.ALARM, said.details
    else:
        alarm, reason = known, _notice(actor, said, known, now)
        kind = Kind(said.status) if said.status in Kind.values else Kind.UPDATE
        text = said.text
    CompanyMessage.objects.update_or_create(
        company=company,
        digest=digest,
        defaults={
            "alarm": alarm,
            "number": said.number,
            "way": CompanyMessage.Way.IN,
            "kind": kind,
            "reason": reason,
            "text": text,
            "state": CompanyMessage.State.SENT,
            "made_at": now,
            "try_at": now,
            "done_at": now,
        },
    )
    subject = stream.subject(alarm.alert_id) if alarm else f"company:{company.pk}"
    told = {"company": company.pk, "kind": str(kind), "reason": str(reason)}
    append("safety", "company.said", told, subject=subject, actor=str(actor))
    return _answer(said.number, alarm, reason, now)


def kind_of(type: str) -> Alert.Kind:
    """What a type of alarm, as companies write it, is to the city."""
    words = set(re.findall(r"[a-z]+", type.casefold()))
    return next((kind for kind, wanted in WORDS.items() if words & wanted), Alert.Kind.UNKNOWN)


def _alarm(
    actor: Actor, company: AlarmCompany, said: Alarm, known: CompanyAlarm | None, now: datetime
) -> tuple[CompanyAlarm | None, str]:
    """The alarm and "", or why it is none. A number that comes again is the same alert; after that was closed, and with
    a later signal, another one.
    """
    if known is not None and not _given_since(said, known.alert):
        if said.details and said.details != known.details and known.alert.state != State.CLOSED:
            calling.hear(_main(known.alert), said.details, actor, now)
            known.details = said.details
            known.save(update_fields=["details"])
        return known, ""
    if not (said.address or said.place) and said.lon is None:
        return None, Reason.NO_PLACE
    if said.at is not None and now - said.at > TOO_OLD:
        return None, Reason.TOO_OLD
    point, by_address = _point(said)
    secret = hashlib.sha256(f"{said.number}\n{known.alert_id if known else ''}".encode()).hexdigest()[:32]
    made = press(
        actor,
        f"alarm-{company.pk}-{secret}",
        kind=kind_of(said.type),
        door=Alert.Door.ALARM,
        point=point,
        place=", ".join(filter(None, (said.place, said.address))),
        phone=said.telephone,
        text="\n".join(filter(None, (said.type, said.details))),
        at=now,
    )
    fields = {
        "alert": made.alert,
        "type": said.type[:200],
        "account": said.account[:200],
        "zone": said.zone[:200],
        "station": said.station[:200],
        "details": said.details,
        "told_at": said.at,
        "by_address": by_address,
    }
    alarm, _made = CompanyAlarm.objects.update_or_create(company=company, number=said.number, defaults=fields)
    return alarm, ""


def _given_since(said: Alarm, alert: Alert) -> bool:
    return said.at is not None and alert.closed_at is not None and said.at > alert.closed_at


def _main(alert: Alert) -> Alert:
    """The alert, locked, or the one that it was made part of."""
    number = alert.part_of_id if alert.state == State.MERGED and alert.part_of_id else alert.pk
    return actions.locked(number)


def _point(said: Alarm) -> tuple[Point | None, bool]:
    """Where it is, and whether that was found by the address: then of the street, the city knows no house numbers."""
    if said.lon is not None and said.lat is not None:
        return Point(said.lon, said.lat), False
    street = NUMBERS.sub(" ", said.address.partition(",")[0]).strip()
    match = next(iter(geocoder.matches(street, limit=1)), None) if street else None
    if match is None or not match.sure:
        return None, False
    return Point(*match.place.point), True


def _notice(actor: Actor, said: Notice, known: CompanyAlarm | None, now: datetime) -> str:
    """Does what the company says of an alarm; gives why it is rejected, else ""."""
    if said.status not in (Status.CANCEL, Status.UPDATE):
        return Reason.NOT_YOURS
    if known is None:
        return Reason.NO_ALARM
    alert = actions.locked(known.alert_id)
    if alert.state == State.CLOSED:
        return Reason.CLOSED
    if said.status == Status.CANCEL and alert.cancelled_at is None:
        calling.call_off(alert, actor, now, duress=False)
    if said.text:
        calling.hear(_main(alert), said.text, actor, now)
    return ""


def _answer(number: str, alarm: CompanyAlarm | None, reason: str, now: datetime) -> Notice:
    if reason:
        return Notice(number, Status.REJECTED, now, reason=str(Reason(reason).label))
    return Notice(number, Status.ACCEPTED, now, call=str(alarm.alert_id) if alarm else "")


def _checked(callback: str) -> str:
    from cityhall.kernel.outgoing import may_be_asked

    callback = callback.strip()
    if callback and not may_be_asked(callback, own_servers()):
        raise Invalid(
            _("This address may not be called."),
            code="bad_address",
            field="callback",
            mend=_("Give an https address, or name the server in city.toml: [service.safety] servers."),
        )
    return callback


def _note(actor: Actor, company: AlarmCompany, what: str) -> None:
    append("safety", what, {"device": company.device.public_id}, subject=f"company:{company.pk}", actor=str(actor))
