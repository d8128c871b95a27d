"""An account's statement: every entry between two days with its running balance, on pages and as a table."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import Missing
from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.models import Account, Entry, Posting
from cityhall.services.treasury import pictures, tables
from cityhall.services.treasury.pages import reader, took_along
from cityhall.services.treasury.reading import open_holds
from cityhall.web.tables import answer

LINES = 100
DAYS = 30


@never_cache
@require_safe
def statement(request: HttpRequest, number: int) -> HttpResponse:
    """What was on the account, what came and went, what is on it after. Pages follow one another by `after`."""
    reader(request)
    account = _account(number)
    first, last, begin, end = period(request)
    after = values.whole(request.GET.get("after", "")) or 0
    entries = queries.statement_page(account.pk, begin, end, after, LINES + 1)
    more = len(entries) > LINES
    entries = entries[:LINES]
    context = {
        "tab": "trial",
        "account": account,
        "first": first,
        "last": last,
        "opening": account.side * queries.posted_at(account.pk, begin - datetime.resolution),
        "closing": account.side * queries.posted_at(account.pk, end - datetime.resolution),
        "lines": _lines(account, entries),
        "after": after,
        "next": entries[-1].pk if more else 0,
        "picture": pictures.line(account, begin, min(end, timezone.now())),
        "size": (pictures.WIDTH, pictures.HEIGHT),
        "lots": queries.lots_of(account.pk)[:20] if account.lots else [],
        "holds": list(open_holds().filter(debit=account) | open_holds().filter(credit=account))[:20],
    }
    return render(request, "treasury/statement.html", context)


@never_cache
@require_safe
def statement_csv(request: HttpRequest, number: int) -> StreamingHttpResponse:
    """All of it as a table; the journal knows who took it along."""
    actor, account = reader(request), _account(number)
    first, last, begin, end = period(request)
    took_along(actor, "statement", account=str(account.pk), first=str(first), last=str(last))
    name = f"statement-{account.pk}-{first}-{last}"
    return answer(name, tables.STATEMENT_HEAD, tables.statement(account, begin, end))


def period(request: HttpRequest) -> tuple[date, date, datetime, datetime]:
    """(first day, last day, first instant, instant after the last) asked for; else of the last DAYS."""
    zone = settings.CITY.zone
    today = timezone.localtime(timezone.now(), zone).date()
    last = min(values.day(request.GET.get("last", "")) or today, today)
    first = values.day(request.GET.get("first", "")) or last - timedelta(days=DAYS - 1)
    first, last = min(first, last), max(first, last)
    begin = datetime.combine(first, time(), zone)
    return first, last, begin, datetime.combine(last + timedelta(days=1), time(), zone)


def _lines(account: Account, entries: list[Entry]) -> list[dict[str, object]]:
    """Each entry with its amount and balance on the account's normal side, and the reversals of its posting."""
    reversed_by: dict[object, Posting] = {}
    for one in Posting.objects.filter(reverses__in=[entry.posting_id for entry in entries]).order_by("at"):
        reversed_by.setdefault(one.reverses_id, one)
    return [
        {
            "entry": entry,
            "posting": entry.posting,
            "amount": account.side * entry.amount,
            "balance": account.side * entry.posted,
            "reversal": reversed_by.get(entry.posting_id),
        }
        for entry in entries
    ]


def _account(number: int) -> Account:
    found = Account.objects.filter(pk=number).first() if number <= values.LARGEST else None
    if found is None:
        raise Missing(_("There is no such account."), code="no_such_account")
    return found
