"""What officers work with, and other cities' servers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RuleSet(models.Model):
    """A version of the routing rules. One is in service; an earlier one can be put back at any time."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_SERVICE = "in_service", _("in service")
        RETIRED = "retired", _("retired")

    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    rules = models.JSONField(default=list)
    note = models.CharField(_("what changed"), max_length=300, blank=True)
    made_at = models.DateTimeField(_("made"), auto_now_add=True)
    used_at = models.DateTimeField(_("put in service"), null=True, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="in_service"), name="one_rule_set_in_service"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.note}"


class SavedFilter(models.Model):
    """An officer's own view of the inbox: the query of its address."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="report_filters")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "name"], name="filter_name_once")]

    def __str__(self) -> str:
        return self.name


class StandardAnswer(models.Model):
    """A text that officers send again and again, by language code: the resident gets it in theirs."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    step = models.CharField(_("for"), max_length=20, blank=True, help_text=_("a step of the workflow; empty: any"))
    texts = models.JSONField(_("text by language code"))

    class Meta:
        verbose_name = _("standard answer")
        verbose_name_plural = _("standard answers")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A program that files by Open311 in the name of others, as a call centre does. `digest`: SHA-256 of its key."""

    name = models.CharField(_("name"), max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    per_hour = models.PositiveIntegerField(_("reports an hour"), default=1000)
    enabled = models.BooleanField(_("may file"), default=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name


class OtherCity(models.Model):
    """Another city's Open311 server. Its key stands in the city's secrets.json, under `open311`, by the slug."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    url = models.URLField(_("address"), help_text=_("up to and without /services.json"))
    jurisdiction = models.CharField(max_length=100, blank=True)
    services = models.JSONField(default=dict, help_text=_("our category -> their service_code"))

    class Meta:
        verbose_name = _("other city")
        verbose_name_plural = _("other cities")

    def __str__(self) -> str:
        return self.name
