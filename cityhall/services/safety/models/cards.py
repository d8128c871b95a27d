"""Question cards that a city has written itself."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.services.safety.models.alerts import Alert


class Card(models.Model):
    """The questions of a kind of alert in the city's own words (see `cards.read`); a kind without one has ours."""

    kind = models.CharField(_("kind"), max_length=12, choices=Alert.Kind.choices, unique=True)
    text = models.TextField(_("questions"))
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("question card")
        verbose_name_plural = _("question cards")

    def __str__(self) -> str:
        return self.kind
