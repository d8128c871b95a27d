"""What a page loads, and how pages say some values."""

from __future__ import annotations

from django import template
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cityhall.web import assets

register = template.Library()


@register.simple_tag(takes_context=True)
def page_assets(context: Context, *, front: bool = False) -> SafeString:
    """The tags of what a page loads: the shell's script and style, then those of the service whose page it is.

    With `front`, those that every service has for parts of it on the city's front page.
    """
    loaded = assets.of_page(context.get("request"), front=front)
    needed, run = assets.scripts(loaded)
    return (
        _tags('<link rel="stylesheet" href="{}">', assets.styles(loaded))
        + _tags('<link rel="modulepreload" href="{}">', needed)
        + _tags('<script type="module" src="{}"></script>', run)
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
def distance(metres: float) -> str:
    """Metres as people say them: 80 m, 350 m, 1.2 km."""
    if metres < 1000:
        return f"{max(10, round(metres, -1)):.0f} m"
    return f"{metres / 1000:.1f} km"


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
