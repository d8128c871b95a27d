"""What nightly work notices of weighings, for an officer to look at: nothing of it changes a weight or a point."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.media.models import Media
from cityhall.kernel.people.models import Person
from cityhall.services.recycling.models.collected import Account, Weighing


class Signal(models.Model):
    """A place to look at. `concerns` names it: a scale, "crew:account", or two weighings; told again it has a `turn`.

    `strength` is in standard errors for a scale, per cent above the others for a pair, likeness (0 to 1) for photos.
    `evidence` is what was there when it was found, as it is drawn for the officer.
    """

    class Kind(models.TextChoices):
        SCALE = "scale", pgettext_lazy("signal", "scale that weighs otherwise than before")
        PAIR = "pair", pgettext_lazy("signal", "crew and account that weigh more together")
        PHOTO = "photo", pgettext_lazy("signal", "photo that may be there twice")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("signal", "open")
        LOOKED_AT = "looked_at", pgettext_lazy("signal", "looked at")
        FOUNDED = "founded", pgettext_lazy("signal", "founded")
        UNFOUNDED = "unfounded", pgettext_lazy("signal", "unfounded")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    concerns = models.CharField(max_length=120)
    turn = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    strength = models.FloatField()
    evidence = models.JSONField(default=dict)
    # The officer comes first: what is kept of a person is theirs by the first of these, and who is looked at is not
    # told of it before anybody has looked.
    officer = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("who judged"))
    crew = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("crew"))
    account = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    weighing = models.ForeignKey(Weighing, models.CASCADE, null=True, related_name="+")
    other = models.ForeignKey(Weighing, models.CASCADE, null=True, related_name="+")
    found_on = models.DateField(_("found"))
    answer = models.CharField(_("reason"), max_length=500, blank=True)
    judged_at = models.DateTimeField(_("judged"), null=True)

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        indexes: ClassVar = [models.Index(fields=["state", "-found_on"], name="recycling_signal_state")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "concerns", "turn"], name="recycling_signal_once")
        ]

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"signal:{self.pk}"


class PhotoMark(models.Model):
    """What a photo of a scale is known again by, reckoned once: it goes with its photo. `bits` are empty where it
    shows nothing; `alike_to` is the weighing with the photo that is most like it, `alike` how much (0 to 1)."""

    photo = models.OneToOneField(Media, models.CASCADE, primary_key=True, related_name="+")
    weighing = models.ForeignKey(Weighing, models.CASCADE, related_name="+")
    bits = models.BinaryField(max_length=32)
    grey = models.BinaryField()
    alike_to = models.ForeignKey(Weighing, models.SET_NULL, null=True, related_name="+")
    alike = models.FloatField(null=True)

    class Meta:
        verbose_name = _("mark of a photo")
        verbose_name_plural = _("marks of photos")
