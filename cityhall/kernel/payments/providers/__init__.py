"""What a payment provider must do, and which ones the city has.

`[service.payments]` of city.toml names them: `providers = ["stripe"]`. What each may be asked is `Provider`; nothing
else of the city knows one from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Missing
from cityhall.kernel.payments.facts import Heard
from cityhall.kernel.service import Text, resolve

KNOWN = {
    "sandbox": "cityhall.kernel.payments.providers.sandbox:Sandbox",
    "stripe": "cityhall.kernel.payments.providers.stripe:Stripe",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a provider. `uid` is the idempotency key: asked twice with it, it makes one payment."""

    uid: UUID
    amount: int
    unit: str
    what: str
    reference: str
    return_to: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """What the provider has made of it: its reference, and where the payer goes on ("" where nobody has to)."""

    provider_ref: str
    url: str


class Refused(Exception):
    """A message that is not taken at the door; `reason` is counted: "forged", "too_old", "malformed"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Silent(Exception):
    """The provider cannot be asked now, or did not answer: nobody knows whether it has done it."""


class Provider(Protocol):
    """A payment provider. Its calls go over the network: never within a transaction. Each raises Silent.

    Whatever is told of a payment comes as `Heard`, and goes to `intents.heard`, which acts on it.
    """

    slug: str
    name: Text

    def begin(self, asked: Asked) -> Begun:
        """Makes a payment that the payer goes on with."""

    def collect(self, asked: Asked, mandate_ref: str) -> Begun:
        """Makes a payment by a mandate: the payer does nothing. Raises Missing where the mandate is no more."""

    def look(self, provider_ref: str) -> Heard:
        """All that is known of a payment."""

    def refund(self, provider_ref: str, amount: int, key: UUID) -> Heard:
        """Gives `amount` back, once for a `key`. Raises Conflict where the provider refuses it for good."""

    def cancel(self, provider_ref: str) -> None:
        """Lets nobody pay it any more; no error where it is paid or over."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Heard]:
        """What a signed message says, nothing for what concerns no payment. Raises Refused."""


def options() -> dict[str, Any]:
    """`[service.payments]` of city.toml; the demo city pays by the sandbox, which no other does by itself."""
    default = {"providers": ["sandbox"]} if settings.CITY.slug == settings.DEMO else {}
    return default | settings.CITY.options.get("payments", {})


def offered() -> list[Provider]:
    """The city's providers, what is offered to payers first."""
    return [_made(slug) for slug in options().get("providers", ()) if slug in KNOWN]


def provider(slug: str) -> Provider:
    """A provider of the city. Raises Missing."""
    if slug not in KNOWN or slug not in options().get("providers", ()):
        raise Missing(_("The city takes no payments by this provider."), code="no_such_provider", field="provider")
    return _made(slug)


@cache
def _made(slug: str) -> Provider:
    made: Provider = resolve(KNOWN[slug])()
    return made
