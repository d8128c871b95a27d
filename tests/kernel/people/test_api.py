"""The signed-in person's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.notify.models import Notification, PushSubscription
from cityhall.kernel.people.models import Membership, Person

pytestmark = pytest.mark.django_db
SUBSCRIPTION = {
    "endpoint": "https://push.example.org/abc",
    "keys": {"p256dh": "B" * 87, "auth": "a" * 22},
}


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.post(f"/api/people/{path}", body, content_type="application/json", headers=headers)


def test_me(resident: Person, signed_in: Callable[[Person], Client]) -> None:
    Membership.objects.create(person=resident, role="trams.clerk")
    Notification.objects.create(person=resident, title="Hello", language="en")
    assert signed_in(resident).get("/api/people/me").json() == {
        "id": resident.pk,
        "name": "Maria",
        "email": "maria@example.org",
        "language": "pt",
        "unread": 1,
        "permissions": {"trams.change_alert": [""]},
    }
    assert Client().get("/api/people/me").status_code == 401


def test_a_change_needs_the_pages_token(resident: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(resident)
    assert post(strict, "push-subscriptions", SUBSCRIPTION).status_code == 403
    assert not PushSubscription.objects.exists()


def test_a_browser_subscribes_moves_and_leaves(resident: Person, signed_in: Callable[[Person], Client]) -> None:
    other = Person.objects.create_user("other@example.org")
    for person in (resident, resident, other):
        assert post(signed_in(person), "push-subscriptions", SUBSCRIPTION).status_code == 204
    assert [row.person for row in PushSubscription.objects.all()] == [other]
    for person, left in ((resident, 1), (other, 0)):
        signed_in(person).delete(
            "/api/people/push-subscriptions",
            {"endpoint": SUBSCRIPTION["endpoint"]},
            content_type="application/json",
        )
        assert PushSubscription.objects.count() == left


@pytest.mark.parametrize("endpoint", ["http://push.example.org/", "https://", "file:///etc/passwd", "x" * 2000])
def test_an_endpoint_is_an_https_address(
    resident: Person, signed_in: Callable[[Person], Client], endpoint: str
) -> None:
    assert post(signed_in(resident), "push-subscriptions", SUBSCRIPTION | {"endpoint": endpoint}).status_code == 422


def test_notifications_are_mine_and_can_be_read(resident: Person, signed_in: Callable[[Person], Client]) -> None:
    other = Person.objects.create_user("other@example.org")
    mine = [Notification.objects.create(person=resident, title=f"{n}", language="en") for n in range(3)]
    theirs = Notification.objects.create(person=other, title="theirs", language="en")
    client = signed_in(resident)
    assert [row["title"] for row in client.get("/api/people/notifications").json()] == ["2", "1", "0"]
    page = client.get(f"/api/people/notifications?before={mine[2].pk}&limit=1").json()
    assert [row["title"] for row in page] == ["1"]
    assert post(client, "notifications/read", {"ids": [mine[0].pk, theirs.pk, 2**70]}).json() == {"unread": 2}
    theirs.refresh_from_db()
    assert theirs.read_at is None
    assert post(client, "notifications/read", {}).json() == {"unread": 0}
    assert client.get("/api/people/notifications/unread").json() == {"unread": 0}
