"""How a resident follows a report without an account, and hears of what happens to it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.models import Case, Comment
from cityhall.kernel.cases.workflow import OPEN, UNDO, State, Transition
from cityhall.kernel.errors import Invalid, Missing
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.services.reports import heat
from cityhall.services.reports.limits import count_refused
from cityhall.services.reports.models import CellCount, Report

SECRET_BYTES = 32
KEY = re.compile(r"[A-Za-z0-9_-]{22,100}")
"""A key of at least 128 bits in base64url or as a UUID: whoever knows it gets the link, so it must not be guessed."""
MAIL_LINK_DAYS = 365
_mail_salt = "report mail link"


def new_secret(key: str = "") -> str:
    """The secret of a report's link, 256 bits as base64url; with a filing's key the same for the same key.

    So a filing that is sent again because its answer was lost gets its link after all, though only its hash is kept.
    Raises Invalid for a key that could be guessed.
    """
    if not key:
        return secrets.token_urlsafe(SECRET_BYTES)
    if not KEY.fullmatch(key):
        raise Invalid(
            _("This is no key for a filing."),
            code="bad_key",
            field="key",
            mend=_("Use a random UUID, or 22 to 100 random letters and digits."),
        )
    made = hmac.new(settings.SECRET_KEY.encode(), f"report link {key}".encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def digest(secret: str) -> bytes:
    """What is kept of a secret. It has 256 bits of chance in it, so a plain hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).digest()


def followed(secret: str) -> Report:
    """The report of a secret link or of a link that was mailed. Raises Missing, the same for whatever was tried."""
    reports = Report.objects.select_related("case__agency", "category", "person")
    if ":" in secret:
        try:
            pk = signing.loads(secret, salt=_mail_salt, max_age=MAIL_LINK_DAYS * 86_400)
            found = reports.filter(pk=pk).first()
        except signing.BadSignature:
            found = None
    else:
        found = reports.filter(secret=digest(secret)).first()
    if found is None:
        count_refused("bad_link")
        raise Missing(
            _("There is no report behind this link."),
            code="no_such_link",
            mend=_("Check that you copied all of it."),
        )
    return found


def mail_link(report: Report) -> str:
    """A path to follow a report by that can be made at any time, for mails: signed, good for a year."""
    return f"/reports/follow/{signing.dumps(report.pk, salt=_mail_salt)}/"


TOLD = {
    State.ACCEPTED: _("Your report was accepted"),
    State.WORKING: _("Your report is being worked on"),
    State.WAITING: _("A question about your report"),
    State.RESOLVED: _("Your report is resolved: is it?"),
    State.CLOSED: _("Your report is closed"),
    State.REJECTED: _("Your report was not taken on"),
    State.MERGED: _("Your report was joined with another"),
    State.NEW: _("Your report went to another agency"),
}
TAKEN_BACK = _("The city took back what it did last with your report")


def case_changed(
    case: Case, transition: Transition | None, actor: Actor, comment: Comment | None, **_values: Any
) -> None:
    """A step of a report's case: its map, its counts and its resident follow, in the same transaction."""
    if case.kind != "reports":
        return
    report = Report.objects.select_related("category", "person", "case").filter(pk=case.pk).first()
    if report is None:
        return
    was_open = report.state in OPEN
    if report.public and was_open != (case.state in OPEN):
        before = heat.count(report, -1)
        report.state = case.state
        CellCount.objects.bulk_create([before, heat.count(report, +1)])
    report.state, report.changed_at = case.state, case.changed_at
    report.save(update_fields=["state", "changed_at"])
    if transition is not None and transition.tells:
        tell(report, State(case.state), comment, taken_back=transition.name == UNDO.name)


def tell(report: Report, state: State, comment: Comment | None, *, taken_back: bool = False) -> None:
    """Tells the reporter, and those who said "me too" with an account: in the inbox, or by mail where there is none."""
    from cityhall.services.reports.tasks import mail_reporter

    title, body = TOLD[state], _("%(category)s, number %(number)d. %(said)s")
    values = {"category": report.category.name, "number": report.pk, "said": comment.text if comment else ""}
    if taken_back:
        title, body = TAKEN_BACK, _("%(category)s, number %(number)d: it is %(state)s again.")
        values["state"] = state.label
    people = {report.person} | {one.person for one in report.supporters.select_related("person").exclude(person=None)}
    for person in people:
        if person is not None:
            send(person, title, body, values=values, url=f"/reports/{report.pk}/")
    if report.email and not report.person:
        said = comment.pk if comment else None
        mail_reporter.defer(report_id=report.pk, state=str(state), comment_id=said, taken_back=taken_back)
