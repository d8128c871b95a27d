"""The demo's weather service: what it says is valid CAP, once, and again until the city has it."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from cityhall.engines.cap import check, read
from cityhall.simulator import weather


def test_it_warns_in_valid_cap_and_again_until_the_city_has_it() -> None:
    heard: list[bytes] = []
    away = True

    def city(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/safety/warnings/cap" and request.headers["Authorization"].startswith("Basic ")
        heard.append(request.content)
        return httpx.Response(503 if away else 200, json=[])

    with httpx.Client(base_url="http://city", transport=httpx.MockTransport(city)) as client:
        service = weather.Weather(client, ("id", "key"), (-29.4, 36.3), np.random.default_rng(4), 0.0, 1.0)
        service.step(weather.FIRST_S - 1)
        assert not heard
        with pytest.raises(httpx.HTTPStatusError):
            service.step(weather.FIRST_S)
        away = False
        service.step(weather.FIRST_S + 1)
        service.step(weather.FIRST_S + 2)
    assert len(heard) == 2 and heard[0] == heard[1]
    found = check(heard[0])
    assert found.valid, found.reason
    (message,) = read(heard[0])
    assert message.infos[0].areas[0].circles[0].centre == (-29.4, 36.3)
    assert message.infos[0].expires is not None and message.infos[0].expires - message.sent == weather.LASTS
