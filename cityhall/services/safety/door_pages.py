"""Pages of the doors of other systems: alarm companies, gateways of text messages, and what was said lately."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from cityhall.kernel.devices.models import Device
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import alarm_companies, texting, texts, warnings_in
from cityhall.services.safety.alarm_companies import CHANGE
from cityhall.services.safety.models import AlarmCompany, CompanyMessage, TextMessage, WarningHeard, WarningSource

LAST = 100


class DoorForm(forms.Form):
    """Another system that may bring calls."""

    what = forms.ChoiceField(
        label=_("Kind"),
        choices=(
            (alarm_companies.DEVICE, pgettext_lazy("button", "alarm company")),
            (texts.DEVICE, _("gateway of text messages")),
            (warnings_in.DEVICE, _("source of warnings (CAP)")),
        ),
    )
    name = forms.CharField(label=_("Name"), max_length=100)
    callback = forms.CharField(
        label=_("Call-back address of an alarm company"),
        max_length=1000,
        required=False,
        widget=forms.URLInput,
        help_text=_("Without one it fetches what waits for it."),
    )
    certificate = forms.CharField(
        label=_("Certificate of a source of warnings, in PEM"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("With one, only what is signed by it is taken."),
    )


class CallbackForm(forms.Form):
    """Where a company hears of its alarms."""

    callback = forms.CharField(
        label=_("Call-back address"),
        max_length=1000,
        required=False,
        widget=forms.URLInput,
        help_text=_("Without one it fetches what waits for it."),
    )


@never_cache
def doors(request: HttpRequest) -> HttpResponse:
    """Who may bring calls, and one more; a new one's key is in the answer, this once."""
    actor = actor_of(request)
    require(actor, CHANGE)
    form, made = DoorForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if given["what"] == texts.DEVICE:
            device, key = texts.register(actor, given["name"])
        elif given["what"] == warnings_in.DEVICE:
            source, key = warnings_in.register(actor, given["name"], given["certificate"])
            device = source.device
        else:
            company, key = alarm_companies.register(actor, given["name"], given["callback"])
            device = company.device
        made = {"name": given["name"], "id": device.public_id, "key": key}
    gateways = Device.objects.filter(owner="safety", kind=texts.DEVICE).select_related("state")
    context = {
        "form": DoorForm() if made else form,
        "made": made,
        "companies": AlarmCompany.objects.select_related("device__state"),
        "gateways": gateways,
        "sources": WarningSource.objects.select_related("device__state"),
        "heard": WarningHeard.objects.select_related("source", "warning")[:LAST],
        "sends": texting.gateway() is not None,
        "sent": TextMessage.objects.order_by("-pk")[:LAST],
    }
    return render(request, "safety/doors.html", context)


@never_cache
def company(request: HttpRequest, company_id: int) -> HttpResponse:
    """One company: its address, its key, and the last messages both ways."""
    actor = actor_of(request)
    require(actor, CHANGE)
    one = alarm_companies.found(company_id)
    form = CallbackForm(request.POST or None, initial={"callback": one.callback})
    if request.method == "POST" and form.is_valid():
        alarm_companies.change(actor, company_id, form.cleaned_data["callback"])
        return redirect("safety_company", company_id=company_id)
    return render(request, "safety/company.html", _shown(one, form))


def _shown(one: AlarmCompany, form: CallbackForm) -> dict[str, object]:
    waits = one.messages.filter(way=CompanyMessage.Way.OUT, state=CompanyMessage.State.WAITING)
    return {
        "company": one,
        "form": form,
        "waiting": waits.count(),
        "said": one.messages.select_related("alarm").order_by("-pk")[:LAST],
    }


@never_cache
@require_POST
def step(request: HttpRequest, company_id: int, name: str) -> HttpResponse:
    """A new key, which is in the answer, or the company is let in or shut out."""
    actor = actor_of(request)
    if name != "key":
        alarm_companies.switch(actor, company_id, on=name == "on")
        return redirect("safety_company", company_id=company_id)
    key = alarm_companies.new_key(actor, company_id)
    one = alarm_companies.found(company_id)
    context = _shown(one, CallbackForm(initial={"callback": one.callback}))
    return render(request, "safety/company.html", context | {"key": key})
