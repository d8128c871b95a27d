"""The desk's page of routing rules."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cityhall.kernel.cases.models import Agency
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.models import Zone
from cityhall.kernel.values import whole
from cityhall.services.reports import categories, photo_learning, routing
from cityhall.services.reports.models import Category, RuleSet


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """The routing rules: edited, tried on past reports, put in service, rolled back."""
    actor = actor_of(request)
    require(actor, routing.PERMISSION)
    post = request.POST
    written = _written(post) if post.get("do") in ("save", "try") else routing.in_service()
    context: dict[str, Any] = {}
    try:
        if post.get("do") == "save":
            routing.save_rules(actor, written, post.get("note", ""))
            messages.success(request, _("The rules are in service."))
            return redirect("reports_rules")
        if post.get("do") == "roll_back":
            shown = whole(post.get("instead_of", ""))
            routing.roll_back(actor, whole(post.get("version", "")) or 0, instead_of=shown or 0)
            messages.success(request, _("The rules are in service."))
            return redirect("reports_rules")
        if post.get("do") == "try":
            context["trial"] = routing.try_rules(actor, written)
    except CityhallError as problem:
        context["problem"] = problem
    if version := request.GET.get("version") or post.get("version"):
        context["compared"] = _compared(whole(version) or 0)
    context |= {
        "rules": [*written, {}],
        "categories": Category.objects.filter(agency__isnull=False),
        "agencies": Agency.objects.all(),
        "zones": Zone.objects.filter(kind="district"),
        "photos": photo_learning.figures(),
        "versions": RuleSet.objects.select_related("author")[:10],
        "note": post.get("note", ""),
    }
    status = context["problem"].status if "problem" in context else 200
    return render(request, "reports/rules.html", context, status=status)


WHAT = {
    "added": gettext_lazy("comes back"),
    "removed": gettext_lazy("goes"),
    "changed": gettext_lazy("changes"),
    "moved": gettext_lazy("changes its place"),
}


def _compared(version: int) -> dict[str, Any] | None:
    """An earlier version beside the rules in service: each rule that differs, in words. None where it is no other."""
    old = RuleSet.objects.filter(pk=version).exclude(state=RuleSet.State.IN_SERVICE).first()
    current = RuleSet.objects.filter(state=RuleSet.State.IN_SERVICE).first()
    if old is None or current is None:
        return None
    names = {
        "category": categories.names(),
        "zone": dict(Zone.objects.values_list("slug", "name")),
        "agency": dict(Agency.objects.values_list("slug", "name")),
    }

    def said(rule: routing.Rule, name: str) -> str:
        value = str(rule.get(name) or "")
        return str(names.get(name, {}).get(value, value))

    rows = [
        {
            "what": WHAT[one.what],
            "was_at": one.was_at,
            "now_at": one.now_at,
            "cells": [(said(one.was, name), said(one.now, name)) for name in routing.FIELDS],
        }
        for one in routing.differences(current.rules, old.rules)
    ]
    return {"version": old, "instead_of": current.pk, "rows": rows, "left": len(old.rules)}


def _written(post: Any) -> list[routing.Rule]:
    """The rows of the form; those without an agency are left out."""
    columns = {name: post.getlist(name) for name in routing.FIELDS}
    rows = [
        {name: columns[name][row] if row < len(columns[name]) else "" for name in routing.FIELDS}
        for row in range(min(len(columns["agency"]), 200))
    ]
    return [row for row in rows if row["agency"]]
