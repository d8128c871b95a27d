"""Keeping uploads: checked, addressed by their content, shared where equal, removed with the last that needs them."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.confined import Exceeded, Failed, confined
from cityhall.kernel.database.outage import OF_THE_DISK
from cityhall.kernel.errors import Denied, Missing
from cityhall.kernel.media.limits import MOST_PIXELS
from cityhall.kernel.media.models import Media
from cityhall.kernel.media.refusals import busy, no_room, no_such_type, too_large, too_many_pixels, unreadable
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may

LARGEST = 20_000_000
"""Bytes a file may have."""
ROOM = 1_000_000_000
"""Bytes that one person's files may have together."""
PDF = "application/pdf"
ORPHAN_SECONDS = 86_400


MAKING = "making"
"""The folder of what is being made; who makes it removes it."""
MEMORY, SECONDS, WRITES = 2**30, 15, 2**28
"""Bytes that making pictures anew may take, seconds for each, and bytes of what is made of one."""
AT_ONCE, WAITING = 2, 2
"""Requests whose pictures a process makes anew at once, and those that wait for it: fewer than it has threads."""
BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8")
"""How JPEG, PNG, WebP and GIF begin."""
FULL = tuple(f"OSError: [Errno {number}]" for number in OF_THE_DISK)
"""How the process with limits says that there is no room on the disk."""
log = logging.getLogger(__name__)
_turn, _room = BoundedSemaphore(AT_ONCE), BoundedSemaphore(AT_ONCE + WAITING)


@dataclass(frozen=True, slots=True)
class Made:
    """An upload that was made safe. `position`: (lon, lat), degrees, as the camera said; it is kept nowhere.

    `files`: the whole one by 0, thumbnails by their width in px, which are `sizes`; `size` in bytes.
    """

    content_type: str
    width: int
    height: int
    sizes: list[int]
    size: int
    digest: str
    position: tuple[float, float] | None
    files: dict[int, Path]


class Readable(Protocol):
    """Django's uploaded files and Python's open ones."""

    def read(self, size: int = ..., /) -> bytes: ...


def folder(digest: str) -> Path:
    """Where the files of a content lie."""
    return Path(settings.MEDIA_ROOT) / digest[:2] / digest[2:4] / digest


def path_of(media: Media, width: int = 0) -> Path:
    """The file of a media, or of its thumbnail of `width` px."""
    return folder(media.digest) / (f"{width}.webp" if width else "whole")


def store(actor: Actor, file: Readable | bytes, *, purpose: str, public: bool = False, patient: bool = False) -> Media:
    """Checks an upload, makes it anew and keeps it, in the caller's transaction. Raises what `made` and `keep` do."""
    with made([file], patient=patient) as (one,):
        return keep(actor, one, purpose=purpose, public=public)


@contextmanager
def made(files: Sequence[Readable | bytes], *, patient: bool = False) -> Iterator[list[Made]]:
    """Checks uploads and makes them anew, for `keep`; to be opened before a transaction, which it would hold up.

    What each is, is decided by its bytes, never by its name. A picture is made anew, upright and without anything but
    its pixels, and gets thumbnails. Where the block fails, what `keep` has kept in it is removed. Raises TooLarge
    (TooMany) over 20 MB or 50 megapixels, Invalid for what is damaged or of another kind than JPEG, PNG, WebP, GIF,
    PDF, TooMany where too many are being made already, unless the caller is `patient`, OSError where there is no room
    on the disk.
    """
    contents = [file if isinstance(file, bytes) else file.read(LARGEST + 1) for file in files]
    for data in contents:
        _look_at(data)
    if not contents:
        yield []
        return
    place = Path(settings.MEDIA_ROOT) / MAKING
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as name:
        ready = _made(contents, Path(name), patient)
        try:
            yield ready
        except BaseException:
            for digest in {one.digest for one in ready}:
                remove_unused(digest)
            raise


def _look_at(data: bytes) -> None:
    """What can be seen without reading a file. Raises TooLarge, Invalid."""
    if len(data) > LARGEST:
        raise too_large(LARGEST)
    # A PDF is not made anew, so it is only ever given to be saved, never to be run by the browser (see views.py).
    is_pdf = data.startswith(b"%PDF-") and b"%%EOF" in data[-2048:]
    if not is_pdf and not data.startswith(BEGINNINGS):
        raise no_such_type()


def _made(contents: list[bytes], place: Path, patient: bool) -> list[Made]:
    pictures = [data for data in contents if not data.startswith(b"%PDF-")]
    for number, data in enumerate(pictures):
        (place / f"{number}").write_bytes(data)
    about = iter(enumerate(_pictures(len(pictures), place, patient)) if pictures else ())
    ready = []
    for number, data in enumerate(contents):
        if data.startswith(b"%PDF-"):
            whole = place / f"{number}.pdf"
            whole.write_bytes(data)
            ready.append(Made(PDF, 0, 0, [], len(data), sha256(data).hexdigest(), None, {0: whole}))
        else:
            at, one = next(about)
            files = {0: place / f"{at}.whole"} | {width: place / f"{at}.{width}.webp" for width in one["sizes"]}
            position = (one["position"][0], one["position"][1]) if one["position"] else None
            ready.append(Made(**one | {"position": position}, files=files))
    return ready


def _pictures(count: int, place: Path, patient: bool) -> list[dict[str, Any]]:
    """What images.make gives, a few at a time in this process and each within limits."""
    if not _room.acquire(blocking=patient):
        raise busy()
    try:
        with _turn:
            found: list[dict[str, Any]] = confined(
                "cityhall.kernel.media.images:make",
                count,
                str(place),
                memory=MEMORY,
                seconds=SECONDS * count,
                writes=WRITES,
            )
            return found
    except Failed as problem:
        if str(problem).startswith(FULL):
            # Which is not the picture's doing.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
        code = str(problem).removeprefix("Unfit: ")
        raise {"too_many_pixels": too_many_pixels(MOST_PIXELS), "unknown_type": no_such_type()}.get(
            code, unreadable()
        ) from None
    except Exceeded as problem:
        log.warning("a picture took more than it may: %s", problem)
        raise unreadable() from None
    finally:
        _room.release()


def keep(actor: Actor, one: Made, *, purpose: str, public: bool = False) -> Media:
    """Keeps what was made of an upload, in the caller's transaction.

    Raises TooMany where the person's files have over 1 GB together.
    """
    if actor.person_id is not None and _used(actor.person_id) + one.size > ROOM:
        raise no_room(ROOM)
    media = Media(
        owner_id=actor.person_id,
        purpose=purpose,
        public=public,
        content_type=one.content_type,
        width=one.width,
        height=one.height,
        sizes=one.sizes,
        size=one.size,
        digest=one.digest,
    )
    with transaction.atomic():
        _lock(media.digest)
        for width, file in one.files.items():
            _put(file, path_of(media, width))
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


def _put(file: Path, path: Path) -> None:
    """Puts a file where it belongs so that it is there whole or not at all; the same may have been put before."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    shutil.copyfile(file, draft)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
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
    """Removes files that no media needs, left by processes that were killed; gives how many contents."""
    removed = 0
    for place in _contents():
        # Both are the machine's time.
        if time.time() - place.stat().st_mtime > ORPHAN_SECONDS:  # noqa: TID251
            removed += remove_unused(place.name)
    for place in (Path(settings.MEDIA_ROOT) / MAKING).glob("*"):
        if time.time() - place.stat().st_mtime > ORPHAN_SECONDS:  # noqa: TID251
            shutil.rmtree(place, ignore_errors=True)
    return removed
