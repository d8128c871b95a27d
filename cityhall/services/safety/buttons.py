"""Buttons in the register: put up, looked after, and repaired. A silent or wrong one opens a case of its repair."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.calendars import ALWAYS
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.workflow import OPEN
from cityhall.kernel.devices.models import Device
from cityhall.kernel.devices.registry import expect, register
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Receiver, Vehicle
from cityhall.services.safety.actions import ANSWER
from cityhall.services.safety.models import Button, Repair

SILENCE_S = 900
"""A button that has sent no heartbeat for so long is silent."""
REPAIR_IN = timedelta(hours=24)
LOW = 15
"""Per cent of the battery at which somebody should come."""
AGENCY = "safety-technicians"
CHANGE = "safety.change_buttons"
TALK = re.compile(r"\A(tel:\+?[0-9().\-*#]{3,40}(;[\w=+.\-]+)*|sips?:[\w.+\-%:@\[\];=]{3,190})\Z", re.ASCII)
"""An intercom's address: `tel:` (RFC 3966, section 3), `sip:` and `sips:` (RFC 3261, section 19.1), without headers."""


@transaction.atomic
def put_up(
    actor: Actor,
    name: str,
    kind: str,
    *,
    point: Point | None = None,
    vehicle: str = "",
    caution: str = "",
    camera: str = "",
    tracker: str = "",
    talk: str = "",
    silence_after: int = SILENCE_S,
) -> tuple[Button, str]:
    """A button at a place or in a vehicle, and its key, which is shown this once.

    With the number of a `tracker` that is registered, its panic button is the button: it rides where that does, and
    there is no key (""). Raises Denied, Missing, Invalid, Conflict for a tracker that is a button already.
    """
    require(actor, CHANGE)
    if kind not in Button.Kind.values:
        raise Invalid(_("There is no such kind of button."), code="no_such_kind", field="kind")
    receiver = _tracker(tracker) if tracker else None
    inside = Vehicle.objects.filter(public_id=vehicle).first() if vehicle else None
    if vehicle and inside is None:
        raise Missing(_("There is no vehicle %(id)s.") % {"id": vehicle}, code="no_such_vehicle", field="vehicle")
    inside = receiver.vehicle if receiver is not None and inside is None else inside
    if inside is None and point is None:
        raise Invalid(
            _("A button needs a place."), code="no_place", field="point", mend=_("Give a position, or its vehicle.")
        )
    if talk and not TALK.fullmatch(talk):
        raise Invalid(
            _("This is no address of an intercom."),
            code="bad_talk",
            field="talk",
            mend=_("Write sip: or tel: and what follows, as tel:+55-51-3333-0000."),
        )
    # Whoever looks after the buttons need not be one who looks after all devices.
    ours = system("safety")
    if receiver is None:
        device, key = register(ours, kind=f"{kind}-button", owner="safety", label=name, silence_after=silence_after)
    else:
        device, key = expect(ours, tracker, silence_after=receiver.device.silence_after or silence_after), ""
    button = Button.objects.create(
        device=device,
        kind=kind,
        name=name[:100],
        point=point,
        vehicle=inside,
        caution=caution[:300],
        camera=camera,
        talk=talk,
    )
    append("safety", "button.put_up", {"kind": kind}, subject=f"button:{button.pk}", actor=str(actor))
    return button, key


def _tracker(number: str) -> Receiver:
    receiver = Receiver.objects.select_related("device", "vehicle").filter(device__public_id=number).first()
    if receiver is None:
        raise Missing(
            _("There is no tracker %(id)s.") % {"id": number},
            code="no_such_tracker",
            field="tracker",
            mend=_("Register it among the receivers first."),
        )
    if Button.objects.filter(device=receiver.device).exists():
        raise Conflict(_("This tracker is a button already."), code="taken", field="tracker")
    return receiver


def heartbeats(device: Device, messages: list[dict[str, Any]], at: datetime) -> None:
    """Buttons say that they are there, and how (a Door's action): battery in per cent or that it is low, whether
    somebody opened it, whether it has power. What devices say that are no buttons of the register is nobody's here."""
    button = Button.objects.select_for_update().filter(device=device).first()
    if button is None:
        return
    last, before = messages[-1], (button.battery, button.tampered_at)
    battery = last.get("battery")
    if isinstance(battery, int) and not isinstance(battery, bool) and 0 <= battery <= 100:
        button.battery = battery
    opened = any(message.get("tamper") is True for message in messages)
    if opened:
        button.tampered_at = at
    elif last.get("tamper") is False:
        button.tampered_at = None
    if (button.battery, button.tampered_at) != before:
        button.save(update_fields=["battery", "tampered_at"])
    actor = Actor("device", device.public_id)
    low = any(message.get("low") is True for message in messages)
    if opened:
        repair(actor, button, Repair.Why.TAMPER, at)
    if any(message.get("power") is False for message in messages):
        repair(actor, button, Repair.Why.POWER, at)
    if low or (button.battery is not None and button.battery <= LOW):
        repair(actor, button, Repair.Why.BATTERY, at)


def look_for_silent(now: datetime | None = None) -> int:
    """Opens a case for each button that is silent and has none (a Task); gives for how many."""
    now = now or timezone.now()
    silent = Button.objects.filter(device__enabled=True, device__state__silent_since__isnull=False)
    buttons = silent.exclude(repairs__case__state__in=OPEN)
    for button in buttons:
        with transaction.atomic():
            # Whoever looks at the same moment waits, and finds the case that is open then.
            Button.objects.select_for_update().filter(pk=button.pk).first()
            repair(system("safety"), button, Repair.Why.SILENT, now)
    return len(buttons)


@transaction.atomic
def not_there(actor: Actor, button_id: int, *, text: str = "", now: datetime | None = None) -> Repair:
    """An operator says that a button is not where the register says. Raises Denied, Missing."""
    require(actor, ANSWER)
    button = Button.objects.select_for_update().filter(pk=button_id).first()
    if button is None:
        raise Missing(_("There is no such button."), code="no_such_button")
    return repair(actor, button, Repair.Why.PLACE, now or timezone.now(), text=text)


def repair(actor: Actor, button: Button, why: str, at: datetime, *, text: str = "") -> Repair:
    """The open case of a button's repair for that reason, which there is one of; a new one where there is none."""
    found = Repair.objects.filter(button=button, why=why, case__state__in=OPEN).first()
    if found is not None:
        return found
    case: Case = cases.open_case(actor, "safety", Agency.objects.get(slug=AGENCY), REPAIR_IN, calendar=ALWAYS, now=at)
    made = Repair.objects.create(case=case, button=button, why=why, text=text.strip()[:1000])
    append("safety", "button.repair", {"why": why, "case": case.pk}, subject=f"button:{button.pk}", actor=str(actor))
    return made


def working(now: datetime | None = None) -> tuple[int, int]:
    """How many buttons are known to work, and how many there are: heard of in time, and nothing to repair."""
    every = Button.objects.filter(device__enabled=True)
    good = every.filter(device__state__last_seen__isnull=False, device__state__silent_since=None)
    return good.exclude(repairs__case__state__in=OPEN).count(), every.count()
