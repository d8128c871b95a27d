"""Passkeys: offered at once to whoever has made an account, and made on the account's page."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import AddWebAuthnView
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

GO_ON = "go_on"
"""Where in a session it is kept to which page somebody was on the way."""


class AddForm(AddWebAuthnForm):
    """A passkey's name and what the browser made. Without the library's box: a key always signs in by itself."""

    passwordless = None
    name = forms.CharField(label=_("Name of this passkey"), required=False, max_length=100)

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError for a key that did not ask its owner for a finger, a face or a PIN."""
        self.cleaned_data["passwordless"] = True
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class Add(AddWebAuthnView):
    """The account's page that makes a passkey."""

    def get_context_data(self, **values: Any) -> dict[str, Any]:
        """Options of a key that the device keeps, and that asks who it is (WebAuthn, sections 5.4.4 and 5.8.6)."""
        context: dict[str, Any] = super().get_context_data(**values)
        context["js_data"] = {"creation_options": auth.begin_registration(self.request.user, True)}
        return context

    def form_valid(self, form: AddForm) -> HttpResponse:
        """Keeps it. Who made it just now has shown who they are: the codes that follow are not asked for once more."""
        response: HttpResponse = super().form_valid(form)
        kind = Authenticator.Type.WEBAUTHN
        made = Authenticator.objects.filter(user=self.request.user, type=kind).order_by("-pk").first()
        if made is not None:
            post_authentication(self.request, made, reauthenticated=True)
        return response


class Offer(Add):
    """The same, to whoever has just made an account, who may as well go on without."""

    template_name = "account/passkey_offer.html"

    def get(self, request: HttpRequest, *arguments: Any, **values: Any) -> HttpResponse:
        """Remembers where they were on the way to."""
        there = request.GET.get("next", "")
        if url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure()):
            request.session[GO_ON] = there
        response: HttpResponse = super().get(request, *arguments, **values)
        return response


add = Add.as_view()
offer = login_required(Offer.as_view())


@login_required
@require_safe
def go_on(request: HttpRequest) -> HttpResponse:
    """To the page that somebody was on the way to when a passkey was offered, else to their account."""
    return redirect(request.session.pop(GO_ON, "") or reverse("me"))
