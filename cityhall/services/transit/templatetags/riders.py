"""How riders' pages say intervals."""

from __future__ import annotations

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
INTERVAL = re.compile(r"\d[\d:]*\s?–\s?\d[\d:]*")


@register.filter
def intervals(text: str) -> SafeString:
    """The same with each interval of numbers held together: where text runs from the right, "7–9" is not "9–7"."""
    return mark_safe(INTERVAL.sub(r'<bdi dir="ltr">\g<0></bdi>', conditional_escape(text)))
