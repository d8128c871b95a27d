"""Telling somebody what their press did, with the way back beside it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest


def done(request: HttpRequest, text: str, undo: str) -> None:
    """Says `text` on the next page they see, with a button "Undo" that posts to the address `undo`."""
    # The tags of a message are ours: the page's banner takes them for the address.
    messages.success(request, text, extra_tags=undo)
