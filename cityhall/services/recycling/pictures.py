"""Our own drawings of materials, as the inside of an SVG of 48 by 48: shapes in the page's own colours."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

PICTURES = {
    "paper": (
        '<path class="b" d="M12 6h17l8 8v28H12z"/><path class="a" d="M29 6v8h8"/>'
        '<path class="l" d="M17 21h15M17 27h15M17 33h10"/>'
    ),
    "cardboard": (
        '<path class="b" d="M6 17 24 9l18 8v19l-18 7-18-7z"/><path class="a" d="M6 17l18 7 18-7-18-8z"/>'
        '<path class="l" d="M24 24v19M15 13l18 7v6"/>'
    ),
    "glass": (
        '<path class="b" d="M20 4h8v11c0 4 5 6 5 12v14a3 3 0 0 1-3 3H18a3 3 0 0 1-3-3V27c0-6 5-8 5-12z"/>'
        '<path class="a" d="M15 29h18v9H15z"/><path class="l" d="M20 9h8"/>'
    ),
    "can": (
        '<path class="b" d="M14 10h20v28c0 2-4 4-10 4s-10-2-10-4z"/>'
        '<ellipse class="a" cx="24" cy="10" rx="10" ry="4"/>'
        '<path class="l" d="M14 20c4 3 16 3 20 0M14 31c4 3 16 3 20 0M22 9h4"/>'
    ),
    "tin": (
        '<path class="b" d="M10 14h28v22c0 3-6 6-14 6s-14-3-14-6z"/>'
        '<ellipse class="a" cx="24" cy="14" rx="14" ry="5"/>'
        '<path class="l" d="M10 22c5 5 23 5 28 0M10 29c5 5 23 5 28 0"/>'
    ),
    "bottle": (
        '<path class="b" d="M20 4h8v7l5 6v24a3 3 0 0 1-3 3H18a3 3 0 0 1-3-3V17l5-6z"/>'
        '<path class="a" d="M20 4h8v4h-8z"/><path class="l" d="M15 23h18M15 35h18M20 27v4M28 27v4"/>'
    ),
    "jug": (
        '<path class="b" d="M17 5h9v6l8 6v23a3 3 0 0 1-3 3H14a3 3 0 0 1-3-3V17l6-5z"/>'
        '<path class="a" d="M17 5h9v4h-9z"/><path class="l" d="M29 21v13M11 24h11"/>'
    ),
    "device": (
        '<rect class="b" x="8" y="9" width="32" height="22" rx="3"/>'
        '<path class="a" d="M12 13h24v14H12z"/><path class="l" d="M24 31v7M16 40h16"/>'
    ),
    "textile": (
        '<path class="b" d="m16 7-10 7 5 8 5-3v23h16V19l5 3 5-8-10-7c-2 4-14 4-16 0z"/>'
        '<path class="l" d="M20 42V30M28 42V30"/>'
    ),
    "box": (
        '<path class="b" d="M8 18h32v24H8z"/><path class="a" d="m8 18 6-10h20l6 10z"/><path class="l" d="M19 26h10"/>'
    ),
}
"""`b` is the body, `a` what stands out, `l` a line: the style says their colours, in light and in dark."""


def drawing(name: str) -> SafeString:
    """The drawing of a material, hidden from screen readers: its name stands beside it."""
    inside = mark_safe(PICTURES.get(name, PICTURES["box"]))
    return format_html(
        '<svg class="recycling-picture" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true">{}</svg>', inside
    )
