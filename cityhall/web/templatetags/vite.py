"""The built front end's files by the names of their sources."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@lru_cache(maxsize=1)
def _manifest() -> dict[str, Any]:
    found = finders.find("cityhall/manifest.json")
    if not found:
        raise FileNotFoundError("the front end is not built: run script/setup")
    made: dict[str, Any] = json.loads(Path(found).read_text())
    return made


@register.simple_tag
def vite_asset(entry: str) -> SafeString:
    """The <link> and <script> tags of an entry such as "src/main.ts"."""
    if settings.DEBUG:
        _manifest.cache_clear()
    chunk = _manifest()[entry]
    styles = format_html_join(
        "",
        '<link rel="stylesheet" href="{}">',
        ((static(f"cityhall/{name}"),) for name in chunk.get("css", [])),
    )
    return styles + format_html('<script type="module" src="{}"></script>', static(f"cityhall/{chunk['file']}"))


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
