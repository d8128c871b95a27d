"""Pages of favourites: each with what leaves next, kept in the account or in the browser."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.people.actors import actor_of
from cityhall.services.transit import days
from cityhall.services.transit.riders import favourites, near


@require_safe
@never_cache
def my_favourites(request: HttpRequest) -> HttpResponse:
    """The person's favourites; for who is not signed in the browser fills the same page with its own."""
    kept = favourites.kept(actor_of(request).person_id)
    gone = request.session.pop("favourite_removed", None)
    context = {
        "favourites": near.beside(kept, days.now()),
        "gone": favourites.Wanted(**gone) if gone else None,
    }
    return render(request, "transit/favourites.html", context)


@login_required
@require_POST
def change_favourite(request: HttpRequest) -> HttpResponse:
    """Adds or removes one, and goes back to where it was pressed; what is removed can be put back."""
    post, actor = request.POST, actor_of(request)
    wanted = favourites.Wanted(
        post.get("kind", ""), post.get("reference", "")[:200], post.get("name", ""), post.get("label", "")
    )
    if post.get("remove"):
        gone = favourites.remove(actor, wanted.kind, wanted.reference)
        request.session["favourite_removed"] = {
            "kind": gone.kind,
            "reference": gone.reference,
            "name": gone.name,
            "label": gone.label,
        }
        return redirect("transit_favourites")
    kept = favourites.add(actor, wanted)
    messages.success(request, _("%(name)s is among your favourites.") % {"name": kept.name})
    return redirect("transit_favourites")
