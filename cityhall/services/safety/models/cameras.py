"""Cameras of the city and of who lends it theirs, and what was kept of them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.evidence.models import Evidence
from cityhall.kernel.places.point import PointField
from cityhall.services.safety.models.alerts import Alert


class Camera(models.Model):
    """A camera: where it stands and where it looks, and by which addresses it is asked.

    `heading` is where its picture's middle looks, in degrees from north, clockwise; None where nobody knows or it
    turns. `view` is how wide it sees, in degrees: 360 sees all around. `login` is the name and the password by which it
    is asked, sealed.
    """

    name = models.CharField(_("name"), max_length=100)
    owner = models.CharField(_("whose it is"), max_length=100, blank=True)
    point = PointField(_("place"))
    heading = models.PositiveSmallIntegerField(_("looks towards"), null=True, blank=True)
    view = models.PositiveSmallIntegerField(_("sees so wide"), default=90)
    device_url = models.CharField(_("ONVIF device service"), max_length=500, blank=True)
    snapshot_url = models.CharField(_("address of a picture"), max_length=500, blank=True)
    hls_url = models.CharField(_("HLS playlist"), max_length=500, blank=True)
    rtsp_url = models.CharField(_("RTSP stream"), max_length=500, blank=True)
    login = models.BinaryField(null=True, max_length=2000)
    in_service = models.BooleanField(_("in service"), default=True)

    class Meta:
        verbose_name = _("camera")
        verbose_name_plural = _("cameras")
        ordering: ClassVar = ["name", "pk"]
        indexes: ClassVar = [GistIndex(fields=["point"], name="camera_point")]

    def __str__(self) -> str:
        return self.name

    @property
    def keeps(self) -> str:
        """What can be kept of it: "film", a "stream" from now on, or "pictures"; "" where only ONVIF is known."""
        kinds = {"film": self.hls_url, "stream": self.rtsp_url, "pictures": self.snapshot_url}
        return next((kind for kind, url in kinds.items() if url), "")


class Window(models.Model):
    """What a camera saw from `since` until `until`, kept for an alert because somebody pressed for it.

    `parts` are the files that it is made of, `missed` how often the camera gave none when it should have.
    """

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("window", "being kept")
        KEPT = "kept", pgettext_lazy("window", "kept")
        NOTHING = "nothing", pgettext_lazy("window", "nothing came from the camera")

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="windows")
    camera = models.ForeignKey(Camera, models.SET_NULL, null=True, related_name="windows")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.RUNNING)
    since = models.DateTimeField()
    until = models.DateTimeField()
    parts = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)
    evidence = models.OneToOneField(Evidence, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("kept window")
        verbose_name_plural = _("kept windows")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            # Pressed twice it is kept once.
            models.UniqueConstraint(
                fields=["alert", "camera"], condition=models.Q(state="running"), name="window_running"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.camera_id}"
