"""Serving media, with headers that let a browser show it and nothing else."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cityhall.kernel.errors import Missing
from cityhall.kernel.media.links import SECONDS, checked_width, opened
from cityhall.kernel.media.models import Media
from cityhall.kernel.media.storing import path_of

SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}


@require_safe
def signed(request: HttpRequest, token: str) -> HttpResponseBase:
    """A file by its signed link."""
    media, width = opened(token)
    return _served(request, media, width, f"private, max-age={SECONDS}")


@require_safe
def public(request: HttpRequest, digest: str, width: int) -> HttpResponseBase:
    """A public file; its address is its content's, so it never changes."""
    media = Media.objects.filter(digest=digest, public=True).first()
    if media is None:
        raise Missing(_("This file is gone."), code="gone")
    return _served(request, media, checked_width(media, width), "public, max-age=31536000, immutable")


def _served(request: HttpRequest, media: Media, width: int, caching: str) -> HttpResponseBase:
    tag = f'"{media.digest[:32]}-{width}"'
    response: HttpResponseBase
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponseNotModified()
    else:
        content_type = "image/webp" if width else media.content_type
        try:
            file = path_of(media, width).open("rb")
        except FileNotFoundError:
            raise Missing(_("This file is gone."), code="gone") from None
        response = FileResponse(
            file,
            content_type=content_type,
            as_attachment=not content_type.startswith("image/"),
            filename=f"{media.purpose}-{media.pk}.{SUFFIX.get(content_type, 'bin')}",
        )
    response["ETag"] = tag
    response["Cache-Control"] = caching
    response["X-Content-Type-Options"] = "nosniff"
    # Even a file that a browser took for a page could do nothing.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
