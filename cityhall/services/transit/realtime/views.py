"""Pages of alerts, for riders and for officers, and of the archive of positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import CityhallError, Missing
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.transit import days
from cityhall.services.transit.models import Cancellation, Detour, Notice, ServiceAlert
from cityhall.services.transit.realtime import archive, notices, occasions, wording
from cityhall.services.transit.realtime.alerts import to_come
from cityhall.services.transit.realtime.drafting import drafted, possible
from cityhall.services.transit.realtime.forms import AlertForm, CancellationForm, DetourForm, today
from cityhall.services.transit.riders.measured import measured
from cityhall.web import ranges
from cityhall.web.layers import chosen_layers

SHOWN = 200
PRESSED_ZOOM = 11
OTHER_FIELDS = {"informed": ("closed_stops", "stops", "route"), "periods": ("ends_at", "until_0")}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where officers enter one kind of notice."""

    kind: type[Notice]
    title: Promise
    new: Promise
    empty: Promise
    form: type[forms.Form]
    enter: Callable[[Actor, Any], Notice]
    change: Callable[[Actor, int, Any], Notice]


DESKS = {
    "alerts": Desk(
        ServiceAlert,
        gettext_lazy("Alerts"),
        gettext_lazy("New alert"),
        gettext_lazy("Riders have been told nothing yet."),
        AlertForm,
        notices.publish_alert,
        notices.change_alert,
    ),
    "cancellations": Desk(
        Cancellation,
        gettext_lazy("Cancelled trips"),
        gettext_lazy("Cancel trips"),
        gettext_lazy("Every trip runs."),
        CancellationForm,
        notices.cancel,
        notices.change_cancellation,
    ),
    "detours": Desk(
        Detour,
        gettext_lazy("Detours and closed stops"),
        gettext_lazy("New detour"),
        gettext_lazy("Every line goes its own way."),
        DetourForm,
        notices.divert,
        notices.change_detour,
    ),
}


def _desk(request: HttpRequest, name: str) -> Desk:
    """Raises Denied for who may not."""
    require(actor_of(request), notices.PERMISSION)
    return DESKS[name]


@require_safe
@never_cache
def alerts(request: HttpRequest) -> HttpResponse:
    """What riders should know, now and in the days to come."""
    found, now = to_come(), days.now()
    for alert in found:
        alert.lines = [wording.line_name(name) for name in _routes(alert)]  # type: ignore[attr-defined]
    return render(request, "transit/alerts_page.html", {"alerts": found, "measured": measured(), "now": now})


def _routes(alert: ServiceAlert) -> list[str]:
    return list(dict.fromkeys(one["route"] for one in alert.informed if "route" in one))


@login_required
@require_safe
def desk(request: HttpRequest, name: str) -> HttpResponse:
    """The notices of a kind, those in force first."""
    at = _desk(request, name)
    found = at.kind._default_manager.order_by("state", "-made_at")
    owners = ("cancellation", "detour") if at.kind is ServiceAlert else ("alert",)
    found = found.select_related(*owners)
    return render(request, "transit/notices/list.html", _shell(name) | {"notices": list(found[:SHOWN])})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, name: str, pk: str = "") -> HttpResponse:
    """A new notice, or one that is there written anew; what is refused is said beside its field."""
    at = _desk(request, name)
    notice = at.kind._default_manager.filter(pk=int(pk)).first() if pk else None
    if pk and notice is None:
        raise Missing(_("There is no such notice."), mend=_("Look for it in the list."))
    initial = {} if notice else _initial(request, name)
    drafts = drafted(request.POST) if name == "alerts" and "draft" in request.POST else None
    data = drafts.data if drafts else request.POST or None
    form = at.form(data, notice=notice, initial=initial)  # type: ignore[call-arg]
    preview = name == "alerts" and "preview" in request.POST and form.is_valid()
    if request.method == "POST" and not (preview or drafts) and form.is_valid():
        actor, draft = actor_of(request), form.draft()  # type: ignore[attr-defined]
        try:
            made = at.enter(actor, draft) if notice is None else at.change(actor, notice.pk, draft)
        except CityhallError as problem:
            form.add_error(_field(form, problem.field), str(problem))
        else:
            messages.success(request, _("Saved: riders see it everywhere now."))
            return redirect("transit_notice", name, made.pk)
    alert = getattr(notice, "alert", None)
    context = _shell(name) | {"form": form, "notice": notice, "alert": alert, "own_alerts": [alert], "drafts": drafts}
    context["can_draft"] = name == "alerts" and possible()
    if isinstance(form, AlertForm | DetourForm):
        context["parts"] = form.parts()
    if preview and isinstance(form, AlertForm):
        context["preview"] = _preview(form.draft())
    # Stops are pressed on from further away than they are looked at.
    context["layers"] = chosen_layers({"transit/lines": True, "transit/stops": True}, minzoom=PRESSED_ZOOM)
    return render(request, "transit/notices/write.html", context, status=422 if form.errors else 200)


def _initial(request: HttpRequest, name: str) -> dict[str, Any]:
    """What a new form says: of today, of the occasion, the line and the stop that its address names."""
    said = today()
    lines, stops = request.GET.getlist("line"), request.GET.getlist("stop")
    if name != "alerts":
        return said | {one: request.GET[one][:200] for one in ("route", "trip", "direction") if one in request.GET}
    found = occasions.BY_SLUG.get(request.GET.get("occasion", ""))
    return said | (found.initial() if found else {}) | {"routes": lines, "stops": "\n".join(stops)}


@dataclass(frozen=True, slots=True)
class Said:
    """An alert as riders of one language will see it, before it is told (see transit/alerts.html)."""

    language: str
    name: str
    severity: str
    header_text: str
    description_text: str
    url_text: str


def _preview(draft: notices.AlertDraft) -> list[Said]:
    def text(said: Mapping[str, str], code: str) -> str:
        # As ServiceAlert does: who has no text of their own reads another.
        return said.get(code) or said.get(settings.LANGUAGE_CODE) or next(filter(None, said.values()), "")

    return [
        Said(code, language, draft.severity, *(text(one, code) for one in (draft.header, draft.description, draft.url)))
        for code, language in settings.LANGUAGES
    ]


def _field(form: forms.Form, name: str) -> str | None:
    """The form's field for an action's: texts are by language, who is informed is by lines and stops."""
    for candidate in (name, *OTHER_FIELDS.get(name, ())):
        if candidate in form.fields:
            return candidate
    return next((field for field in form.fields if name and field.startswith(f"{name}_")), None)


def _shell(name: str) -> dict[str, Any]:
    desks = [{"name": key, "title": one.title} for key, one in DESKS.items()]
    return {"desk": DESKS[name], "name": name, "desks": desks, "occasions": occasions.OCCASIONS}


@login_required
@require_POST
def withdraw(request: HttpRequest, name: str, pk: str) -> HttpResponse:
    """Takes a notice back; who pressed in the fleet room is led there again."""
    notices.withdraw(actor_of(request), _desk(request, name).kind, int(pk))
    if request.GET.get("from") == "fleet":
        messages.success(request, _("Taken back: riders do not read it any more."))
        return redirect("transit_control")
    messages.success(request, _("Taken back. “Undo” brings it back."))
    return redirect("transit_notices", name)


@login_required
@require_POST
def undo(request: HttpRequest, name: str, pk: str) -> HttpResponse:
    """Takes the last change of a notice back."""
    notices.undo(actor_of(request), _desk(request, name).kind, int(pk))
    messages.success(request, _("The last change is undone."))
    return redirect("transit_notices", name)


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """The archive's files, and what is in them."""
    return render(request, "transit/history.html", {"files": archive.files(), "schemas": _schemas()})


@require_safe
def history_json(request: HttpRequest) -> JsonResponse:
    """The archive's files for programs."""
    files = [
        {
            "name": file.name,
            "kind": file.kind,
            "day": file.day.isoformat(),
            "bytes": file.size,
            "url": request.build_absolute_uri(reverse("transit_history_file", args=[file.name])),
        }
        for file in archive.files()
    ]
    return JsonResponse({"files": files, "schemas": _schemas()})


def _schemas() -> dict[str, list[dict[str, str]]]:
    return {
        kind: [
            {"name": field.name, "type": str(field.type), "description": field.metadata[b"description"].decode()}
            for field in schema
        ]
        for kind, schema in archive.SCHEMAS.items()
    }


@require_safe
def history_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A file of the archive, or a range of it: readers of Parquet take only the columns they want."""
    path = archive.find(name)
    if path is None:
        raise Http404
    return ranges.send(
        request, path, "application/vnd.apache.parquet", cache="public, max-age=3600", filename=path.name
    )
