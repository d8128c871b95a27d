"""An ASGI application that answers everything with one word."""

from typing import Any


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Says "word"."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"word"})
