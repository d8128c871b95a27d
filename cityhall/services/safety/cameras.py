"""The register of cameras: entered and changed by supervisors, found by how near they are to an alert.

The name and the password by which a camera is asked are sealed as devices' keys are, and shown to nobody again.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices import keys
from cityhall.kernel.errors import Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point, nearest
from cityhall.kernel.values import url_parts
from cityhall.services.safety import camera_calls as calls
from cityhall.services.safety.camera_calls import Login
from cityhall.services.safety.models import Alert, Camera

CHANGE = "safety.change_cameras"
NEAR_M = 400.0
"""Farther than this a camera shows nothing of an alert; so nobody looks through it either."""
MOST = 4
TRY_S = 2.0
"""How long a stream is listened to that is tried out."""
ADDRESSES = ("device_url", "snapshot_url", "hls_url", "rtsp_url")


@dataclass(frozen=True, slots=True)
class Details:
    """What a supervisor writes of a camera (see models.Camera)."""

    name: str
    point: Point
    owner: str = ""
    heading: int | None = None
    view: int = 90
    device_url: str = ""
    snapshot_url: str = ""
    hls_url: str = ""
    rtsp_url: str = ""
    in_service: bool = True


@dataclass(frozen=True, slots=True)
class Near:
    """A camera near a place: how far in metres, and whether it looks towards it (None: nobody knows)."""

    camera: Camera
    metres: float
    looks: bool | None


@transaction.atomic
def enter(actor: Actor, details: Details, login: Login | None = None) -> Camera:
    """A new camera. Raises Denied, Invalid."""
    require(actor, CHANGE)
    _check(details)
    camera = Camera.objects.create(**_columns(details), login=_sealed(login))
    append("safety", "camera.entered", {}, subject=subject(camera.pk), actor=str(actor))
    return camera


@transaction.atomic
def change(
    actor: Actor, camera_id: int, details: Details, login: Login | None = None, *, forget: bool = False
) -> Camera:
    """Changes a camera; without a `login` it keeps the one it has. Raises Denied, Missing, Invalid.

    One that gets an address on another host forgets its login: a password goes to the host that it was given for.
    """
    require(actor, CHANGE)
    camera = find(camera_id, lock=True)
    _check(details)
    before = hosts(camera)
    columns = _columns(details)
    changed = [name for name, value in columns.items() if getattr(camera, name) != value]
    for name in changed:
        setattr(camera, name, columns[name])
    if login is not None or forget or not hosts(camera) <= before:
        camera.login = _sealed(login)
        changed.append("login")
    camera.save()
    append("safety", "camera.changed", {"fields": changed}, subject=subject(camera.pk), actor=str(actor))
    return camera


@transaction.atomic
def remove(actor: Actor, camera_id: int) -> None:
    """Takes a camera out of the register; what was kept of it stays. Raises Denied, Missing."""
    require(actor, CHANGE)
    find(camera_id, lock=True).delete()
    append("safety", "camera.removed", {}, subject=subject(camera_id), actor=str(actor))


def details_of(camera: Camera) -> Details:
    """What is written of a camera."""
    return Details(**{name: getattr(camera, name) for name in Details.__dataclass_fields__})


def _columns(details: Details) -> dict[str, object]:
    return asdict(details) | {"point": details.point, "name": details.name[:100], "owner": details.owner[:100]}


def _check(details: Details) -> None:
    for name in ADDRESSES[:3]:
        if url := getattr(details, name):
            calls.checked_address(url, name)
    parts = url_parts(details.rtsp_url)
    if details.rtsp_url and (parts.scheme not in ("rtsp", "rtsps") or not parts.hostname or "@" in parts.netloc):
        raise Invalid(
            _("This is no address of a stream."),
            code="no_address",
            field="rtsp_url",
            mend=_("Write it whole, without a name and password in it: rtsp://host/path."),
        )
    if not any(getattr(details, name) for name in ADDRESSES):
        raise Invalid(_("A camera needs an address."), code="no_address", field="device_url")


def _sealed(login: Login | None) -> bytes | None:
    return keys.seal(orjson.dumps([login.name, login.password])) if login else None


def login_of(camera: Camera) -> Login | None:
    """By whom it is asked; None where it asks for nobody. Raises Unavailable where the city's secret has changed."""
    return Login(*orjson.loads(keys.unseal(bytes(camera.login)))) if camera.login else None


def hosts(camera: Camera) -> set[str]:
    """The hosts that it is asked at."""
    return {calls.origin(url)[1] for name in ADDRESSES if (url := getattr(camera, name))}


def registered(camera: Camera, url: str) -> bool:
    """Whether an address is on a server (scheme, host and port) that a supervisor has registered for this camera."""
    return calls.origin(url) in {calls.origin(one) for name in ADDRESSES[:3] if (one := getattr(camera, name))}


def ask(camera: Camera, url: str, most: int) -> calls.Answer:
    """What a camera answers at an address that leads to one of its registered servers. Raises Unavailable."""
    if not registered(camera, url):
        raise calls.unreachable("it is another server than the one that was registered")
    return calls.ask(url, login_of(camera), most)


def ask_device(actor: Actor, camera_id: int) -> list[str]:
    """Asks a camera by ONVIF for its addresses and enters them; gives the names of those that are new.

    Raises Denied, Missing, Invalid where it has no address for that or its answer is none, Unavailable.
    """
    require(actor, CHANGE)
    camera = find(camera_id)
    if not camera.device_url:
        raise Invalid(_("It has no ONVIF address."), code="no_device", mend=_("Write one, or its other addresses."))
    from cityhall.engines.cameras import onvif

    login = login_of(camera)
    who = onvif.Login(login.name, login.password) if login else None

    def ask(url: str, message: bytes) -> bytes:
        # Cameras that take no token in the message ask for a digest by HTTP.
        return calls.ask(url, login, calls.MESSAGE_BYTES, message=message, kind=onvif.CONTENT_TYPE).body

    try:
        found = onvif.addresses(camera.device_url, who, ask, timezone.now, lambda: secrets.token_bytes(16))
    except onvif.Refused as problem:
        raise Invalid(
            _("The camera refuses: %(why)s.") % {"why": str(problem)},
            code="camera_refuses",
            mend=_("Look at its name and password, and whether ONVIF is switched on in it."),
        ) from problem
    return _take(actor, camera_id, {"rtsp_url": found.stream, "snapshot_url": found.snapshot})


def try_out(actor: Actor, camera_id: int) -> int:
    """Asks a camera for a picture or its playlist, so that a supervisor knows that it answers; gives the bytes.

    Raises Denied, Missing, Invalid where it has no address for either, Unavailable. Nobody sees what it shows.
    """
    require(actor, CHANGE)
    camera = find(camera_id)
    if not camera.keeps:
        raise Invalid(_("Its addresses are not known yet: nothing can be tried."), code="nothing_to_try")
    size = 0
    if camera.snapshot_url:
        body = ask(camera, camera.snapshot_url, calls.PICTURE_BYTES).body
        calls.picture_kind(body)
        size += len(body)
    if camera.hls_url:
        body = ask(camera, camera.hls_url, calls.PLAYLIST_BYTES).body
        if not body.startswith(b"#EXTM3U"):
            raise calls.unreachable("what it sent is no playlist")
        size += len(body)
    if camera.rtsp_url and not size:
        from cityhall.services.safety.streams import Stream

        stream = Stream(camera)
        size = sum(map(len, stream.units(TRY_S)))
        stream.close()
    return size


@transaction.atomic
def _take(actor: Actor, camera_id: int, found: dict[str, str]) -> list[str]:
    camera = find(camera_id, lock=True)
    new = [name for name, url in found.items() if url and len(url) <= 500 and getattr(camera, name) != url]
    for name in new:
        if urlsplit(found[name]).scheme.startswith("rtsp") != (name == "rtsp_url"):
            raise Invalid(_("The camera gives an address of another kind."), code="camera_refuses")
        setattr(camera, name, found[name])
    camera.save(update_fields=new)
    append("safety", "camera.asked", {"fields": new}, subject=subject(camera.pk), actor=str(actor))
    return new


def near(point: Point | None) -> list[Near]:
    """The cameras around a place: those that look towards it first, then those of which nobody knows, by metres."""
    if point is None:
        return []
    found = nearest(Camera.objects.filter(in_service=True), *point, count=50, within_m=NEAR_M)
    every = [Near(camera, metres, looks(camera, point)) for camera, metres in found]
    return sorted(every, key=lambda one: ((True, None, False).index(one.looks), one.metres))[:MOST]


def near_alert(alert: Alert, camera_id: int) -> Camera:
    """One of those that are shown beside an alert. Raises Missing for any other."""
    camera = next((one.camera for one in near(alert.point) if one.camera.pk == camera_id), None)
    if camera is None:
        raise Missing(_("There is no such camera near this alert."), code="no_such_camera")
    return camera


def looks(camera: Camera, point: Point) -> bool | None:
    """Whether the place is within what the camera sees, by its direction alone; None where that is not known."""
    if camera.view >= 360:
        return True
    if camera.heading is None:
        return None
    east = (point.lon - camera.point.lon) * math.cos(math.radians(point.lat))
    bearing = math.degrees(math.atan2(east, point.lat - camera.point.lat))
    return abs((bearing - camera.heading + 180) % 360 - 180) <= camera.view / 2


def find(camera_id: int, *, lock: bool = False) -> Camera:
    """A camera by its number. Raises Missing."""
    rows = Camera.objects.select_for_update() if lock else Camera.objects.all()
    camera = rows.filter(pk=camera_id).first()
    if camera is None:
        raise Missing(_("There is no such camera."), code="no_such_camera")
    return camera


def subject(number: int) -> str:
    """What the journal calls a camera."""
    return f"camera:{number}"
