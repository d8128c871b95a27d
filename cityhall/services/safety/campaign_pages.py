"""Pages of campaigns: for everybody, for who plans them, and for guards on their telephones."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import CityhallError, Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.values import whole
from cityhall.services.safety import campaigns, exports, patterns
from cityhall.services.safety.campaigns import PLAN, RIDE, Plan
from cityhall.services.safety.figure_pages import period
from cityhall.services.safety.models import Campaign, Contact

LISTED = 100
_EVERYWHERE = ("", _("everywhere"))


class CampaignForm(forms.Form):
    """Where, when and for how long."""

    name = forms.CharField(label=_("Name"), max_length=100)
    about = forms.CharField(label=_("What everybody may read of it"), max_length=500, required=False)
    line = forms.ChoiceField(label=_("Line"), required=False)
    stop = forms.ChoiceField(label=_("Stop"), required=False)
    from_hour = forms.IntegerField(label=_("From hour"), min_value=0, max_value=23, initial=0)
    to_hour = forms.IntegerField(label=_("Until hour"), min_value=1, max_value=24, initial=24)
    begins = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}))
    ends = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}))
    days = forms.IntegerField(label=_("Days compared before and after"), min_value=7, max_value=366, initial=90)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        served = campaigns.served()
        for field, pairs in (
            ("line", {(one.line, one.line_name) for one in served}),
            ("stop", {(one.stop, one.stop_name) for one in served}),
        ):
            self.fields[field].choices = [_EVERYWHERE, *sorted(pairs, key=lambda one: one[1])]  # type: ignore[attr-defined]


@never_cache
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """The campaigns that have begun, for everybody."""
    return render(request, "safety/campaigns.html", {"campaigns": campaigns.shown()[:LISTED]})


@never_cache
@require_safe
def one(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A campaign, whom guards spoke to, and in words what became of the reports: counts of those are small."""
    found = campaigns.shown().filter(pk=campaign_id).first()
    if found is None:
        raise Missing(_("There is no such campaign."), code="no_such_campaign")
    context = {"campaign": found, "contacts": campaigns.contacts(found), "effect": campaigns.effect(found)}
    return render(request, "safety/campaign.html", context)


@never_cache
def planned(request: HttpRequest) -> HttpResponse:
    """The planners' page: what the reports ask for, the campaigns, and a new one."""
    actor = actor_of(request)
    require(actor, PLAN)
    initial = {name: request.GET[name] for name in ("line", "stop", "from_hour", "to_hour") if name in request.GET}
    form = CampaignForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = campaigns.plan(actor, Plan(**form.cleaned_data))
        except CityhallError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem.message))
        else:
            return redirect("safety_campaign_plan", campaign_id=made.pk)
    first, last = period(request)
    exports.looked(actor, "suggestions", first, last)
    context = {
        "form": form,
        "suggestions": patterns.suggestions(patterns.reports(first, last)),
        "first": first,
        "last": last,
        "campaigns": Campaign.objects.all()[:LISTED],
    }
    return render(request, "safety/campaigns_planned.html", context)


@never_cache
def plan(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """One campaign, for who plans it: its guards, contacts, and before and after in numbers."""
    actor = actor_of(request)
    require(actor, PLAN)
    found = campaigns.find(campaign_id)
    if request.method == "POST":
        if request.POST.get("step") == "call-off":
            campaigns.call_off(actor, found.pk)
        else:
            campaigns.assign(actor, found.pk, [whole(one) or 0 for one in request.POST.getlist("guards")])
        return redirect("safety_campaign_plan", campaign_id=found.pk)
    context = {
        "campaign": found,
        "guards": campaigns.guards(),
        "sent": set(found.deployments.values_list("guard_id", flat=True)),
        "contacts": campaigns.contacts(found),
        "effect": campaigns.effect(found),
    }
    return render(request, "safety/campaign_plan.html", context)


@never_cache
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """The campaigns that a guard takes part in."""
    actor = actor_of(request)
    require(actor, RIDE)
    return render(request, "safety/campaigns_own.html", {"campaigns": campaigns.own(actor)})


@never_cache
def contacts(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A guard's page: a press for what they did, and how many it were."""
    actor = actor_of(request)
    require(actor, RIDE)
    found = campaigns.find(campaign_id)
    if request.method == "POST":
        count = whole(request.POST.get("count", ""), 10_000) or 0
        campaigns.record(actor, found.pk, request.POST.get("kind", ""), count)
        return redirect("safety_contacts", campaign_id=found.pk)
    context = {
        "campaign": found,
        "kinds": Contact.Kind.choices,
        "mine": found.contacts.filter(guard_id=actor.person_id or 0)[:10],
    }
    return render(request, "safety/contacts.html", context)


@require_POST
def take_back(request: HttpRequest, contact_id: int) -> HttpResponse:
    """A guard takes back what they have just recorded."""
    campaigns.take_back(actor_of(request), contact_id)
    return redirect("safety_campaigns_own")
