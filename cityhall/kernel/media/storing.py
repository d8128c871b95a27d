"""Keeping uploads: checked, addressed by their content, shared where equal, removed with the last that needs them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Denied, Missing
from cityhall.kernel.media.images import picture
from cityhall.kernel.media.models import Media
from cityhall.kernel.media.refusals import no_room, no_such_type, too_large
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may

LARGEST = 20_000_000
"""Bytes a file may have."""
ROOM = 1_000_000_000
"""Bytes that one person's files may have together."""
PDF = "application/pdf"
ORPHAN_SECONDS = 86_400


class Readable(Protocol):
    """Django's uploaded files and Python's open ones."""

    def read(self, size: int = ..., /) -> bytes: ...


def folder(digest: str) -> Path:
    """Where the files of a content lie."""
    return Path(settings.MEDIA_ROOT) / digest[:2] / digest[2:4] / digest


def path_of(media: Media, width: int = 0) -> Path:
    """The file of a media, or of its thumbnail of `width` px."""
    return folder(media.digest) / (f"{width}.webp" if width else "whole")


def store(actor: Actor, file: Readable | bytes, *, purpose: str, public: bool = False, position: bool = False) -> Media:
    """Keeps an upload in the caller's transaction; what it is, is decided by its bytes, never by its name.

    A picture is made anew, upright and without anything but its pixels, and gets thumbnails. With `position` the
    media's `position` is (lon, lat) where the camera wrote it down; it is kept nowhere. Raises TooLarge (TooMany)
    over 20 MB or 50 megapixels, TooMany where the person's files have over 1 GB together, Invalid for what is damaged
    or of another kind than JPEG, PNG, WebP, GIF, PDF.
    """
    data = file if isinstance(file, bytes) else file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise too_large(LARGEST)
    if actor.person_id is not None and _used(actor.person_id) + len(data) > ROOM:
        raise no_room(ROOM)
    media = Media(owner_id=actor.person_id, purpose=purpose, public=public)
    thumbnails: dict[int, bytes] = {}
    if data.startswith(b"%PDF-"):
        # Not made anew, so it is only ever given to be saved, never to be run by the browser (see views.py).
        if b"%%EOF" not in data[-2048:]:
            raise no_such_type()
        media.content_type = PDF
    else:
        made = picture(data)
        data, thumbnails = made.data, made.thumbnails
        media.content_type, media.width, media.height = made.content_type, made.width, made.height
        media.position = made.position if position else None
    media.digest = sha256(data).hexdigest()
    media.size = len(data)
    media.sizes = sorted(thumbnails)
    with transaction.atomic():
        _lock(media.digest)
        _write(path_of(media), data)
        for width, thumbnail in thumbnails.items():
            _write(path_of(media, width), thumbnail)
        media.save()
    return media


def _used(person_id: int) -> int:
    """Bytes of a person's files."""
    return Media.objects.filter(owner_id=person_id).aggregate(total=Sum("size"))["total"] or 0


def find(actor: Actor, pk: int) -> Media:
    """A media that the actor may see: their own, or any for officers with `media.delete`, who have to judge it.

    Raises Missing for any other, whether there is one or not.
    """
    media = Media.objects.filter(pk=pk).first() if 0 < pk < 2**63 else None
    own = media is not None and actor.person_id is not None and actor.person_id == media.owner_id
    if media is None or not (own or may(actor, "media.delete")):
        raise Missing(_("This file is gone."), code="gone")
    return media


def _lock(digest: str) -> None:
    """Holds others off this content until the transaction ends: storing and removing must not cross."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"media {digest}"])


def _write(path: Path, data: bytes) -> None:
    """Writes a file so that it is there whole or not at all."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@transaction.atomic
def delete(actor: Actor, media: Media) -> None:
    """Removes a media; its files go with the last one of the same content. Raises Denied for who may not.

    The owner may, and officers with `media.delete`.
    """
    from cityhall.kernel.journal import append

    own = actor.person_id is not None and actor.person_id == media.owner_id
    if not own and not may(actor, "media.delete"):
        raise Denied(_("Only who uploaded this may delete it."), code="denied")
    append("media", "media.deleted", {"purpose": media.purpose}, subject=f"media:{media.pk}", actor=str(actor))
    media.delete()


def forget_files(sender: Any, instance: Media, **_values: Any) -> None:
    """After any deletion of a row, also by cascade: removes the files once that is certain."""
    transaction.on_commit(lambda: remove_unused(instance.digest))


def remove_unused(digest: str) -> bool:
    """Removes a content's files where no media needs them; gives whether it did."""
    with transaction.atomic():
        # Looked at again under the lock: the same content may have been stored since.
        _lock(digest)
        if Media.objects.filter(digest=digest).exists():
            return False
        place = folder(digest)
        with suppress(FileNotFoundError):
            for file in place.iterdir():
                file.unlink(missing_ok=True)
            place.rmdir()
        return True


def _contents() -> Iterator[Path]:
    yield from Path(settings.MEDIA_ROOT).glob("??/??/*")


def sweep() -> int:
    """Removes files that no media needs, left by transactions that were rolled back; gives how many contents."""
    removed = 0
    for place in _contents():
        # Both are the machine's time.
        if time.time() - place.stat().st_mtime > ORPHAN_SECONDS:  # noqa: TID251
            removed += remove_unused(place.name)
    return removed
