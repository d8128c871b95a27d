"""Pages for residents: the rooms, a week of one, booking it, and what is theirs."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import actor_of
from cityhall.services.house import booking, cancelling, hours, paying, queries, reserving, waiting
from cityhall.services.house.models import Item, Room

PICTURE_PX = 640
MOST_WEEKS = 26


def picture(one: Room | Item) -> str:
    """The address of its picture, "" where it has none."""
    return link(one.picture, PICTURE_PX) if one.picture is not None else ""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The rooms, and the way to the shop."""
    rooms = [{"room": room, "picture": picture(room)} for room in queries.rooms()]
    return render(request, "house/home.html", {"rooms": rooms})


def _first_day(text: str) -> date:
    """The day that an address asks for, within what may be booked; today where it says none."""
    asked = values.day(text)
    first, last = hours.today(), hours.today() + timedelta(days=hours.AHEAD_DAYS)
    return min(max(asked, first), last) if asked else first


@never_cache
@require_safe
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """A room, and seven days of it from the one asked for: each free hour is a link."""
    found = queries.find_room(slug)
    first = _first_day(request.GET.get("day", ""))
    days = queries.week(found, first)
    context = {"room": found, "picture": picture(found), "days": days}
    return render(request, "house/room.html", context | _weeks(first))


def _weeks(first: date) -> dict[str, Any]:
    """The days with which the weeks before and after begin, None where nothing may be booked then."""
    last = hours.today() + timedelta(days=hours.AHEAD_DAYS)
    earlier, later = max(first - timedelta(days=7), hours.today()), first + timedelta(days=7)
    return {"earlier": earlier if earlier < first else None, "later": later if later <= last else None}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, slug: str) -> HttpResponse:
    """One hour was chosen: for how long, what for, how many people; then it is held for ten minutes."""
    found, given = queries.find_room(slug), request.POST if request.method == "POST" else request.GET
    begin = values.moment(given.get("begin", ""), settings.CITY.zone)
    if begin is None:
        return redirect("house_room", slug=slug)
    context: dict[str, Any] = {
        "room": found,
        "begin": begin,
        "longest": queries.longest(found, begin),
        "weeks": range(2, MOST_WEEKS + 1),
        "typed": given,
        "key": given.get("key") or uuid.uuid4(),
    }
    if request.method != "POST":
        return render(request, "house/book.html", context)
    try:
        made = reserving.reserve(
            actor_of(request),
            found.slug,
            begin,
            hours=values.whole(given.get("hours", ""), 99) or 0,
            people=values.whole(given.get("people", ""), 9999) or 0,
            purpose=given.get("purpose", ""),
            weeks=values.whole(given.get("weeks", ""), 99) or 1,
            key=form_key(given.get("key", "")),
        )
    except CityhallError as problem:
        return render(request, "house/book.html", context | {"problem": problem}, status=problem.status)
    return redirect("house_booking", number=made[0].pk)


def form_key(text: str) -> uuid.UUID:
    """The form's own key: sent twice, it is one booking. Raises Invalid."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Invalid(_("This form is broken."), code="bad_key", field="key", mend=_("Load the page again.")) from None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def wait(request: HttpRequest, slug: str) -> HttpResponse:
    """A time that is taken: to be told, in order, when it is free."""
    found, given = queries.find_room(slug), request.POST if request.method == "POST" else request.GET
    begin = values.moment(given.get("begin", ""), settings.CITY.zone)
    if begin is None:
        return redirect("house_room", slug=slug)
    context: dict[str, Any] = {
        "room": found,
        "begin": begin,
        "longest": queries.longest(found, begin, taken=True),
        "typed": given,
        "key": given.get("key") or uuid.uuid4(),
    }
    if request.method != "POST":
        return render(request, "house/wait.html", context)
    try:
        waited = values.whole(given.get("hours", ""), 99) or 0
        waiting.join(actor_of(request), found.slug, begin, hours=waited, key=form_key(given.get("key", "")))
    except CityhallError as problem:
        return render(request, "house/wait.html", context | {"problem": problem}, status=problem.status)
    messages.success(request, _("You are on the list. You are told when it is your turn."))
    return redirect("house_own")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, number: int) -> HttpResponse:
    """What somebody waited for is kept for them: how many come and what for, then it is theirs or to be paid."""
    actor = actor_of(request)
    booking, use = reserving.offer(actor, number)
    if use is not None:
        return redirect("house_booking", number=use.pk)
    room = queries.room_of(booking)
    context: dict[str, Any] = {"room": room, "booking": booking, "typed": request.POST}
    if request.method != "POST":
        return render(request, "house/offer.html", context)
    try:
        people, purpose = values.whole(request.POST.get("people", ""), 9999) or 0, request.POST.get("purpose", "")
        made = reserving.take_offer(actor, number, people=people, purpose=purpose)
    except CityhallError as problem:
        return render(request, "house/offer.html", context | {"problem": problem}, status=problem.status)
    return redirect("house_booking", number=made[0].pk)


@login_required
@require_POST
def leave(request: HttpRequest, number: int) -> HttpResponse:
    """Waits no more."""
    waiting.leave(actor_of(request), number)
    messages.success(request, _("You are off the list."))
    return redirect("house_own")


@never_cache
@login_required
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """A resident's bookings, what they wait for, and what they bought."""
    actor = actor_of(request)
    context = {
        "coming": queries.own_rows(actor, over=False),
        "over": queries.own_rows(actor, over=True),
        "waiting": waiting.own(actor),
        "orders": queries.own_orders(actor),
    }
    return render(request, "house/own.html", context)


@never_cache
@login_required
@require_safe
def reservation(request: HttpRequest, number: int) -> HttpResponse:
    """One booking: how it stands, what is to be paid until when, and what cancelling it would cost now."""
    found = queries.find_own(actor_of(request), number)
    return render(request, "house/booking.html", queries.shown(found))


@login_required
@require_POST
def pay(request: HttpRequest, number: int) -> HttpResponse:
    """To the provider's page."""
    actor = actor_of(request)
    found = queries.find_own(actor, number)
    try:
        return redirect(paying.begin(actor, found.bill, f"/house/bookings/{found.pk}/"))
    except CityhallError as problem:
        messages.warning(request, str(problem))
        return redirect("house_booking", number=number)


@login_required
@require_POST
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    """A resident cancels their booking, or all that is left of its series."""
    actor = actor_of(request)
    queries.find_own(actor, number)
    try:
        cancelling.by_resident(actor, number, series=request.POST.get("series") == "1")
        messages.success(request, _("It was cancelled."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("house_booking", number=number)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, number: int) -> HttpResponse:
    """Another time for a booking: a week of its room, and the hour that was pressed."""
    actor = actor_of(request)
    found = queries.find_own(actor, number)
    if request.method == "POST":
        begin = values.moment(request.POST.get("begin", ""), settings.CITY.zone)
        try:
            if begin is None:
                raise Invalid(_("Choose a time."), code="no_time", field="begin")
            cancelling.move(actor, number, begin)
            messages.success(request, _("It was moved."))
        except CityhallError as problem:
            messages.warning(request, str(problem))
        return redirect("house_booking", number=number)
    first = _first_day(request.GET.get("day", ""))
    length = hours.length(found.booking.begin, found.booking.end)
    context = {"reservation": found, "room": found.room, "days": queries.week(found.room, first, length=length)}
    return render(request, "house/move.html", context | _weeks(first))


@login_required
@require_safe
def calendar(request: HttpRequest, number: int) -> HttpResponse:
    """The booking for one's calendar (RFC 5545)."""
    found = queries.find_own(actor_of(request), number)
    answer = HttpResponse(booking.calendar(found.booking), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="booking-{found.pk}.ics"'
    return answer
