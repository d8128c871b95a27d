"""Scenes of the jobs of the control desk and of what is kept as evidence."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from cityhall.kernel.devices.models import DeviceState
from cityhall.kernel.evidence import actions as evidence
from cityhall.kernel.evidence import sealing
from cityhall.kernel.evidence.declares import EvidenceKind
from cityhall.kernel.evidence.kinds import kinds
from cityhall.kernel.people.actors import ANONYMOUS, system
from cityhall.services.safety import actions, afterwards, desk, escorts, handovers, loading, premises
from cityhall.services.safety.models import Alert, Escort, Premise, Shift
from cityhall.services.safety.pressing import press
from tests.running.twice.scenes import LONG_AGO, Stage, scene
from tests.services.reports.conftest import jpeg
from tests.services.safety.conftest import CENTER, at_desk, officer, put_up

THEN = datetime(2025, 5, 15, 13, tzinfo=UTC)


def closed_then(*keys: str) -> list[str]:
    """Calls of then that an operator has closed; the codes that follow them."""
    ana = at_desk("ana", now=THEN)
    codes = []
    for key in keys:
        made = press(ANONYMOUS, key, kind="harassment", point=CENTER, place="Bus 7", text="He follows me.", at=THEN)
        actions.answer(ana, made.alert.pk, now=THEN)
        actions.close(ana, made.alert.pk, "helped", now=THEN)
        codes.append(made.code)
    desk.end(ana, now=THEN)
    return codes


KEYS = tuple(f"{number}123456789abcdef" for number in range(3))


@scene("safety.silent")
def silent_buttons(stage: Stage) -> dict[str, Any]:
    loading.load(lambda what, share: None)
    for number in range(3):
        made = put_up(f"Pole {number}")
        DeviceState.objects.create(device=made.button.device, silent_since=timezone.now() - timedelta(hours=1))
    return {}


@scene("safety.erase")
def alerts_of_then(stage: Stage) -> dict[str, Any]:
    closed_then(*KEYS)
    then = timezone.now() - LONG_AGO
    Alert.objects.update(closed_at=then)
    Shift.objects.update(ended_at=then)
    return {}


@scene("safety.publish")
def year_that_is_over(stage: Stage) -> dict[str, Any]:
    closed_then(*KEYS)
    moment = datetime(2026, 2, 1, 13, tzinfo=UTC)
    stage.patch.setattr("django.utils.timezone.now", lambda: moment)
    return {}


@scene("safety.erase-statements")
def statements_of_then(stage: Stage) -> dict[str, Any]:
    for code in closed_then(*KEYS):
        afterwards.choose(code, "support", now=THEN)
        afterwards.state(code, "He followed me to the door.", now=THEN)
    Alert.objects.update(closed_at=timezone.now() - LONG_AGO)
    return {}


@scene("safety.erase-escorts")
def ways_of_then(stage: Stage) -> dict[str, Any]:
    for _number in range(3):
        escorts.here(escorts.begin(ANONYMOUS, 30, now=THEN).own, CENTER, now=THEN)
    Escort.objects.update(until=timezone.now() - LONG_AGO)
    return {}


@scene("safety.erase-premises")
def places_of_then(stage: Stage) -> dict[str, Any]:
    eva = officer("eva", "supervisor")
    for number, plan in enumerate(([jpeg()], [jpeg(seed=2)], [])):
        premises.keep(eva, premises.Given(f"House {number}", point=CENTER, note="The gate sticks.", plan=plan))
    Premise.objects.update(until=THEN.date())
    return {}


@scene("safety.erase-handovers")
def notes_of_then(stage: Stage) -> dict[str, Any]:
    ana = at_desk("ana", now=THEN)
    for number in range(3):
        handovers.hand_over(ana, None, f"Look after button {number}.", now=THEN)
    desk.end(ana, now=THEN)
    return {}


@scene("evidence.sweep")
def files_of_nothing(stage: Stage) -> dict[str, Any]:
    kind = EvidenceKind("film", "Film", "guards.see_film", retention_days=30)
    stage.patch.setattr("cityhall.kernel.evidence.actions.kinds", lambda: {**kinds(), "guards.film": kind})
    kept = evidence.keep(
        "guards.film", "alert:1", b"what was seen", name="a", content_type="video/mp4", actor=system("test")
    )
    place = sealing.path_of(kept.uid)
    for name in ("0" * 32 + ".sealed", "1" * 32 + ".sealed", "half written"):
        (place.parent / name).write_bytes(b"left by a process that was killed")
    for path in place.parent.iterdir():
        os.utime(path, (0, 0))
    return {}
