"""Pages of cameras: the register for supervisors, and what operators see through them beside an alert."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import CityhallError, Denied, Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.services.safety import cameras, watching
from cityhall.services.safety.camera_calls import Login
from cityhall.services.safety.cameras import CHANGE, Details
from cityhall.services.safety.models import Camera

SHOWN = 500


class CameraForm(forms.Form):
    """A camera: where it is, where it looks, and how it is asked."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    owner = forms.CharField(label=gettext_lazy("Whose it is"), max_length=100, required=False)
    lon = forms.FloatField(label=gettext_lazy("Longitude"), min_value=-180, max_value=180)
    lat = forms.FloatField(label=gettext_lazy("Latitude"), min_value=-90, max_value=90)
    heading = forms.IntegerField(
        label=gettext_lazy("Looks towards"),
        min_value=0,
        max_value=359,
        required=False,
        help_text=gettext_lazy("In degrees: 0 is north, 90 east. Leave it empty where the camera turns."),
    )
    view = forms.IntegerField(
        label=gettext_lazy("Sees so wide"),
        min_value=1,
        max_value=360,
        initial=90,
        help_text=gettext_lazy("In degrees: 360 sees all around."),
    )
    device_url = forms.CharField(
        label=gettext_lazy("ONVIF device service"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("The camera is asked by it for its other addresses."),
    )
    snapshot_url = forms.CharField(label=gettext_lazy("Address of a picture"), max_length=500, required=False)
    hls_url = forms.CharField(label=gettext_lazy("HLS playlist"), max_length=500, required=False)
    rtsp_url = forms.CharField(label=gettext_lazy("RTSP stream"), max_length=500, required=False)
    user = forms.CharField(
        label=gettext_lazy("Name the camera is asked by"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password of the camera"),
        max_length=200,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Neither is ever shown again. Left empty, the camera keeps those it has."),
    )
    forget = forms.BooleanField(label=gettext_lazy("Forget name and password"), required=False)
    in_service = forms.BooleanField(label=gettext_lazy("In service"), required=False, initial=True)

    def details(self) -> Details:
        """What was written, without the password."""
        given = {name: value for name, value in self.cleaned_data.items() if name in Details.__dataclass_fields__}
        return Details(point=Point(self.cleaned_data["lon"], self.cleaned_data["lat"]), **given)

    def login(self) -> Login | None:
        """By whom the camera is to be asked from now on; None where nothing was written."""
        given = self.cleaned_data
        return Login(given["user"], given["password"]) if given["user"] or given["password"] else None


def _of(camera: Camera) -> dict[str, Any]:
    return asdict(cameras.details_of(camera)) | {"lon": camera.point.lon, "lat": camera.point.lat}


@never_cache
def register(request: HttpRequest) -> HttpResponse:
    """The cameras, and one more."""
    actor = actor_of(request)
    require(actor, CHANGE)
    form = CameraForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = cameras.enter(actor, form.details(), form.login())
        except Denied:
            raise
        except CityhallError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem))
        else:
            messages.success(request, _("The camera is entered. Now see whether it answers."))
            return redirect("safety_camera", camera_id=made.pk)
    context = {"form": form, "cameras": Camera.objects.all()[:SHOWN]}
    return render(request, "safety/cameras.html", context, status=422 if form.errors else 200)


@never_cache
def camera(request: HttpRequest, camera_id: int) -> HttpResponse:
    """One camera, to be changed."""
    actor = actor_of(request)
    require(actor, CHANGE)
    one = cameras.find(camera_id)
    form = CameraForm(request.POST or None, initial=_of(one))
    if request.method == "POST" and form.is_valid():
        try:
            changed = cameras.change(actor, one.pk, form.details(), form.login(), forget=form.cleaned_data["forget"])
        except Denied:
            raise
        except CityhallError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem))
        else:
            messages.success(request, _("The camera is changed."))
            if one.login and not changed.login and not form.cleaned_data["forget"]:
                messages.warning(request, _("It is on another host now: write its name and password again."))
            return redirect("safety_camera", camera_id=one.pk)
    context = {"camera": one, "form": form}
    return render(request, "safety/camera.html", context, status=422 if form.errors else 200)


@require_POST
def step(request: HttpRequest, camera_id: int, name: str) -> HttpResponse:
    """A supervisor asks a camera for its addresses, tries it, or takes it out of the register."""
    actor = actor_of(request)
    if name == "remove":
        cameras.remove(actor, camera_id)
        messages.success(request, _("The camera is out of the register."))
        return redirect("safety_cameras")
    try:
        if name == "ask":
            found = cameras.ask_device(actor, camera_id)
            messages.success(
                request, _("The camera gave new addresses.") if found else _("Its addresses are the right ones.")
            )
        else:
            size = cameras.try_out(actor, camera_id)
            messages.success(request, _("The camera answers: %(size)d kB came.") % {"size": size // 1000 + 1})
    except (Denied, Missing):
        raise
    except CityhallError as problem:
        why = "; ".join(getattr(problem, "__notes__", ()))
        messages.error(request, f"{problem} ({why})" if why else str(problem))
    return redirect("safety_camera", camera_id=camera_id)


@never_cache
@require_safe
def picture(request: HttpRequest, alert_id: int, camera_id: int) -> HttpResponse:
    """What a camera near an alert sees now, as the camera sent it."""
    return _shown(watching.picture(actor_of(request), alert_id, camera_id))


@never_cache
@require_safe
def watch(request: HttpRequest, alert_id: int, camera_id: int) -> HttpResponse:
    """The page on which a camera is watched for an alert."""
    actor = actor_of(request)
    alert, one = watching.watch(actor, alert_id, camera_id)
    film = watching.film_address(actor, alert, one) if one.hls_url else ""
    return render(request, "safety/camera_watch.html", {"alert": alert, "camera": one, "film": film})


@never_cache
@require_safe
def film(request: HttpRequest, alert_id: int, camera_id: int, token: str) -> HttpResponse:
    """A playlist or a segment of what is watched."""
    return _shown(watching.film(actor_of(request), alert_id, camera_id, token))


def _shown(shown: watching.Shown) -> HttpResponse:
    response = HttpResponse(shown.body, content_type=shown.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    # Even what a browser took for a page could do nothing.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if shown.age_s is not None:
        response["Picture-Age"] = str(shown.age_s)
    return response
