"""Where a request comes from: the client that the city's own proxies saw, and a code for it that names nobody."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings
from django.http import HttpRequest

from cityhall.kernel.limits.proxies import client_address, household_of
from cityhall.kernel.people.actors import actor_of


def address_of(request: HttpRequest) -> str:
    """The client's address (`settings.TRUSTED_PROXIES` says whom to believe); "" where nobody can say."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return client_address(request.META.get("REMOTE_ADDR", ""), forwarded, settings.TRUSTED_PROXIES)


def source_of(request: HttpRequest) -> str:
    """The account that asks, or else where it comes from, as a code that tells sources apart but not who they are."""
    actor = actor_of(request)
    return pseudonym(str(actor) if actor.person_id is not None else household_of(address_of(request)))


def pseudonym(what: str) -> str:
    """A keyed hash of an account, an address or a mailbox: without the city's secret nobody finds out whose."""
    return hmac.new(settings.SECRET_KEY.encode(), f"source {what}".encode(), hashlib.sha256).hexdigest()[:32]
