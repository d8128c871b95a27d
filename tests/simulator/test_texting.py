"""The demo's gateway of text messages: asked as a real one is, and some write back by the city's own door."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from cityhall.services.safety.texting import HttpGateway
from cityhall.simulator import texting

PHONE = "+55519555{:05}"


@pytest.fixture
def telephones() -> texting.Telephones:
    return texting.Telephones(seed=4)


@pytest.fixture
def url(telephones: texting.Telephones) -> Iterator[str]:
    server = texting.Server(0, "s3cret", telephones)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}/send"
    server.shutdown()
    server.server_close()


def test_what_the_city_sends_is_taken_once_and_only_from_the_city(url: str, telephones: texting.Telephones) -> None:
    """By the city's own way to any gateway."""
    city = HttpGateway(f"http://demo:s3cret@{url}")
    for _time in range(2):
        assert city.send("+5551955510000", "Received.", "cityhall-demo-1") == ("", False)
    assert telephones.messages == {"cityhall-demo-1": ("+5551955510000", "Received.")}
    assert HttpGateway(f"http://demo:wrong@{url}").send("+5551955510000", "x", "2") == ("HTTP 401", False)
    for body in (b"{", b"[]", json.dumps({"id": "3", "to": "", "text": "x"}).encode()):
        assert httpx.post(f"http://{url}", content=body, auth=("demo", "s3cret")).status_code == 422
    assert len(telephones.messages) == 1


def test_some_write_back_once_and_again_until_the_city_has_it(telephones: texting.Telephones) -> None:
    for number in range(40):
        telephones.take({"id": f"a{number}", "to": PHONE.format(number), "text": "Received."}, 0.0)
        telephones.take({"id": f"b{number}", "to": PHONE.format(number), "text": "A patrol is near."}, 0.0)
    assert 8 <= len(telephones.due) <= 32 and len({number for _at, number, _words in telephones.due}) == len(
        telephones.due
    )
    heard: list[dict[str, str]] = []
    away = True

    def city(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/safety/sms" and request.headers["Authorization"].startswith("Basic ")
        if away:
            return httpx.Response(503)
        heard.append(json.loads(request.content))
        return httpx.Response(200, json={"became": "alert:1"})

    with httpx.Client(base_url="http://city", transport=httpx.MockTransport(city)) as client:
        assert telephones.write_back(client, ("id", "key"), 1.0) == 0
        with pytest.raises(httpx.HTTPError):
            telephones.write_back(client, ("id", "key"), 30.0)
        away, all_of_them = False, len(telephones.due)
        assert telephones.write_back(client, ("id", "key"), 30.0) == all_of_them and not telephones.due
    assert {one["from"] for one in heard} <= {PHONE.format(number) for number in range(40)}
    assert len({one["id"] for one in heard}) == len(heard) == all_of_them
