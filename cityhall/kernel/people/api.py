"""HTTP API of the signed-in person: who I am, my data, my notifications, my browsers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from ninja import Router, Schema, Status
from ninja.params.functions import Query
from ninja.security import django_auth
from pydantic import Field

from cityhall.kernel.notify.models import Notification
from cityhall.kernel.notify.push import subscribe, unsubscribe
from cityhall.kernel.notify.sending import mark_read, unread
from cityhall.kernel.notify.wording import in_language
from cityhall.kernel.people.actors import as_resident, person_of
from cityhall.kernel.people.permissions import permissions_of
from cityhall.kernel.people.privacy import export

# The session's cookie says who it is, so Django's CSRF token is asked for with every change.
router = Router(auth=django_auth)


class MeOut(Schema):
    """The signed-in person. `permissions`: permission -> scopes, "" for the whole city."""

    id: int
    name: str
    email: str
    language: str
    unread: int
    permissions: dict[str, list[str]]


@router.get("/me", response=MeOut, summary="Who is signed in")
def me(request: HttpRequest) -> dict[str, Any]:
    """401 where nobody is."""
    person = person_of(request)
    return {
        "id": person.pk,
        "name": person.name,
        "email": person.email,
        "language": person.language,
        "unread": unread(person.pk),
        "permissions": {} if as_resident(request) else permissions_of(person),
    }


@router.get("/me/export", summary="All that is kept of me")
def export_me(request: HttpRequest) -> HttpResponse:
    """A JSON file: by model, why each field is kept, and the rows."""
    response = JsonResponse(export(person_of(request)), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    response["Cache-Control"] = "no-store"
    return response


class NotificationOut(Schema):
    """Something the person was told, in the language of the request where its texts are the program's own.

    `read_at` null: not read yet. `url` is a path of this city, or "".
    """

    id: int
    title: str
    body: str
    url: str
    sent_at: datetime
    read_at: datetime | None


@router.get("/notifications", response=list[NotificationOut], summary="My notifications")
def notifications(
    request: HttpRequest,
    before: int = Query(2**62, ge=1, le=2**62, description="Id of the last one of the page before"),
    limit: int = Query(30, ge=1, le=100),
) -> list[Notification]:
    """The latest first."""
    found = Notification.objects.filter(person=person_of(request), pk__lt=before)[:limit]
    return [in_language(one, get_language() or "") for one in found]


class Unread(Schema):
    """How many notifications are not read."""

    unread: int


@router.get("/notifications/unread", response=Unread, summary="How many I have not read")
def unread_count(request: HttpRequest) -> dict[str, int]:
    """For the number beside the bell; pages are told of changes on the live topic `person-<id>`."""
    return {"unread": unread(person_of(request).pk)}


class Read(Schema):
    """Which to mark; all of them where `ids` is null."""

    ids: list[int] | None = Field(None, max_length=1000)


@router.post("/notifications/read", response=Unread, summary="Mark notifications as read")
def read(request: HttpRequest, which: Read) -> dict[str, int]:
    """Ids of other people's notifications do nothing."""
    ids = None if which.ids is None else [pk for pk in which.ids if 0 < pk < 2**63]
    return {"unread": mark_read(person_of(request), ids)}


class SubscriptionKeys(Schema):
    """base64url, as the browser gives them."""

    p256dh: str = Field(..., max_length=100, pattern=r"^[A-Za-z0-9_-]{80,90}=*$")
    auth: str = Field(..., max_length=50, pattern=r"^[A-Za-z0-9_-]{20,24}=*$")


class SubscriptionIn(Schema):
    """What `PushSubscription.toJSON()` gives in a browser."""

    endpoint: str = Field(..., max_length=1000)
    keys: SubscriptionKeys


@router.post("/push-subscriptions", response={204: None}, summary="Push to this browser")
def push_subscribe(request: HttpRequest, subscription: SubscriptionIn) -> Status[None]:
    """Sending the same one again is no error."""
    subscribe(person_of(request), subscription.endpoint, subscription.keys.p256dh, subscription.keys.auth)
    return Status(204, None)


class Endpoint(Schema):
    """Which browser."""

    endpoint: str = Field(..., max_length=1000)


@router.delete("/push-subscriptions", response={204: None}, summary="Push to this browser no more")
def push_unsubscribe(request: HttpRequest, which: Endpoint) -> Status[None]:
    """One that is not there is no error."""
    unsubscribe(person_of(request), which.endpoint)
    return Status(204, None)
