"""Reading pages in tests."""

from __future__ import annotations

from django.http import HttpResponse


def main_of(answer: HttpResponse) -> str:
    """What is of a page itself, without the shell around it."""
    return answer.content.decode().partition("<main")[2].partition("</main>")[0]
