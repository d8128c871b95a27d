"""Telling a person something: kept in their inbox at once, carried by the other channels soon after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from cityhall.kernel.notify.models import Delivery, Notification, Preference, PushSubscription
from cityhall.kernel.notify.wording import Text, recipe, write
from cityhall.kernel.people.models import Membership, Person

LONGEST_SHOWN = 400
"""Characters of the text that a live message holds: PostgreSQL's NOTIFY takes 8,000 bytes, whatever is in them."""
Channel = Literal["email", "push"]
CHANNELS: tuple[Channel, ...] = ("email", "push")


def topic(person_id: int) -> str:
    """The live topic that a person's own pages listen on."""
    return f"person-{person_id}"


def language_of(person: Person) -> str:
    """The language to write to a person in."""
    known = {code for code, _name in settings.LANGUAGES}
    return person.language if person.language in known else str(settings.LANGUAGE_CODE)


@transaction.atomic
def send(
    person: Person,
    title: Text,
    body: Text = "",
    *,
    values: Mapping[str, Any] | None = None,
    url: str = "",
    channels: Collection[Channel] | None = None,
    key: str = "",
) -> Notification:
    """Tells `person` something, in the caller's transaction: where that is rolled back nothing was told.

    `title` and `body` are lazy translations, put into the person's language here, and again into the one that they read
    in when they look; write `%(name)s` in them and give
    the `values`, which may be lazy too. `url` is a path of this city ("/reports/12/"). `channels` None: every one
    the person wants; else at most those. With a `key`, the same key a second time tells nothing and gives the first
    notification. Raises ValueError for a `url` that is no path of this city.
    """
    if url and (not url.startswith("/") or url.startswith("//")):
        raise ValueError(f"{url!r} is no path of this city")
    language = language_of(person)
    with translation.override(language):
        # Its texts in another language come from what is kept here, not from who sent it: that is over by then.
        anew = recipe(title, body, values or {})
        texts = write(title, body, values or {})
    fields = {"title": texts[0], "body": texts[1], "url": url, "language": language, "made": anew}
    if key:
        # The constraint decides, not a look beforehand: two senders at once make one notification.
        notification, made = Notification.objects.get_or_create(person=person, key=key, defaults=fields)
        if not made:
            return notification
    else:
        notification = Notification.objects.create(person=person, **fields)
    _carry(notification, wanted_channels(person) & set(CHANNELS if channels is None else channels))
    _announce(person.pk, notification)
    return notification


def holders(*, role: str = "", scope: str = "", most: int | None = None) -> list[Person]:
    """The active people who hold a role in any scope, or any role in a scope ("agency:12"), or the one in the other.

    Each once, who holds it longest first, at most `most`. Nobody where neither is named.
    """
    named = {name: value for name, value in (("role", role), ("scope", scope)) if value}
    if not named:
        return []
    held = Membership.objects.filter(**named, person__is_active=True).order_by("pk").select_related("person")
    return list({one.person_id: one.person for one in held}.values())[:most]


def send_to_holders(
    title: Text,
    body: Text = "",
    *,
    role: str = "",
    scope: str = "",
    most: int | None = None,
    values: Mapping[str, Any] | None = None,
    url: str = "",
    channels: Collection[Channel] | None = None,
    key: str = "",
) -> int:
    """Tells everybody whom `holders` gives the same, each in their language, as `send` does; gives how many."""
    told = holders(role=role, scope=scope, most=most)
    for person in told:
        send(person, title, body, values=values, url=url, channels=channels, key=key)
    return len(told)


def wanted_channels(person: Person) -> set[Channel]:
    """By which channels the person wants to be told things, besides the inbox."""
    preference = Preference.objects.filter(person=person).first() or Preference()
    return {channel for channel in CHANNELS if getattr(preference, channel)}


@transaction.atomic
def choose_channels(person: Person, *, email: bool, push: bool) -> None:
    """Keeps which channels the person wants."""
    Preference.objects.update_or_create(person=person, defaults={"email": email, "push": push})


def _carry(notification: Notification, channels: set[Channel]) -> None:
    from cityhall.kernel.notify.tasks import deliver

    deliveries = []
    if "email" in channels:
        deliveries.append(Delivery(notification=notification, channel="email"))
    if "push" in channels:
        subscriptions = PushSubscription.objects.filter(person_id=notification.person_id)
        deliveries += [Delivery(notification=notification, channel="push", subscription=one) for one in subscriptions]
    for delivery in Delivery.objects.bulk_create(deliveries):
        deliver.defer(delivery_id=delivery.pk)


def unread(person_id: int) -> int:
    """How many notifications a person has not read."""
    return Notification.objects.filter(person_id=person_id, read_at=None).count()


@transaction.atomic
def mark_read(person: Person, ids: Collection[int] | None = None) -> int:
    """Marks notifications of the person as read, all of them where `ids` is None; gives how many still are not."""
    found = Notification.objects.filter(person=person, read_at=None)
    if ids is not None:
        found = found.filter(pk__in=ids)
    found.update(read_at=timezone.now())
    _announce(person.pk, None)
    return unread(person.pk)


def _announce(person_id: int, notification: Notification | None) -> None:
    from cityhall.kernel.live import publish

    message: dict[str, Any] = {"unread": unread(person_id)}
    if notification is not None:
        message.update(id=notification.pk, title=notification.title, url=notification.url)
        message["body"] = notification.body[:LONGEST_SHOWN]
    publish(topic(person_id), message)
