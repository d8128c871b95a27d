"""The inbox."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.notify.models import Notification
from cityhall.kernel.notify.sending import mark_read, topic, unread
from cityhall.kernel.notify.wording import in_language
from cityhall.kernel.people.actors import person_of

PAGE = 30


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What the person was told, the latest first, in the page's language; a stranger reads what would be here."""
    if not request.user.is_authenticated:
        return render(request, "notify/nobody.html")
    person = person_of(request)
    found = Notification.objects.filter(person=person)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    page.object_list = [in_language(one, get_language() or "") for one in page.object_list]
    return render(request, "notify/inbox.html", {"page": page, "unread": unread(person.pk), "topic": topic(person.pk)})


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Marks everything as read."""
    mark_read(person_of(request))
    return redirect("inbox")


@login_required
@require_POST
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks one as read and goes where it leads."""
    person = person_of(request)
    notification = Notification.objects.filter(pk=pk, person=person).first()
    mark_read(person, [pk])
    return redirect((notification and notification.url) or "inbox")
