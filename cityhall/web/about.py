"""Pages about the city's services as a whole: help, whose they are, privacy, accessibility, whom to ask."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityhall.kernel.people.privacy import declared_data, names_of
from cityhall.kernel.service import city_services
from cityhall.web.offers import groups


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """What residents ask first, and where each thing is done."""
    return render(request, "web/about/help.html", {"groups": groups()})


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Whose services these are, after which winners' they are made, and what they are made of."""
    return render(request, "web/about/about.html", {"all": [one for one in city_services() if one.home]})


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    """Whom to ask: what city.toml says of it, and the emergency numbers."""
    offered = [offer for group in groups() if group["slug"] == "help" for offer in group["offers"]]
    return render(request, "web/about/contact.html", {"help_offers": offered})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Every field that may be kept of anybody, why, and until when, service by service."""
    return render(request, "web/about/privacy.html", {"kept": _kept()})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """How accessible the pages are, by what that is tried, and whom to tell what is not (WCAG 2.2)."""
    return render(request, "web/about/accessibility.html")


def _kept() -> list[dict[str, Any]]:
    """{"name", "models": [{"name", "fields": [(name, why)]}]}: what all need, named "", then each service."""
    services = {service.app: str(service.name) for service in settings.SERVICES}
    made: dict[str, list[dict[str, Any]]] = {"": []}
    for model, fields in declared_data().items():
        name, *names = names_of(model, fields)
        owner = services.get(apps.get_app_config(model._meta.app_label).name, "")
        kind = {"name": name, "fields": list(zip(names, fields.values(), strict=True))}
        made.setdefault(owner, []).append(kind)
    return [{"name": name, "models": models} for name, models in made.items()]
