"""What a service may declare to be drawn on the one map and found by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from cityhall.kernel.service import Path, Text, resolve


class Sighting(NamedTuple):
    """Where something was at a moment: what a layer's past is replayed from. Degrees, WGS 84; `at` in UTC."""

    id: str
    at: datetime
    lon: float
    lat: float
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """Something to draw on the one map. Only `public_fields` ever leave the service: privacy by construction.

    A layer of some thousand features has a `source`, a function (bounds: west, south, east, north | None) -> GeoJSON
    FeatureCollection. A larger one of points has a `query`, a function () -> QuerySet, whose rows have a primary key,
    a PointField called `point` and, as columns or annotations, each public field: tiles, pages and downloads take from
    it what they need. `time` is the column (or property) that says when a feature happened or was seen.
    `live` is the topic whose messages move the points, "" for a layer that stands still. `panel` is the address of
    what is shown of a point that is pressed, with its id for "{id}"; the map asks for it with `?part=1`.

    The past is replayed from `history`, a function (start, end) -> iterable of Sighting, or from the journal's events
    of the types in `events`, whose data say `lon` and `lat` and may hold public fields.
    `permission` keeps a layer for those who have it: it is then neither drawn for others nor open data.
    `labels` are the words for the public fields, `values` those for what a field may hold: by value, or a function
    () -> dict for those that are in the database. `unshown` fields are for programs: charts and tables pass them over.
    """

    slug: str
    name: Text
    kind: Literal["point", "line", "area", "heat"]
    source: Path | Callable[..., Any] = ""
    public_fields: tuple[str, ...] = ()
    live: str = ""
    panel: str = ""
    icon: str = ""
    color: str = "#0b6bcb"
    min_zoom: float = 0
    visible: bool = False
    query: Path | Callable[..., Any] = ""
    columns: dict[str, str] = field(default_factory=dict)
    """Public fields that the query has under another name; "" for one that it has not."""
    time: str = ""
    history: Path | Callable[..., Any] = ""
    events: tuple[str, ...] = ()
    permission: str = ""
    labels: dict[str, Text] = field(default_factory=dict)
    values: dict[str, dict[str, Text] | Path | Callable[..., Any]] = field(default_factory=dict)
    unshown: tuple[str, ...] = ("url", "color")
    summary: Text = ""
    licence: str = ""
    style: dict[str, Any] = field(default_factory=dict)
    """How people want it drawn (see services/map): {"field": "", "colors": [...], "breaks": [...], "size": ""}."""
    stamp: str = ""
    """Changes with the layer's data where that is known; "" where it may change at any moment."""

    def words(self, name: str) -> dict[str, str]:
        """The words for what a field may hold, in the reader's language."""
        some = self.values.get(name, {})
        found = some if isinstance(some, dict) else resolve(some)()
        return {value: str(text) for value, text in found.items()}


@dataclass(frozen=True, slots=True)
class PublishedLayers:
    """Layers that people make while the city runs. `source` names a function () -> iterable of Layer."""

    source: Path


@dataclass(frozen=True, slots=True)
class Place:
    """What the geocoder may find in a service (stops, labs...). `source`: () -> iterable of `geocoder.Named`.

    People find all of the kind by its `name` and `words` (each several, parted by commas), in every language of the
    city. `page` names a function (PlaceName) -> address of its own page, "" where it has none.
    """

    kind: str
    name: Text
    source: Path
    words: tuple[Text, ...] = ()
    icon: str = "locate"
    page: Path = ""
