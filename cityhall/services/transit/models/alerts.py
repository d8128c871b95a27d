"""What officers tell riders: alerts, cancelled trips and detours. Each can be changed, withdrawn and brought back.

Values of cause, effect and severity are the names of GTFS-Realtime's enumerations.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Cause(models.TextChoices):
    """GTFS-Realtime Reference, Alert.cause."""

    UNKNOWN_CAUSE = "UNKNOWN_CAUSE", _("not known")
    OTHER_CAUSE = "OTHER_CAUSE", _("another cause")
    TECHNICAL_PROBLEM = "TECHNICAL_PROBLEM", _("technical problem")
    STRIKE = "STRIKE", _("strike")
    DEMONSTRATION = "DEMONSTRATION", _("demonstration")
    ACCIDENT = "ACCIDENT", _("accident")
    HOLIDAY = "HOLIDAY", _("holiday")
    WEATHER = "WEATHER", _("weather")
    MAINTENANCE = "MAINTENANCE", _("maintenance")
    CONSTRUCTION = "CONSTRUCTION", _("road works")
    POLICE_ACTIVITY = "POLICE_ACTIVITY", _("police operation")
    MEDICAL_EMERGENCY = "MEDICAL_EMERGENCY", _("medical emergency")


class Effect(models.TextChoices):
    """GTFS-Realtime Reference, Alert.effect."""

    NO_SERVICE = "NO_SERVICE", _("no service")
    REDUCED_SERVICE = "REDUCED_SERVICE", _("fewer trips")
    SIGNIFICANT_DELAYS = "SIGNIFICANT_DELAYS", _("long delays")
    DETOUR = "DETOUR", _("detour")
    ADDITIONAL_SERVICE = "ADDITIONAL_SERVICE", _("more trips")
    MODIFIED_SERVICE = "MODIFIED_SERVICE", _("changed service")
    STOP_MOVED = "STOP_MOVED", _("stop moved")
    ACCESSIBILITY_ISSUE = "ACCESSIBILITY_ISSUE", _("access difficulty")
    OTHER_EFFECT = "OTHER_EFFECT", _("another effect")
    NO_EFFECT = "NO_EFFECT", _("no effect on trips")


class Severity(models.TextChoices):
    """GTFS-Realtime Reference, Alert.severity_level."""

    INFO = "INFO", _("for information")
    WARNING = "WARNING", _("warning")
    SEVERE = "SEVERE", _("severe")


class Notice(models.Model):
    """What the three have in common. `former` holds the values before the last change: undoing swaps the two."""

    class State(models.TextChoices):
        IN_FORCE = "in_force", _("in force")
        WITHDRAWN = "withdrawn", _("withdrawn")

    state = models.CharField(max_length=10, choices=State.choices, default=State.IN_FORCE)
    cause = models.CharField(max_length=20, choices=Cause.choices, default=Cause.UNKNOWN_CAUSE)
    former = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=100, blank=True)

    COMMON: ClassVar[tuple[str, ...]] = ("state", "cause")
    UNDOABLE: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    @property
    def in_force(self) -> bool:
        return self.state == self.State.IN_FORCE

    def values(self) -> dict[str, Any]:
        """What a change may change, by field."""
        return {name: getattr(self, name) for name in (*self.COMMON, *self.UNDOABLE)}


class ServiceAlert(Notice):
    """Something that riders should know (GTFS-Realtime Alert).

    Texts are {language: text}. `periods` are [from, until] in ISO 8601, None where it is open; [] is always. `informed`
    are GTFS-Realtime EntitySelectors with the keys agency, route, direction, stop, trip, service_day: an alert is for
    what fits any of them, and {} is the whole city.
    """

    effect = models.CharField(max_length=20, choices=Effect.choices, default=Effect.OTHER_EFFECT)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.WARNING)
    header = models.JSONField(default=dict)
    description = models.JSONField(default=dict, blank=True)
    url = models.JSONField(default=dict, blank=True)
    periods = models.JSONField(default=list, blank=True)
    informed = models.JSONField(default=list)
    starts_at = models.DateTimeField(null=True, help_text=_("beginning of the first period"))
    ends_at = models.DateTimeField(null=True, help_text=_("end of the last period"))
    edited = models.BooleanField(default=False, help_text=_("its texts were written by hand"))

    UNDOABLE: ClassVar[tuple[str, ...]] = (
        *("effect", "severity", "header", "description", "url", "periods", "informed"),
        *("starts_at", "ends_at", "edited"),
    )

    class Meta:
        ordering: ClassVar = ["-made_at"]
        indexes: ClassVar = [models.Index(fields=["state", "ends_at"], name="alert_state_end")]

    def __str__(self) -> str:
        return self.said("header")

    def said(self, field: str) -> str:
        """A text in the language now active, else in the city's first, else in any that there is; "" without one."""
        texts = getattr(self, field)
        for language in (get_language() or "", settings.LANGUAGE_CODE, *texts):
            if texts.get(language):
                return str(texts[language])
        return ""

    @property
    def header_text(self) -> str:
        return self.said("header")

    @property
    def description_text(self) -> str:
        return self.said("description")

    @property
    def url_text(self) -> str:
        return self.said("url")


class Cancellation(Notice):
    """Trips of one service day that do not run: one trip, or a line's that set out in a part of the day.

    Seconds are the service day's; None leaves that end open.
    """

    service_day = models.DateField()
    trip = models.CharField(max_length=200, blank=True)
    route = models.CharField(max_length=200)
    direction = models.SmallIntegerField(null=True)
    from_second = models.IntegerField(null=True)
    until_second = models.IntegerField(null=True)
    alert = models.OneToOneField(ServiceAlert, models.CASCADE, related_name="cancellation")

    UNDOABLE: ClassVar[tuple[str, ...]] = (
        *("service_day", "trip", "route", "direction", "from_second", "until_second"),
    )

    class Meta:
        ordering: ClassVar = ["-service_day", "-made_at"]
        indexes: ClassVar = [models.Index(fields=["service_day"], name="cancellation_day")]

    def __str__(self) -> str:
        return f"{self.service_day} {self.trip or self.route}"


class Detour(Notice):
    """A line's way that is another for a while, or stops that are closed (for every line where `route` is "").

    `path` is [[lon, lat], ...]; `temporary_stops` are {name, lon, lat}.
    """

    route = models.CharField(max_length=200, blank=True)
    direction = models.SmallIntegerField(null=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    path = models.JSONField(default=list, blank=True)
    closed_stops = models.JSONField(default=list, blank=True)
    temporary_stops = models.JSONField(default=list, blank=True)
    alert = models.OneToOneField(ServiceAlert, models.CASCADE, related_name="detour")

    UNDOABLE: ClassVar[tuple[str, ...]] = (
        *("route", "direction", "starts_at", "ends_at", "path", "closed_stops", "temporary_stops"),
    )

    class Meta:
        ordering: ClassVar = ["-starts_at"]
        indexes: ClassVar = [models.Index(fields=["state", "ends_at"], name="detour_state_end")]

    def __str__(self) -> str:
        return f"{self.route or '*'} {self.starts_at:%Y-%m-%d %H:%M}"
