"""Looking through a camera for an alert: who, through which, and for which alert is in the journal before they see it.

Only while the alert is open, and only through cameras near it. Pictures and film come through the city: an operator's
browser needs no way to the camera, and nobody sees its password.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cityhall.engines.cameras import hls
from cityhall.kernel.errors import Conflict, Missing, TooMany
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import camera_calls as calls
from cityhall.services.safety import cameras, stream
from cityhall.services.safety.actions import ANSWER
from cityhall.services.safety.models import Alert, Camera

if TYPE_CHECKING:
    import httpx

AT_ONCE = 6
"""So many questions to cameras go on in a process at one time: one that is slow takes none of the desk's places."""
WAIT_S = 2.0
REST_S = 5.0
"""A camera that could not be reached is not asked again for so long."""
FILM_S = 600
"""So long a film goes on before its page is asked for anew, which is in the journal."""
_SALT = "safety camera film"
_places = threading.BoundedSemaphore(AT_ONCE)
_resting: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser is given: bytes, what they are, and how old the camera says they are (seconds; None: not said)."""

    body: bytes
    content_type: str
    age_s: int | None = None


def may_see(actor: Actor, alert_id: int, camera_id: int) -> tuple[Alert, Camera]:
    """An open alert and a camera near it. Raises Denied, Missing, Conflict once the alert is closed."""
    require(actor, ANSWER)
    alert = Alert.objects.filter(pk=alert_id).first()
    if alert is None:
        raise Missing(_("There is no such alert."), code="no_such_alert")
    if not alert.is_open:
        raise Conflict(
            _("Cameras are shown while an alert is open."), code="not_open", mend=_("Open it again to look.")
        )
    return alert, cameras.near_alert(alert, camera_id)


def picture(actor: Actor, alert_id: int, camera_id: int) -> Shown:
    """What the camera sees now. Raises Denied, Missing, Conflict; Unavailable, TooMany where it cannot be had."""
    _alert, camera = _noted(actor, alert_id, camera_id, "camera.seen")
    if not camera.snapshot_url:
        raise Missing(_("This camera gives no pictures."), code="no_pictures")
    return picture_of(camera)


def watch(actor: Actor, alert_id: int, camera_id: int) -> tuple[Alert, Camera]:
    """Somebody opens the page on which a camera is watched. Raises as `may_see` does."""
    return _noted(actor, alert_id, camera_id, "camera.watched")


@transaction.atomic
def _noted(actor: Actor, alert_id: int, camera_id: int, what: str) -> tuple[Alert, Camera]:
    alert, camera = may_see(actor, alert_id, camera_id)
    append("safety", what, {"camera": camera.pk}, subject=stream.subject(alert.pk), actor=str(actor))
    return alert, camera


def picture_of(camera: Camera) -> Shown:
    """A picture of a camera that gives some, for who has noted down why. Raises Unavailable, TooMany."""
    answer = asked(camera, camera.snapshot_url, calls.PICTURE_BYTES)
    return Shown(answer.body, calls.picture_kind(answer.body), _age(answer.headers))


def _age(headers: httpx.Headers) -> int | None:
    """By the camera's own clock: from when the picture is until when it was sent."""
    try:
        sent, made = (parsedate_to_datetime(headers[name]) for name in ("Date", "Last-Modified"))
        return max(0, round((sent - made).total_seconds()))
    except (KeyError, ValueError, TypeError):
        return None


def asked(camera: Camera, url: str, most: int) -> calls.Answer:
    """A camera's answer, unless it has just failed. Raises Unavailable; TooMany where many are asked now."""
    if _resting.get(url, 0.0) > time.monotonic():
        raise calls.unreachable("it has just failed")
    with _place():
        try:
            return cameras.ask(camera, url, most)
        except BaseException:
            _rest(url)
            raise


def _rest(url: str) -> None:
    now = time.monotonic()
    for one in [one for one, until in list(_resting.items()) if until <= now]:
        _resting.pop(one, None)
    _resting[url] = now + REST_S


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=WAIT_S):
        raise TooMany(_("Many cameras are looked through just now."), code="busy", mend=_("Try it again."), wait_s=2)
    try:
        yield
    finally:
        _places.release()


def film_address(actor: Actor, alert: Alert, camera: Camera) -> str:
    """Where the page that is watched has its film from: for this person, and for FILM_S."""
    return _address(actor, alert.pk, camera, camera.hls_url)


def film(actor: Actor, alert_id: int, camera_id: int, token: str) -> Shown:
    """A playlist, its addresses made ours, or a segment. Raises Missing where it is over; else as `picture` does."""
    _alert, camera = may_see(actor, alert_id, camera_id)
    url = _url(actor, camera, token)
    answer = asked(camera, url, calls.SEGMENT_BYTES)
    if not answer.body.startswith(b"#EXTM3U"):
        return Shown(answer.body, _film_kind(answer.body))
    if len(answer.body) > calls.PLAYLIST_BYTES:
        raise calls.unreachable("its playlist is too long")
    text = answer.body.decode("utf-8", "replace")
    ours = hls.linked(text, lambda one: _address(actor, alert_id, camera, urljoin(url, one)))
    return Shown(ours.encode(), "application/vnd.apple.mpegurl")


def _address(actor: Actor, alert_id: int, camera: Camera, url: str) -> str:
    token = signing.dumps([str(actor), alert_id, camera.pk, url], salt=_SALT, compress=True)
    return reverse("safety_camera_film", args=[alert_id, camera.pk, token])


def _url(actor: Actor, camera: Camera, token: str) -> str:
    try:
        who, _alert_id, number, url = signing.loads(token, salt=_SALT, max_age=FILM_S)
    except (signing.BadSignature, ValueError):
        who, number, url = "", 0, ""
    if who != str(actor) or number != camera.pk:
        raise Missing(_("This film is over: open the camera again."), code="film_over")
    return str(url)


def _film_kind(body: bytes) -> str:
    """MPEG-TS begins with 0x47 (ISO 13818-1), MP4 with the length and name of a box (ISO 14496-12)."""
    if body[:1] == b"\x47":
        return "video/mp2t"
    return "video/mp4" if body[4:8] in (b"ftyp", b"styp", b"moof", b"sidx") else "application/octet-stream"
