"""Alarm companies, their alarms, and what is told both ways."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.devices.models import Device
from cityhall.services.safety.models.alerts import Alert
from cityhall.services.safety.models.outgoing import Outgoing


class AlarmCompany(models.Model):
    """A company whose central station sends alarms: `device` is its id and key, `callback` where it hears of them."""

    device = models.OneToOneField(Device, models.CASCADE, related_name="alarm_company")
    name = models.CharField(_("name"), max_length=100)
    callback = models.CharField(_("call-back address"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("alarm company")
        verbose_name_plural = _("alarm companies")
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class CompanyAlarm(models.Model):
    """An alarm by the company's own number: one alert, however often it is sent.

    `type`, `account`, `zone` and `details` are as the company wrote them, `told_at` its own time of the signal.
    `by_address`: the company gave no coordinates, the place was found by its address.
    """

    company = models.ForeignKey(AlarmCompany, models.CASCADE, related_name="alarms")
    number = models.CharField(_("number"), max_length=100)
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="company_alarms")
    type = models.CharField(_("type"), max_length=200, blank=True)
    account = models.CharField(_("account"), max_length=200, blank=True)
    zone = models.CharField(_("zone"), max_length=200, blank=True)
    station = models.CharField(_("central station"), max_length=200, blank=True)
    details = models.TextField(_("details"), blank=True)
    told_at = models.DateTimeField(null=True)
    by_address = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("alarm of a company")
        verbose_name_plural = _("alarms of companies")
        constraints: ClassVar = [models.UniqueConstraint(fields=["company", "number"], name="company_alarm_once")]

    def __str__(self) -> str:
        return self.number


class CompanyMessage(Outgoing):
    """A message of or to a company. `text` may tell of people; `digest` knows one of the company's that comes again.

    What came in is done at once, and `reason` says why it was rejected ("" where it was not).
    """

    class Way(models.TextChoices):
        IN = "in", pgettext_lazy("message", "from the company")
        OUT = "out", pgettext_lazy("message", "to the company")

    class Kind(models.TextChoices):
        ALARM = "Alarm", _("alarm")
        CANCEL = "Cancel", _("called off")
        UPDATE = "Update", pgettext_lazy("message", "note")
        DISPATCHED = "Dispatched", pgettext_lazy("alert", "unit on its way")
        ARRIVED = "Arrived", _("unit there")
        CLOSED = "Closed", pgettext_lazy("alert", "closed")

    class Reason(models.TextChoices):
        NO_PLACE = "no_place", _("no address and no position")
        TOO_OLD = "too_old", _("too old")
        NO_ALARM = "no_alarm", _("there is no such alarm")
        CLOSED = "closed", _("the alarm is closed")
        NOT_YOURS = "not_yours", _("only the city may say this")

    company = models.ForeignKey(AlarmCompany, models.CASCADE, related_name="messages")
    alarm = models.ForeignKey(CompanyAlarm, models.CASCADE, null=True, related_name="messages")
    number = models.CharField(_("number"), max_length=100)
    way = models.CharField(max_length=3, choices=Way.choices)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    reason = models.CharField(_("rejected because"), max_length=12, choices=Reason.choices, blank=True)
    text = models.TextField(_("text"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Alert.Outcome.choices, blank=True)
    digest = models.BinaryField(null=True, max_length=32)

    class Meta:
        verbose_name = _("message of an alarm company")
        verbose_name_plural = _("messages of alarm companies")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["company", "digest"], condition=models.Q(digest__isnull=False), name="company_message_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["company", "id"], condition=models.Q(state="waiting"), name="company_message_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"
