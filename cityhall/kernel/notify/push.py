"""Web push: encrypted for the browser (RFC 8291), signed as the city (VAPID, RFC 8292)."""

from __future__ import annotations

import orjson
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.notify.models import Notification, PushSubscription
from cityhall.kernel.notify.sending import language_of
from cityhall.kernel.notify.wording import in_language
from cityhall.kernel.people.models import Person
from cityhall.kernel.values import url_parts

TIMEOUT_SECONDS = 10
KEEP_SECONDS = 24 * 3600
"""How long the push service keeps a message for a browser that is off."""
MOST_BYTES = 3800
"""Bytes of a message: a push service takes 4,096 (RFC 8030, section 7.2), of which encryption needs 103."""
MOST_BROWSERS = 20
"""Browsers one person may subscribe; a further one takes the place of the oldest."""


class Gone(Exception):
    """The browser has unsubscribed (404 or 410): its subscription is of no use any more."""


class Refused(Exception):
    """The push service will not take this message, however often it is sent."""


@transaction.atomic
def subscribe(person: Person, endpoint: str, p256dh: str, auth: str) -> PushSubscription:
    """Keeps a browser's subscription; one that another account had is this person's now.

    Raises Invalid where the endpoint is no HTTPS address.
    """
    parts = url_parts(endpoint)
    if parts.scheme != "https" or not parts.hostname or len(endpoint) > 1000:
        raise Invalid(_("This is not the address of a push service."), code="bad_endpoint", field="endpoint")
    subscription, _made = PushSubscription.objects.update_or_create(
        endpoint=endpoint, defaults={"person": person, "p256dh": p256dh, "auth": auth}
    )
    others = PushSubscription.objects.filter(person=person).exclude(pk=subscription.pk).order_by("-pk")
    PushSubscription.objects.filter(pk__in=[one.pk for one in others[MOST_BROWSERS - 1 :]]).delete()
    return subscription


@transaction.atomic
def unsubscribe(person: Person, endpoint: str) -> None:
    """Forgets a browser of the person's; one that is not there is no error."""
    PushSubscription.objects.filter(person=person, endpoint=endpoint).delete()


def message(notification: Notification) -> bytes:
    """What the service worker gets, JSON of at most MOST_BYTES: `{"id", "title", "body", "url", "lang"}`.

    In the language that the person has now: a message may wait for hours for a push service.
    """
    notification = in_language(notification, language_of(notification.person))
    body = notification.body
    data = {
        "id": notification.pk,
        "title": notification.title,
        "body": body,
        "url": notification.url or "/",
        "lang": notification.language,
    }
    encoded, keep = orjson.dumps(data), len(body)
    while len(encoded) > MOST_BYTES and keep:
        # Bytes are what is counted, not characters: a Korean letter has three.
        keep = min(keep - 1, keep * MOST_BYTES // len(encoded))
        data["body"] = body[:keep].rstrip() + "…"
        encoded = orjson.dumps(data)
    return encoded


def push(subscription: PushSubscription, notification: Notification) -> None:
    """Posts a notification, encrypted, to a browser's push service.

    Raises Gone where the browser has unsubscribed, Refused where sending again cannot help, WebPushException or
    requests' errors where it may.
    """
    # Here and not above: they bring aiohttp and requests, half a second and 20 MB of every process that can notify.
    from http_ece import ECEException
    from pywebpush import WebPushException, webpush

    from cityhall.kernel.outgoing import new_session

    with new_session() as session:
        try:
            webpush(
                subscription_info={
                    "endpoint": subscription.endpoint,
                    "keys": {"p256dh": subscription.p256dh, "auth": subscription.auth},
                },
                data=message(notification),
                vapid_private_key=settings.SECRETS["web_push"]["private"],
                vapid_claims={"sub": f"mailto:{settings.DEFAULT_FROM_EMAIL}"},
                ttl=KEEP_SECONDS,
                timeout=TIMEOUT_SECONDS,
                requests_session=session,
            )
        except WebPushException as problem:
            status = 0 if problem.response is None else problem.response.status_code
            if status in (404, 410):
                raise Gone from problem
            # RFC 8030, sections 5 and 8.4: only too many messages, and the service's own troubles, pass.
            if 400 <= status < 500 and status != 429:
                raise Refused(f"{status} {problem.message}") from problem
            raise
        except (ValueError, ECEException) as problem:
            # Keys that no browser makes: nothing can be encrypted for them.
            raise Refused(str(problem)) from problem
