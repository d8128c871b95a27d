"""Pages: for everybody, for lifeguards, for the coast desk, and for whoever looks after the devices."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import RedirectView

from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.places.point import Point
from cityhall.kernel.values import whole
from cityhall.web.layers import chosen_layers
from lifeguards import actions, beaches, queries
from lifeguards.models import Beach, Follow, Patrol, Pole


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Which beaches are open, how many patrols are out, where the poles stand; lifeguards take a beacon here."""
    actor = actor_of(request)
    followed = Follow.objects.filter(person_id=actor.person_id).values_list("beach_id", flat=True)
    context = {
        "out": queries.on_duty().count(),
        "poles": Pole.objects.order_by("name"),
        "beaches": Beach.objects.order_by("name"),
        "followed": set(followed) if actor.person_id else set(),
        "patrols": Patrol.objects.order_by("name") if may(actor, "lifeguards.carry_beacon") else [],
    }
    return render(request, "lifeguards/home.html", context)


@login_required
@require_POST
def carry(request: HttpRequest) -> HttpResponse:
    """A lifeguard takes a beacon. Laid down it is on the account's page, where every consent is taken back."""
    actions.carry(actor_of(request), whole(request.POST.get("patrol", "")) or 0)
    return redirect("lifeguards")


@login_required
@require_POST
def follow(request: HttpRequest, beach_id: int) -> HttpResponse:
    """Somebody wants to be told of a beach, or no more."""
    beaches.follow(actor_of(request), beach_id, wanted=request.POST.get("wanted") == "1")
    return redirect(f"{beaches.HOME}#beach-{beach_id}")


@login_required
@never_cache
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """What must be answered, beside the patrols on a map that moves by the layer's own topic."""
    actor = actor_of(request)
    require(actor, "lifeguards.view_patrols")
    layers = chosen_layers({"lifeguards/patrols": True, "lifeguards/poles": True}, actor)
    part = "alarms" if request.GET.get("part") else "desk"
    context = {"alarms": queries.alarms(), "layers": layers, "beaches": Beach.objects.order_by("name")}
    return render(request, f"lifeguards/{part}.html", context | {"closes": may(actor, "lifeguards.close_beach")})


@login_required
@require_POST
def step(request: HttpRequest, case_id: int, name: str) -> HttpResponse:
    """Answers an alarm, or ends it."""
    {"answer": actions.answer, "end": actions.end}[name](actor_of(request), case_id)
    return redirect("lifeguards_desk")


@login_required
@require_POST
def beach(request: HttpRequest, beach_id: int, name: str) -> HttpResponse:
    """Closes a beach, or opens it again."""
    {"close": beaches.close, "open": beaches.open_again}[name](actor_of(request), beach_id)
    return redirect("lifeguards_desk")


class DeviceForm(forms.Form):
    """A pole stands somewhere; a beacon is carried about."""

    name = forms.CharField(label=_("Name"), max_length=100)
    lon = forms.FloatField(label=_("Longitude, for a pole"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=_("Latitude, for a pole"), min_value=-90, max_value=90, required=False)


@login_required
@never_cache
def devices(request: HttpRequest) -> HttpResponse:
    """Registers a pole or a beacon; its key is in the answer, this once."""
    actor = actor_of(request)
    require(actor, "devices.manage", "service:lifeguards")
    form, made = DeviceForm(request.POST or None), None
    if form.is_valid():
        name, lon, lat = (form.cleaned_data[field] for field in ("name", "lon", "lat"))
        beacon = lon is None or lat is None
        made = actions.add_patrol(actor, name) if beacon else actions.add_pole(actor, name, Point(lon, lat))
    return render(request, "lifeguards/devices.html", {"form": DeviceForm() if made else form, "made": made})


urlpatterns = [
    path("", home, name="lifeguards"),
    path("carry/", carry, name="lifeguards_carry"),
    path("beaches/<int:beach_id>/follow/", follow, name="lifeguards_follow"),
    path("desk/", desk, name="lifeguards_desk"),
    path("desk/<int:case_id>/", RedirectView.as_view(url=actions.DESK)),
    path("desk/<int:case_id>/answer/", step, {"name": "answer"}, name="lifeguards_answer"),
    path("desk/<int:case_id>/end/", step, {"name": "end"}, name="lifeguards_end"),
    path("desk/beaches/<int:beach_id>/close/", beach, {"name": "close"}, name="lifeguards_close"),
    path("desk/beaches/<int:beach_id>/open/", beach, {"name": "open"}, name="lifeguards_open"),
    path("devices/", devices, name="lifeguards_devices"),
]
