"""The texts of a notification, in whichever language its reader has when they look.

What was sent is kept twice: as it read then, and as what made it (`Notification.made`): the messages as the code has
them, before any translation, and the values that go into them.

    {"title": <text>, "body": <text>, "values": {name: <text> | number}}

A <text> is {"say": message} or {"say": message, "context": ...} for a translation, {"join": form, "parts": [<text>]}
for one made of several (Django's `format_lazy`), else a string that is the same in every language.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext

if TYPE_CHECKING:
    from cityhall.kernel.notify.models import Notification

Text = str | Promise
LONGEST_TITLE = 200
"""Characters of a title."""


def write(title: Text, body: Text, values: Mapping[str, Any]) -> tuple[str, str]:
    """Title and body in the active language."""
    said = {name: str(value) if isinstance(value, Promise) else value for name, value in values.items()}
    written = [str(text) % said if said else str(text) for text in (title, body)]
    return written[0][:LONGEST_TITLE], written[1]


def recipe(title: Text, body: Text, values: Mapping[str, Any]) -> dict[str, Any]:
    """What makes these texts in any language; what cannot be taken apart is kept as it reads in the active one."""
    parts = {"title": _apart(title), "body": _apart(body)}
    kept = {name: _apart(value) for name, value in values.items()}
    # Without a translation in it there is nothing to make anew.
    return {**parts, "values": kept} if any(isinstance(one, dict) for one in [*parts.values(), *kept.values()]) else {}


def _apart(value: Any) -> Any:
    if isinstance(value, Promise):
        try:
            function, arguments, named = value.__reduce__()[1][:3]  # type: ignore[misc]
        except (TypeError, ValueError):
            return str(value)
        return _call(getattr(function, "__name__", ""), arguments, named) or str(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def _call(name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any] | None:
    """A lazy text by the function that makes it and what that is given; None for one that is not known here."""
    if named:
        return None
    if name == "gettext" and len(arguments) == 1:
        return {"say": arguments[0]}
    if name == "pgettext" and len(arguments) == 2:
        return {"say": arguments[1], "context": arguments[0]}
    if name == "_format_lazy" and arguments:
        return {"join": _apart(arguments[0]), "parts": [_apart(one) for one in arguments[1:]]}
    return None


def in_language(notification: Notification, language: str) -> Notification:
    """The notification with its texts in a language: a copy, not to be saved; itself where they stay as they are."""
    if not notification.made or language in ("", notification.language):
        return notification
    told = copy(notification)
    with translation.override(language):
        try:
            made = notification.made
            values = {name: _together(value) for name, value in made["values"].items()}
            told.title, told.body = write(_together(made["title"]), _together(made["body"]), values)
        except (KeyError, TypeError, ValueError, IndexError):
            # A translation that asks for what was not given, of a version of the program that is not the sender's.
            return notification
    told.language = language
    return told


def _together(text: Any) -> Any:
    if not isinstance(text, dict):
        return text
    if "join" in text:
        return _together(text["join"]).format(*[_together(one) for one in text["parts"]])
    message, context = text["say"], text.get("context")
    return pgettext(context, message) if context is not None else gettext(message)
