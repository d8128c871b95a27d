"""What is said most between a caller and the desk: one press, and each side reads it in their own language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CALLER: dict[str, str | Promise] = {
    "mute": _("I cannot speak"),
    "hidden": _("I am hidden"),
    "hurt": _("I am hurt"),
    "no_door": _("Send nobody to the door"),
    "safe": _("I am out of danger"),
}
"""For whoever has no time, no voice or no words to write. "I am out of danger" is said, and calls nothing off."""
DESK: dict[str, str | Promise] = {
    "coming": _("Help is on its way."),
    "stay": _("Stay where you are."),
    "quiet": _("Stay quiet. You need not answer."),
    "people": _("Go to where other people are, if you safely can."),
    "where": _("Where are you? Write what you see around you."),
    "hurt_q": _("Is anybody hurt?"),
    "door": _("Open the door only when we tell you."),
    "nod": _("Nod if you hear us and cannot speak."),
}
PHRASES = CALLER | DESK
CAUTION = "no_door"
"""Whoever is sent must know it: it stands above what was written."""
