"""One family of errors. Actions raise them; every door (page, API, assistant, device) knows how to show them.

Each carries a stable `code` for programs, a translated `message` that says what is wrong, and a `mend` that says
what to do about it. `field` names the input at fault, where there is one.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class CityhallError(Exception):
    """Base of what an action refuses. `status` is the HTTP status a web door answers with.

    `wait_s` is after how many seconds it may be tried again, 0 where that is not known.
    """

    status = 400

    def __init__(self, message: Text, *, code: str = "", mend: Text = "", field: str = "", wait_s: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__.lower()
        self.mend = mend
        self.field = field
        self.wait_s = wait_s

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()

    def to_dict(self) -> dict[str, Any]:
        """The error as every HTTP API answers it (in the language now active)."""
        body: dict[str, Any] = {"code": self.code, "message": str(self.message)}
        if self.mend:
            body["mend"] = str(self.mend)
        if self.field:
            body["field"] = self.field
        return body


class Invalid(CityhallError):
    """The input cannot be right, whoever sends it."""

    status = 422


class Denied(CityhallError):
    """The actor may not do this."""

    status = 403


class Missing(CityhallError):
    """There is no such thing, or the actor may not know of it."""

    status = 404


class Conflict(CityhallError):
    """Right in itself, but not in the present state (taken, closed, already done)."""

    status = 409


class TooMany(CityhallError):
    """A rate or size limit was reached; trying later or smaller will do."""

    status = 429


class Unavailable(CityhallError):
    """Something this stands on is not there now; trying later will do."""

    status = 503


def unkeepable() -> Invalid:
    """For what the database does not take, wherever it came in: NUL in a text, a number beyond its column."""
    return Invalid(
        _("There is a value in it that cannot be kept."),
        code="unkeepable",
        mend=_("Leave out control characters and numbers that are far too large."),
    )
