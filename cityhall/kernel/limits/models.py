"""How much of its share a source has spent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Spent(models.Model):
    """One source's share of one limit. `key` is a keyed hash: the row tells of nobody. Free again `until` at latest."""

    key = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["until"], name="limits_until")]

    def __str__(self) -> str:
        return self.key
