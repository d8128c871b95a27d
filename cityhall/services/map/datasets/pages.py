"""The pages on which people bring their own data."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.values import whole
from cityhall.services.map.datasets import actions, limits, styling
from cityhall.services.map.datasets.pictures import WebMapService, read_wms
from cityhall.services.map.models import Dataset, DatasetVersion, OutsideMap


@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    """Every data set and outside map, and the way to bring one."""
    require(actor_of(request), actions.PERMISSION)
    return _datasets(request)


def _datasets(
    request: HttpRequest,
    typed: dict[str, str] | None = None,
    found: WebMapService | None = None,
    problem: CityhallError | None = None,
) -> HttpResponse:
    """The page; with what was typed of an outside map, and what was found there or is wrong with it."""
    form = {"typed": typed or {}, "found": found, "problem": problem}
    if request.headers.get("HX-Target") == "outside-form":
        return render(request, "map/outside_form.html", form)
    context = form | {
        "datasets": Dataset.objects.filter(deleted_at=None).select_related("version"),
        "deleted": Dataset.objects.exclude(deleted_at=None),
        "outside": OutsideMap.objects.all(),
        "most_mb": limits.FILE_BYTES // 1_000_000,
    }
    return render(request, "map/datasets.html", context, status=problem.status if problem else 200)


@require_POST
def bring(request: HttpRequest) -> HttpResponse:
    """A new data set from a file or an address; or a new version of the one named by `slug`."""
    actor = actor_of(request)
    file = request.FILES.get("file")
    url = request.POST.get("url", "").strip()
    if not file and not url:
        raise Invalid(_("Choose a file, or write an address."), field="file")
    slug = request.POST.get("slug", "")
    if not slug:
        name = request.POST.get("name", "").strip() or _name_of(file.name if file else url)
        slug = actions.create(actor, name, request.POST.get("summary", "")).slug
    lenient = request.POST.get("lenient") == "on"
    if file:
        actions.upload(actor, slug, file, file.name or "", lenient=lenient)
    else:
        actions.take_from(actor, slug, url, lenient=lenient)
    address = reverse("map_dataset", args=[slug])
    # A dragged file is sent by the page's script, which goes there itself.
    return JsonResponse({"url": address}) if _is_script(request) else redirect(address)


def _name_of(source: str | None) -> str:
    last = (source or "").rstrip("/").rpartition("/")[2] or _("Data")
    return last.rpartition(".")[0].replace("_", " ").strip() or last


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "") == "application/json"


@require_safe
def dataset(request: HttpRequest, slug: str) -> HttpResponse:
    """One data set: how its reading goes, what is wrong with it, its fields, its style, its versions."""
    found = actions.find(actor_of(request), slug)
    newest = found.versions.first()
    context = {
        "dataset": found,
        "newest": newest,
        "busy": newest and newest.state in (DatasetVersion.State.WAITING, DatasetVersion.State.READING),
        "versions": found.versions.all(),
        "moments": [one for one in (found.version.fields if found.version else []) if one["type"] == "time"],
        "percent": round(newest.progress * 100) if newest else 0,
        "palettes": list(styling.PALETTES.items()),
        "sizes": styling.SIZES,
        "classes": range(2, 8),
        "style": {"color": "#8a4bb0", "size": 5, "palette": "heat", "classes": 5, "field": ""} | found.style,
    }
    part = request.headers.get("HX-Target") == "state"
    return render(request, "map/dataset_state.html" if part else "map/dataset.html", context)


@require_http_methods(["POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """What a button of the page asks for: `do` says which."""
    actor, asked, post = actor_of(request), request.POST.get("do", ""), request.POST
    try:
        if asked == "publish":
            actions.publish(actor, slug, on=post.get("on") == "1")
        elif asked == "version":
            actions.show_version(actor, slug, whole(post.get("number", "")) or 0)
        elif asked == "delete":
            actions.delete(actor, slug)
            messages.success(request, _("Deleted. It can be restored for a month."))
            return redirect("map_datasets")
        elif asked == "restore":
            actions.restore(actor, slug)
        elif asked == "style":
            found = actions.find(actor, slug)
            actions.change(actor, slug, style=_style(found, post))
        elif asked == "about":
            actions.change(
                actor,
                slug,
                name=post.get("name", ""),
                summary=post.get("summary", ""),
                licence=post.get("licence", ""),
                public=set(post.getlist("public")),
                when=post.get("when", ""),
            )
        else:
            raise Invalid(_("It is not clear what to do."))
    except ValueError as problem:
        raise Invalid(_("A number is wanted.")) from problem
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("map_dataset", args=[slug]))


def _style(found: Dataset, post: Any) -> dict[str, Any]:
    return styling.make_style(
        found,
        color=post.get("color", ""),
        field=post.get("field", ""),
        palette=post.get("palette", ""),
        classes=whole(post.get("classes", "")) or 5,
        size=whole(post.get("size", "")) or 5,
    )


@require_POST
def outside(request: HttpRequest) -> HttpResponse:
    """Adds or removes another server's map; `do=look` shows what a WMS has, to choose from."""
    actor, post = actor_of(request), request.POST
    require(actor, actions.PERMISSION)
    if post.get("do") == "remove":
        actions.remove_outside(actor, whole(post.get("pk", "")) or 0)
        messages.success(request, _("Saved."))
        return redirect("map_datasets")
    typed = {name: post.get(name, "") for name in ("name", "kind", "url", "layer", "attribution")}
    try:
        if typed["kind"] == OutsideMap.Kind.WMS and (post.get("do") == "look" or not typed["layer"]):
            found = read_wms(typed["url"].strip())
            return _datasets(request, typed | {"name": typed["name"] or found.title}, found)
        actions.add_outside(actor, **typed)
    except CityhallError as problem:
        return _datasets(request, typed, problem=problem)
    messages.success(request, _("Saved."))
    return redirect("map_datasets")
