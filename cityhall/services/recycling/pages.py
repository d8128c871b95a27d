"""Residents' pages: what recycling is here, asking for a pickup in three steps, what is theirs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Denied, Invalid, Missing
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.media.links import link
from cityhall.kernel.media.storing import made
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may
from cityhall.kernel.places import geocoder
from cityhall.kernel.places.point import Point
from cityhall.services.recycling import (
    accounts,
    collecting,
    contesting,
    impact,
    planning,
    points,
    queries,
    showing,
    workflow,
)
from cityhall.services.recycling.collecting import Wish
from cityhall.services.recycling.coming import expected
from cityhall.services.recycling.models import Account, Pickup, Weighing
from cityhall.services.recycling.pictures import drawing
from cityhall.services.recycling.rounds import grams_of
from cityhall.services.recycling.rules import contest_until, rules, today
from cityhall.services.recycling.tariffs import campaign, tariff
from cityhall.services.recycling.wording import kilograms, number
from cityhall.services.recycling.wording import points as points_text
from cityhall.services.recycling.workflow import State
from cityhall.web.codes import qr_path
from cityhall.web.undo import done

MOST_KG = 500
PHOTO_PX = 640


def form_key(text: str) -> uuid.UUID:
    """The form's own key: sent twice, it is one. Raises Invalid."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Invalid(_("This form is broken."), code="bad_key", field="key", mend=_("Load the page again.")) from None


@contextmanager
def told(request: HttpRequest) -> Iterator[None]:
    """What a form cannot do is said on the next page; who may not, and what there is not, are pages of their own."""
    try:
        yield
    except (Denied, Missing):
        raise
    except CityhallError as problem:
        messages.warning(request, str(problem))


def account_in(request: HttpRequest) -> Account:
    """The account of points that a page is about: the reader's own where it names none. Raises Missing."""
    said = request.POST.get("account") or request.GET.get("account") or ""
    return accounts.find(actor_of(request), values.whole(said) if said else None)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What is taken, what it brings, and the ways in."""
    actor = actor_of(request)
    context: dict[str, Any] = {
        "materials": material_rows(),
        "crew": may(actor, planning.DRIVE),
        "officer": may(actor, contesting.DECIDE),
    }
    account = None
    if actor.person_id is not None:
        known = accounts.held_by(accounts.person_of(actor))
        account = known[0] if known else None
    if account is not None:
        context |= {
            "balance": points_text(points.standing(account).balance),
            "coming": [one for one in queries.own_pickups(account) if one.state in (*workflow.OPEN, State.WEIGHED)][:3],
        }
    return render(request, "recycling/home.html", context)


def material_rows() -> list[dict[str, Any]]:
    """The materials with drawing and today's points for a kilogram."""
    rows = []
    for one in queries.materials():
        holds, more = tariff(one, today()), campaign(one, today())
        rows.append(
            {
                "material": one,
                "drawing": drawing(one.picture),
                "points": holds.points_per_kg if holds else 0,
                "mixed": holds.mixed_percent if holds else 0,
                "campaign": more,
                "more": f"{number(more.percent)} %" if more else "",
            }
        )
    return rows


@require_safe
def materials(request: HttpRequest) -> HttpResponse:
    """What is taken, how to prepare it, and what it brings."""
    return render(request, "recycling/materials.html", {"rows": material_rows()})


@require_safe
def where(request: HttpRequest) -> HttpResponse:
    """Drop-off points and machines, as a list and on the map."""
    rows = [{"point": one, "materials": list(one.materials.all())} for one in queries.drop_points()]
    return render(request, "recycling/where.html", {"rows": rows})


def _grams(given: QueryDict) -> dict[str, int]:
    """Grams by material of the fields `m-<key>`, which are kilograms. Raises Invalid for what is no weight."""
    found = {}
    for name, text in given.items():
        if name.startswith("m-") and str(text).strip():
            amount = values.decimal(str(text).replace(",", "."))
            if amount is None or not 0 <= amount <= MOST_KG:
                raise Invalid(
                    _("Write kilograms, at most %(most)d.") % {"most": MOST_KG}, code="bad_weight", field="materials"
                )
            found[name[2:]] = round(amount * 1000)
    return {key: grams for key, grams in found.items() if grams}


def _carried(given: QueryDict, *names: str) -> list[tuple[str, str]]:
    """What the steps before have said, for hidden fields."""
    return [(name, str(text)) for name, text in given.items() if name.startswith("m-") or name in names]


@never_cache
@login_required
@require_safe
def ask(request: HttpRequest) -> HttpResponse:
    """Step 1: what."""
    rows = [row | {"kg": request.GET.get(f"m-{row['material'].key}", "")} for row in material_rows()]
    mine = accounts.held_by(accounts.person_of(actor_of(request))) or [account_in(request)]
    context = {"rows": rows, "accounts": mine, "account": account_in(request), "problem": None}
    # Who comes from a place on the map brings it along.
    context["carried"] = [(name, request.GET[name]) for name in ("q", "lon", "lat") if name in request.GET]
    return render(request, "recycling/ask.html", context)


@never_cache
@login_required
@require_safe
def ask_where(request: HttpRequest) -> HttpResponse:
    """Step 2: where. Places are found by what was typed; those of the last pickups are offered at once."""
    account, given = account_in(request), request.GET
    try:
        if not _grams(given):
            raise Invalid(_("Nothing was chosen."), code="nothing", mend=_("Say how much you have of something."))
    except CityhallError as problem:
        rows = [row | {"kg": given.get(f"m-{row['material'].key}", "")} for row in material_rows()]
        context = {"rows": rows, "accounts": [account], "account": account, "problem": problem}
        return render(request, "recycling/ask.html", context, status=problem.status)
    typed = given.get("q", "").strip()[:200]
    found = geocoder.search(typed, near=settings.CITY.center) if typed else []
    places = [(f"{one.point.lon:.6f},{one.point.lat:.6f}", geocoder.label(one)) for one in found]
    if typed and given.get("lon") and given.get("lat"):
        lon, lat = values.position(f"{given['lon']},{given['lat']}", "place")
        places.insert(0, (f"{lon:.6f},{lat:.6f}", typed))
    known = Pickup.objects.filter(account=account, point__isnull=False).order_by("-asked_at")[:20]
    lasts = {one.address: f"{one.point.lon:.6f},{one.point.lat:.6f}" for one in known if one.point}
    context = {
        "carried": _carried(given, "account"),
        "account": account,
        "typed": typed,
        "places": [(at, name) for at, name in places if name],
        "lasts": [(at, name) for name, at in list(lasts.items())[:3]],
    }
    return render(request, "recycling/ask_where.html", context)


def _place(given: QueryDict) -> tuple[str, Point | None]:
    """(address, where it is) of what was chosen ("lon,lat|name"), or of what was only typed."""
    at, _bar, name = given.get("place", "").partition("|")
    address = (name or given.get("q", "")).strip()[:300]
    if not at:
        return address, None
    lon, lat = values.position(at, "place")
    return address, Point(lon, lat)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_when(request: HttpRequest) -> HttpResponse:
    """Step 3: when, and a photo for who wants to; then it is promised."""
    account, given = account_in(request), request.POST if request.method == "POST" else request.GET
    address, point = _place(given)
    if not address:
        return redirect(f"{reverse('recycling_ask_where')}?{given.urlencode()}")
    context: dict[str, Any] = {
        "carried": _carried(given, "account", "place", "q", "note"),
        "account": account,
        "address": address,
        "key": given.get("key") or uuid.uuid4(),
        "cancel_hours": rules().cancel_hours,
    }
    if request.method != "POST":
        return _when(request, context, point)
    try:
        begin = values.moment(given.get("begin", ""), settings.CITY.zone)
        wish = Wish(_grams(given), address, point, begin, given.get("note", ""))
        photo = request.FILES.get("photo")
        with made([photo] if photo is not None else []) as ready:
            first = ready[0] if ready else None
            pickup = collecting.ask(actor_of(request), account, wish, key=form_key(given.get("key", "")), photo=first)
    except CityhallError as problem:
        return _when(request, context | {"problem": problem}, point, problem.status)
    return redirect("recycling_pickup", number=pickup.pk)


def _when(request: HttpRequest, context: dict[str, Any], point: Point | None, status: int = 200) -> HttpResponse:
    """Step 3 with the windows that can be kept for what was said so far; of what is no weight, for any."""
    try:
        grams = _grams(request.POST if request.method == "POST" else request.GET)
    except Invalid:
        grams = {}
    spend("recycling windows", source_of(request), planning.ASKED_A_MINUTE, 60)
    windows = planning.offers(planning.zone_of(point), point=point, grams=grams)
    return render(request, "recycling/ask_when.html", context | {"windows": windows}, status=status)


@never_cache
@login_required
@require_safe
def pickups(request: HttpRequest) -> HttpResponse:
    """A resident's pickups."""
    account = account_in(request)
    return render(request, "recycling/pickups.html", {"account": account, "rows": queries.own_pickups(account)})


@never_cache
@login_required
@require_safe
def pickup(request: HttpRequest, number: int) -> HttpResponse:
    """One pickup: how it stands, and what may be done with it."""
    found = queries.find_pickup(actor_of(request), number)
    weighed = Weighing.objects.filter(pickup=found).first()
    context: dict[str, Any] = {
        "pickup": found,
        "photo": link(found.photo, PHOTO_PX) if found.photo is not None else "",
        "until": planning.until(found.booking),
        "may_cancel": workflow.can("cancel", found.state),
        "windows": _windows(found) if found.state == State.ASKED else [],
        "coming": expected(found),
        "ours": found.why in workflow.OURS,
    }
    if weighed is not None:
        context |= weighing_context(weighed)
    elif workflow.can("weigh", found.state):
        code = showing.code_of(found)
        size, path = qr_path(code)
        context |= {"code": code, "qr_size": size, "qr_path": path}
    template = "recycling/pickup_now.html" if request.GET.get("part") else "recycling/pickup.html"
    return render(request, template, context)


def _windows(one: Pickup) -> list[planning.Window]:
    return planning.offers(one.zone, point=one.point, grams=grams_of(one))


def weighing_context(one: Weighing) -> dict[str, Any]:
    """What a page says of a weighing: its lines, points, photo, and whether it may be contested."""
    lines = list(one.lines.filter(valid=True).select_related("material"))
    state = one.pickup.state if one.pickup is not None else State.WEIGHED
    contest = queries.contest_of(one)
    open_until = contest_until(one.heard_at)
    ours = one.source != Weighing.Source.EARLIER
    return {
        "weighing": one,
        "lines": [{"line": line, "drawing": drawing(line.material.picture)} for line in lines],
        "before": list(one.lines.filter(valid=False).select_related("material")),
        "grams": kilograms(sum(line.grams for line in lines)),
        "earned": points_text(sum(line.base + line.bonus for line in lines)),
        "weighing_photo": link(one.photo, PHOTO_PX) if one.photo is not None else "",
        "weighing_drawn": link(one.drawn, PHOTO_PX) if one.drawn is not None else "",
        "contest": contest,
        "contest_until": open_until,
        "may_contest": ours and contest is None and state == State.WEIGHED and timezone.now() <= open_until,
        "may_confirm": one.pickup is not None and contest is None and state == State.WEIGHED,
    }


@never_cache
@login_required
@require_safe
def weighing(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """One weighing: of a pickup on that one's page, of a machine or drop-off point on its own."""
    found = queries.find_weighing(actor_of(request), uid)
    if found.pickup is not None:
        return redirect("recycling_pickup", number=found.pickup.pk)
    return render(request, "recycling/weighing.html", weighing_context(found))


@login_required
@require_POST
def act(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Cancels a pickup, or takes a window that is free by now."""
    actor = actor_of(request)
    try:
        if what == "cancel":
            collecting.cancel(actor, number)
            messages.success(request, _("It was cancelled. Nobody comes."))
        elif what == "window":
            begin = values.moment(request.POST.get("begin", ""), settings.CITY.zone)
            if begin is None:
                raise Invalid(_("Choose a time."), code="no_time", field="begin")
            collecting.promise(actor, number, begin)
            messages.success(request, _("A crew comes then."))
        else:
            raise Missing(_("There is no such thing."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("recycling_pickup", number=number)


@login_required
@require_POST
def judge(request: HttpRequest, uid: uuid.UUID, what: str) -> HttpResponse:
    """Confirms a weight, takes that back, or contests it."""
    actor = actor_of(request)
    try:
        if what == "confirm":
            contesting.confirm(actor, uid)
            done(request, _("Thank you. The weight is confirmed."), reverse("recycling_judge", args=[uid, "unconfirm"]))
        elif what == "unconfirm":
            contesting.unconfirm(actor, uid)
            messages.success(request, _("It is not confirmed any more."))
        elif what == "contest":
            contesting.contest(actor, uid, request.POST.get("text", ""))
            messages.success(request, _("An officer looks at it, and you are told."))
        else:
            raise Missing(_("There is no such thing."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("recycling_weighing", uid=uid)


@login_required
@require_safe
def booking(request: HttpRequest, number: int) -> HttpResponse:
    """The window of a pickup leads to it."""
    found = Pickup.objects.filter(booking=number).values_list("pk", flat=True).first()
    if found is None:
        raise Missing(_("There is no such pickup."), code="no_such_pickup")
    return redirect("recycling_pickup", number=found)


@never_cache
@login_required
@require_safe
def own_impact(request: HttpRequest) -> HttpResponse:
    """What an account's recycling has kept out of the air, with the source of the factors."""
    account = account_in(request)
    found = impact.of_account(account)
    context = {
        "account": account,
        "impact": found,
        "weight": kilograms(found.grams),
        "co2e": kilograms(found.co2e_g),
        "rows": [
            {
                "material": one.material,
                "drawing": drawing(one.material.picture),
                "weight": kilograms(one.grams),
                "co2e": kilograms(one.co2e_g),
                "factor": kilograms(one.material.co2e_g),
            }
            for one in found.parts
        ],
        "warm": impact.SOURCE in found.sources,
        "address": impact.ADDRESS,
    }
    return render(request, "recycling/impact.html", context)
