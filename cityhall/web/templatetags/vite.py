"""What a page loads, and how pages say some values."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.conf import settings
from django.template import Context
from django.templatetags.static import static
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cityhall.web import assets
from cityhall.web import when as moments

register = template.Library()


@register.simple_tag(takes_context=True)
def page_assets(context: Context, *, front: bool = False) -> SafeString:
    """The tags of what a page loads: the shell's script and style, then those of the service whose page it is.

    With `front`, those that every service has for parts of it on the city's front page. The shell's script also has
    words here, for where the device's clock is not the city's.
    """
    loaded = assets.of_page(context.get("request"), front=front)
    needed, run = assets.scripts(loaded)
    words = _("Times are those of %(city)s, {}.") % {"city": settings.CITY.name}
    return (
        format_html('<meta name="city-zone" content="{}">\n', words)
        + _tags('<link rel="stylesheet" href="{}">', assets.styles(loaded))
        + _tags('<link rel="modulepreload" href="{}" fetchpriority="low">', needed)
        + _tags('<script type="module" src="{}" fetchpriority="low"></script>', run)
    )


def _tags(form: str, names: list[str]) -> SafeString:
    return format_html_join("", form + "\n", ((static(name),) for name in names))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite; without a label it is hidden from screen readers."""
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html('<svg class="icon" {}><use href="{}#{}"/></svg>', spoken, static("cityhall/icons.svg"), name)


@register.filter
def minutes(seconds: float) -> int:
    """Seconds as whole minutes."""
    return round(seconds / 60)


@register.filter
def when(moment: datetime) -> str:
    """The time on the city's clock, and the day where it is not today."""
    return moments.when(moment)


@register.filter
def until(start: datetime, end: datetime) -> str:
    """From a moment until another, and their day where it is not today."""
    return moments.span(start, end)


@register.filter
def which_day(day: date) -> str:
    """A day with its name and date, and "today" or "tomorrow" before them."""
    return moments.which_day(day)


@register.filter
def distance(metres: float) -> str:
    """Metres as people say them: 80 m, 350 m, 1.2 km (1,2 km where the language has a comma)."""
    if metres < 1000:
        return f"{max(10, round(metres, -1)):.0f} m"
    return f"{number_format(metres / 1000, 1)} km"


@register.filter
def text_on(color: str) -> str:
    """Black or white, whichever reads better on an "RRGGBB" colour (WCAG 2.2, relative luminance)."""
    try:
        parts = [int(color[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    except ValueError:
        return "#ffffff"
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else "#ffffff"
