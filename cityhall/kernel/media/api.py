"""HTTP API of uploaded files: send one, look at mine, delete one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from ninja import File, Form, Router, Schema, Status
from ninja.files import UploadedFile
from ninja.params.functions import Query
from ninja.security import django_auth
from pydantic import StringConstraints

from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.media import storing
from cityhall.kernel.media.links import link
from cityhall.kernel.media.models import Media
from cityhall.kernel.people.actors import actor_of, person_of

# The session's cookie says who it is, so Django's CSRF token is asked for with every change.
router = Router(auth=django_auth)
PER_HOUR = 200
"""Files that one source may send an hour."""
Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,50}$")]


class Thumbnail(Schema):
    """A smaller picture; `width` in px."""

    width: int
    url: str


class MediaOut(Schema):
    """An uploaded file. `size` in bytes, `width` and `height` in px, 0 for what is no picture.

    Whoever has a `url` may see the file; those of files that are not public are good for an hour.
    """

    id: int
    content_type: str
    size: int
    width: int
    height: int
    purpose: str
    public: bool
    stored_at: datetime
    url: str
    thumbnails: list[Thumbnail]


def _out(media: Media) -> dict[str, Any]:
    """A media with links, signed now."""
    return {
        "id": media.pk,
        "content_type": media.content_type,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "purpose": media.purpose,
        "public": media.public,
        "stored_at": media.stored_at,
        "url": link(media),
        "thumbnails": [{"width": width, "url": link(media, width)} for width in media.sizes],
    }


@router.post("", response={201: MediaOut}, summary="Send a file")
def upload(request: HttpRequest, file: File[UploadedFile], purpose: Form[Purpose]) -> Status[dict[str, Any]]:
    """A JPEG, PNG, WebP or GIF picture of at most 50 megapixels, or a PDF; at most 20 MB.

    A picture is kept without anything but its pixels: no place, no camera, no time. Nobody but the sender and
    moderators sees the file until a service shows it. 413 where it is too large, 422 where it is damaged or of
    another kind, 429 where there is no room left, or many are sent.
    """
    person_of(request)
    actor = actor_of(request)
    spend("upload", source_of(request), PER_HOUR, 3600)
    with storing.made([file]) as (one,), transaction.atomic():
        media = storing.keep(actor, one, purpose=purpose)
    return Status(201, _out(media))


@router.get("", response=list[MediaOut], summary="My files")
def mine(
    request: HttpRequest,
    before: int = Query(2**62, ge=1, le=2**62, description="Id of the last one of the page before"),
    limit: int = Query(30, ge=1, le=100),
) -> list[dict[str, Any]]:
    """The latest first."""
    return [_out(media) for media in Media.objects.filter(owner=person_of(request), pk__lt=before)[:limit]]


@router.get("/{int:pk}", response=MediaOut, summary="One file")
def one(request: HttpRequest, pk: int) -> dict[str, Any]:
    """With fresh links. 404 for what is neither the person's own nor theirs to moderate."""
    return _out(storing.find(actor_of(request), pk))


@router.delete("/{int:pk}", response={204: None}, summary="Delete a file")
def remove(request: HttpRequest, pk: int) -> Status[None]:
    """Gone at once, with its thumbnails; links to it lead nowhere. 404 as above."""
    actor = actor_of(request)
    storing.delete(actor, storing.find(actor, pk))
    return Status(204, None)
