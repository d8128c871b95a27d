"""How a data set is drawn: one colour, or colours by a field's values or classes of its numbers."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Count, FloatField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid
from cityhall.services.map.models import Dataset, DatasetFeature

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
PALETTES = {
    "heat": ["#fdbf5e", "#f07f3c", "#d9483b", "#a8204c", "#7a1152", "#5a0c46", "#3d0733"],
    "sea": ["#9ed8c8", "#56b6b4", "#2d8fa5", "#1f6a91", "#1b4777", "#1a2f63", "#151d4a"],
    "kinds": ["#0b6bcb", "#c2352b", "#1a7f4b", "#b7791f", "#8a4bb0", "#0e7c86", "#c0407a"],
}
SIZES = (3, 4, 5, 6, 8, 10, 12)
SAMPLE = 20_000


def make_style(dataset: Dataset, *, color: str, field: str, palette: str, classes: int, size: int) -> dict[str, Any]:
    """The style of these choices; classes hold equally many rows each. Raises Invalid for what is no choice."""
    if not COLOR.fullmatch(color) or palette not in PALETTES or size not in SIZES or not 2 <= classes <= 7:
        raise Invalid(_("This is no way to draw it."), field="style")
    style: dict[str, Any] = {"color": color, "size": size, "palette": palette, "classes": classes}
    if not field:
        return style
    version = dataset.version
    known = {one["name"]: one for one in (version.fields if version else []) if one["public"]}
    if field not in known:
        raise Invalid(_("Only a public field can give the colour."), field="field")
    rows = DatasetFeature.objects.filter(version=version).annotate(value=KeyTextTransform(field, "properties"))
    if known[field]["type"] in ("int", "float"):
        breaks: list[Any] = _quantiles(rows, classes)
    else:
        counted = rows.exclude(value__isnull=True).values("value").annotate(n=Count("pk")).order_by("-n", "value")
        breaks = [row["value"] for row in counted[:classes]]
    colors = PALETTES[palette]
    step = len(colors) / classes if palette != "kinds" else 1
    return style | {"field": field, "breaks": breaks, "colors": [colors[int(at * step)] for at in range(classes)]}


def _quantiles(rows: Any, classes: int) -> list[float]:
    numbered = rows.exclude(value__isnull=True).annotate(number=Cast("value", FloatField()))
    numbers = numbered.values_list("number", flat=True)
    ordered = sorted(numbers[:SAMPLE])
    if not ordered:
        return []
    cuts = {float(ordered[len(ordered) * at // classes]) for at in range(1, classes)}
    return sorted(cuts)
