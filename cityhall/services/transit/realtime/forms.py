"""Forms of alerts, cancellations and detours: what officers type, as the drafts that `notices` takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel import clock as city_clock
from cityhall.services.transit import days
from cityhall.services.transit.days import clock, second_of
from cityhall.services.transit.models import (
    Cancellation,
    Cause,
    Detour,
    Effect,
    FeedVersion,
    Line,
    ServiceAlert,
    Severity,
)
from cityhall.services.transit.realtime import occasions
from cityhall.services.transit.realtime.notices import AlertDraft, CancellationDraft, DetourDraft

PERIODS = 3
TEXTS = (("header", _("In short")), ("description", _("In full")), ("url", _("Page with more")))
DIRECTIONS = (("", _("both ways")), ("0", _("outbound (0)")), ("1", _("inbound (1)")))
MOMENT = "%Y-%m-%dT%H:%M"


def line_choices() -> list[tuple[str, str]]:
    """Lines of the timetable in service."""
    found = Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE)
    return [(line.gtfs_id, f"{line.short_name} {line.long_name}".strip()) for line in found]


def _moment(label: Any, *, required: bool = False, help_text: Any = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput({"type": "datetime-local"}, MOMENT)
    return forms.DateTimeField(label=label, required=required, widget=widget, help_text=help_text)


def _time(label: Any, help_text: Any = "") -> forms.TimeField:
    widget = forms.TimeInput({"type": "time"}, "%H:%M")
    return forms.TimeField(label=label, required=False, widget=widget, help_text=help_text)


def _stops(label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.Textarea({"rows": 3, "data-stops": "", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, widget=widget, help_text=help_text)


def names(text: str) -> list[str]:
    """One name a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


SHORT = ("header", "description")
"""The texts that every alert wants."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a form's fields, as web/fields.html shows a form."""

    visible_fields: list[forms.BoundField]
    non_field_errors: Iterable[Any] = ()
    hidden_fields: Iterable[forms.BoundField] = ()

    @property
    def wrong(self) -> bool:
        """Whether something in it was refused."""
        return any(field.errors for field in self.visible_fields)


class AlertForm(forms.Form):
    """An alert: texts in each language of the city, for whom, from when until when."""

    cause = forms.ChoiceField(label=_("Cause"), choices=Cause.choices)
    effect = forms.ChoiceField(label=_("Effect"), choices=Effect.choices, initial=Effect.MODIFIED_SERVICE)
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices, initial=Severity.WARNING)
    routes = forms.MultipleChoiceField(
        label=_("Lines"),
        required=False,
        choices=line_choices,
        widget=forms.SelectMultiple({"size": 6}),
        help_text=_("Nothing chosen here or below is the whole city."),
    )
    stops = _stops(_("Stops"), _("One stop a line; or press on stops on the map."))

    def __init__(self, *arguments: Any, notice: ServiceAlert | None = None, **values: Any) -> None:
        values["initial"] = (values.get("initial") or {}) | (self._initial(notice) if notice else {})
        super().__init__(*arguments, **values)
        self.notice = notice
        for number in range(PERIODS):
            again = f" ({number + 1})" if number else ""
            self.fields[f"from_{number}"] = _moment(format_lazy("{}{}", pgettext_lazy("period", "From"), again))
            self.fields[f"until_{number}"] = _moment(format_lazy("{}{}", _("Until"), again))
        for code, language in settings.LANGUAGES:
            for name, label in TEXTS:
                kind, rows = (forms.Textarea, {"rows": 4}) if name == "description" else (forms.TextInput, {})
                widget = kind(rows | {"lang": code})
                self.fields[f"{name}_{code}"] = forms.CharField(
                    label=f"{label} ({language})", required=False, widget=widget, max_length=5000
                )
        self.first = ["routes", "stops", "until_0", *(f"{name}_{settings.LANGUAGE_CODE}" for name in SHORT)]
        self.order_fields(self.first)
        self.fields[f"header_{settings.LANGUAGE_CODE}"].help_text = _("{where} becomes the lines and stops above.")

    def parts(self) -> tuple[Part, Part]:
        """What is always asked, and what is folded away: seldom another than the occasion says."""
        fields = self.visible_fields()
        return (
            Part(
                [field for field in fields if field.name in self.first], self.non_field_errors(), self.hidden_fields()
            ),
            Part([field for field in fields if field.name not in self.first]),
        )

    def draft(self) -> AlertDraft:
        """What was typed. The form must be valid."""
        given = self.cleaned_data
        stops = names(given["stops"])
        typed = {name: {code: given[f"{name}_{code}"] for code, _l in settings.LANGUAGES} for name, _label in TEXTS}
        texts = {name: occasions.told(said, given["routes"], stops) for name, said in typed.items()}
        pairs = [(given[f"from_{number}"], given[f"until_{number}"]) for number in range(PERIODS)]
        informed = [{"route": route} for route in given["routes"]] + [{"stop": stop} for stop in stops]
        # What the form has no field for (a trip, a line's stop) stays as it is.
        informed += [one for one in (self.notice.informed if self.notice else ()) if len(one) > 1]
        return AlertDraft(
            **texts,
            cause=given["cause"],
            effect=given["effect"],
            severity=given["severity"],
            periods=[pair for pair in pairs if any(pair)],
            informed=informed,
        )

    @staticmethod
    def _initial(notice: ServiceAlert) -> dict[str, Any]:
        simple = [one for one in notice.informed if len(one) == 1]
        found: dict[str, Any] = {name: getattr(notice, name) for name in ("cause", "effect", "severity")}
        found["routes"] = [one["route"] for one in simple if "route" in one]
        found["stops"] = "\n".join(one["stop"] for one in simple if "stop" in one)
        for number, period in enumerate(notice.periods[:PERIODS]):
            for name, moment in zip(("from", "until"), period, strict=True):
                found[f"{name}_{number}"] = dt.datetime.fromisoformat(moment) if moment else None
        for name, _label in TEXTS:
            found |= {f"{name}_{code}": text for code, text in getattr(notice, name).items()}
        return found


class CancellationForm(forms.Form):
    """One trip by its id, or a line's trips in a part of the day."""

    service_day = forms.DateField(label=_("Day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    route = forms.ChoiceField(label=_("Line"), required=False, choices=lambda: [("", "—"), *line_choices()])
    direction = forms.ChoiceField(label=_("Direction"), required=False, choices=DIRECTIONS)
    from_time = _time(_("Trips that set out from"))
    until_time = _time(_("until before"))
    trip = forms.CharField(
        label=_("Only one trip"), required=False, max_length=200, help_text=_("Its trip_id in the timetable.")
    )
    cause = forms.ChoiceField(label=_("Cause"), choices=Cause.choices)

    def __init__(self, *arguments: Any, notice: Cancellation | None = None, **values: Any) -> None:
        values["initial"] = (values.get("initial") or {}) | (self._initial(notice) if notice else {})
        super().__init__(*arguments, **values)

    def draft(self) -> CancellationDraft:
        """What was typed. The form must be valid."""
        given = self.cleaned_data
        day = given["service_day"]
        return CancellationDraft(
            service_day=day,
            trip=given["trip"].strip(),
            route="" if given["trip"].strip() else given["route"],
            direction=int(given["direction"]) if given["direction"] else None,
            from_second=second_of(day, given["from_time"]) if given["from_time"] else None,
            until_second=second_of(day, given["until_time"]) if given["until_time"] else None,
            cause=given["cause"],
        )

    @staticmethod
    def _initial(notice: Cancellation) -> dict[str, Any]:
        day = notice.service_day
        ends = {"from_time": notice.from_second, "until_time": notice.until_second}
        times = {name: None if second is None else clock(day, second).time() for name, second in ends.items()}
        return times | {
            "service_day": day,
            "trip": notice.trip,
            "route": notice.route,
            "direction": "" if notice.direction is None else str(notice.direction),
            "cause": notice.cause,
        }


class DetourForm(forms.Form):
    """Another way: drawn on the map or typed as points, stops closed, stops instead."""

    route = forms.ChoiceField(
        label=_("Line"),
        required=False,
        choices=lambda: [("", "—"), *line_choices()],
        help_text=_("None closes the stops for every line."),
    )
    direction = forms.ChoiceField(label=_("Direction"), required=False, choices=DIRECTIONS)
    starts_at = _moment(pgettext_lazy("period", "From"), required=True)
    ends_at = _moment(_("Until"), help_text=_("Empty: until further notice."))
    closed_stops = _stops(_("Closed stops"), _("One stop a line; or press on stops on the map."))
    path = forms.CharField(
        label=_("The way"),
        required=False,
        widget=forms.Textarea({"rows": 4, "data-path": "", "spellcheck": "false"}),
        help_text=_("One point a line: longitude, latitude; or draw it on the map."),
    )
    temporary_stops = forms.CharField(
        label=_("Stops instead"),
        required=False,
        widget=forms.Textarea({"rows": 3, "data-places": "", "spellcheck": "false"}),
        help_text=_("One a line: longitude, latitude, name."),
    )
    cause = forms.ChoiceField(label=_("Cause"), choices=Cause.choices)

    def __init__(self, *arguments: Any, notice: Detour | None = None, **values: Any) -> None:
        values["initial"] = (values.get("initial") or {}) | (self._initial(notice) if notice else {})
        super().__init__(*arguments, **values)

    def parts(self) -> tuple[Part, Part]:
        """What is asked, and the coordinates, which the map writes."""
        fields = self.visible_fields()
        drawn = ("path", "temporary_stops")
        return (
            Part([field for field in fields if field.name not in drawn], self.non_field_errors(), self.hidden_fields()),
            Part([field for field in fields if field.name in drawn]),
        )

    def clean_path(self) -> list[tuple[float, float]]:
        """Points as (lon, lat). Raises ValidationError naming the line that is none."""
        return [(lon, lat) for lon, lat, _name in self._places("path")]

    def clean_temporary_stops(self) -> list[dict[str, Any]]:
        """Stops as {name, lon, lat}. Raises ValidationError naming the line that is none."""
        return [{"lon": lon, "lat": lat, "name": name} for lon, lat, name in self._places("temporary_stops")]

    def _places(self, field: str) -> list[tuple[float, float, str]]:
        found = []
        for line in names(self.cleaned_data[field]):
            lon, _comma, rest = line.partition(",")
            lat, _comma, name = rest.partition(",")
            try:
                found.append((float(lon), float(lat), name.strip()))
            except ValueError:
                raise forms.ValidationError(_("This is no place: %(line)s") % {"line": line[:60]}) from None
        return found

    def draft(self) -> DetourDraft:
        """What was typed. The form must be valid."""
        given = self.cleaned_data
        return DetourDraft(
            starts_at=given["starts_at"],
            ends_at=given["ends_at"],
            route=given["route"],
            direction=int(given["direction"]) if given["direction"] else None,
            path=given["path"],
            closed_stops=names(given["closed_stops"]),
            temporary_stops=given["temporary_stops"],
            cause=given["cause"],
        )

    @staticmethod
    def _initial(notice: Detour) -> dict[str, Any]:
        stops = [f"{one['lon']}, {one['lat']}, {one['name']}" for one in notice.temporary_stops]
        return {
            "route": notice.route,
            "direction": "" if notice.direction is None else str(notice.direction),
            "starts_at": notice.starts_at,
            "ends_at": notice.ends_at,
            "closed_stops": "\n".join(notice.closed_stops),
            "path": "\n".join(f"{lon}, {lat}" for lon, lat in notice.path),
            "temporary_stops": "\n".join(stops),
            "cause": notice.cause,
        }


def today() -> dict[str, Any]:
    """What a new form says before anything is typed."""
    now = city_clock.now(settings.CITY.zone).replace(second=0, microsecond=0)
    return {"service_day": days.usual_day(days.today()), "starts_at": now, "from_0": now}
