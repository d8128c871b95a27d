"""Warnings of others (CAP 1.0 to 1.2): a weather service or civil protection brings them, a person here releases.

Each message becomes a draft, once by its sender, identifier and moment; an update or a cancellation of one that the
city has released becomes the draft of just that. What is none for the city's people (an exercise, over, elsewhere) is
kept with why. Of a source whose certificate is known only what it has signed is taken; a signature that does not hold
never.
"""

from __future__ import annotations

import logging
import math
import warnings as python_warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.cap.message import Alert, Area, CapError, Info
from cityhall.kernel.devices import registry
from cityhall.kernel.devices.models import Device
from cityhall.kernel.errors import Denied, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point, metres_between
from cityhall.services.safety import warning as actions
from cityhall.services.safety.alarm_companies import CHANGE
from cityhall.services.safety.models import Warning, WarningHeard, WarningSource

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

DEVICE = "warning-source"
MOST_BYTES = 2_000_000
"""Of a request; single messages of nearly 1 MB are common (polygons)."""
USUAL = timedelta(hours=6)
"""How long a warning goes on that does not say until when."""
Why = WarningHeard.Why
CATEGORIES = {"Security": "Safety", "Rescue": "Safety", "CBRNE": "Health"}
"""CAP's categories that the city's own list has under another name."""
UNSURE = {"urgency": "Expected", "severity": "Moderate", "certainty": "Possible"}
"""What stands for a value that a person would not act by ("Unknown", "Unlikely", "Past")."""
log = logging.getLogger("cityhall.safety")


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a message: the draft, or why there is none."""

    identifier: str
    warning: int | None
    why: str


@transaction.atomic
def register(actor: Actor, name: str, certificate: str = "") -> tuple[WarningSource, str]:
    """A source and its key, which is shown this once. Raises Denied, Invalid for what is no certificate in PEM."""
    require(actor, CHANGE)
    if not name.strip():
        raise Invalid(_("It needs a name."), code="no_name", field="name")
    if certificate.strip():
        _certificates(certificate)
    device, key = registry.register(system("safety"), kind=DEVICE, owner="safety", label=name.strip()[:100])
    source = WarningSource.objects.create(device=device, name=name.strip()[:100], certificate=certificate.strip())
    append("safety", "source.registered", {}, subject=f"device:{device.public_id}", actor=str(actor))
    return source, key


def of(device: Device) -> WarningSource:
    """The source that speaks by a device. Raises Denied."""
    source = WarningSource.objects.filter(device=device).first()
    if source is None:
        raise Denied(_("This device brings no warnings."), code="no_source")
    return source


def hear(device: Device, body: bytes, *, now: datetime | None = None) -> list[Became]:
    """Takes what a source brings: a message, or a feed or an envelope of several. The same again becomes the same.

    Raises Denied, Invalid for what is no valid CAP, is not signed though it must be, or not as it was signed.
    """
    now = now or timezone.now()
    source = of(device)
    messages, signed = _read(source, body, now)
    return [_take(source, one, signed, now) for one in messages]


def _read(source: WarningSource, body: bytes, now: datetime) -> tuple[list[Alert], bool]:
    from cityhall.engines.cap import check, read

    trusted = _certificates(source.certificate) if source.certificate else []
    with python_warnings.catch_warnings():
        # A certificate's serial number that is not positive: common among weather services.
        python_warnings.simplefilter("ignore")
        found = check(body, trusted, now.astimezone(UTC) if trusted else None)
    if not found.valid or found.signature_ok is False:
        raise Invalid(found.reason, code="no_cap" if not found.valid else "bad_signature")
    if trusted and not found.signed:
        raise Invalid(
            _("It is not signed, and this source's messages are."),
            code="not_signed",
            mend=_("Sign it, or have the certificate taken out of the register."),
        )
    try:
        return read(body), found.signed
    except CapError as problem:
        raise Invalid(str(problem), code="no_cap") from problem


def _certificates(text: str) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(text.encode())
    except ValueError:
        raise Invalid(
            _("This is no certificate."),
            code="no_certificate",
            field="certificate",
            mend=_("Paste it in PEM, from BEGIN CERTIFICATE to END CERTIFICATE."),
        ) from None


@transaction.atomic
def _take(source: WarningSource, said: Alert, signed: bool, now: datetime) -> Became:
    # One after another, so that one message that comes twice at a moment is one draft.
    WarningSource.objects.select_for_update(no_key=True).get(pk=source.pk)
    names = {"sender": said.sender[:200], "identifier": said.identifier[:200], "sent_at": said.sent}
    before = WarningHeard.objects.filter(source=source, **names).first()
    if before is not None:
        return Became(said.identifier, before.warning_id, before.why)
    actor = Actor("device", source.device.public_id)
    warning, why = _become(source, actor, said, now)
    WarningHeard.objects.create(
        source=source, type=said.msg_type[:10], signed=signed, warning=warning, why=why, heard_at=now, **names
    )
    data = {"source": source.pk, "warning": warning.pk if warning else None, "why": why}
    append("safety", "warning.heard", data, subject=f"source:{source.pk}", actor=str(actor))
    return Became(said.identifier, warning.pk if warning else None, why)


def _become(source: WarningSource, actor: Actor, said: Alert, now: datetime) -> tuple[Warning | None, str]:
    """The draft that a message becomes, or why none."""
    if said.status != "Actual":
        return None, Why.NOT_ACTUAL
    if said.scope != "Public":
        return None, Why.NOT_PUBLIC
    if said.msg_type not in Warning.Type.values:
        return None, Why.NO_WARNING
    old = _before(source, said)
    if said.msg_type == Warning.Type.CANCEL:
        return _cancelled(actor, old, now)
    given = _given(said.infos, now)
    if given is None:
        return None, Why.OVER
    if not _concerns(given):
        return None, Why.ELSEWHERE
    if old is not None and old.state == Warning.State.DRAFT:
        # Nobody has released it yet: what it would have replaced is replaced by this.
        actions.drop_for(actor, old)
        old = Warning.objects.select_for_update().filter(pk=old.replaces_id or 0).first()
    released = old is not None and old.state == Warning.State.RELEASED
    return actions.draft_for(actor, given, replaces=old if released else None, now=now), ""


def _before(source: WarningSource, said: Alert) -> Warning | None:
    """What the city has made of the message that this one changes or takes back; the latest that it names."""
    for reference in reversed(said.references):
        names = {"sender": reference.sender, "identifier": reference.identifier, "sent_at": reference.sent}
        found = WarningHeard.objects.filter(source=source, **names).exclude(warning=None)
        heard = found.select_related("warning").first()
        if heard is not None and heard.warning is not None:
            return Warning.objects.select_for_update().get(pk=heard.warning.pk)
    return None


def _cancelled(actor: Actor, old: Warning | None, now: datetime) -> tuple[Warning | None, str]:
    if old is None or old.state not in (Warning.State.RELEASED, Warning.State.DRAFT):
        return None, Why.OF_NONE
    if old.state == Warning.State.DRAFT:
        actions.drop_for(actor, old)
        return old, ""
    return actions.draft_for(actor, None, replaces=old, now=now), ""


def _given(infos: Sequence[Info], now: datetime) -> dict[str, Any] | None:
    """What a draft wants, of the infos in the city's languages, or of all where none is; None where it is over."""
    known = {code[:2] for code, _name in settings.LANGUAGES}
    own = [one for one in infos if one.language[:2].lower() in known] or list(infos[:1])
    if not own:
        return None
    first = own[0]
    expires = min(first.expires or now + USUAL, now + actions.LONGEST)
    if expires <= now:
        return None
    texts: dict[str, dict[str, str]] = {"headlines": {}, "texts": {}, "instructions": {}}
    for one in own:
        language = one.language[:2].lower()
        language = language if language in known else settings.LANGUAGE_CODE[:2]
        for field, text in (
            ("headlines", one.headline or one.event),
            ("texts", one.description),
            ("instructions", one.instruction),
        ):
            texts[field].setdefault(language, " ".join(text.split())[: actions.LENGTHS[field]])
    category = CATEGORIES.get(first.categories[0], first.categories[0]) if first.categories else "Other"
    return texts | {
        "category": category if category in Warning.Category.values else "Other",
        **{name: _known(name, getattr(first, name)) for name in UNSURE},
        "area": "; ".join(area.description for area in first.areas)[:200],
        **_circle(first.areas),
        "expires_at": expires,
    }


def _known(name: str, said: str) -> str:
    return said if said in actions.CHOICES[name].values else UNSURE[name]


def _circle(areas: Sequence[Area]) -> dict[str, Any]:
    """One circle round all that is told by polygons and circles; none where it is told by codes or words alone."""
    corners = [Point(lon, lat) for area in areas for polygon in area.polygons for lon, lat in polygon]
    rounds = [(Point(*one.centre), one.radius_km * 1000) for area in areas for one in area.circles]
    points = [*corners, *(point for point, _radius in rounds)]
    if not points:
        return {"center": None, "radius_m": None}
    lons, lats = [point.lon for point in points], [point.lat for point in points]
    middle = Point((min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2)
    reach = max(
        [metres_between(middle, point) for point in corners]
        + [metres_between(middle, point) + radius for point, radius in rounds]
    )
    return {"center": middle, "radius_m": max(1, math.ceil(reach))}


def _concerns(given: dict[str, Any]) -> bool:
    """Whether a warning reaches the city. Of whose place nothing can be reckoned, a person says."""
    middle, radius = given["center"], given["radius_m"]
    if middle is None:
        return True
    west, south, east, north = settings.CITY.bounds
    nearest = Point(min(max(middle.lon, west), east), min(max(middle.lat, south), north))
    return bool(metres_between(middle, nearest) <= radius)
