"""Web push: encrypted for the browser (RFC 8291), signed as the city (VAPID, RFC 8292)."""

from __future__ import annotations

from typing import Any

import orjson
import requests
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from cityhall.kernel.errors import Invalid
from cityhall.kernel.notify.models import Notification, PushSubscription
from cityhall.kernel.people.models import Person
from cityhall.kernel.values import is_public, url_parts

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


class _PublicConnection(HTTPSConnection):
    """Speaks to public addresses only: an endpoint is whatever a browser said, and must not lead into our network."""

    def _new_conn(self) -> Any:
        connected = super()._new_conn()
        # Looked at after the connection, so that no second name lookup can give another address.
        if not is_public(connected.getpeername()[0]):
            connected.close()
            raise NewConnectionError(self, "the push endpoint is not on the public internet")
        return connected


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicAdapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **values: Any) -> None:
        super().init_poolmanager(*arguments, **values)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}

    def send(self, *arguments: Any, **values: Any) -> requests.Response:
        response = super().send(*arguments, **values | {"stream": True})
        # The status says all; what a stranger's server writes besides may have no end.
        response._content, response._content_consumed = b"", True
        response.close()
        return response


def new_session() -> requests.Session:
    """A session that follows no redirect and reaches HTTPS on public addresses only."""
    session = requests.Session()
    session.adapters.clear()
    session.mount("https://", _PublicAdapter())
    session.max_redirects = 0
    return session


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
    """What the service worker gets, JSON of at most MOST_BYTES: `{"id", "title", "body", "url", "lang"}`."""
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
    # Here and not above: it brings aiohttp, half a second and 20 MB of every process that can notify.
    from http_ece import ECEException
    from pywebpush import WebPushException, webpush

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
