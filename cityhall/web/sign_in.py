"""Signing in: one way for every page, the staff screens too; who guesses is slowed down, who owns is not kept out.

Five wrong passwords shut an address to passwords for five minutes, but not to its owner: a browser that has been
signed in to the account before has a count of its own (`known_device`), and whoever reads the mailbox signs in by a
code. Mails are counted by who asks for them, so nobody uses up another's.
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.decorators import secure_admin_login
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.signals import email_confirmed
from allauth.core import context as allauth_context
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.core.signing import BadSignature, TimestampSigner
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.limits.sources import address_of, pseudonym, source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.desks import desks_of
from cityhall.kernel.people.models import Person

COOKIE = "known"
DAYS = 365
"""How long a browser that was signed in to an account is known by it."""
MOST_KNOWN = 5
"""Accounts of one browser."""
WRONG = "5/5m/key"
WRONG_ANYWHERE = "10/m/ip"
"""Wrong passwords from one source, for all accounts together."""
MAILS = 5, 600.0
"""Mails that one source may have sent to an address: how many, in so many seconds."""
MAILS_A_DAY = 12, 86_400.0
"""The same over a day: one source alone does not use up what all have."""
MAILS_ANYWHERE = 60, 86_400.0
"""Those of all sources that the account does not know."""
_signer = TimestampSigner(salt="known device")


class _OurSite(NamedTuple):
    """What a mail calls this city, as Django's sites do."""

    name: str
    domain: str


class Adapter(DefaultAccountAdapter):
    """What the pages of accounts ask the city."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Officers begin at their desk, who has several where they stand side by side.

        A page that asked for the sign-in has gone before this.
        """
        home: str = super().get_login_redirect_url(request)
        user: Any = request.user
        desks = desks_of(user) if user.is_authenticated else []
        if len(desks) == 1:
            return desks[0][1].home
        return reverse("work") if desks else home

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whom limits count: the client that the city's own web server saw."""
        return address_of(request) or "nowhere"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts a password that is tried. Raises ValidationError, with the way that is left, for one too many."""
        login = str(credentials.get("email", "")).lower()
        device = known_device(request, login)
        rates = WRONG if device else f"{WRONG_ANYWHERE},{WRONG}"
        self._login_failed_rl_usage = ratelimit.consume(
            request,
            app="allauth.account",
            action="login_failed",
            config={"login_failed": rates},
            key=f"{login} {device}",
        )
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request: HttpRequest, user: Any, **rest: Any) -> HttpResponse:
        """Where to go now, who is new to the offer of a passkey; from here on the account knows this browser."""
        response: HttpResponseRedirect = super().post_login(request, user, **rest)
        ways = _ways(request, user)
        if getattr(request, "mailbox_shown", False) and "code" in ways and "password" not in ways:
            _forget_password(request, user)
        if rest.get("signup"):
            if user.has_usable_password():
                # Chosen a minute ago, and the mailbox has answered since: it is not asked for once more.
                reauthenticate_by_password(request)
            response = HttpResponseRedirect(f"{reverse('passkey_offer')}?{urlencode({'next': response.url})}")
        remember(request, response, user)
        return response

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link of a mail, to the city's own address whatever host the asker named."""
        asked = urlsplit(super().get_reset_password_from_key_url(key))
        return f"{settings.PUBLIC_URL}{asked.path}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Sends a code or a link. Raises TooMany for one too many, whether or not the address has an account."""
        request: HttpRequest | None = allauth_context.request
        if request is not None:
            address = email.strip().lower()
            device = known_device(request, address)
            source = f"{address} {device or source_of(request)}"
            spend("mail", source, *MAILS)
            spend("mail in a day", source, *MAILS_A_DAY)
            if not device:
                spend("mail anywhere", address, *MAILS_ANYWHERE)
            here = f"{request.scheme}://{request.get_host()}/"
            context = {
                name: value.replace(here, f"{settings.PUBLIC_URL}/", 1)
                if isinstance(value, str) and value.startswith(here)
                else value
                for name, value in context.items()
            } | {
                "current_site": _OurSite(settings.CITY.name, urlsplit(settings.PUBLIC_URL).netloc),
                "login_url": f"{settings.PUBLIC_URL}{reverse('account_login')}",
            }
        super().send_mail(template_prefix, email, context)


Adapter.error_messages = {
    **DefaultAccountAdapter.error_messages,
    "too_many_login_attempts": _(
        "Too many wrong passwords. Sign in with a code by mail instead, or try again in five minutes."
    ),
}


def _ways(request: HttpRequest, person: Person) -> set[str]:
    """How whoever asks has shown who they are: "password", "code", ..."""
    return {str(record.get("method")) for record in get_authentication_records(request, person)}


def _forget_password(request: HttpRequest, person: Person) -> None:
    # The account was made by somebody who never showed that the address is theirs, with a password of their own.
    person.set_unusable_password()
    person.save(update_fields=["password"])
    update_session_auth_hash(request, person)


@receiver(email_confirmed)
def _mailbox_shown(request: HttpRequest, **_rest: Any) -> None:
    request.mailbox_shown = True  # type: ignore[attr-defined]


def one_sign_in() -> None:
    """Has the staff screens send to the pages of accounts: theirs take a password without limit or second factor."""
    admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


def known_device(request: HttpRequest, email: str) -> str:
    """The code of the browser that asks, where the account of this address has been signed in to with it; else ""."""
    device, accounts = _read(request)
    if not device:
        return ""
    person = Person.objects.filter(email=email).values_list("pk", flat=True).first()
    return device if person is not None and _code(device, person) in accounts else ""


def remember(request: HttpRequest, response: HttpResponse, person: Person) -> None:
    """Has the browser say that it was signed in to an account; which, only the city can read out of it."""
    device, accounts = _read(request)
    device = device or secrets.token_urlsafe(16)
    mine = _code(device, person.pk)
    kept = [code for code in accounts if code != mine][: MOST_KNOWN - 1]
    response.set_cookie(
        COOKIE,
        _signer.sign(".".join([device, mine, *kept])),
        max_age=DAYS * 86_400,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
        path="/accounts/",
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        device, *accounts = _signer.unsign(request.COOKIES.get(COOKIE, ""), max_age=DAYS * 86_400).split(".")
    except BadSignature:
        return "", []
    return device, accounts


def _code(device: str, person: int) -> str:
    return pseudonym(f"device {device} {person}")[:16]
