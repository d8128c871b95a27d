"""The desk: pages for officers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import translating
from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.queries import Happening, history
from cityhall.kernel.cases.workflow import OPEN, TRANSITIONS, State, possible
from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import Actor, actor_of, person_of
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.places.models import Zone
from cityhall.kernel.values import whole
from cityhall.services.reports import actions, desk_undo, routing, tours
from cityhall.services.reports import inbox as boxes
from cityhall.services.reports.categories import tree
from cityhall.services.reports.duplicates import duplicates
from cityhall.services.reports.models import (
    Incident,
    OtherCity,
    Photo,
    Report,
    SavedFilter,
    StandardAnswer,
)
from cityhall.services.reports.open311 import client
from cityhall.services.reports.questions import told
from cityhall.web.layers import page_points

BULK = ("accept", "start", "resolve", "reject")
OWN_FORM = ("transfer", "merge", "assign")
ONWARD = ("accept", "start", "resolve", "reopen")
CREW_STOPS = 40


def _desk(request: HttpRequest) -> boxes.Desk:
    """The desk of who asks. Raises Denied."""
    desk = boxes.desk_of(actor_of(request))
    if not desk.agencies and not may(desk.actor, routing.PERMISSION):
        require(desk.actor, "reports.view_desk")
    return desk


def _officer(request: HttpRequest) -> Actor:
    """The actor, who works at a desk. Raises Denied."""
    return _desk(request).actor


@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What is to be done: list and map side by side. Every filter is in the address, so it can be kept and shared."""
    return _inbox(request, request.GET)


def _inbox(request: HttpRequest, query: Any, typed: Any = None) -> HttpResponse:
    """The inbox as `query` filters it; `typed` is a bulk step that was refused, shown again as it was sent."""
    desk, chosen = _desk(request), boxes.read_filter(query)
    views = {
        "query": urlencode(chosen),
        "counts": boxes.counts(desk),
        "saved": SavedFilter.objects.filter(person=person_of(request)),
    }
    if request.GET.get("part") == "views":
        return render(request, "reports/desk_views.html", views)
    found, after = boxes.page(desk, chosen)
    now = timezone.now()
    picked = set(typed.getlist("report")) if typed else set()
    rows = [
        {
            "report": report,
            "light": report.case.light(now) if report.case.is_open else "",
            "picked": str(report.pk) in picked,
        }
        for report in found
    ]
    context = {
        "rows": rows,
        "after": after,
        "chosen": chosen,
        "tree": tree(),
        "agencies": desk.agencies,
        "zones": Zone.objects.filter(kind="district"),
        "states": State.choices,
        "bulk": [step for step in possible(State.NEW, "officer") if step.name in BULK],
        "answers": StandardAnswer.objects.all(),
        "layers": _layer("desk", urlencode(chosen)),
        "done": desk_undo.done(request),
        "typed": typed,
        "incidents": Incident.objects.filter(ended_at=None).select_related("category")[:3],
        "may_change_rules": may(desk.actor, routing.PERMISSION),
    }
    return render(request, "reports/desk.html", context | views)


def _layer(which: str, query: str) -> list[dict[str, Any]]:
    """The page's own points for its map."""
    url = f"/reports/desk/points/{which}.geojson?{query}"
    return [page_points("desk-points", _("Reports"), url, "#b3261e", icon="warning")]


@never_cache
@require_safe
def points(request: HttpRequest, which: str) -> HttpResponse:
    """The reports of the inbox's page, or of the crew's round, with their exact places: for officers only."""
    desk = _desk(request)
    if which == "field":
        found, _metres = tours.tour(tours.of_crew(desk.actor, CREW_STOPS), _start(request))
    else:
        found, _after = boxes.page(desk, boxes.read_filter(request.GET))
    return JsonResponse(boxes.geojson(found, timezone.now()), content_type="application/geo+json")


def _start(request: HttpRequest) -> tuple[float, float]:
    return tours.read_start(request.GET.get("from", "")) or settings.CITY.center


@require_POST
def filters(request: HttpRequest) -> HttpResponse:
    """Keeps the inbox as it is under a name, or forgets one."""
    _officer(request)
    person, post = person_of(request), request.POST
    if post.get("forget"):
        SavedFilter.objects.filter(person=person, pk=whole(post["forget"]) or 0).delete()
        return redirect("reports_desk")
    query = urlencode(boxes.read_filter(post))
    name = post.get("name", "").strip()[:60]
    if name:
        SavedFilter.objects.update_or_create(person=person, name=name, defaults={"query": query[:500]})
    return redirect(f"/reports/desk/?{query}")


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """One step for many reports, or their merging; says what was done and what was not."""
    actor, post = _officer(request), request.POST
    ids = [number for text in post.getlist("report") if (number := whole(text)) is not None][:500]
    step, reason = post.get("step", ""), post.get("reason", "")
    done = False
    if step == "merge" and len(ids) > 1:
        try:
            actions.merge(actor, ids, min(ids))
            said = _("They were merged into number %(number)d.") % {"number": min(ids)}
            desk_undo.offer(request, step, sorted(set(ids) - {min(ids)}), said)
            done = True
        except CityhallError as problem:
            messages.warning(request, str(problem))
    elif step in BULK and ids:
        result = cases.bulk(actor, ids, step, reason=reason)
        done = bool(result.done)
        if done:
            desk_undo.offer(request, step, result.done, _("%(count)d were changed.") % {"count": len(result.done)})
        desk_undo.warn(request, result.refused)
    else:
        messages.warning(request, _("Choose reports first."))
    # Where nothing was done, what was chosen and written is there to be mended.
    return redirect(f"/reports/desk/?{urlencode(boxes.read_filter(post))}") if done else _inbox(request, post, post)


@never_cache
@require_safe
def case(request: HttpRequest, report_id: int) -> HttpResponse:
    """One report: what the resident says, what may be done, what happened."""
    return _show(request, report_id)


def _show(request: HttpRequest, report_id: int, what: str = "", problem: CityhallError | None = None) -> HttpResponse:
    """The page of a report; with a `problem`, what was typed into the form `what` is there still, and why it failed."""
    actor = _officer(request)
    report = _report(report_id)
    require(actor, actions.WORK, report.case)
    wanted = "draft" in request.GET
    draft = translating.draft(report.text, report.language, settings.LANGUAGE_CODE) if wanted else ""
    done = desk_undo.done(request)
    context: dict[str, Any] = {
        "draft": draft,
        "done": done if done and done["ids"] == [report_id] else None,
        "then": "case",
    }
    context |= {"failed": what, "problem": problem, "typed": request.POST}
    status = problem.status if problem else 200
    return render(request, "reports/case.html", _case(actor, report) | context, status=status)


def _report(report_id: int) -> Report:
    reports = Report.objects.select_related("case__agency", "case__above", "case__assignee", "category", "person")
    found = reports.filter(pk=report_id).first() if 0 < report_id < 2**63 else None
    if found is None:
        raise Missing(_("There is no such report."), code="no_such_report")
    return found


def _case(actor: Any, report: Report) -> dict[str, Any]:
    now = timezone.now()
    near = duplicates(report.category, report.point, report.text, now, count=6, public=False)
    language = report.language if report.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    officers = Membership.objects.filter(scope=report.case.agency.scope).values("person")
    # The step that leads on comes first.
    steps = sorted(possible(report.state, "officer"), key=lambda step: step.name not in ONWARD)
    return {
        "report": report,
        "case": report.case,
        "light": report.case.light(now) if report.case.is_open else "",
        "steps": [step for step in steps if step.name not in OWN_FORM],
        "pin": report.point,
        "is_open": report.state in OPEN,
        "told": told(report),
        "story": _story(report.case),
        "near": [one for one in near if one[0].pk != report.pk],
        "photos": [
            {
                "photo": photo,
                "url": link(photo.media, 960),
                "label": Photo.Kind(photo.kind).label,
                "state": Photo.State(photo.state).label,
                "waits": photo.state in (Photo.State.NEW, Photo.State.WAITING),
            }
            for photo in report.photos.select_related("media")
        ],
        "tree": tree(),
        "agencies": Agency.objects.all(),
        "officers": Person.objects.filter(pk__in=officers),
        "answers": [
            {"name": one.name, "text": one.texts.get(language) or next(iter(one.texts.values()), "")}
            for one in StandardAnswer.objects.all()
        ],
        "cities": [city for city in OtherCity.objects.all() if report.category.slug in city.services],
        "foreign": bool(report.text) and language != settings.LANGUAGE_CODE,
        "has_draft": bool(report.text and translating.ways(language, settings.LANGUAGE_CODE)),
        "merged": Report.objects.filter(case__merged_into=report.case),
        "parts": Report.objects.filter(case__split_from=report.case),
    }


def _story(case: Case) -> list[tuple[Happening, str]]:
    """What happened, and who did it: the journal holds numbers only, so that an account can be erased."""
    story = history(case)
    numbers = {line.actor.partition(":")[2] for line in story if line.actor.startswith("person:")}
    names = {f"person:{one.pk}": str(one) for one in Person.objects.filter(pk__in=numbers)}
    names |= {"anonymous": _("anonymous")}
    return [(line, names.get(line.actor, settings.CITY.name)) for line in story]


def _step(actor: Any, number: int, post: Any) -> None:
    cases.act(actor, number, post.get("step", ""), reason=post.get("reason", ""))


def _assign(actor: Any, number: int, post: Any) -> None:
    wanted = post.get("officer", "")
    officer = Person.objects.filter(pk=whole(wanted) or 0).first()
    if wanted and officer is None:
        raise Invalid(_("There is no such choice."), field="officer", mend=_("Choose one of the list."))
    cases.assign(actor, number, officer)


def _merge(actor: Any, number: int, post: Any) -> None:
    actions.merge(actor, [number], whole(post.get("into", "").strip().lstrip("#")) or 0)


def _send(actor: Any, number: int, post: Any) -> None:
    city = OtherCity.objects.filter(slug=post.get("city", "")).first()
    if city is None:
        raise Missing(_("There is no such city."), code="no_such_city", field="city")
    client.send_to(actor, number, city)


DOORS: dict[str, Callable[[Any, int, Any], Any]] = {
    "step": _step,
    "assign": _assign,
    "merge": _merge,
    "send": _send,
    "comment": lambda actor, number, post: cases.comment(
        actor, number, post.get("text", ""), public=post.get("public") == "1"
    ),
    "reroute": lambda actor, number, post: actions.reroute(
        actor, number, post.get("agency", ""), post.get("reason", "")
    ),
    "recategorise": lambda actor, number, post: actions.recategorise(
        actor, number, post.get("category", ""), post.get("reason", "")
    ),
    "split": lambda actor, number, post: actions.split(actor, number, post.get("category", ""), post.get("text", "")),
    "translate": lambda actor, number, post: actions.translate(actor, number, post.get("text", "")),
    "hide": lambda actor, number, post: actions.hide(actor, number, hidden=post.get("hidden") == "1"),
}
"""What a form of the case's page does, by the end of its address."""


@require_POST
def act(request: HttpRequest, report_id: int, what: str) -> HttpResponse:
    """Does one thing with one report, and shows the report again; where it is refused, with what was typed."""
    actor, then, refused = _officer(request), request.POST.get("then", ""), None
    if what != "photo" and what not in DOORS:
        raise Missing(_("There is no such thing."))
    try:
        if what == "photo":
            sent = request.FILES.get("photo")
            actions.add_photo(actor, report_id, sent.read() if sent else b"", request.POST.get("kind", ""))
        else:
            DOORS[what](actor, report_id, request.POST)
        step = request.POST.get("step", "") if what == "step" else what
        if step in TRANSITIONS and TRANSITIONS[step].undo and then != "field":
            desk_undo.offer(request, step, [report_id], _("It was saved."))
        else:
            messages.success(request, _("It was saved."))
    except CityhallError as problem:
        refused = problem
    # Who gave it away cannot look at it any more.
    still = Case.objects.select_related("agency", "above").filter(pk=report_id).first()
    mine = still is not None and may(actor, actions.WORK, still)
    if refused and mine and then != "field":
        return _show(request, report_id, what, refused)
    if refused:
        messages.warning(request, str(refused))
    if then == "field":
        start = request.POST.get("from", "")
        query = urlencode({"from": start}) if tours.read_start(start) else ""
        return redirect(f"/reports/desk/field/?{query}#report-{report_id}")
    return redirect("reports_case", report_id=report_id) if mine else redirect("reports_desk")


@require_POST
def photo(request: HttpRequest, photo_id: int) -> HttpResponse:
    """Publishes a photo that waits, or withholds it."""
    found = actions.judge_photo(_officer(request), photo_id, publish=request.POST.get("publish") == "1")
    messages.success(request, _("It was saved."))
    return redirect("reports_case", report_id=found.report_id)


@never_cache
@require_safe
def field(request: HttpRequest) -> HttpResponse:
    """A crew's day: what they have accepted, in the order of a short way round."""
    actor = _officer(request)
    reports = tours.of_crew(actor, CREW_STOPS)
    start = _start(request)
    ordered, metres = tours.tour(reports, start)
    now = timezone.now()
    photos: dict[int, list[dict[str, str]]] = {}
    for photo in Photo.objects.filter(report__in=ordered).select_related("media"):
        shown = {"url": link(photo.media, 320), "whole": link(photo.media), "kind": str(Photo.Kind(photo.kind).label)}
        photos.setdefault(photo.report_id, []).append(shown)
    rows = [
        {"report": report, "light": report.case.light(now), "photos": photos.get(report.pk, [])} for report in ordered
    ]
    context = {
        "rows": rows,
        "start": request.GET.get("from", ""),
        "kilometres": metres / 1000,
        "layers": _layer("field", urlencode({"from": f"{start[0]},{start[1]}"})),
        "way_data": [tours.geojson(ordered, start)],
    }
    return render(request, "reports/field.html", context)
