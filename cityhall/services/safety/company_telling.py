"""What the desk does with an alarm goes back to its company: to its call-back address, or fetched by it.

Each is a row, kept in the transaction of what it tells of; a job sends them in order (`carrying.py`).
"""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cityhall.engines.asap import Notice, Status, write
from cityhall.kernel.devices import keys
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.services.safety import carrying, texting
from cityhall.services.safety.models import AlarmCompany, Alert, CompanyAlarm, CompanyMessage, Line
from cityhall.services.safety.workflow import State

if TYPE_CHECKING:
    import requests

SIGNED = "cityhall-callback-1"
Kind = CompanyMessage.Kind
TELLS = {"send": Kind.DISPATCHED, "arrive": Kind.ARRIVED, "close": Kind.CLOSED}
"""Steps of an alert that are told to whoever sent it."""
MOST = 200


def tell(alert: Alert, step: str, at: datetime) -> None:
    """Keeps for the companies whose alarm it is that the desk has taken a step with it. In the step's transaction.

    What was made part of an alert has a unit when that has; it ends by a step of its own.
    """
    kind = TELLS.get(step)
    if kind is not None:
        parts = kind != Kind.CLOSED
        _keep(kind, alert, at, parts=parts, outcome="" if parts else alert.outcome)


def answered(alert: Alert, line: Line) -> None:
    """The same of what the desk has written to whoever called: a company, or by text message. In a transaction."""
    _keep(Kind.UPDATE, alert, line.at, parts=True, text=line.text)
    texting.answered(alert, line)


def _keep(kind: str, alert: Alert, at: datetime, *, parts: bool, text: str = "", outcome: str = "") -> None:
    from cityhall.services.safety.tasks import tell_company

    whose = Q(alert=alert)
    if parts:
        whose |= Q(alert__part_of=alert, alert__state=State.MERGED)
    made = [
        CompanyMessage(
            company_id=alarm.company_id,
            alarm=alarm,
            number=alarm.number,
            way=CompanyMessage.Way.OUT,
            kind=kind,
            text=text,
            outcome=outcome,
            made_at=at,
            try_at=at,
        )
        for alarm in CompanyAlarm.objects.filter(whose).order_by("pk")
    ]
    CompanyMessage.objects.bulk_create(made)
    for number in sorted({message.company_id for message in made}):
        tell_company.defer(company_id=number)


def waiting(company: AlarmCompany, after: int = 0) -> list[CompanyMessage]:
    """What waits for a company, the earliest first, at most MOST: what was given up too, since nobody has it."""
    out = company.messages.filter(way=CompanyMessage.Way.OUT, pk__gt=after).select_related("alarm")
    return list(out.filter(state__in=(CompanyMessage.State.WAITING, CompanyMessage.State.FAILED)).order_by("pk")[:MOST])


@transaction.atomic
def taken(company: AlarmCompany, until: int, *, now: datetime | None = None) -> int:
    """The company has fetched what waited for it, up to a message's number; gives how many those were."""
    open_ = (CompanyMessage.State.WAITING, CompanyMessage.State.FAILED)
    rows = company.messages.filter(way=CompanyMessage.Way.OUT, pk__lte=until, state__in=open_)
    count = rows.update(state=CompanyMessage.State.TAKEN, done_at=now or timezone.now())
    if count:
        actor = Actor("device", company.device.public_id)
        append("safety", "company.fetched", {"count": count}, subject=f"company:{company.pk}", actor=str(actor))
    return count


def xml_of(message: CompanyMessage) -> bytes:
    """A message as the company is told it."""
    call = str(message.alarm.alert_id) if message.alarm else ""
    return write(
        Notice(
            message.number,
            Status(message.kind),
            message.made_at,
            text=message.text,
            disposition=message.get_outcome_display() if message.outcome else "",
            call=call,
        )
    )


def signature(key: bytes, device: str, message: int, body: bytes) -> str:
    """What a call-back is signed by: HMAC-SHA256 with the company's own key, in hexadecimal."""
    head = f"{SIGNED}\n{device}\n{message}\n".encode()
    return hmac.new(key, head + body, sha256).hexdigest()


def send_waiting(company_id: int) -> None:
    """Tells a company what waits, in order; where one cannot be told, that and what is behind it wait (a job)."""
    from cityhall.kernel.outgoing import new_session

    company = AlarmCompany.objects.select_related("device").filter(pk=company_id).exclude(callback="").first()
    if company is None:
        return
    out = CompanyMessage.objects.filter(company=company, way=CompanyMessage.Way.OUT).select_related("alarm")
    with new_session(carrying.own_servers()) as session:
        while message := carrying.claim(out, timezone.now(), in_order=True):
            problem, for_good = _post(session, company, message)
            carrying.ended(message, timezone.now(), problem, for_good=for_good)


def _post(session: requests.Session, company: AlarmCompany, message: CompanyMessage) -> tuple[str, bool]:
    """What went wrong ("": nothing), and whether trying again cannot help."""
    import requests

    body, device = xml_of(message), company.device.public_id
    headers = {
        "Content-Type": "application/xml; charset=utf-8",
        "Cityhall-Device": device,
        "Cityhall-Message": str(message.pk),
        "Cityhall-Signature": signature(keys.unseal(bytes(company.device.key)), device, message.pk, body),
    }
    try:
        answer = session.post(
            company.callback, data=body, headers=headers, timeout=carrying.TIMEOUT_S, allow_redirects=False
        )
    except (requests.RequestException, ValueError) as problem:
        return type(problem).__name__, False
    if answer.status_code in carrying.OK:
        return "", False
    return f"HTTP {answer.status_code}", answer.status_code in carrying.REFUSED
