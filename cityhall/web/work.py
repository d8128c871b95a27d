"""Where officers begin: every desk that their roles open, how much waits there, and what is late."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.people.actors import AS_RESIDENT, person_of
from cityhall.kernel.people.desks import opened_by


@login_required
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """Every desk of whoever asks, one press to each; who looks as a resident finds the way back."""
    return render(request, "web/work.html", {"desks": opened_by(person_of(request))})


@login_required
@require_POST
def look_as_resident(request: HttpRequest) -> HttpResponse:
    """Switches an officer to what residents see, or back; their roles permit nothing meanwhile, at any door.

    The switch is the session's: another browser of theirs, and the next sign-in, know nothing of it.
    """
    if request.POST.get("resident") == "1":
        request.session[AS_RESIDENT] = True
        return redirect("home")
    request.session.pop(AS_RESIDENT, None)
    return redirect("work")
