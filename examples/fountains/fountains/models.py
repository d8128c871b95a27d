"""State."""

from django.db import models

from cityhall.kernel.places.point import PointField


class Fountain(models.Model):
    """A drinking fountain in a public place."""

    name = models.CharField(max_length=200)
    point = PointField()
    works = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name
