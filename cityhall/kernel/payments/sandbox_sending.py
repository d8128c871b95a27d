"""The sandbox's way out: a message to the city's door over HTTP, as from another machine."""

from __future__ import annotations

from django.conf import settings
from django.db.models import F

from cityhall.kernel.payments import signing
from cityhall.kernel.payments.models import SandboxEvent
from cityhall.kernel.values import url_parts

DOOR = "/api/payments/hooks/sandbox"
TIMEOUT_S = 20


def send_later(event: SandboxEvent, seconds: float) -> None:
    """Has a message sent after so many seconds, by a job."""
    from cityhall.kernel.payments.tasks import sandbox_sends

    sandbox_sends.configure(schedule_in={"seconds": seconds}).defer(event=event.pk)


def go_on_later(payment_ref: str, seconds: float) -> None:
    """Has it go on with a payment after so many seconds, by a job."""
    from cityhall.kernel.payments.tasks import sandbox_goes_on

    sandbox_goes_on.configure(schedule_in={"seconds": seconds}).defer(payment=payment_ref)


def post(event: SandboxEvent) -> int:
    """Sends a message, signed now; gives the status of the answer. Raises what requests raises."""
    # Only the job that sends needs it: a city starts without.
    from cityhall.kernel.outgoing import new_session

    url = settings.PUBLIC_URL + DOOR
    body = event.body.encode()
    headers = {signing.HEADER: signing.sign(body), "Content-Type": "application/json"}
    SandboxEvent.objects.filter(pk=event.pk).update(attempts=F("attempts") + 1)
    with new_session(own=[url_parts(url).hostname or ""]) as session:
        status = session.post(url, data=body, headers=headers, timeout=TIMEOUT_S).status_code
    if status < 300:
        SandboxEvent.objects.filter(pk=event.pk).update(sent=F("sent") + 1)
    return status
