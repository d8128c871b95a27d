"""Presses: whichever door they come through, this is where each becomes an alert.

A button's press is taken many in a transaction (see `kernel/devices/urgent.py`, which gives each once and signs the
receipt after the commit). A telephone's comes alone: it has made up a key, and the same key again is the same alert.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices.urgent import Urgent
from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal.log import append_many
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety import escalation, journeys, stream
from cityhall.services.safety.codes import code_of, hash_of
from cityhall.services.safety.models import Alert, Button, Exercise, Line, Pretended, Unit, UnitPress
from cityhall.services.safety.workflow import EXERCISE_LATER, OPEN, URGENT, USUAL, State

_MEANT = (Alert.Kind.PANIC, Alert.Kind.HARASSMENT, Alert.Kind.MEDICAL, Alert.Kind.FIRE, Alert.Kind.BURGLARY)
KINDS = {str(kind) for kind in _MEANT}
"""What may be pressed; anything else is an unknown signal, never nothing."""
URGENCY = {Alert.Kind.UNIT: URGENT}
"""Priorities of kinds whose priority is not the usual one."""
SHORTEST_KEY, LONGEST_KEY = 16, 64

# One statement for all of a transaction, in one order, so that two that press the same buttons do not wait on one
# another for ever. What is merged or held is pressed again; only a closed alert gives way to a new one.
_PRESS = """
INSERT INTO safety_alert AS a (button_id, vehicle_id, kind, door, place, point, received_at, pressed_at, waits_since,
    doubtful, presses, priority, state, level, duress, outcome, exercise, phone, language, version)
SELECT x.button, x.vehicle, x.kind, x.door, x.place, x.point, x.at, x.at, x.at, x.doubtful, x.presses, x.priority,
    'waiting', 0, false, '', false, '', '', 0
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::point[], %s::timestamptz[],
    %s::bool[], %s::int[], %s::int[]) AS x (button, vehicle, kind, door, place, point, at, doubtful, presses, priority)
ORDER BY x.button
ON CONFLICT (button_id) WHERE NOT state = 'closed' AND NOT exercise DO UPDATE
    SET presses = a.presses + excluded.presses, pressed_at = excluded.pressed_at, version = a.version + 1,
        point = COALESCE(excluded.point, a.point)
RETURNING id, button_id, presses, version
"""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a telephone is told of its press: the alert, and the code that follows it without an account."""

    alert: Alert
    code: str


def pressed(presses: list[Urgent]) -> list[str]:
    """Presses of buttons (an UrgentDoor's action): each an alert, or one more press of the alert that is open.

    A message with `"test": true` only says that its button works.
    """
    buttons = _buttons({press.device.pk for press in presses})
    tests = {press.device.pk: press for press in presses if press.message.get("test") is True}
    if tests:
        _works(buttons, list(tests.values()))
    real = [press for press in presses if press.message.get("test") is not True]
    found = _alerts([press for press in real if press.device.pk in buttons], buttons)
    return [
        f"button:{buttons[press.device.pk].pk}"
        if press.message.get("test") is True and press.device.pk in buttons
        else f"alert:{found[press.device.pk] if press.device.pk in found else _of_no_button(press)}"
        for press in presses
    ]


class _Button(NamedTuple):
    """What a press needs of a button: thousands a second are not worth an object of the table each."""

    pk: int
    device: int
    kind: str
    name: str
    vehicle: int | None
    point: Point | None
    rides_at: Point | None


def _buttons(devices: set[int]) -> dict[int, _Button]:
    wanted = ("pk", "device_id", "kind", "name", "vehicle_id", "point", "vehicle__state__point")
    found = (_Button(*row) for row in Button.objects.filter(device_id__in=devices).values_list(*wanted))
    return {button.device: button for button in found}


def _works(buttons: dict[int, _Button], tests: Sequence[Urgent]) -> None:
    """Test presses: these buttons are known to work."""
    tested = [(button, press.received_at) for press in tests if (button := buttons.get(press.device.pk))]
    for button, at in tested:
        Button.objects.filter(pk=button.pk).update(checked_at=at)
    append_many("safety", "button.tested", [(f"button:{button.pk}", {}) for button, _at in tested])


def _alerts(presses: list[Urgent], buttons: dict[int, _Button]) -> dict[int, int]:
    """The alert of each device that pressed, by the device's number."""
    if not presses:
        return {}
    first: dict[int, Urgent] = {}
    times = Counter(press.device.pk for press in presses)
    for press in presses:
        first.setdefault(press.device.pk, press)
    rows = {button.pk: _row(first[device], button, times[device]) for device in first if (button := buttons[device])}
    with connection.cursor() as cursor:
        cursor.execute(_PRESS, [list(column) for column in zip(*rows.values(), strict=True)])
        kept = cursor.fetchall()
    _open([_written(number, rows[button]) for number, button, _presses, version in kept if version == 0], {})
    again = [(number, presses, version) for number, _button, presses, version in kept if version > 0]
    stream.pressed_again(again, presses[0].received_at)
    device_of = {button.pk: device for device, button in buttons.items()}
    return {device_of[button]: number for number, button, _presses, _version in kept}


class _Row(NamedTuple):
    """The columns of _PRESS."""

    button: int
    vehicle: int | None
    kind: str
    door: str
    place: str
    point: str | None
    at: datetime
    doubtful: bool
    presses: int
    priority: int


def _row(press: Urgent, button: _Button, times: int) -> _Row:
    kind = _kind(press.message)
    point = _said(press.message) or button.rides_at or button.point
    return _Row(
        button.pk,
        button.vehicle,
        kind,
        button.kind,
        button.name,
        f"({point.lon},{point.lat})" if point else None,
        press.received_at,
        press.doubtful,
        times,
        URGENCY.get(Alert.Kind(kind), USUAL),
    )


class _New(NamedTuple):
    """An alert that was just written: what follows from it, and its row on the desk's screens."""

    pk: int
    kind: str
    door: str
    vehicle: int | None
    waits_since: datetime
    level: int
    row: dict[str, Any]


def _written(number: int, row: _Row) -> _New:
    """What was just written, without asking for it: thousands a second are not worth an object of the table each."""
    shown = stream.NOTHING_YET | {
        "id": number,
        "kind": row.kind,
        "door": row.door,
        "priority": row.priority,
        "place": row.place,
        "received": (at := stream.millis(row.at)),
        "waits": at,
        "pressed": at,
        "presses": row.presses,
        "doubtful": row.doubtful,
    }
    if row.point:
        shown["lon"], shown["lat"] = map(float, row.point.strip("()").split(","))
    return _New(number, row.kind, row.door, row.vehicle, row.at, 0, shown)


def _made(alert: Alert) -> _New:
    row = stream.row(alert)
    return _New(alert.pk, alert.kind, alert.door, alert.vehicle_id, alert.waits_since, alert.level, row)


def _kind(message: dict[str, Any]) -> str:
    said = message.get("type", Alert.Kind.PANIC)
    return said if isinstance(said, str) and said in KINDS else Alert.Kind.UNKNOWN


def _said(message: dict[str, Any]) -> Point | None:
    """Where the message says it is; a place that cannot be is no reason to lose a press."""
    lon, lat = message.get("lon"), message.get("lat")
    if isinstance(lon, int | float) and isinstance(lat, int | float) and not isinstance(lon, bool):
        if math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90:
            return Point(float(lon), float(lat))
    return None


def _of_no_button(press: Urgent) -> int:
    """A device that may press but is no button of the register, as a tracker: somebody must look who it is."""
    name = press.device.label or press.device.public_id
    named = press.message.get("vehicle")
    vehicle = Vehicle.objects.filter(public_id=named).first() if isinstance(named, str) else None
    alert = Alert(kind=_kind(press.message), door=Alert.Door.POLE, place=name[:200], point=_said(press.message))
    if vehicle is not None:
        alert.vehicle_id, alert.place, alert.door = vehicle.pk, str(vehicle)[:200], Alert.Door.BUS
    alert.received_at = alert.pressed_at = alert.waits_since = press.received_at
    alert.doubtful = press.doubtful
    alert.save(force_insert=True)
    _open([_made(alert)], {"device": press.device.public_id})
    return alert.pk


def _open(alerts: list[_New], data: dict[str, Any]) -> None:
    """What follows when alerts are new: their time to be answered, the journal, and the desk."""
    escalation.begin([(one.pk, one.waits_since, one.level) for one in alerts])
    told = [(stream.subject(alert.pk), data | {"kind": alert.kind, "door": alert.door}) for alert in alerts]
    append_many("safety", "alert.opened", told)
    journeys.keep([(one.pk, one.vehicle) for one in alerts if one.vehicle is not None])
    stream.opened([one.row for one in alerts])


def is_key(text: str) -> bool:
    """Whether a telephone or a page may have made this up for what it sends."""
    return SHORTEST_KEY <= len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()


@transaction.atomic
def press(
    actor: Actor,
    key: str,
    *,
    kind: str = Alert.Kind.PANIC,
    door: str = Alert.Door.PHONE,
    point: Point | None = None,
    accuracy_m: float | None = None,
    place: str = "",
    vehicle_id: int | None = None,
    phone: str = "",
    text: str = "",
    at: datetime | None = None,
) -> Pressed:
    """Somebody calls for help from a telephone. The same key again is the same press, and says where they are now.

    Nothing but the key is needed: no account, no number, no place. Raises Invalid for a key that is none.
    """
    if not is_key(key):
        raise Invalid(_("This is not the key of a press."), code="bad_key", field="key")
    at = at or timezone.now()
    code = code_of(key)
    alert = Alert.objects.select_for_update().filter(key=key).first()
    if alert is not None:
        return Pressed(_same(alert, point, accuracy_m), code)
    alert = Alert(
        kind=kind if kind in KINDS else Alert.Kind.UNKNOWN,
        door=door,
        key=key,
        code=hash_of(code),
        point=point,
        accuracy_m=accuracy_m,
        place=place[:200],
        vehicle_id=vehicle_id,
        phone=phone[:30],
        person_id=actor.person_id,
        language=actor.language[:10],
        received_at=at,
        pressed_at=at,
        waits_since=at,
    )
    with transaction.atomic():
        # Two that are sent at one moment: the second waits for the first, and is the same press.
        Alert.objects.bulk_create([alert], ignore_conflicts=True)
    kept = Alert.objects.select_for_update().get(key=key)
    if kept.received_at != at:
        return Pressed(_same(kept, point, accuracy_m), code)
    if text.strip():
        Line.objects.create(alert=kept, at=at, what="said", by_caller=True, text=text.strip()[:2000])
    _open([_made(kept)], {})
    return Pressed(kept, code)


def _same(alert: Alert, point: Point | None, accuracy_m: float | None) -> Alert:
    """A press that is sent again, its answer lost or its place found meanwhile: nobody has pressed a second time."""
    if alert.state == State.CLOSED or point is None or (alert.point, alert.accuracy_m) == (point, accuracy_m):
        return alert
    alert.point, alert.accuracy_m = point, accuracy_m
    stream.anew(alert, "point", "accuracy_m")
    return alert


def _again(alert: Alert, point: Point | None, accuracy_m: float | None, at: datetime) -> Alert:
    """One more press of an alert that is open."""
    if alert.state == State.CLOSED:
        return alert
    alert.presses += 1
    alert.pressed_at = at
    if point is not None:
        alert.point, alert.accuracy_m = point, accuracy_m
    stream.anew(alert, "presses", "pressed_at", "point", "accuracy_m")
    return alert


def beside(alert: Alert, kind: str, at: datetime) -> Alert:
    """A second alert at the place of a first, with a clock of its own. In a transaction.

    Who called stands with the first only: the second tells which that is.
    """
    second = Alert.objects.create(
        kind=kind,
        door=alert.door,
        priority=URGENCY.get(Alert.Kind(kind), USUAL) + EXERCISE_LATER * alert.exercise,
        vehicle_id=alert.vehicle_id,
        place=alert.place,
        point=alert.point,
        accuracy_m=alert.accuracy_m,
        exercise=alert.exercise,
        split_from=alert,
        received_at=at,
        pressed_at=at,
        waits_since=at,
    )
    if (of := Pretended.objects.filter(alert=alert).first()) is not None:
        Pretended.objects.create(alert=second, exercise_id=of.exercise_id)
    _open([_made(second)], {"split_from": alert.pk})
    return second


def pretended(
    exercise: Exercise, kind: str, button: Button | None, place: str, point: Point | None, at: datetime
) -> Alert:
    """An alert of an exercise, of a button or from a place: real presses of the button know nothing of it."""
    alert = Alert.objects.create(
        kind=kind,
        door=button.kind if button else Alert.Door.PHONE,
        priority=URGENCY.get(Alert.Kind(kind), USUAL) + EXERCISE_LATER,
        button=button,
        vehicle_id=button.vehicle_id if button else None,
        place=(button.name if button else place)[:200],
        point=button.place if button else point,
        exercise=True,
        received_at=at,
        pressed_at=at,
        waits_since=at,
    )
    Pretended.objects.create(alert=alert, exercise=exercise)
    _open([_made(alert)], {"exercise": exercise.pk})
    return alert


def of_unit(actor: Actor, unit: Unit, point: Point | None, at: datetime, press: str = "") -> Alert:
    """A unit is in danger: an alert before all others, or a press of the one that is open. In a transaction.

    The same `press` again is the same call, and says where they are now; one that is no key counts each time. Of a
    call that is over it is a new one: nobody may call for help and not be heard.
    """
    key = f"unit-in-danger-{unit.pk}-"
    with connection.cursor() as cursor:
        # One at a time; and not by the unit's own row, which others lock once they have an alert.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 8))", [key])
    known = UnitPress.objects.filter(unit=unit, key=press, alert__state__in=OPEN).first() if is_key(press) else None
    if known is not None:
        return _same(Alert.objects.select_for_update().get(pk=known.alert_id), point, None)
    alert = Alert.objects.select_for_update().filter(key__startswith=key, state__in=OPEN).first()
    if alert is not None:
        _keep(unit, alert, press)
        return _again(alert, point, None, at)
    alert = Alert.objects.create(
        kind=Alert.Kind.UNIT,
        door=Alert.Door.UNIT,
        priority=URGENCY[Alert.Kind.UNIT],
        key=f"{key}{round(at.timestamp() * 1000)}",
        place=unit.name,
        point=point,
        vehicle_id=unit.vehicle_id,
        person_id=actor.person_id,
        received_at=at,
        pressed_at=at,
        waits_since=at,
    )
    _keep(unit, alert, press)
    _open([_made(alert)], {"unit": unit.pk})
    return alert


def _keep(unit: Unit, alert: Alert, press: str) -> None:
    if is_key(press):
        UnitPress.objects.update_or_create(unit=unit, key=press, defaults={"alert": alert})
