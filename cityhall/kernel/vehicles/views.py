"""The staff page of receivers: which there are, how good their fixes are, what was dropped, and the base stations."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityhall.kernel.devices import registry as devices
from cityhall.kernel.errors import CityhallError, Denied
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.vehicles import queries, registry
from cityhall.kernel.vehicles.forms import ReceiverForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def receivers(request: HttpRequest) -> HttpResponse:
    """Looks, or registers one: its key is in the answer, this once."""
    actor = actor_of(request)
    require(actor, "devices.view", queries.SCOPE)
    form = ReceiverForm(request.POST or None)
    key: tuple[str, str] | None = None
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = registry.register_receiver(actor, **form.cleaned_data)
            key, form = (made.device.public_id, secret), ReceiverForm()
        except Denied:
            raise
        except CityhallError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem))
    search = request.GET.get("q", "")[:100]
    after = request.GET.get("after", "")[:64]
    shown = queries.receivers(search, after, limit=101)
    return render(
        request,
        "vehicles/receivers.html",
        {
            "receivers": shown[:100],
            "next": shown[99]["id"] if len(shown) > 100 else "",
            "search": search,
            "fixes": queries.fix_classes(),
            "drops": queries.dropped(limit=200),
            "broken": queries.broken_rules(),
            "stations": list(queries.stations()),
            "form": form,
            "key": key,
            "manages": may(actor, "devices.manage", queries.SCOPE),
        },
        status=422 if form.errors else 200,
    )


@login_required
@require_POST
def switch(request: HttpRequest, public_id: str) -> HttpResponse:
    """Switches a receiver or station off, or on again."""
    off = request.POST.get("to") == "off"
    device = (devices.disable if off else devices.enable)(actor_of(request), public_id)
    messages.success(
        request,
        (_("%(id)s is switched off.") if off else _("%(id)s is switched on.")) % {"id": device.public_id},
    )
    return redirect("vehicles_receivers")
