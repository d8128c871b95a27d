"""Photos of reports: blurred before they are published; where the detector is not sure an officer looks.

What is found is told by `engines/pictures/faces.py`. A photo is looked at in a process of its own, with limits, for it
may be as large as anybody likes to make it.
"""

from __future__ import annotations

import base64
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from cityhall.engines.pictures.faces import Found
from cityhall.kernel.confined import Exceeded, Failed, confined
from cityhall.kernel.media.refusals import unreadable
from cityhall.kernel.media.storing import MAKING, Made, keep, made, path_of
from cityhall.kernel.people.actors import ANONYMOUS
from cityhall.services.reports import photo_model
from cityhall.services.reports.categories import options
from cityhall.services.reports.models import Photo

log = logging.getLogger("cityhall.reports")
LOOKING = "cityhall.engines.pictures.looking"
MEMORY, SECONDS, WRITES = 2**31, 60, 2**27
"""Bytes that looking at a photo may take, seconds of a processor, and bytes of what is made of it."""


def look_at(photo: Photo) -> Photo:
    """Looks for faces and plates: publishes the photo with them blurred, or lets it wait for an officer.

    `publish_photos = "officer"` in [service.reports] of city.toml lets every photo wait. Not to be called in a
    transaction, which would be held up for seconds.
    """
    automatic = options().get("publish_photos", "detector") == "detector"
    with _place() as public:
        found, embedding = seen_in(photo, public if automatic else None)
        photo.found = [list(box) for box in found.boxes]
        copies = [public.read_bytes()] if found.sure and automatic else []
        with made(copies, patient=True) as ready, transaction.atomic():
            photo.state = Photo.State.WAITING
            for copy in ready:
                set_public(photo, copy)
            photo.save(update_fields=["found", "state", "published"])
            if embedding:
                photo_model.keep(photo, embedding)
    return photo


def seen_in(photo: Photo, public: Path | None) -> tuple[Found, bytes]:
    """What is to be blurred in a photo, and what the network makes of a resident's (b"" of another's, or none).

    Where that is sure the blurred copy is written to `public`.
    """
    try:
        seen = _confined("look", str(path_of(photo.media)), _network(photo), str(public or ""))
    except Exception:
        # A detector that fails must not let a photo through.
        log.exception("photo %s could not be looked at", photo.pk)
        return Found((), sure=False), b""
    boxes = tuple((box[0], box[1], box[2], box[3]) for box in seen["boxes"])
    return Found(boxes, sure=seen["sure"]), base64.b64decode(seen["embedding"])


def embed(photo: Photo) -> None:
    """Keeps what the network makes of a resident's photo, for the suggestion to learn from. A failure is only noted."""
    network = _network(photo)
    if not network:
        return
    try:
        seen = _confined("embedding", str(path_of(photo.media)), network)
    except Exception:
        log.exception("photo %s could not be learned from", photo.pk)
    else:
        photo_model.keep(photo, base64.b64decode(seen))


@contextmanager
def public_copy(photo: Photo) -> Iterator[Made]:
    """The copy for the public, with what was found blurred; for `set_public`, and to be opened before a transaction.

    Raises Invalid for a photo that takes too much, and what `media.storing.made` does.
    """
    with _place() as public:
        try:
            _confined("blur", str(path_of(photo.media)), photo.found, str(public))
        except (Exceeded, Failed):
            raise unreadable() from None
        with made([public.read_bytes()], patient=True) as (one,):
            yield one


def set_public(photo: Photo, copy: Made) -> None:
    """Keeps the public copy, in the caller's transaction, who saves the photo."""
    photo.published = keep(ANONYMOUS, copy, purpose="report-public", public=True)
    photo.state = Photo.State.PUBLISHED


def _network(photo: Photo) -> str:
    """The network's file, for a resident's photo; "" for another's, or where it cannot be made."""
    if photo.kind != Photo.Kind.RESIDENT:
        return ""
    try:
        return str(photo_model.network_file())
    except Exception:
        log.exception("there is no network for photos to be learned from")
        return ""


def _confined(what: str, *values: Any) -> Any:
    return confined(f"{LOOKING}:{what}", *values, memory=MEMORY, seconds=SECONDS, writes=WRITES)


@contextmanager
def _place() -> Iterator[Path]:
    """Where a public copy may be written; gone afterwards."""
    making = Path(settings.MEDIA_ROOT) / MAKING
    making.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=making) as folder:
        yield Path(folder) / "public"
