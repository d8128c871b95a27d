"""Pages of who looks after the buttons and the units: the register, what is to be repaired, who rides where."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.workflow import OPEN
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.places.point import Point
from cityhall.services.safety import buttons as register
from cityhall.services.safety import roads, units
from cityhall.services.safety.buttons import CHANGE
from cityhall.services.safety.models import Button, Repair, Unit


class ButtonForm(forms.Form):
    """A button stands somewhere, or rides in a vehicle."""

    name = forms.CharField(label=_("Name"), max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), choices=Button.Kind.choices)
    lon = forms.FloatField(label=_("Longitude"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=_("Latitude"), min_value=-90, max_value=90, required=False)
    vehicle = forms.CharField(label=_("Vehicle it rides in"), max_length=100, required=False)
    tracker = forms.CharField(label=_("Number of its tracker (IMEI), where it is one"), max_length=64, required=False)
    caution = forms.CharField(label=_("What whoever goes there must know"), max_length=300, required=False)
    camera = forms.URLField(label=_("Address of the camera"), required=False, assume_scheme="https")
    talk = forms.RegexField(
        register.TALK,
        label=_("Address of its intercom, sip: or tel:"),
        max_length=200,
        required=False,
        error_messages={"invalid": _("Write sip: or tel: and what follows, as tel:+55-51-3333-0000.")},
    )


@never_cache
def buttons(request: HttpRequest) -> HttpResponse:
    """The buttons, those to be repaired first; a new one's key is in the answer, this once."""
    actor = actor_of(request)
    if request.method == "POST" or not may(actor, "safety.work_case"):
        require(actor, CHANGE)
    form, made = ButtonForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        lon, lat = given["lon"], given["lat"]
        made = register.put_up(
            actor,
            given["name"],
            given["kind"],
            point=Point(lon, lat) if lon is not None and lat is not None else None,
            vehicle=given["vehicle"],
            tracker=given["tracker"],
            caution=given["caution"],
            camera=given["camera"],
            talk=given["talk"],
        )
    good, every = register.working()
    context = {
        "form": ButtonForm() if made else form,
        "made": made,
        "good": good,
        "every": every,
        "repairs": Repair.objects.filter(case__state__in=OPEN).select_related("case", "button").order_by("pk"),
        "buttons": Button.objects.select_related("device__state", "vehicle")[:500],
        "changes": may(actor, CHANGE),
    }
    return render(request, "safety/buttons.html", context)


@require_POST
def repaired(request: HttpRequest, case_id: int) -> HttpResponse:
    """A repair is done. Raises Missing, Denied, Conflict."""
    cases.act(actor_of(request), case_id, "resolve")
    return redirect("safety_buttons")


class UnitForm(forms.Form):
    """A unit, its vehicle, and the account of who rides in it."""

    name = forms.CharField(label=_("Name"), max_length=60)
    vehicle = forms.CharField(label=_("Vehicle"), max_length=100, required=False)
    person = forms.EmailField(label=_("E-mail address of the crew's account"), required=False)
    skills = forms.CharField(label=_("Skills, parted by commas"), max_length=200, required=False)
    lon = forms.FloatField(label=_("Longitude of its station"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=_("Latitude of its station"), min_value=-90, max_value=90, required=False)


@never_cache
def all_units(request: HttpRequest) -> HttpResponse:
    """The units, and one more."""
    actor = actor_of(request)
    require(actor, units.CHANGE if request.method == "POST" else "safety.see_units")
    form = UnitForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        lon, lat = given["lon"], given["lat"]
        units.keep(
            actor,
            given["name"],
            vehicle=given["vehicle"],
            email=given["person"],
            skills=[skill.strip() for skill in given["skills"].split(",") if skill.strip()],
            station=Point(lon, lat) if lon is not None and lat is not None else None,
        )
        return redirect("safety_units")
    found = list(Unit.objects.select_related("vehicle__state", "person"))
    for unit in found:
        unit.seen = roads.Seen.of(unit, timezone.now())  # type: ignore[attr-defined]
    return render(request, "safety/units.html", {"form": form, "units": found, "changes": may(actor, units.CHANGE)})
