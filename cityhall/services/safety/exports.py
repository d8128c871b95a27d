"""Tables that officers take along: each copy says whose it is and when it was made, and the journal has it too."""

from __future__ import annotations

import base64
import csv
import io
import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.kernel import values
from cityhall.kernel.errors import Denied
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person


@transaction.atomic
def looked(actor: Actor, what: str, first: date, last: date) -> None:
    """Puts into the journal that an officer saw exact figures of these days."""
    data = {"what": what, "first": f"{first}", "last": f"{last}"}
    append("safety", "figures.seen", data, actor=str(actor))


@transaction.atomic
def watermarked(
    actor: Actor, what: str, head: Sequence[str], rows: Sequence[Sequence[Any]], *, now: datetime | None = None
) -> str:
    """A table as CSV in which every line has the number of this copy, under a line that says whose it is and of when.

    The journal keeps number, officer, what and how many rows. Raises Denied for nobody in particular.
    """
    person = Person.objects.filter(pk=actor.person_id or 0).first()
    if person is None:
        raise Denied(_("Sign in first."), code="denied")
    now = now or timezone.now()
    copy = base64.b32encode(secrets.token_bytes(5)).decode().lower()
    data = {"copy": copy, "what": what, "rows": len(rows)}
    append("safety", "export.made", data, subject=f"export:{copy}", actor=str(actor))
    when = now.astimezone(settings.CITY.zone).isoformat(timespec="seconds")
    out = io.StringIO()
    out.write(values.BOM)
    table = csv.writer(out)
    said = _("Copy %(copy)s, made for %(name)s (account %(number)d) at %(when)s. Not to be passed on.")
    table.writerow([said % {"copy": copy, "name": str(person), "number": person.pk, "when": when}])
    table.writerow([*head, "copy"])
    for row in rows:
        table.writerow([*(values.cell(one) for one in row), copy])
    return out.getvalue()
