"""Files by byte ranges (RFC 9110, section 14): who wants a part of a large file need not take all of it."""

from __future__ import annotations

from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse

from cityhall.kernel.values import whole

LARGEST_PART = 16 << 20
"""Bytes of a range that are sent at once; a longer one is answered with its beginning, which the RFC allows."""


def send(
    request: HttpRequest, path: Path, content_type: str, *, cache: str = "", filename: str = ""
) -> HttpResponse | StreamingHttpResponse | FileResponse:
    """A file, or the single range of it that is asked for. With `filename` a browser saves it under that name."""
    size = path.stat().st_size
    span = _range(request.headers.get("Range", ""), size)
    answer: HttpResponse | FileResponse
    if span is None:
        answer = FileResponse(path.open("rb"), content_type=content_type)
    elif span[0] > span[1]:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        answer = _part(path, span[0], min(span[1], span[0] + LARGEST_PART - 1), size, content_type)
    answer["Accept-Ranges"] = "bytes"
    if filename:
        answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    if cache:
        answer["Cache-Control"] = cache
    return answer


def _part(path: Path, first: int, last: int, size: int, content_type: str) -> HttpResponse:
    with path.open("rb") as file:
        file.seek(first)
        body = file.read(last - first + 1)
    return HttpResponse(
        body, status=206, content_type=content_type, headers={"Content-Range": f"bytes {first}-{last}/{size}"}
    )


def _range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range, None where there is none; first > last where it cannot be met."""
    unit, _, spans = header.partition("=")
    start, dash, end = spans.partition("-")
    first, last = whole(start.strip()), whole(end.strip())
    if unit.strip() != "bytes" or not dash or (start and first is None) or (end and last is None):
        return None
    if first is None:
        return None if last is None else (max(0, size - last), size - 1)
    return first, size - 1 if last is None else min(last, size - 1)
