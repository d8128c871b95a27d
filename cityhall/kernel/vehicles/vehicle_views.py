"""The staff pages of vehicles: which there are, with their receivers; enter one, change it, switch it off."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityhall.kernel.errors import CityhallError, Denied
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.vehicles import kinds, queries, register
from cityhall.kernel.vehicles.forms import VehicleForm
from cityhall.kernel.vehicles.models import Vehicle

PAGE = 100


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def vehicles(request: HttpRequest) -> HttpResponse:
    """The register, or one vehicle entered; `of` chooses a service's vehicles, `kind` those of a kind."""
    actor = actor_of(request)
    seen = _seen(actor)
    of, kind = request.GET.get("of", ""), request.GET.get("kind", "")
    offered = [slug for slug in seen if not of or kinds.owner_of(slug) == of]
    allowed = [slug for slug in offered if kinds.may_change(actor, slug)]
    form = VehicleForm(request.POST or None, allowed=allowed)
    if request.method == "POST" and form.is_valid():
        made = _entered(actor, form)
        if made is not None:
            messages.success(request, _("%(id)s is entered.") % {"id": made.public_id})
            return redirect(
                f"{request.path}?of={of}" if of in {kinds.owner_of(slug) for slug in seen} else request.path
            )
    search, after = request.GET.get("q", "")[:100], request.GET.get("after", "")[:100]
    shown = queries.vehicles([kind] if kind in offered else offered, search, after, limit=PAGE + 1)
    context = {
        "vehicles": shown[:PAGE],
        "next": shown[PAGE - 1]["id"] if len(shown) > PAGE else "",
        "search": search,
        "of": of,
        "kind": kind,
        "kinds": [(slug, kinds.name_of(slug)) for slug in offered],
        "form": form if allowed else None,
    }
    return render(request, "vehicles/vehicles.html", context, status=422 if form.errors else 200)


def _seen(actor: Actor) -> list[str]:
    """The kinds that an officer may see, those that no service declares any more too for who may see any."""
    seen = kinds.seen_by(actor)
    if not seen:
        require(actor, kinds.ANY)
    if may(actor, kinds.ANY):
        seen += sorted(set(Vehicle.objects.values_list("kind", flat=True)) - set(seen))
    return seen


def _entered(actor: Actor, form: VehicleForm) -> Vehicle | None:
    given: dict[str, Any] = dict(form.cleaned_data)
    try:
        return register.enter(actor, given.pop("public_id"), again=False, **given)
    except Denied:
        raise
    except CityhallError as problem:
        form.add_error(problem.field if problem.field in form.fields else None, str(problem))
        return None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def vehicle(request: HttpRequest, public_id: str) -> HttpResponse:
    """One vehicle: what is known of it, its receivers, and the form that changes it."""
    actor = actor_of(request)
    found = register.find(actor, public_id)
    form = None
    if kinds.may_change(actor, found.kind):
        allowed = [slug for slug in kinds.kinds() if kinds.may_change(actor, slug)]
        form = VehicleForm(request.POST or None, allowed=allowed, there=True, initial=_initial(found))
    if request.method == "POST" and (form is None or form.is_valid()):
        # Without the form there is no right either: the action says so.
        register.change(actor, public_id, form.cleaned_data if form is not None else {"kind": found.kind})
        messages.success(request, _("%(id)s is changed.") % {"id": found.public_id})
        return redirect("vehicles_vehicle", found.public_id)
    receivers = queries.receivers_of(found) if may(actor, "devices.view", queries.SCOPE) else None
    context = {"vehicle": found, "form": form, "receivers": receivers}
    return render(request, "vehicles/vehicle.html", context, status=422 if form is not None and form.errors else 200)


def _initial(vehicle: Vehicle) -> dict[str, Any]:
    wheelchair = {True: "yes", False: "no", None: ""}[vehicle.wheelchair]
    return {
        "kind": vehicle.kind,
        "label": vehicle.label,
        "capacity": vehicle.capacity,
        "wheelchair": wheelchair,
    }


@login_required
@require_POST
def switch(request: HttpRequest, public_id: str) -> HttpResponse:
    """Switches a vehicle off, so that nothing it sends is taken and nobody sees it, or on again."""
    off = request.POST.get("to") == "off"
    found = register.change(actor_of(request), public_id, {"enabled": not off})
    told = _("%(id)s is switched off.") if off else _("%(id)s is switched on.")
    messages.success(request, told % {"id": found.public_id})
    return redirect("vehicles_vehicle", found.public_id)
