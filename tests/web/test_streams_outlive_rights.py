"""A live stream that was opened with a right, after the right is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import AsyncClient, Client

from cityhall.kernel.live import LiveTopic
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import declared
from cityhall.web import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack]
allowed: set[str] = set()


def is_allowed(actor: Actor, _topic: str) -> bool:
    return str(actor) in allowed


@pytest.fixture
def ana(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody who may hear the topic "secret-1", as long as she is in `allowed`."""
    topic = (settings.SERVICES[0], LiveTopic("secret-", f"{__name__}:is_allowed"))
    monkeypatch.setattr(live, "declared", lambda kind: [topic] if kind is LiveTopic else declared(kind))
    person = Person.objects.create_user("ana@example.org", "secret-enough-1")
    allowed.clear()
    allowed.add(f"person:{person.pk}")
    return person


def ends(client: Client, address: str, meanwhile: Callable[[], object]) -> bool:
    """Whether a stream is over a while after something happened; `client`'s session opens it."""

    async def read() -> bool:
        reader = AsyncClient()
        reader.cookies = client.cookies
        answer: Any = await reader.get(address)
        assert answer.status_code == 200
        pieces = aiter(answer.streaming_content)
        assert await anext(pieces) == live.HELLO
        rest = asyncio.create_task(anext(pieces, b"over"))
        # What follows is heard once the stream listens.
        await asyncio.sleep(0.5)
        await asyncio.to_thread(done_by_another, meanwhile)
        try:
            async with asyncio.timeout(5):
                return await rest == b"over"
        except TimeoutError:
            return False

    return asyncio.run(read())


def done_by_another(what: Callable[[], object]) -> None:
    """Does it with a connection of another thread's own, and gives that back."""
    try:
        what()
    finally:
        connection.close()


def off(person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(is_active=False)


def password(person: Person) -> None:
    person.set_password("another-enough-2")
    person.save()


@pytest.mark.parametrize(
    "loses", [lambda _person: allowed.clear(), off, password], ids=["right", "account", "password"]
)
def test_a_stream_ends_when_its_reader_may_no_longer_hear_it(
    ana: Person, monkeypatch: pytest.MonkeyPatch, loses: Callable[[Person], None]
) -> None:
    assert live.AGAIN_S <= 60
    monkeypatch.setattr(live, "AGAIN_S", 0.3)
    client = Client()
    client.force_login(ana)
    assert ends(client, "/live/secret-1", lambda: loses(ana))


@pytest.mark.parametrize("topic", ["secret-1", "person-"])
def test_a_stream_ends_when_its_reader_signs_out(ana: Person, topic: str) -> None:
    client = Client()
    client.force_login(ana)
    address = f"/live/{topic}{ana.pk if topic.endswith('-') else ''}"
    assert ends(client, address, lambda: client.post("/accounts/logout/"))
    assert client.get(address).status_code == 404


def test_what_is_for_everybody_goes_on(ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0.3)
    client = Client()
    client.force_login(ana)
    public = next(layer.live for _service, layer in declared(Layer) if layer.live and not layer.permission)
    assert not ends(client, f"/live/{public}", lambda: client.post("/accounts/logout/"))


def test_a_reader_whose_right_lasts_is_not_cut_off(ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0.3)
    client = Client()
    client.force_login(ana)
    assert not ends(client, "/live/secret-1", lambda: None)
