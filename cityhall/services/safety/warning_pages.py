"""Pages of warnings: for everybody, the feed for other systems, and for who writes and releases them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.places.point import Point
from cityhall.kernel.values import whole
from cityhall.services.safety import texting
from cityhall.services.safety import warning as actions
from cityhall.services.safety.models import Warning, WarningFollower
from cityhall.services.safety.pages import place_in
from cityhall.web.rows import Row

LAST = 50


class WarningForm(forms.Form):
    """A warning, in each language of the city."""

    category = forms.ChoiceField(label=gettext_lazy("Category"), choices=Warning.Category.choices)
    urgency = forms.ChoiceField(label=gettext_lazy("Urgency"), choices=Warning.Urgency.choices)
    severity = forms.ChoiceField(label=gettext_lazy("Severity"), choices=Warning.Severity.choices)
    certainty = forms.ChoiceField(label=gettext_lazy("Certainty"), choices=Warning.Certainty.choices)
    area = forms.CharField(label=gettext_lazy("Area"), max_length=200, required=False)
    lon = forms.FloatField(label=gettext_lazy("Longitude of its middle"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=gettext_lazy("Latitude of its middle"), min_value=-90, max_value=90, required=False)
    radius_m = forms.IntegerField(label=gettext_lazy("Radius, m"), min_value=1, max_value=100_000, required=False)
    hours = forms.IntegerField(label=gettext_lazy("For how many hours"), min_value=1, max_value=168, initial=6)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, name in settings.LANGUAGES:
            words = {"headlines": _("Headline"), "texts": _("What happens"), "instructions": _("What to do")}
            for field, label in words.items():
                widget = forms.TextInput() if field == "headlines" else forms.Textarea(attrs={"rows": 3})
                self.fields[f"{field}_{code[:2]}"] = forms.CharField(
                    label=f"{label} ({_(name)})",
                    max_length=actions.LENGTHS[field],
                    required=False,
                    widget=widget,
                )

    def given(self, now: datetime) -> dict[str, Any]:
        """What the actions want of it."""
        clean = self.cleaned_data
        texts = {
            field: {code[:2]: clean[f"{field}_{code[:2]}"] for code, _name in settings.LANGUAGES}
            for field in actions.LENGTHS
        }
        lon, lat = clean["lon"], clean["lat"]
        center = Point(lon, lat) if lon is not None and lat is not None else None
        known = {name: clean[name] for name in (*actions.CHOICES, "area", "radius_m")}
        return known | texts | {"center": center, "expires_at": now + timedelta(hours=clean["hours"])}


def shown(one: Warning) -> dict[str, Any]:
    """A warning in the reader's language."""
    language = get_language() or settings.LANGUAGE_CODE
    return {
        "warning": one,
        "headline": actions.said(one.headlines, language),
        "text": actions.said(one.texts, language),
        "instruction": actions.said(one.instructions, language),
    }


@never_cache
@require_safe
def warnings(request: HttpRequest) -> HttpResponse:
    """What goes on now, and what was; whoever is signed in may want to be told."""
    actor = actor_of(request)
    ended = Warning.objects.exclude(sent_at=None).exclude(pk__in=[one.pk for one in actions.going_on()])
    context = {
        "now": [shown(one) for one in actions.going_on()],
        "before": [shown(one) for one in ended.exclude(type=Warning.Type.CANCEL)[:20]],
        "follows": WarningFollower.objects.filter(person_id=actor.person_id or 0).first(),
        "texts": texting.gateway() is not None,
        "writes": may(actor, actions.DRAFT),
    }
    return render(request, "safety/warnings.html", context)


def _released(warning_id: int) -> Warning:
    one = Warning.objects.filter(pk=warning_id).exclude(sent_at=None).first()
    if one is None:
        raise Missing(_("There is no such warning."), code="no_such_warning")
    return one


@require_safe
def warning(request: HttpRequest, warning_id: int) -> HttpResponse:
    """One warning that was released."""
    return render(request, "safety/warning.html", shown(_released(warning_id)))


@require_safe
def cap(request: HttpRequest, warning_id: int) -> HttpResponse:
    """A warning as it was released, in CAP 1.2."""
    return HttpResponse(bytes(_released(warning_id).xml or b""), content_type="application/cap+xml")


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The latest messages, as an Atom feed of CAP 1.2 (RFC 4287)."""
    latest = list(Warning.objects.exclude(sent_at=None).order_by("-sent_at", "-pk")[:LAST])
    root = request.build_absolute_uri("/")[:-1]
    updated = latest[0].sent_at if latest and latest[0].sent_at else timezone.now()
    entries = "".join(
        f"<entry><id>{escape(one.identifier)}</id>"
        f"<title>{escape(actions.said(one.headlines, settings.LANGUAGE_CODE))}</title>"
        f"<updated>{one.sent_at.isoformat() if one.sent_at else ''}</updated>"
        f"<author><name>{escape(settings.CITY.name)}</name></author><summary>{escape(one.type)}</summary>"
        f'<link rel="alternate" type="application/cap+xml" href="{escape(root)}/safety/warnings/{one.pk}/cap.xml"/>'
        "</entry>"
        for one in latest
    )
    return HttpResponse(
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>{escape(root)}/safety/warnings/feed.xml</id><title>{escape(settings.CITY.name)}</title>"
        f'<updated>{updated.isoformat()}</updated><link rel="self" href="{escape(root)}/safety/warnings/feed.xml"/>'
        f"{entries}</feed>",
        content_type="application/atom+xml",
    )


@login_required
@require_POST
def follow(request: HttpRequest) -> HttpResponse:
    """Whoever is signed in wants to be told, or no more."""
    point = place_in(request.POST.get("lon", ""), request.POST.get("lat", ""))
    actions.follow(actor_of(request), wanted=request.POST.get("wanted") == "1", point=point)
    return redirect("safety_warnings")


@login_required
@require_POST
def number(request: HttpRequest, name: str) -> HttpResponse:
    """Whoever is told of warnings gives a telephone number ("" takes it back), or the code that was sent to it."""
    actor = actor_of(request)
    if name == "give":
        texting.give_number(actor, request.POST.get("phone", ""))
    else:
        texting.confirm(actor, request.POST.get("code", ""))
    return redirect("safety_warnings")


@never_cache
def desk(request: HttpRequest) -> HttpResponse:
    """Drafts, and a new one. Whoever drafted one cannot release it."""
    actor = actor_of(request)
    require(actor, actions.DRAFT)
    number = whole(request.GET.get("update", "")) or 0
    changed = Warning.objects.filter(pk=number, state=Warning.State.RELEASED).first()
    form = WarningForm(request.POST or None, initial=_initial(changed) if changed else None)
    if request.method == "POST" and form.is_valid():
        given = form.given(timezone.now())
        if changed is not None:
            actions.update(actor, changed.pk, given)
        else:
            actions.draft(actor, given)
        return redirect("safety_warning_desk")
    drafts = Warning.objects.filter(state=Warning.State.DRAFT).select_related("author", "replaces")
    drafts = drafts.prefetch_related("heard__source")
    context = {
        "form": form,
        "changed": shown(changed) if changed else None,
        "drafts": [shown(one) | {"own": one.author_id == actor.person_id} for one in drafts],
        "now": [shown(one) for one in actions.going_on()],
        "releases": may(actor, actions.RELEASE),
    }
    return render(request, "safety/warning_desk.html", context)


def _initial(one: Warning) -> dict[str, Any]:
    """What the form begins with for a change of a warning."""
    texts = {f"{field}_{code}": text for field in actions.LENGTHS for code, text in dict(getattr(one, field)).items()}
    place = {"lon": one.center.lon, "lat": one.center.lat} if one.center else {}
    return texts | place | {name: getattr(one, name) for name in (*actions.CHOICES, "area", "radius_m")}


@require_POST
def step(request: HttpRequest, warning_id: int, name: str) -> HttpResponse:
    """Releases a draft, throws it away, or drafts that a warning is taken back."""
    {"release": actions.release, "drop": actions.drop, "cancel": actions.cancel}[name](actor_of(request), warning_id)
    return redirect("safety_warning_desk")


def wrong_now() -> list[Row]:
    """The warnings that go on, for the city's front page (a WrongNow's rows)."""
    language = get_language() or settings.LANGUAGE_CODE
    return [
        Row(actions.said(one.headlines, language), f"/safety/warnings/{one.pk}/", one.area, "warning", one.sent_at)
        for one in actions.going_on()
    ]


def drafts_waiting(actor: Any) -> int:
    """For the desk's card: drafts of others, which wait for whoever asks."""
    return Warning.objects.filter(state=Warning.State.DRAFT).exclude(author_id=actor.person_id).count()
