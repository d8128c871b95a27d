"""The register of neighbouring centres, and the door through which their incidents and answers come."""

from __future__ import annotations

from typing import Any

import orjson
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cityhall.kernel.errors import CityhallError, Invalid, TooMany
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import centres
from cityhall.services.safety.actions import SUPERVISE
from cityhall.services.safety.models import Centre

LARGEST = 256_000
"""Bytes of a document: NENA's own example has 9,000."""
MOST, WINDOW_S = 300, 60.0
"""Documents that one source may send in a minute."""


class CentreForm(forms.Form):
    """A centre, where it takes alerts, and what it gave us to show that it is us."""

    name = forms.CharField(label=_("Name"), max_length=100)
    url = forms.URLField(label=_("Address of its EIDO door"), assume_scheme="https")
    token = forms.CharField(
        label=_("Token that they gave you"),
        help_text=_("Left empty, the one that is kept stays."),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    takes_unanswered = forms.BooleanField(label=_("Takes by itself what nobody answers here"), required=False)
    enabled = forms.BooleanField(label=_("In service"), required=False, initial=True)

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        if not url.startswith("https://"):
            raise forms.ValidationError(_("A centre needs an address that begins with https://."))
        return url

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        new = not Centre.objects.filter(name=given.get("name", "")).exists()
        if new and not given.get("token") and "token" not in self.errors:
            self.add_error("token", forms.ValidationError(_("Enter the token that they gave you.")))
        return given


@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The centres, and one more; our token for a new one is in the answer, this once."""
    actor = actor_of(request)
    require(actor, SUPERVISE)
    form, made = CentreForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = centres.enter(
            actor,
            given["name"],
            given["url"],
            given["token"],
            takes_unanswered=given["takes_unanswered"],
            enabled=given["enabled"],
        )
    context = {
        "form": CentreForm() if made else form,
        "made": made,
        "centres": Centre.objects.all(),
        "door": f"{settings.PUBLIC_URL}/safety/eido/",
    }
    return render(request, "safety/centres.html", context)


@csrf_exempt
@never_cache
@require_POST
def door(request: HttpRequest) -> HttpResponse:
    """A document of another centre, which its token names: an incident, or its answer to one of ours."""
    try:
        spend("eido", source_of(request), MOST, WINDOW_S)
        centre = centres.known(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
        alert = centres.came(centre, _body(request))
    except CityhallError as problem:
        answer = JsonResponse(problem.to_dict(), status=problem.status)
        if problem.wait_s:
            answer["Retry-After"] = str(problem.wait_s)
        return answer
    return JsonResponse({"received": True, "number": alert.pk}, status=202)


def _body(request: HttpRequest) -> Any:
    # Looked at before it is read: of what is too long nothing is kept.
    said = request.headers.get("Content-Length", "")
    if not said.isdecimal() or int(said) > LARGEST:
        raise TooMany(_("A document has at most %(most)d kB.") % {"most": LARGEST // 1000}, code="too_large")
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise Invalid(_("This is no JSON."), code="no_json") from None
