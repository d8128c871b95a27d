"""The register of known places, for supervisors, and what a crew may read of the place that it goes to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import Missing
from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety import dispatching, premises
from cityhall.services.safety.actions import SUPERVISE
from cityhall.services.safety.models import Assignment, Button, Premise


class PremiseForm(forms.Form):
    """A place, and what whoever goes there must know."""

    name = forms.CharField(label=_("Name"), max_length=100)
    lon = forms.FloatField(label=_("Longitude"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=_("Latitude"), min_value=-90, max_value=90, required=False)
    radius_m = forms.IntegerField(
        label=_("Metres round it"), min_value=1, max_value=premises.FARTHEST_M, initial=50, required=False
    )
    button = forms.CharField(label=_("Or the name of a button"), max_length=100, required=False)
    vehicle = forms.CharField(label=_("Or the number of a vehicle"), max_length=100, required=False)
    caution = forms.CharField(label=_("Caution"), help_text=_("A dog, oxygen, weapons"), max_length=300, required=False)
    note = forms.CharField(
        label=_("Notes"),
        help_text=_("How to get in, who lives there"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
    )
    plan = forms.FileField(label=_("Floor plan, a picture or PDF"), required=False)
    until = forms.DateField(
        label=_("Kept until"),
        help_text=_("A year at most; then it is erased unless it is confirmed here."),
        widget=forms.DateInput(attrs={"type": "date"}),
        required=False,
    )

    def clean_button(self) -> Button | None:
        name = str(self.cleaned_data["button"]).strip()
        found = list(Button.objects.filter(name=name)[:2]) if name else []
        if name and len(found) != 1:
            raise forms.ValidationError(_("There is no button, or more than one, of this name."))
        return found[0] if found else None

    def clean_vehicle(self) -> int | None:
        name = str(self.cleaned_data["vehicle"]).strip()
        found = Vehicle.objects.filter(public_id=name).values_list("pk", flat=True).first() if name else None
        if name and found is None:
            raise forms.ValidationError(_("There is no vehicle of this number."))
        return found

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        somewhere = given.get("lon") is not None and given.get("lat") is not None
        if not self.errors and not (somewhere or given["button"] or given["vehicle"]):
            raise forms.ValidationError(_("A known place needs a place: a position, a button or a vehicle."))
        return given

    def given(self) -> premises.Given:
        """What is kept of it."""
        data = self.cleaned_data
        somewhere = data["lon"] is not None and data["lat"] is not None
        return premises.Given(
            data["name"],
            point=Point(data["lon"], data["lat"]) if somewhere else None,
            radius_m=data["radius_m"] or 50,
            button=data["button"],
            vehicle_id=data["vehicle"],
            caution=data["caution"],
            note=data["note"],
            until=data["until"],
            plan=[data["plan"]] if data["plan"] else [],
        )


@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The places by name, and one more. What is known of them stands on their own pages."""
    actor = actor_of(request)
    require(actor, SUPERVISE)
    form = PremiseForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        premises.keep(actor, form.given())
        return redirect("safety_premises")
    found = Premise.objects.select_related("button", "vehicle")[:500]
    return render(request, "safety/premises.html", {"form": form, "premises": found})


@never_cache
def one(request: HttpRequest, premise_id: int) -> HttpResponse:
    """All that is known of a place, to be changed; that somebody looked is in the journal."""
    actor = actor_of(request)
    require(actor, SUPERVISE)
    form = PremiseForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        premises.keep(actor, form.given(), premise_id)
        return redirect("safety_premises")
    premise, told = premises.read(actor, premise_id)
    if request.method != "POST":
        form = PremiseForm(initial=_initial(premise, told))
    plan = link(told.plan) if told.plan else ""
    context = {"form": form, "premise": premise, "told": told, "plan": plan}
    return render(request, "safety/premise.html", context)


def _initial(premise: Premise, told: premises.Told) -> dict[str, Any]:
    return {
        "name": premise.name,
        "lon": premise.point.lon if premise.point else None,
        "lat": premise.point.lat if premise.point else None,
        "radius_m": premise.radius_m,
        "button": premise.button.name if premise.button else "",
        "vehicle": premise.vehicle.public_id if premise.vehicle else "",
        "caution": told.caution,
        "note": told.note,
        "until": premise.until.isoformat(),
    }


@require_POST
def forget(request: HttpRequest, premise_id: int) -> HttpResponse:
    """Takes a place out of the register."""
    premises.forget(actor_of(request), premise_id)
    return redirect("safety_premises")


@never_cache
@require_safe
def of_unit(request: HttpRequest, assignment_id: int) -> HttpResponse:
    """What is known of the place that a crew goes to or is at; journalled. Raises Missing, Denied for all others."""
    actor = actor_of(request)
    require(actor, "safety.ride_unit")
    going = (
        Assignment.objects.select_related("alert")
        .filter(pk=assignment_id, unit__person_id=actor.person_id or 0, state__in=dispatching.WORKING)
        .first()
    )
    if going is None:
        raise Missing(_("Your unit is not on its way there."), code="no_such_assignment")
    return render(request, "safety/unit_place.html", {"known": with_plans(premises.show(actor, going.alert))})


def with_plans(told: list[premises.Told]) -> list[tuple[premises.Told, str]]:
    """Each with an address of its floor plan that is good for an hour, "" where there is none."""
    return [(one, link(one.plan) if one.plan else "") for one in told]
