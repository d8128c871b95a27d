"""What may be asked for in one's own words."""

from __future__ import annotations

import secrets
from typing import Any

from django.utils.translation import gettext as _

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.values import whole
from cityhall.services.safety import escorts
from cityhall.services.safety.calling import by_code
from cityhall.services.safety.pressing import press
from cityhall.services.safety.workflow import State


def call(actor: Actor, text: str = "") -> dict[str, Any]:
    """Calls for help: what was said goes to the desk at once."""
    made = press(actor, secrets.token_hex(16), text=text)
    said = _("The control desk has your call. Its code is %(code)s: with it you can follow it.") % {"code": made.code}
    return {"text": said, "url": f"/safety/call/{made.code}/"}


def follow(actor: Actor, text: str = "") -> dict[str, Any]:
    """How a call stands, by its code. Raises Missing for a code that follows none."""
    alert = by_code(text)
    return {"text": _("Your call is %(state)s.") % {"state": State(alert.state).label}}


def escort(actor: Actor, minutes: str = "") -> dict[str, Any]:
    """Begins a way that others follow; for half an hour where no time is said. Raises Invalid."""
    number = "".join(letter for letter in minutes if letter.isdigit())
    made = escorts.begin(actor, whole(number) or 0 if number else 30)
    watch = f"/safety/escort/watch/{made.watch}/"
    said = _("Send this link to those who shall follow you: %(link)s. Say when you have arrived.") % {"link": watch}
    return {"text": said, "url": f"/safety/escort/way/{made.own}/", "watch": watch}
