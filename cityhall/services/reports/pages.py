"""Pages for residents: the public map and list, filing, following."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.cases.models import Comment
from cityhall.kernel.cases.queries import Happening, history, ranking
from cityhall.kernel.cases.workflow import DONE, OPEN, TRANSITIONS, State
from cityhall.kernel.errors import CityhallError, Denied, Missing
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.values import decimal, whole
from cityhall.services.reports import actions, limits, queries
from cityhall.services.reports.api import email_of
from cityhall.services.reports.categories import tree
from cityhall.services.reports.filing import MOST_PHOTOS, Filing, file_report, plain
from cityhall.services.reports.following import followed
from cityhall.services.reports.models import Category, Incident, Photo, Report
from cityhall.services.reports.questions import Question, questions, told
from cityhall.web.layers import THUMB_PX, chosen_layers

PAGE = 20
AGAIN_S = 30
"""How often an open map asks for the reports anew. Telling every map of every filing would cost filing more."""
STEPS = (State.NEW, State.ACCEPTED, State.WORKING, State.RESOLVED)
"""What a resident sees of the way, in order."""
PARTS = ("stands", "since")
"""What a followed report's page asks for anew: how it stands, and what was said and can be done."""


def layers(*slugs: str) -> list[dict[str, Any]]:
    """The service's layers for a page's own map, switched on, and read again now and then."""
    shown = chosen_layers({f"reports/{slug}": True for slug in slugs}, minzoom=0, again=AGAIN_S)
    return [layer | {"style": {"size": THUMB_PX} | layer["style"]} for layer in shown]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What was reported, on a map and as a list."""
    get = request.GET
    found = queries.public_reports().select_related("category", "case__agency").order_by("-filed_at")
    category, state = get.get("category", "").replace("\0", "")[:50], get.get("state", "open")
    if category:
        found = found.filter(category__slug=category)
    if state in ("open", "done"):
        found = found.filter(state__in=OPEN if state == "open" else DONE)
    # Counting a million rows for a page number nobody reads would cost more than the page.
    number = max(1, whole(get.get("page", ""), 99_999) or 1)
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    context = {
        "reports": rows[:PAGE],
        "next": number + 1 if len(rows) > PAGE else None,
        "previous": number - 1 if number > 1 else None,
        "tree": tree(),
        "category": category,
        "state": state,
        "layers": layers("open", "incidents"),
        "incidents": Incident.objects.filter(ended_at=None).select_related("category")[:3],
    }
    return render(request, "reports/home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Filing a report. With a script the form is sent by the service worker's queue; without one it comes here."""
    groups = tree()
    # A page of a place leads here with the place filled in.
    form = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {"tree": groups, "most": MOST_PHOTOS, "form": form}
    context["common"] = queries.often_reported()
    context["asking"] = _asking([one for _group, items in groups for one in items], form)
    if request.method == "POST":
        try:
            filed = file_report(actor_of(request), _filing(request))
        except CityhallError as problem:
            return render(request, "reports/new.html", context | {"problem": problem}, status=problem.status)
        return redirect("reports_follow", secret=filed.secret)
    return render(request, "reports/new.html", context)


def _asking(categories: list[Category], post: QueryDict) -> list[dict[str, Any]]:
    """What each category asks further, with what was answered: the page holds all, and shows the chosen one's."""

    def row(category: Category, question: Question) -> dict[str, Any]:
        name = f"{category.slug}.{question.code}"
        return {"question": question, "name": name, "given": post.getlist(name)}

    return [
        {"category": category, "questions": [row(category, question) for question in questions(category)]}
        for category in categories
        if category.asks
    ]


def _filing(request: HttpRequest) -> Filing:
    post = request.POST
    lon, lat = decimal(post.get("lon", "")), decimal(post.get("lat", ""))
    if lon is None or lat is None:
        lon = lat = None
        from cityhall.kernel.places import geocoder

        found = geocoder.search(plain(post.get("address", ""))[:200], limit=1) if post.get("address") else []
        if found:
            lon, lat = found[0].point
    return Filing(
        category=post.get("category", ""),
        text=post.get("text", ""),
        lon=lon,
        lat=lat,
        address=post.get("address", ""),
        named=post.get("named") == "1",
        email=email_of(post.get("email", "")),
        answers={
            name.partition(".")[2]: values
            for name, values in post.lists()
            if name.startswith(f"{post.get('category', '')}.")
        },
        key=post.get("key", ""),
        photos=tuple(photo.read() for photo in request.FILES.getlist("photos")[: MOST_PHOTOS + 1]),
        source=source_of(request),
    )


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """The reports filed on this device, and those that wait for a network: kept by the browser, not by us."""
    return render(request, "reports/sent.html")


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, report_id: int) -> HttpResponse:
    """A report as the public sees it; whoever filed it with their account sees and does there what the link lets."""
    found = queries.find_public(report_id)
    if request.GET.get("part") == "1":
        return render(request, "reports/row.html", {"report": found})
    mine = bool(request.user.is_authenticated and found.person_id == request.user.pk)
    if mine:
        return _followed(request, found, "")
    if request.method == "POST":
        raise Denied(_("Only who filed it may do this."))
    context = _shown(found) | {
        "text": queries.public_text(found),
        "told": told(found, public=True),
        "photos": _public_photos(found),
        # Of a matter that is private not even the place is told.
        "pin": None if found.category.sensitive else found.shown,
    }
    return render(request, "reports/report.html", context)


def _shown(found: Report, story: Sequence[Happening] = ()) -> dict[str, Any]:
    merged = found.case.merged_into_id
    return {
        "report": found,
        "case": found.case,
        "merged": merged if merged and queries.public_reports().filter(pk=merged).exists() else None,
        "steps": _steps(found, story),
        "answers": _public_comments(found),
    }


def _public_comments(found: Report) -> list[Comment]:
    """What the city said: nothing of a sensitive report, and never the reporter's own words."""
    if found.category.sensitive:
        return []
    return list(found.case.comments.filter(public=True, by_requester=False))


def _steps(found: Report, story: Sequence[Happening]) -> list[dict[str, Any]]:
    """The way of a report: each step, whether it is behind it or there now, and since when as far as a story says."""
    state = State(found.state)
    if state in (State.REJECTED, State.MERGED):
        way: list[State] = [State.NEW, state]
    else:
        instead = {State.WAITING: State.WORKING, State.CLOSED: State.RESOLVED}.get(state)
        way = [state if step == instead else step for step in STEPS]
    at = way.index(state)
    reached = {TRANSITIONS[line.what].target: line.at for line in story if line.what in TRANSITIONS}
    if story:
        reached[State.NEW] = found.filed_at
    return [
        {"label": step.label, "past": number <= at, "now": number == at, "at": number <= at and reached.get(step)}
        for number, step in enumerate(way)
    ]


def _public_photos(found: Report) -> list[dict[str, Any]]:
    return [
        {"kind": Photo.Kind(photo.kind).label, "url": link(photo.published, 960)}
        for photo in queries.published_photos(found)
        if photo.published is not None
    ]


@require_POST
def support(request: HttpRequest, report_id: int) -> HttpResponse:
    """ "Me too" without a script."""
    try:
        limits.check(source_of(request))
        actions.support(actor_of(request), report_id, source_of(request), named=bool(request.POST.get("named")))
        messages.success(request, _("Thank you: you were counted."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("reports_report", report_id=report_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, secret: str) -> HttpResponse:
    """A report for who filed it: how it stands, what the city says, and what they can do."""
    found = followed(secret)
    return _followed(request, found, secret)


def _followed(request: HttpRequest, found: Report, secret: str) -> HttpResponse:
    problem = None
    if request.method == "POST":
        post = request.POST
        step, vote = post.get("step", ""), post.get("vote", "")
        if step not in ("answer", "confirm", "reopen"):
            raise Missing(_("There is no such thing."))
        # Of what is closed only the vote can be another.
        again = step == "confirm" and found.state == State.CLOSED
        try:
            actions.by_reporter(
                actor_of(request),
                found,
                "" if again else step,
                reason=post.get("reason", ""),
                vote=whole(vote, 99) or 0 if vote or again else None,
            )
            messages.success(request, _("Thank you. It was noted."))
            return redirect(request.path)
        except CityhallError as refusal:
            problem = refusal
            found = Report.objects.select_related("case__agency", "category", "person").get(pk=found.pk)
    story = _story(found)
    context = _shown(found, story) | {
        "secret": secret,
        "problem": problem,
        "answers": list(found.case.comments.filter(public=True)),
        "story": story,
        "can_object": found.case.done_at is not None
        and timezone.now() - found.case.done_at <= timedelta(days=actions.OBJECT_DAYS),
        "votes": _votes(),
    }
    part = request.GET.get("part", "")
    if part in PARTS:
        page = f"reports/{part}.html"
    else:
        page = "reports/follow.html"
        context |= _filed(found)
    response = render(request, page, context, status=problem.status if problem else 200)
    # The address is the key: it must not leave the city with a click, nor be found by a search engine. "no-referrer"
    # would be too much: a browser then hides whence a form comes, and every answer, vote and reopening is refused.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def _filed(found: Report) -> dict[str, Any]:
    """What the reporter wrote and showed: it does not change while the page is open."""
    return {
        "text": found.text,
        "told": told(found),
        "photos": [
            {"kind": Photo.Kind(photo.kind).label, "url": link(photo.media, 960)}
            for photo in found.photos.select_related("media")
            if photo.kind == Photo.Kind.RESIDENT or photo.state == Photo.State.PUBLISHED
        ],
        "pin": found.point,
    }


def _votes() -> list[tuple[int, str]]:
    return [(1, _("bad")), (2, _("poor")), (3, _("fair")), (4, _("good")), (5, _("very good"))]


def _story(found: Report) -> list[Happening]:
    """What happened, as its reporter may know it: not who of the administration did what, nor its notes."""
    told = ("opened", "accept", "start", "ask", "answer", "resolve", "confirm", "reopen", "reject", "transfer", "merge")
    return [line for line in history(found.case) if line.what in told]


@require_safe
def incident(request: HttpRequest, incident_id: int) -> HttpResponse:
    """An incident and the public reports under it."""
    found = get_object_or_404(Incident.objects.select_related("category"), pk=incident_id)
    under = queries.public_reports().filter(incident=found).select_related("category").order_by("-filed_at")
    page = Paginator(under, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "reports/incident.html",
        {
            "incident": found,
            "reports": page,
            "layers": layers("open", "incidents"),
            "total": under.count(),
            "here": found.center,
        },
    )


@require_safe
def agencies(request: HttpRequest) -> HttpResponse:
    """Which agency keeps what was promised: everybody may know."""
    now = timezone.now()
    standings = ranking("reports", now - timedelta(days=90), now)
    return render(request, "reports/agencies.html", {"standings": [one for one in standings if one.done or one.open]})
