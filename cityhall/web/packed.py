"""Pages and answers of words go out packed: on a slow network most of the wait for one is for its bytes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

WORDS = (
    "text/html",
    "text/plain",
    "text/csv",
    "application/json",
    "application/geo+json",
    "text/xml",
    "application/xml",
)


class Packed(GZipMiddleware):
    """Packs what is made whole; a stream goes out as it is made, and pictures and tiles are packed already.

    Django adds to each a name of random length, so that an answer's length does not tell of a secret in it (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, packed where the browser takes it so."""
        if response.streaming or not response.get("Content-Type", "").startswith(WORDS):
            return response
        return super().process_response(request, response)
