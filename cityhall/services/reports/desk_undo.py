"""What an officer did last at the desk, said with a button that undoes it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cityhall.kernel.cases.undo import UNDO_FOR
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.values import whole
from cityhall.services.reports import actions
from cityhall.services.reports import inbox as boxes

MOST_WARNED = 5
DONE = "reports_done"
"""Key of the session."""


def warn(request: HttpRequest, refused: dict[int, CityhallError]) -> None:
    for number, problem in list(refused.items())[:MOST_WARNED]:
        messages.warning(request, f"{number}: {problem}")


def offer(request: HttpRequest, step: str, ids: list[int], said: str) -> None:
    """Keeps what the officer did last with the session: the pages say it, and let it be undone while it can."""
    until = timezone.now() + UNDO_FOR
    request.session[DONE] = {"step": step, "ids": ids, "said": said, "until": until.timestamp()}


def done(request: HttpRequest) -> dict[str, Any] | None:
    """What was done last, while it can be undone."""
    kept: dict[str, Any] | None = request.session.get(DONE)
    return kept if kept and timezone.now().timestamp() < kept["until"] else None


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Takes back a step of one or many reports, each in a transaction of its own; says which could not be."""
    actor, post = actor_of(request), request.POST
    ids = dict.fromkeys(number for text in post.getlist("report") if (number := whole(text)) is not None)
    undone, refused = [], {}
    for number in list(ids)[:500]:
        try:
            actions.undo(actor, number, post.get("step", ""))
            undone.append(number)
        except CityhallError as problem:
            refused[number] = problem
    request.session.pop(DONE, None)
    if undone:
        messages.success(request, _("Undone: %(count)d.") % {"count": len(undone)})
    warn(request, refused)
    if post.get("then") == "case" and len(ids) == 1:
        return redirect("reports_case", report_id=next(iter(ids)))
    return redirect(f"/reports/desk/?{urlencode(boxes.read_filter(post))}")
