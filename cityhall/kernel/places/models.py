"""Where things are: zones with their outlines, and the names residents search for."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.places.point import PointField


class Zone(models.Model):
    """An area with a name that the city plans or reports by: a district, a ward, a school's catchment."""

    slug = models.CharField(max_length=100)
    kind = models.CharField(max_length=50, default="district")
    name = models.CharField(max_length=200)
    population = models.PositiveIntegerField(null=True, blank=True)
    geometry = models.JSONField(help_text=_("GeoJSON Polygon or MultiPolygon"))
    west = models.FloatField()
    south = models.FloatField()
    east = models.FloatField()
    north = models.FloatField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "slug"], name="zone_once_a_kind")]
        ordering: ClassVar = ["kind", "name"]

    def __str__(self) -> str:
        return self.name


class PlaceName(models.Model):
    """Something a resident may look for by name: a street, a stop, a school, a square.

    `words` are the folded words of all its names (no accents, no capitals), `trigrams` three-letter pieces of them
    for forgiving a slip of the finger; both are indexed.
    """

    source = models.CharField(max_length=50)
    reference = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=50)
    name = models.CharField(max_length=300)
    detail = models.CharField(max_length=300, blank=True)
    names = models.JSONField(default=dict, blank=True)
    point = PointField()
    weight = models.SmallIntegerField(default=0)
    words = ArrayField(models.CharField(max_length=100))
    text = models.TextField()
    trigrams = ArrayField(models.CharField(max_length=3))
    cell = models.BigIntegerField(help_text=_("H3 cell, resolution 10"))

    class Meta:
        indexes: ClassVar = [
            GistIndex(fields=["point"], name="placename_point"),
            GinIndex(fields=["trigrams"], name="placename_trigrams"),
            models.Index(fields=["source"], name="placename_source"),
            models.Index(fields=["kind"], name="placename_kind"),
        ]

    def __str__(self) -> str:
        return self.name
