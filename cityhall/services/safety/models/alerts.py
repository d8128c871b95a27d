"""Calls for help."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.places.point import OptionalPointField
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety.models.buttons import Button
from cityhall.services.safety.phrases import PHRASES
from cityhall.services.safety.workflow import OPEN, STEPS, State

OTHER_LINES = {
    "said": _("Said by the caller"),
    "reply": _("Written to the caller"),
    "note": _("Note"),
    "split_off": _("Split off from another alert"),
    "part_off": _("The caller of a part has called it off"),
    "part_said": _("The caller of a part has written"),
    "absorbed": _("Another alert was made part of it"),
    "offer": _("Offered to a unit"),
    "redirected": _("A unit meets the bus elsewhere"),
    "refused": _("A unit cannot go"),
    "lapsed": _("A unit did not answer"),
    "recalled": _("A unit was called back"),
    "done": _("A unit is done"),
    "all_well": _("A unit says that all is well"),
    "review": _("Reviewed"),
    "card": _("Asked"),
    "passed_on": _("Passed on to another centre"),
    "taken_there": _("Another centre has acknowledged it"),
    "refused_there": _("Another centre does not take it"),
    "from_centre": _("Told by another centre"),
    "voice": _("Spoken with the caller"),
    "keep": _("What a camera sees is being kept"),
    "kept": _("What a camera saw is kept as evidence"),
    "nothing": _("Nothing came from the camera: nothing is kept"),
}
"""What a line of the log may tell besides the steps of the table."""


class Alert(models.Model):
    """One call for help. Its presses are counted; whoever presses again while it is open adds to it.

    `received_at` is the city's time of the first press, `doubtful`: the device's clock said another one. `waits_since`
    is when the time to answer began, `level` how often nobody answered in time. `key` is what a telephone made up for
    its press (the same press sent again is the same alert), `code` the hash of what lets its caller follow it without
    an account. `split_from`: one call turned out to be two incidents, and this is the second. `duress`: it was called
    off in a way that says that somebody forced it. `unread_since`: what its caller wrote, or their voice, waits for
    whoever has it. `version` counts its changes.
    """

    class Kind(models.TextChoices):
        PANIC = "panic", pgettext_lazy("alert", "help")
        HARASSMENT = "harassment", pgettext_lazy("alert", "harassment")
        MEDICAL = "medical", pgettext_lazy("alert", "medical")
        FIRE = "fire", pgettext_lazy("alert", "fire")
        BURGLARY = "burglary", pgettext_lazy("alert", "burglary")
        UNIT = "unit", pgettext_lazy("alert", "unit in danger")
        UNKNOWN = "unknown", pgettext_lazy("alert", "unknown signal")

    class Door(models.TextChoices):
        POLE = "pole", pgettext_lazy("button", "street pole")
        BUS = "bus", pgettext_lazy("button", "bus")
        TAXI = "taxi", pgettext_lazy("button", "taxi")
        BUSINESS = "business", pgettext_lazy("button", "business")
        PHONE = "phone", pgettext_lazy("button", "telephone")
        SMS = "sms", pgettext_lazy("button", "text message")
        ALARM = "alarm", pgettext_lazy("button", "alarm company")
        UNIT = "unit", pgettext_lazy("button", "unit")
        CENTRE = "centre", pgettext_lazy("button", "neighbouring centre")

    class Outcome(models.TextChoices):
        HELPED = "helped", pgettext_lazy("outcome", "helped")
        NOBODY = "nobody", pgettext_lazy("outcome", "nobody there")
        FALSE = "false", pgettext_lazy("outcome", "false alarm")
        DEFECT = "defect", pgettext_lazy("outcome", "defect of the button")
        ELSEWHERE = "elsewhere", pgettext_lazy("outcome", "given to another service")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.PANIC)
    door = models.CharField(_("from"), max_length=10, choices=Door.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    priority = models.PositiveSmallIntegerField(_("priority"), default=1)
    button = models.ForeignKey(Button, models.SET_NULL, null=True, blank=True, related_name="alerts")
    vehicle = models.ForeignKey(Vehicle, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    place = models.CharField(_("place"), max_length=200, blank=True)
    point = OptionalPointField(_("position"), null=True)
    accuracy_m = models.FloatField(null=True)
    received_at = models.DateTimeField(_("received"))
    doubtful = models.BooleanField(_("clock in doubt"), default=False)
    presses = models.IntegerField(_("presses"), default=1)
    pressed_at = models.DateTimeField(_("last press"))
    waits_since = models.DateTimeField()
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("operator"),
        db_index=False,
    )
    answered_at = models.DateTimeField(_("answered"), null=True)
    sent_at = models.DateTimeField(_("unit sent"), null=True)
    there_at = models.DateTimeField(_("unit there"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    cancelled_at = models.DateTimeField(_("called off"), null=True)
    duress = models.BooleanField(_("under duress"), default=False)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    closer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    exercise = models.BooleanField(_("exercise"), default=False)
    part_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="parts", db_index=False)
    split_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="split_off", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    phone = models.CharField(_("telephone"), max_length=30, blank=True)
    language = models.CharField(max_length=10, blank=True)
    key = models.CharField(max_length=64, null=True)
    code = models.BinaryField(null=True, max_length=32)
    unread_since = models.DateTimeField(null=True)
    version = models.IntegerField(default=0)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints: ClassVar = [
            # A button has one alert until that is closed; what is pressed meanwhile is a press of it.
            models.UniqueConstraint(
                fields=["button"], condition=~models.Q(state=State.CLOSED) & models.Q(exercise=False), name="alert_open"
            ),
            # Most alerts have none of these, and thousands may come in a second: only those that have one are indexed.
            models.UniqueConstraint(fields=["key"], condition=models.Q(key__isnull=False), name="alert_key"),
            models.UniqueConstraint(fields=["code"], condition=models.Q(code__isnull=False), name="alert_code"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["priority", "received_at"], condition=models.Q(state__in=OPEN), name="alert_queue"),
            models.Index(fields=["received_at"], name="alert_received"),
            models.Index(fields=["person"], condition=models.Q(person__isnull=False), name="alert_person"),
            models.Index(fields=["owner"], condition=models.Q(owner__isnull=False), name="alert_owner"),
            models.Index(fields=["split_from"], condition=models.Q(split_from__isnull=False), name="alert_split_from"),
            models.Index(fields=["part_of"], condition=models.Q(part_of__isnull=False), name="alert_part_of"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.place}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class Line(models.Model):
    """A line of an alert's log: a step that was taken, or something that was said. `text` may tell of people.

    Of what caller and desk write to each other: `phrase` names one of `phrases.py`, which each reads in their own
    language; `key` is what the telephone made up for a message (the same sent again is the same line); `seen_at` is
    when the other side had it before them. `translations` are first drafts of `text`, by language ("": there is none).
    """

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="lines")
    at = models.DateTimeField()
    what = models.CharField(max_length=20)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    by_caller = models.BooleanField(default=False)
    data = models.JSONField(default=dict)
    text = models.TextField(_("text"), blank=True)
    phrase = models.CharField(_("quick reply"), max_length=20, blank=True)
    key = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField(_("read"), null=True)
    translations = models.JSONField(_("translations"), default=dict, blank=True)

    class Meta:
        verbose_name = _("line of the log")
        verbose_name_plural = _("lines of the log")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "key"], condition=~models.Q(key=""), name="line_key")
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.what}"

    @property
    def label(self) -> str:
        """What was done, in the reader's language."""
        if self.what in STEPS:
            return str(STEPS[self.what].label)
        return str(OTHER_LINES.get(self.what, self.what))

    @property
    def words(self) -> str:
        """What was said: a phrase in the reader's language, else the text as it was written."""
        return str(PHRASES.get(self.phrase, "")) or self.text
