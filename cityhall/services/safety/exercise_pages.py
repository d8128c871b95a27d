"""Where a supervisor begins an exercise, "presses", ends it, and sees how the last ones went."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.services.safety import exercises
from cityhall.services.safety.actions import SUPERVISE
from cityhall.services.safety.models import Alert, Button, Unit
from cityhall.services.safety.pressing import KINDS


class ExerciseForm(forms.Form):
    """An exercise: its name, its end, and the units that take part."""

    name = forms.CharField(label=_("Name"), max_length=100)
    minutes = forms.IntegerField(label=_("Minutes until it ends by itself"), min_value=1, max_value=720, initial=60)
    units = forms.ModelMultipleChoiceField(label=_("Units that take part"), queryset=Unit.objects.all(), required=False)


class PressForm(forms.Form):
    """A press that is pretended: of a button, else a call from a place."""

    kind = forms.ChoiceField(label=_("Kind"))
    button = forms.ModelChoiceField(
        label=_("Button"), queryset=Button.objects.none(), required=False, empty_label=_("none: a call from a place")
    )
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    lon = forms.FloatField(label=_("Longitude"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=_("Latitude"), min_value=-90, max_value=90, required=False)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        kind, button = self.fields["kind"], self.fields["button"]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [choice for choice in Alert.Kind.choices if choice[0] in KINDS]
        if isinstance(button, forms.ModelChoiceField):
            button.queryset = Button.objects.all()

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not given["button"] and not given["place"]:
            raise forms.ValidationError(_("Choose a button, or name a place."))
        return given


@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """What goes on, a new one, and those that are over."""
    actor = actor_of(request)
    require(actor, SUPERVISE)
    form = ExerciseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        ends_at = timezone.now() + timedelta(minutes=given["minutes"])
        exercises.begin(actor, given["name"], ends_at, [unit.pk for unit in given["units"]])
        return redirect("safety_exercises")
    return _page(request, form, PressForm())


def _page(request: HttpRequest, form: ExerciseForm, press_form: PressForm) -> HttpResponse:
    context = {
        "form": form,
        "press_form": press_form,
        "running": exercises.running().prefetch_related("units"),
        "results": exercises.results(),
    }
    return render(request, "safety/exercises.html", context)


@never_cache
@require_POST
def press(request: HttpRequest, exercise_id: int) -> HttpResponse:
    """A press is pretended."""
    actor = actor_of(request)
    require(actor, SUPERVISE)
    form = PressForm(request.POST)
    if not form.is_valid():
        return _page(request, ExerciseForm(), form)
    given = form.cleaned_data
    somewhere = given["lon"] is not None and given["lat"] is not None
    exercises.pretend(
        actor,
        exercise_id,
        given["kind"],
        button_id=given["button"].pk if given["button"] else None,
        place=given["place"],
        point=Point(given["lon"], given["lat"]) if somewhere else None,
    )
    return redirect("safety_exercises")


@require_POST
def end(request: HttpRequest, exercise_id: int) -> HttpResponse:
    """An exercise ends, with all its alerts."""
    exercises.end(actor_of(request), exercise_id)
    return redirect("safety_exercises")
