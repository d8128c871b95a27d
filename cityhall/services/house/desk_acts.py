"""What officers' presses do; each leads back to the page it came from."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.values import day as day_in
from cityhall.services.house import cancelling, closing, hours, reserving, shop
from cityhall.services.house.booking import WORK
from cityhall.services.house.models import Line
from cityhall.services.house.shop_pages import counts
from cityhall.web.undo import done


def _desk(day: date) -> HttpResponse:
    return redirect(f"{reverse('house_desk')}?day={day:%Y-%m-%d}")


@require_POST
def act(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Approves, refuses, cancels, or notes that nobody came."""
    actor, reason = actor_of(request), request.POST.get("reason", "")
    require(actor, WORK)
    day = day_in(request.POST.get("day", "")) or hours.today()
    try:
        messages.success(request, _do(actor, number, what, reason))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return _desk(day)


def _do(actor: Actor, number: int, what: str, reason: str) -> str:
    """Does one thing with a booking; gives what is said of it."""
    if what == "approve":
        reserving.approve(actor, number)
        return _("Approved. Who asked was told.")
    if what == "refuse":
        cancelling.refuse(actor, number, reason)
        return _("Refused. Who asked was told.")
    if what == "cancel":
        cancelling.by_officer(actor, number, reason)
        return _("Cancelled. Who booked it was told.")
    if what == "no-show":
        cancelling.no_show(actor, number)
        return _("Noted: nobody came.")
    raise Missing(_("There is no such thing."))


@require_POST
def close(request: HttpRequest, slug: str, what: str) -> HttpResponse:
    """Closes a room for a day, or opens it again."""
    actor, post = actor_of(request), request.POST
    # An undo has its day in the address.
    day = day_in(post.get("day", "") or request.GET.get("day", ""))
    require(actor, WORK)
    try:
        if day is None:
            raise Invalid(_("This is no day."), code="bad_day", field="day")
        if what == "reopen":
            closing.reopen(actor, slug, day)
            messages.success(request, _("The room is open again."))
        elif what == "close":
            told = closing.close(actor, slug, day, post.get("reason", ""))
            said = ngettext("Closed. %(count)d booking was told.", "Closed. %(count)d bookings were told.", told)
            undo = f"{reverse('house_close', args=[slug, 'reopen'])}?day={day:%Y-%m-%d}"
            done(request, said % {"count": told}, undo)
        else:
            raise Missing(_("There is no such thing."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return _desk(day or hours.today())


@require_POST
def order(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Hands out an order, takes that back, or takes things back."""
    actor = actor_of(request)
    require(actor, shop.HAND_OUT)
    code = ""
    try:
        if what == "hand-out":
            shop.hand_out(actor, number)
            done(request, _("Handed out."), reverse("house_order_act", args=[number, "undo"]))
        elif what == "undo":
            code = shop.undo_hand_out(actor, number).code
            messages.success(request, _("It is to be fetched again."))
        elif what == "give-back":
            lines = list(Line.objects.filter(order=number)) if number < 2**63 else []
            code = shop.give_back(actor, number, counts(request.POST, lines)).code
            messages.success(request, _("Taken back. The money goes back to where it came from."))
        else:
            raise Missing(_("There is no such thing."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect(f"{reverse('house_orders')}?code={code}" if code else reverse("house_orders"))
