"""Jobs of the service: what goes to other control centres, companies, telephones, and to who follows a way."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from procrastinate import RetryStrategy

from cityhall.kernel.errors import Unavailable
from cityhall.kernel.notify.letters import send_once
from cityhall.kernel.work.jobs import job
from cityhall.services.safety import company_telling, escort_telling, texting
from cityhall.services.safety.models import EscortFollower

ATTEMPTS = 20
"""How often a document is sent again."""
TIMEOUT_S = 10
MOST_READ = 2000
"""Bytes of an answer that are read: it says why, or nothing that we need."""
log = logging.getLogger("cityhall.safety")
# 5, 8, 11 ... 62 s: over ten minutes in all. Whoever waits for help cannot wait for longer: then people are told.
_AGAIN = RetryStrategy(max_attempts=ATTEMPTS, wait=2, linear_wait=3)


class NotTaken(Exception):
    """The other centre will not take this document, however often it is sent."""


@job("safety.pass_on", twice=True, retry=_AGAIN)
def pass_on(passing_id: int) -> None:
    """Sends an alert to another centre. They know the same incident by its name: twice is once."""
    from cityhall.services.safety import centres
    from cityhall.services.safety.models import Passing

    passing = Passing.objects.select_related("alert", "centre").filter(pk=passing_id, state="queued").first()
    if passing is None:
        return
    if not passing.alert.is_open or not passing.centre.enabled:
        centres.not_delivered(passing_id, "", over=True)
        return
    try:
        _send(passing.centre, centres.document(passing.alert))
    except NotTaken as problem:
        centres.not_delivered(passing_id, str(problem), over=True)
    except Exception as problem:
        over = passing.attempts >= ATTEMPTS
        centres.not_delivered(passing_id, f"{type(problem).__name__}: {problem}", over=over)
        if not over:
            raise
    else:
        centres.delivered(passing_id, 1)


@job("safety.answer_back", twice=True, retry=_AGAIN)
def answer_back(alert_id: int) -> None:
    """Tells another centre whether we have what it passed on to us. Twice is once: they go by the incident's name."""
    from cityhall.services.safety import centres, eido
    from cityhall.services.safety.models import Taken

    taken = Taken.objects.select_related("centre").filter(pk=alert_id, told_at=None).exclude(answer="").first()
    if taken is None:
        return
    owns = taken.answer == Taken.Answer.ACKNOWLEDGED
    now = timezone.now()
    body = eido.answer(taken.identifier, centres.agency(), now, owns=owns, reason=taken.reason)
    try:
        _send(taken.centre, body)
    except NotTaken as problem:
        log.error("answer to centre %s not taken: %s", taken.centre_id, problem)
        return
    centres.answer_delivered(alert_id, now)


def _send(centre: Any, body: dict[str, Any]) -> None:
    """Posts a document. Raises NotTaken where sending again cannot help, Unavailable and httpx' errors where it may."""
    import httpx

    from cityhall.services.safety.sealing import opened

    headers = {"Authorization": f"Bearer {opened(centre.outgoing)}"}
    with (
        httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client,
        client.stream("POST", centre.url, json=body, headers=headers) as answer,
    ):
        said = next(answer.iter_bytes(MOST_READ), b"")[:MOST_READ].decode("utf-8", "replace").replace("\0", "")
        if answer.is_success:
            return
        if 300 <= answer.status_code < 500 and answer.status_code not in (408, 425, 429):
            raise NotTaken(f"{answer.status_code} {said}")
        raise Unavailable(f"{answer.status_code} {said}")


# The job knows numbers only: jobs are kept for a while, and nobody would think of erasing an address there.
@job("safety.mail_follower", twice=True, retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def mail_follower(follower_id: int, what: str) -> None:
    """Mails one who follows a way without an account, unless they want to be told no more or it is erased."""
    rows = EscortFollower.objects.select_related("escort__person")
    one = rows.filter(pk=follower_id, person=None).exclude(email="").first()
    if one is None:
        return
    known = {code for code, _name in settings.LANGUAGES}
    with translation.override(one.language if one.language in known else settings.LANGUAGE_CODE):
        send_once(_letter(one, what), f"escort follower {one.pk} {what}")


def _letter(one: EscortFollower, what: str) -> EmailMessage:
    news, name = escort_telling.NEWS[what], str(escort_telling.name_of(one.escort, one))
    title = str(news.title) % {"name": name}
    text = _(
        "%(title)s.\n%(body)s\n\n%(link)s\n\n"
        "To be told no more, open the link and press “Tell me no more”. It ends by itself within a day.\n"
    )
    link = settings.PUBLIC_URL + escort_telling.path_of(one)
    subject = " ".join(f"{settings.CITY.name}: {title}".split())
    body = text % {"title": title, "body": str(news.body), "link": link}
    return EmailMessage(subject, body, to=[one.email], headers={"Auto-Submitted": "auto-generated"})


@job("safety.tell_company", twice=True)
def tell_company(company_id: int) -> None:
    """Tells an alarm company what waits for it."""
    company_telling.send_waiting(company_id)


@job("safety.send_texts", twice=True)
def send_texts() -> None:
    """Sends the text messages that are due."""
    texting.send_waiting()
