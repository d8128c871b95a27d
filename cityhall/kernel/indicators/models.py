"""What indicators measured, hour by hour: the history that a plan finds when it begins."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Sample(models.Model):
    """An indicator's value at a full hour. An hour without one was not measured: that is a gap, never a nought."""

    indicator = models.CharField(max_length=100, help_text="<service>.<indicator>")
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["indicator", "at"], name="one_sample_an_hour")]

    def __str__(self) -> str:
        return f"{self.indicator} {self.at:%Y-%m-%d %H:%M} {self.value:g}"
