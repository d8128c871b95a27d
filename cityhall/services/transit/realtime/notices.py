"""The writers of alerts, cancellations and detours. A cancellation or a detour has its alert, which goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.values import url_parts
from cityhall.services.transit import timetables
from cityhall.services.transit.models import Cancellation, Cause, Detour, Effect, Notice, ServiceAlert, Severity
from cityhall.services.transit.realtime import wording
from cityhall.services.transit.realtime.selection import cancelled_trips

PERMISSION = "transit.change_alert"
LONGEST_HEADER = 200
LONGEST_TEXT = 5000
MOST_POINTS = 2000
KEYS = {"agency", "route", "direction", "stop", "trip", "service_day"}
Period = tuple[datetime | None, datetime | None]
Kind = TypeVar("Kind", bound=Notice)
WRITTEN = frozenset({"header", "description", "url", "path", "temporary_stops"})
"""Values of a notice that are an officer's own words or drawing."""


@dataclass(frozen=True, slots=True)
class AlertDraft:
    """An alert as an officer writes it; see ServiceAlert. No `informed` is the whole city, no `periods` is always."""

    header: Mapping[str, str]
    description: Mapping[str, str] = field(default_factory=dict)
    url: Mapping[str, str] = field(default_factory=dict)
    cause: str = Cause.UNKNOWN_CAUSE
    effect: str = Effect.OTHER_EFFECT
    severity: str = Severity.WARNING
    periods: Sequence[Period] = ()
    informed: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class CancellationDraft:
    """One `trip`, or the trips of a `route` that set out from one second of the service day until another."""

    service_day: date
    trip: str = ""
    route: str = ""
    direction: int | None = None
    from_second: int | None = None
    until_second: int | None = None
    cause: str = Cause.UNKNOWN_CAUSE


@dataclass(frozen=True, slots=True)
class DetourDraft:
    """Another way for a route for a while; see Detour."""

    starts_at: datetime
    ends_at: datetime | None = None
    route: str = ""
    direction: int | None = None
    path: Sequence[tuple[float, float]] = ()
    closed_stops: Sequence[str] = ()
    temporary_stops: Sequence[Mapping[str, Any]] = ()
    cause: str = Cause.UNKNOWN_CAUSE


@transaction.atomic
def publish_alert(actor: Actor, draft: AlertDraft) -> ServiceAlert:
    """Tells riders something. Raises Denied, or Invalid with the field at fault."""
    require(actor, PERMISSION)
    alert = ServiceAlert(**_alert_values(draft), edited=True)
    return _enter(actor, alert)


@transaction.atomic
def change_alert(actor: Actor, pk: int, draft: AlertDraft) -> ServiceAlert:
    """Writes an alert anew. Where it belongs to a cancellation or detour, its words stay as they are written here."""
    require(actor, PERMISSION)
    return _change(actor, find(ServiceAlert, pk), _alert_values(draft) | {"edited": True})


@transaction.atomic
def cancel(actor: Actor, draft: CancellationDraft) -> Cancellation:
    """Trips do not run, and riders are told. Raises Denied, or Invalid where no such trip runs."""
    require(actor, PERMISSION)
    return _with_alert(actor, Cancellation(**_cancellation_values(draft)))


@transaction.atomic
def change_cancellation(actor: Actor, pk: int, draft: CancellationDraft) -> Cancellation:
    """Other trips do not run. Raises as `cancel`, and Missing."""
    require(actor, PERMISSION)
    return _change(actor, find(Cancellation, pk), _cancellation_values(draft))


@transaction.atomic
def divert(actor: Actor, draft: DetourDraft) -> Detour:
    """A line goes another way, or stops are closed, and riders are told. Raises Denied or Invalid."""
    require(actor, PERMISSION)
    return _with_alert(actor, Detour(**_detour_values(draft)))


@transaction.atomic
def change_detour(actor: Actor, pk: int, draft: DetourDraft) -> Detour:
    """The detour is another one. Raises as `divert`, and Missing."""
    require(actor, PERMISSION)
    return _change(actor, find(Detour, pk), _detour_values(draft))


@transaction.atomic
def withdraw(actor: Actor, kind: type[Kind], pk: int) -> Kind:
    """Takes a notice back: trips run again, the alert is gone. Raises Denied, Missing, or Conflict where it was."""
    require(actor, PERMISSION)
    notice = find(kind, pk)
    _own(notice)
    if not notice.in_force:
        raise Conflict(_("That was taken back already."), mend=_("Nothing more is needed."))
    return _change(actor, notice, {"state": Notice.State.WITHDRAWN}, "withdrawn")


@transaction.atomic
def undo(actor: Actor, kind: type[Kind], pk: int) -> Kind:
    """Takes the last change back; a second time brings it back. What was never changed is withdrawn.

    Raises Denied or Missing.
    """
    require(actor, PERMISSION)
    notice = find(kind, pk)
    _own(notice)
    if notice.former is None:
        return _change(actor, notice, {"state": Notice.State.WITHDRAWN}, "undone")
    fields = {one.name: one for one in notice._meta.fields}
    values = {name: fields[name].to_python(value) for name, value in notice.former.items()}
    return _change(actor, notice, values, "undone")


def find(kind: type[Kind], pk: int) -> Kind:
    """A notice, locked until the transaction ends. Raises Missing."""
    notice = kind._default_manager.select_for_update().filter(pk=pk).first() if 0 < pk < 2**63 else None
    if notice is None:
        raise Missing(_("There is no such notice."), mend=_("Look for it in the list."))
    return notice


def owner_of(alert: ServiceAlert) -> Cancellation | Detour | None:
    """The cancellation or detour that an alert belongs to, None where it stands by itself."""
    return Cancellation.objects.filter(alert=alert).first() or Detour.objects.filter(alert=alert).first()


def _own(notice: Notice) -> None:
    """Raises Conflict for an alert that goes with a cancellation or detour: that one is to be taken back."""
    if isinstance(notice, ServiceAlert) and owner_of(notice) is not None:
        raise Conflict(
            _("This alert belongs to a cancellation or a detour."),
            mend=_("Take that back, and the alert goes with it."),
        )


def _enter(actor: Actor, notice: Kind) -> Kind:
    notice.changed_by = str(actor)
    notice.save()
    _tell(actor, notice, "entered")
    return notice


def _change(actor: Actor, notice: Kind, values: dict[str, Any], verb: str = "changed") -> Kind:
    notice.former = notice.values()
    for name, value in values.items():
        setattr(notice, name, value)
    notice.changed_by = str(actor)
    notice.save()
    if isinstance(notice, Cancellation | Detour):
        alert = find(ServiceAlert, notice.alert_id)
        words = wording.alert_of(notice)
        if alert.edited:
            words = {name: value for name, value in words.items() if name not in ("header", "description")}
        _change(actor, alert, words, verb)
    _tell(actor, notice, verb)
    return notice


def _with_alert(actor: Actor, notice: Kind) -> Kind:
    notice.alert = _enter(actor, ServiceAlert(**wording.alert_of(notice)))  # type: ignore[attr-defined]
    return _enter(actor, notice)


def _tell(actor: Actor, notice: Notice, verb: str) -> None:
    """The journal's event: `transit.alert.entered`, `.changed`, `.withdrawn` or `.undone`; so cancellation and detour.

    Its data are what it is about and when: who has subscribed to a route or stop can be told by a follower. What an
    officer wrote or drew stands in the notice's row, which can be erased.
    """
    kind = {ServiceAlert: "alert", Cancellation: "cancellation", Detour: "detour"}[type(notice)]
    values = {name: value for name, value in notice.values().items() if name not in WRITTEN}
    data = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
    if not isinstance(notice, ServiceAlert):
        data["alert"] = notice.alert_id  # type: ignore[attr-defined]
    append(
        "transit", f"transit.{kind}.{verb}", data | {kind: notice.pk}, subject=f"{kind}:{notice.pk}", actor=str(actor)
    )


def _alert_values(draft: AlertDraft) -> dict[str, Any]:
    texts = {name: _texts(name, getattr(draft, name)) for name in ("header", "description", "url")}
    if not texts["header"]:
        raise Invalid(
            _("Riders must be told what it is."), field="header", mend=_("Write it in one language at least.")
        )
    for page in texts["url"].values():
        if url_parts(page).scheme not in ("http", "https"):
            raise Invalid(_("This is no address of a page."), field="url", mend=_("Begin with https://."))
    _chosen("cause", draft.cause, Cause)
    _chosen("effect", draft.effect, Effect)
    _chosen("severity", draft.severity, Severity)
    return {
        **texts,
        "cause": draft.cause,
        "effect": draft.effect,
        "severity": draft.severity,
        "informed": [_selector(selector) for selector in draft.informed] or [{}],
        **wording.period_values([_period(period) for period in draft.periods]),
    }


def _texts(name: str, given: Mapping[str, str]) -> dict[str, str]:
    longest = LONGEST_HEADER if name == "header" else LONGEST_TEXT
    texts = {language: text.strip() for language, text in given.items() if text.strip()}
    unknown = texts.keys() - {code for code, _name in settings.LANGUAGES}
    if unknown:
        raise Invalid(_("The city does not speak %(code)s.") % {"code": ", ".join(sorted(unknown))}, field=name)
    if any(len(text) > longest for text in texts.values()):
        raise Invalid(_("That is too long."), field=name, mend=_("Say it in %(count)s letters.") % {"count": longest})
    return texts


def _chosen(name: str, value: str, choices: Any) -> None:
    if value not in choices.values:
        raise Invalid(_("There is no such choice."), field=name, mend=_("Choose one of the list."))


def _period(period: Period) -> Period:
    start, end = period
    if start and end and end <= start:
        raise Invalid(_("It ends before it begins."), field="periods", mend=_("Swap the two times."))
    return period


def _selector(given: Mapping[str, Any]) -> dict[str, Any]:
    selector = {key: value for key, value in given.items() if value not in ("", None)}
    if selector.keys() - KEYS:
        raise Invalid(_("This cannot be chosen by."), field="informed", mend=", ".join(sorted(KEYS)))
    schedule = timetables.service().schedule
    for key, known in (("route", schedule.routes.id), ("stop", schedule.stops.id), ("trip", schedule.trips.id)):
        if key in selector and selector[key] not in known:
            raise Invalid(
                _("%(name)s is not in the timetable.") % {"name": selector[key]},
                field="informed",
                mend=_("Choose a line, stop or trip of the timetable in service."),
            )
    return selector


def _cancellation_values(draft: CancellationDraft) -> dict[str, Any]:
    values = {one.name: getattr(draft, one.name) for one in fields(draft)}
    _chosen("cause", draft.cause, Cause)
    if not draft.trip:
        _selector({"route": draft.route})
    if not draft.trip and not draft.route:
        raise Invalid(_("Which trips do not run?"), field="route", mend=_("Choose a line or a trip."))
    rows = cancelled_trips(Cancellation(**values))
    if not rows.size:
        raise Invalid(
            _("No such trip runs on that day."), field="trip" if draft.trip else "route", mend=_("Check day and times.")
        )
    schedule = timetables.service().schedule
    return values | {"route": schedule.routes.id[int(schedule.trips.route[rows[0]])]}


def _detour_values(draft: DetourDraft) -> dict[str, Any]:
    values = {one.name: getattr(draft, one.name) for one in fields(draft)}
    _chosen("cause", draft.cause, Cause)
    _period((draft.starts_at, draft.ends_at))
    for stop in draft.closed_stops:
        _selector({"stop": stop})
    if draft.route:
        _selector({"route": draft.route})
    elif not draft.closed_stops:
        raise Invalid(_("Which line is it about?"), field="route", mend=_("Choose a line, or close a stop."))
    if not draft.closed_stops and len(draft.path) < 2 and not draft.temporary_stops:
        raise Invalid(_("Nothing is changed yet."), field="path", mend=_("Draw the way, or close a stop."))
    stops: list[dict[str, Any]] = [
        {"name": str(stop.get("name") or "")[:200], "lon": float(stop["lon"]), "lat": float(stop["lat"])}
        for stop in draft.temporary_stops
    ]
    places = [*draft.path, *[(stop["lon"], stop["lat"]) for stop in stops]]
    if len(places) > MOST_POINTS or not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in places):
        raise Invalid(_("This way cannot be drawn."), field="path", mend=_("Longitude comes first, then latitude."))
    return values | {
        "path": [[round(lon, 6), round(lat, 6)] for lon, lat in draft.path],
        "closed_stops": list(dict.fromkeys(draft.closed_stops)),
        "temporary_stops": stops,
    }
