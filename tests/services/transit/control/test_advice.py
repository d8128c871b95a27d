"""Who may ask how long a driver should wait, and what the answer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from cityhall.kernel.devices.registry import disable, register
from cityhall.kernel.devices.signers import forget
from cityhall.kernel.people.actors import system
from cityhall.services.transit.control.holding import holds
from cityhall.services.transit.control.watch import Seen
from cityhall.services.transit.models import VehicleState
from cityhall.simulator.signing import Signer

PATH = "/api/transit/vehicles/C1/advice"
CAT = Seen("C1", 0, 0, 0, route="CAT", trip="x", phase=300.0, round_s=1200.0, headway_line=True, due_end=900.0)
Drive = Callable[..., VehicleState]


def test_the_gaps_of_a_loop_become_even() -> None:
    line = [CAT, replace(CAT, vehicle="C2", phase=400.0), replace(CAT, vehicle="C3", phase=900.0)]
    found = holds(line)
    # C1 is 100 s behind C2 and 600 s before C3: it waits, the others need not.
    assert (found["C1"].before, found["C1"].after) == ("C2", "C3")
    assert (found["C1"].ahead, found["C1"].behind) == (100, 600) and found["C1"].hold_s == 120
    assert found["C2"].hold_s == 0 and found["C3"].hold_s == 0


def test_of_two_at_one_stop_the_first_goes() -> None:
    first = replace(CAT, vehicle="C2", phase=2.0, at_stop=True, due_end=1000.0)
    second = replace(CAT, vehicle="C1", phase=5.0, at_stop=True, due_end=1300.0)
    found = holds([second, first, replace(CAT, vehicle="C3", phase=600.0)])
    assert found["C2"].hold_s == 0 and found["C1"].hold_s == 120


def test_lines_that_run_by_a_timetable_get_none() -> None:
    assert holds([replace(CAT, headway_line=False)]) == {}


@pytest.fixture
def depot(city: Path, drive: Drive) -> Signer:
    forget()  # keys of the tests before
    drive("C1", kind="shuttle")
    device, key = register(system("test"), kind="gateway", owner="transit", public_id="depot")
    return Signer(device.public_id, key)


@pytest.fixture(autouse=True)
def true_clock(eight_o_clock: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Envelopes are signed at the time the test has."""
    monkeypatch.setattr("cityhall.simulator.signing.time.time_ns", lambda: int(eight_o_clock.timestamp() * 1e9))


def test_a_gateway_asks_with_its_signature(depot: Signer, client: Client) -> None:
    answer = client.get(PATH, headers=depot.headers(PATH))
    assert answer.status_code == 200
    assert answer.json() | {"at": ""} == {
        **{"vehicle": "C1", "hold_s": 0, "reason": "alone", "ahead_s": None, "behind_s": None},
        **{"before": "", "after": "", "at": ""},
    }


def test_who_may_not_ask_hears_nothing(depot: Signer, client: Client) -> None:
    assert client.get(PATH).status_code == 403
    signed = depot.headers(PATH)
    assert client.get(PATH, headers=signed).status_code == 200
    assert client.get(PATH, headers=signed).status_code == 409  # who has listened in asks again
    assert client.get(PATH, headers=depot.headers("/api/transit/vehicles/C2/advice")).status_code == 422
    assert client.get(PATH, headers=Signer("depot", "AAAA").headers(PATH)).status_code == 401
    for rubbish in ("%%%", "AAAA", "eyJ9"):
        assert client.get(PATH, headers={"Cityhall-Envelope": rubbish}).status_code == 422
    disable(system("test"), "depot")
    assert client.get(PATH, headers=depot.headers(PATH)).status_code in (401, 403)


def test_a_bus_asks_for_itself_only(depot: Signer, drive: Drive, client: Client) -> None:
    device, key = register(system("test"), kind="bus", owner="transit", public_id="C9", properties={"vehicle": "C9"})
    drive("C9", kind="shuttle")
    signer, own = Signer(device.public_id, key), "/api/transit/vehicles/C9/advice"
    assert client.get(own, headers=signer.headers(own)).status_code == 200
    assert client.get(PATH, headers=signer.headers(PATH)).status_code == 403


def test_a_dispatcher_asks_without(depot: Signer, room: Client) -> None:
    assert room.get(PATH).status_code == 200
    assert room.get("/api/transit/vehicles/none/advice").status_code == 404
