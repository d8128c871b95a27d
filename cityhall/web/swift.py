"""Answers that are the same for everybody and asked thousands of times a second (tiles), given before Django.

Django's chain of middleware takes some milliseconds, most of a tile's time; none of it is needed here: nobody is asked
who they are and nothing is changed. A service names such answers in its manifest (`swift`); one that cannot be given at
once (None) goes the usual way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpResponse

from cityhall.kernel.service import declared, resolve
from cityhall.web.declares import Swift
from cityhall.web.security import headers

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]


def swift(application: Application) -> Application:
    """An ASGI application that asks the services' swift answers first."""
    answers = {item.prefix: resolve(item.answer) for _service, item in declared(Swift)}

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            for prefix, answer in answers.items():
                if scope["path"].startswith(prefix):
                    asked = dict(scope["headers"])
                    given: HttpResponse | None = answer(scope["path"], scope["query_string"], asked)
                    if given is not None:
                        safe = headers(scope.get("scheme", "http"), asked.get(b"x-forwarded-proto"))
                        await _send(given, safe, send, body=scope["method"] == "GET")
                        return
        await application(scope, receive, send)

    return served


async def _send(answer: HttpResponse, safe: Headers, send: Send, *, body: bool) -> None:
    own = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.items()]
    length = (b"content-length", str(len(answer.content)).encode())
    given = [*own, *safe, *([] if answer.status_code in (204, 304) else [length])]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": given})
    await send({"type": "http.response.body", "body": answer.content if body else b""})
