"""Saved views, data sets that people publish, other servers' maps, and where what moves was."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.places.point import GistIndex, PointField


class SavedView(models.Model):
    """A map as somebody arranged it: place, layers, choices. Who may open it is `audience`.

    A deleted one is kept a while, so that deleting it can be undone.
    """

    class Audience(models.TextChoices):
        PRIVATE = "private", _("only me")
        LINK = "link", _("whoever has the link")
        ROLE = "role", _("people of one role")
        PUBLIC = "public", _("everybody")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=100)
    state = models.JSONField()
    audience = models.CharField(_("who may see it"), max_length=10, choices=Audience.choices, default=Audience.PRIVATE)
    role = models.CharField(_("role"), max_length=100, blank=True)
    changed_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Dataset(models.Model):
    """The city's own data on the map, from a file or another server. `version` is the one shown, None before the first.

    `style` is {"field": a field to colour by, "colors": [...], "breaks": [...], "size": px}.
    """

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    summary = models.CharField(_("what it is"), max_length=300, blank=True)
    licence = models.URLField(_("licence"), blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="datasets")
    published = models.BooleanField(_("everybody may see it"), default=False)
    style = models.JSONField(default=dict)
    version = models.ForeignKey("DatasetVersion", models.SET_NULL, null=True, related_name="shown_by")
    made_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(models.Model):
    """One import of a data set. `fields` are {"name", "type", "public"}; `problems` say row, field and what."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        READING = "reading", _("being read")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    class Kind(models.TextChoices):
        POINT = "point", _("points")
        LINE = "line", pgettext_lazy("shapes", "lines")
        AREA = "area", _("areas")

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.CharField(max_length=500, help_text=_("name of the file, or address of the collection"))
    file = models.CharField(max_length=300, blank=True)
    lenient = models.BooleanField(_("leave out rows with faults"), default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.POINT)
    progress = models.FloatField(default=0)
    rows = models.PositiveIntegerField(default=0)
    fields: Any = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["dataset", "number"], name="map_version_once")]

    def __str__(self) -> str:
        return f"{self.dataset} {self.number}"


class DatasetFeature(models.Model):
    """A row of a version. `geometry` is None where it is the point itself."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="features")
    point = PointField()
    geometry = models.JSONField(null=True)
    properties = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [GistIndex(fields=["point"], name="map_feature_point")]

    def __str__(self) -> str:
        return f"{self.version_id}/{self.pk}"


class OutsideMap(models.Model):
    """Pictures of another server under ours: XYZ tiles or a WMS. Only these servers may the map page ask.

    `layer`, `version` and `format` are a WMS's, as it says of itself when it is added.
    """

    class Kind(models.TextChoices):
        XYZ = "xyz", _("XYZ tiles")
        WMS = "wms", _("WMS")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    url = models.CharField(_("address"), max_length=500)
    layer = models.CharField(_("layer"), max_length=200, blank=True)
    version = models.CharField(max_length=10, default="1.3.0")
    format = models.CharField(max_length=40, default="image/png")
    attribution = models.CharField(_("whose it is"), max_length=200)

    class Meta:
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Trail(models.Model):
    """Where everything on a live layer was at a moment, for its replay: {"id": [lon, lat, properties], ...}."""

    layer = models.CharField(max_length=200)
    at = models.DateTimeField()
    places = models.JSONField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["layer", "at"], name="map_trail_once")]

    def __str__(self) -> str:
        return f"{self.layer} {self.at:%H:%M:%S}"
