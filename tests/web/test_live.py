"""Live layers for many readers: each feature at most once a second, only what a reader's view holds, private topics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import AsyncClient, Client
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.live import LiveTopic, publish
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.web import moving
from cityhall.web.moving import RESET, View

pytestmark = pytest.mark.django_db(transaction=True)


def feature(key: str, lon: float, lat: float, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": key,
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"id": key} | properties,
    }


def say(*features: dict[str, Any]) -> None:
    with transaction.atomic():
        publish("vehicles", list(features))


async def _listen(path: str, heard: list[list[dict[str, Any]]], ready: asyncio.Event) -> None:
    answer: Any = await AsyncClient().get(path)
    assert answer.status_code == 200
    async for piece in answer.streaming_content:
        ready.set()
        for line in piece.decode().splitlines():
            if line.startswith("data: ["):
                heard.append(json.loads(line.removeprefix("data: ")))


def listen(paths: list[str], steps: list[Callable[[], None]], pause: float = 0.45) -> list[list[list[dict[str, Any]]]]:
    """What readers of each path hear while the steps are done one after the other."""

    async def watch() -> list[list[list[dict[str, Any]]]]:
        heard: list[list[list[dict[str, Any]]]] = [[] for _ in paths]
        ready = [asyncio.Event() for _ in paths]
        tasks = [
            asyncio.create_task(_listen(path, *pair))
            for path, pair in zip(paths, zip(heard, ready, strict=True), strict=True)
        ]
        for event in ready:
            await event.wait()
        await asyncio.sleep(0.4)
        for step in steps:
            await asyncio.to_thread(step)
            await asyncio.sleep(pause)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return heard

    return asyncio.run(watch())


def test_a_reader_gets_what_is_in_its_box_and_hears_of_what_leaves_it() -> None:
    here, there, everything = listen(
        ["/live/vehicles?bbox=10,10,10.1,10.1", "/live/vehicles?bbox=20,20,20.1,20.1", "/live/vehicles"],
        [
            lambda: say(feature("a", 10.05, 10.05), feature("b", 20.05, 20.05)),
            lambda: None,
            lambda: None,
            lambda: say(feature("a", 15, 15)),
            lambda: None,
            lambda: None,
            lambda: say(feature("a", 16, 16)),
        ],
    )
    assert [[one["id"] for one in message] for message in here] == [["a"], ["a"]]
    assert here[1][0]["geometry"]["coordinates"] == [15, 15]
    assert [[one["id"] for one in message] for message in there] == [["b"]]
    assert [[one["id"] for one in message] for message in everything] == [["a", "b"], ["a"], ["a"]]


def test_one_line_or_one_vehicle_only() -> None:
    line, vehicle = listen(
        ["/live/vehicles?having=name:42", "/live/vehicles?having=id:b"],
        [lambda: say(feature("a", 1, 1, name="42"), feature("b", 1, 1, name="7"))],
    )
    assert [[one["id"] for one in message] for message in line] == [["a"]]
    assert [[one["id"] for one in message] for message in vehicle] == [["b"]]


def test_a_vehicle_heard_ten_times_a_second_is_sent_once_a_second_and_its_newest_place_last() -> None:
    steps = [lambda number=number: say(feature("a", number, 0)) for number in range(15)]
    [heard] = listen(["/live/vehicles"], [*steps, *[lambda: None] * 12], pause=0.1)
    places = [message[0]["geometry"]["coordinates"][0] for message in heard]
    assert 2 <= len(places) <= 4
    assert places == sorted(places) and places[-1] == 14


@pytest.mark.parametrize("box", ["x", "1,2,3", "2,0,1,1", "0,0,0,0", "nan,0,1,1", "0,0,inf,1"])
def test_a_box_that_is_none_is_refused(box: str) -> None:
    assert Client().get("/live/vehicles", {"bbox": box}, headers={"Accept": "text/event-stream"}).status_code == 422


def test_a_slow_reader_is_told_to_load_anew() -> None:
    queue: moving.Reader = asyncio.Queue(3)
    for number in range(4):
        moving.put(queue, str(number).encode())
    assert [queue.get_nowait(), queue.get_nowait()] == [RESET, b"3"] and queue.empty()


@given(
    st.floats(-179, 178), st.floats(-89, 88), st.floats(1e-6, 1), st.floats(1e-6, 1), st.floats(0, 1), st.floats(0, 1)
)
def test_a_widened_box_holds_what_was_asked_for(
    west: float, south: float, wide: float, high: float, x: float, y: float
) -> None:
    box = (west, south, west + wide, south + high)
    assert View.of(box).holds(feature("a", west + wide * x, south + high * y))
    widened = View.of(box).box
    assert widened is not None
    assert max(widened[2] - widened[0], widened[3] - widened[1]) <= 2 * max(wide, high, 1e-4)


def only_ana(actor: Actor, topic: str) -> bool:
    """Whether it is Ana who asks, for the one topic that is hers."""
    person = Person.objects.filter(pk=actor.person_id or 0).first()
    return person is not None and person.email == "ana@example.org" and topic == "vehicle-7"


def test_a_private_topic_is_heard_by_whom_the_service_permits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cityhall.kernel import service

    declared = service.declared
    mine = (settings.SERVICES[0], LiveTopic("vehicle-", f"{__name__}:only_ana"))
    monkeypatch.setattr("cityhall.web.live.declared", lambda kind: [mine] if kind is LiveTopic else declared(kind))
    people = {name: Person.objects.create_user(f"{name}@example.org", "secret-enough-1") for name in ("ana", "bela")}
    for name, status in (("ana", 200), ("bela", 404), ("", 404)):
        client = Client()
        if name:
            client.force_login(people[name])
        assert client.get("/live/vehicle-7").status_code == status
        assert client.get("/live/vehicle-8").status_code == 404
