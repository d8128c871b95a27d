"""Keeping what a camera sees: from half a minute before a press, as far as the camera still has that, to one after it.

A window is a row; one process of the city works on all of them, and where it is killed another goes on with what lies
in the city's folder. What came is kept unchanged, together as one piece of evidence: a ZIP of the segments or
pictures with an index of their hashes and times.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.database.alone import alone
from cityhall.kernel.errors import Conflict
from cityhall.kernel.evidence.actions import keep as keep_evidence
from cityhall.kernel.evidence.actions import prolong
from cityhall.kernel.evidence.models import Seal
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.work.aside import passing_over
from cityhall.services.safety import cameras, stream, watching
from cityhall.services.safety.actions import locked, say
from cityhall.services.safety.models import Alert, Window
from cityhall.services.safety.parts import FOLDER, Parts, Taken
from cityhall.services.safety.retention import KEEP
from cityhall.services.safety.workflow import State

BEFORE, AFTER = timedelta(seconds=30), timedelta(seconds=60)
EVERY_S, REST_S = 1.0, 10.0
AT_ONCE = 16
"""Windows that are worked on at one time; more wait, and lose what a camera forgets meanwhile."""
KIND, SEE_EVIDENCE = "safety.camera", "safety.see_evidence"
LOCK = 0x6361_6D65
log = logging.getLogger("cityhall.safety")


@transaction.atomic
def keep(actor: Actor, alert_id: int, camera_id: int, *, now: datetime | None = None) -> Window:
    """An operator has a window of a camera kept for an alert; one that is being kept already is that one.

    Raises Denied, Missing, Conflict where the alert is closed or the camera gives nothing that can be kept.
    """
    alert, camera = watching.may_see(actor, alert_id, camera_id)
    if not camera.keeps:
        raise Conflict(
            _("Its addresses are not known yet: nothing can be kept of it."),
            code="nothing_to_keep",
            mend=_("A supervisor can ask the camera for them."),
        )
    now = now or timezone.now()
    alert = locked(alert.pk)
    running = Window.objects.filter(alert=alert, camera=camera, state=Window.State.RUNNING).first()
    if running is not None:
        return running
    window = Window.objects.create(
        alert=alert, camera=camera, person_id=actor.person_id, since=now - BEFORE, until=now + AFTER
    )
    data = {"window": window.pk, "camera": camera.pk}
    append("safety", "camera.keep", data, subject=stream.subject(alert.pk), actor=str(actor))
    _tell(alert, "keep", actor, now, data)
    return window


def _tell(alert: Alert, what: str, actor: Actor, at: datetime, data: dict[str, Any]) -> None:
    """A line in the alert's log, and the screens."""
    say(alert, what, actor, at, data=data)
    stream.anew(alert)


def run(stop: threading.Event) -> None:
    """Keeps what is asked for until `stop`, in one process of the city (a Runner)."""
    alone("keeping what cameras see", LOCK, partial(_rounds, stop), stop)


def _rounds(stop: threading.Event, holding: psycopg.Connection[Any]) -> Iterator[None]:
    over = threading.Event()
    busy: dict[int, Future[None]] = {}
    sweep()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="window") as pool:
        try:
            while not stop.is_set():
                # On the connection that holds the lock: where that is lost, another process may keep them by now.
                holding.execute("SELECT 1")
                busy = {number: one for number, one in busy.items() if not one.done()}
                running = Window.objects.filter(state=Window.State.RUNNING).exclude(pk__in=busy).order_by("pk")
                for number in running.values_list("pk", flat=True)[: AT_ONCE - len(busy)]:
                    busy[number] = pool.submit(_work, number, over)
                yield
                stop.wait(EVERY_S)
        finally:
            over.set()


def _work(window_id: int, over: threading.Event) -> None:
    """One window, in a thread. What cannot be done rests a while, so that it is no load; others go on."""
    try:
        done = False
        with passing_over("safety.window", window_id):
            record(window_id, over.is_set, sleep=over.wait)
            done = True
        if not done:
            over.wait(REST_S)
    except Exception:
        log.exception("window %s waits", window_id)
        over.wait(REST_S)
    finally:
        connections.close_all()


def sweep() -> int:
    """Takes away what was left of windows that are over, by a process that was killed; gives of how many."""
    folder = Path(settings.CITY_FOLDER) / FOLDER
    left = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    running = Window.objects.filter(state=Window.State.RUNNING).values_list("pk", flat=True)
    over = left.keys() - {str(number) for number in running}
    for name in over:
        shutil.rmtree(left[name], ignore_errors=True)
    return len(over)


def record(
    window_id: int,
    stopped: Callable[[], bool] = lambda: False,
    *,
    now: Callable[[], datetime] = timezone.now,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Takes what the camera gives until the window is over, and keeps it. Where it is `stopped` the rest is left."""
    window = Window.objects.select_related("camera").get(pk=window_id)
    parts = Parts(window)
    missed = 0
    while window.camera is not None and window.state == Window.State.RUNNING and not stopped():
        began = now()
        taken = parts.take(began)
        missed += taken == Taken.NOTHING
        if taken == Taken.ALL or now() >= window.until + parts.late:
            break
        sleep(max(0.0, EVERY_S - (now() - began).total_seconds()))
    parts.close(now())
    if not stopped():
        _finish(window, parts, missed, now())


def _finish(window: Window, parts: Parts, missed: int, now: datetime) -> None:
    """What came is sealed and the window is over, or neither. Done twice it is done once."""
    bundle = parts.bundle() if window.state == Window.State.RUNNING else None
    with transaction.atomic():
        window = Window.objects.select_for_update(of=("self",)).select_related("camera").get(pk=window.pk)
        if window.state == Window.State.RUNNING:
            _kept(window, parts, bundle, missed, now)
    shutil.rmtree(parts.folder, ignore_errors=True)


def _kept(window: Window, parts: Parts, bundle: Path | None, missed: int, now: datetime) -> None:
    alert, who = locked(window.alert_id), system(cameras.subject(window.camera_id or 0))
    window.parts, window.missed = len(parts.files()), missed
    window.state = Window.State.KEPT if bundle else Window.State.NOTHING
    data = {"window": window.pk, "camera": window.camera_id, "parts": window.parts, "missed": missed}
    if bundle:
        name = f"{window.camera or _('camera')} {timezone.localtime(window.since):%Y-%m-%d %H.%M.%S}.zip"
        window.evidence = keep_evidence(
            KIND, stream.subject(alert.pk), bundle, name=name, content_type="application/zip", actor=who
        )
        data["evidence"] = window.evidence.pk
    window.save()
    append("safety", f"camera.{window.state}", data, subject=stream.subject(alert.pk), actor=str(who))
    _tell(alert, window.state, who, now, data)


def keep_with_alerts(now: datetime | None = None) -> int:
    """Every night: what belongs to an alert is kept as long as the alert, and no shorter (a Task); gives how many.

    An alert is kept until KEEP after it is closed; while it is open nothing of it is erased.
    """
    now = now or timezone.now()
    count = 0
    windows = Window.objects.exclude(evidence=None).select_related("alert", "evidence")
    lately = windows.exclude(alert__state=State.CLOSED, alert__closed_at__lt=now - KEEP)
    seals = {seal.evidence_id: seal for seal in Seal.objects.filter(evidence__in=lately.values("evidence"))}
    for window in lately:
        seal = seals.get(window.evidence_id or 0)
        until = (window.alert.closed_at or now) + KEEP
        # An open one is looked at again long before that.
        slack = timedelta(minutes=1) if window.alert.closed_at else KEEP / 2
        if seal is not None and window.evidence is not None and seal.keep_until + slack < until:
            prolong(system("safety"), window.evidence, until, why=str(_("As long as its alert.")))
            count += 1
    return count


def about(subject: str) -> tuple[Any, str]:
    """What a piece is about, for officers (an EvidenceKind's `about`)."""
    number = stream.number(subject)
    return _("Alert %(number)s") % {"number": number}, f"/safety/alerts/{number}/"
