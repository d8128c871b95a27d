"""Where vehicles say they are."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from cityhall.kernel.devices.registry import register
from cityhall.kernel.errors import Invalid
from cityhall.kernel.people.actors import system
from cityhall.kernel.vehicles.doors.signed import record_positions
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from cityhall.services.transit.models import VehicleState
from cityhall.simulator.signing import Signer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_a_signed_position_is_on_the_map() -> None:
    device, key = register(system("test"), kind="gateway", owner="transit", label="Depot", public_id="depot")
    position = {"kind": "position", "vehicle": "7", "line": "1", "lon": -51.2, "lat": -30.0, "at": time.time()}
    sent = Client().post(
        "/api/devices/messages",
        Signer(device.public_id, key).envelope([position | {"driver": "Ana"}]),
        content_type="application/json",
    )
    assert sent.json() == {"accepted": 1, "dropped": {}}
    assert Tracking().tick() == 1
    features = Client().get("/map/layers/transit/vehicles.geojson").json()["features"]
    assert [feature["geometry"]["coordinates"] for feature in features] == [[-51.2, -30.0]]
    # Only what the manifest names leaves the service.
    assert set(features[0]["properties"]) <= {
        "id",
        "name",
        "color",
        "bearing",
        "at",
        "accuracy",
        "fix",
        "status",
        "delay",
        "lane",
        "speed",
    }


@pytest.mark.django_db
def test_the_newest_of_a_batch_counts() -> None:
    device, _ = register(system("test"), kind="gateway", owner="transit", label="Depot", public_id="depot")
    at = NOW.timestamp()
    messages = [
        {"vehicle": "7", "lon": 1.0, "lat": 1.0, "at": at - 2},
        {"vehicle": "7", "lon": 1.0001, "lat": 1.0, "at": at},
        {"vehicle": "7", "lon": 1.0, "lat": 1.0001, "at": at - 1},
    ]
    record_positions(device, messages, NOW)
    Tracking().tick(now=NOW.timestamp())
    assert VehicleState.objects.get().measured.lon == 1.0001


@pytest.mark.django_db
@pytest.mark.parametrize(
    "message",
    [
        {},
        {"lon": "x", "lat": 0, "at": 0},
        {"lon": 181, "lat": 0, "at": 0},
        {"lon": 0, "lat": 0, "at": 1e30},
        {"lon": float("nan"), "lat": 0, "at": 0},
    ],
)
def test_what_is_no_position_is_refused(message: dict[str, object]) -> None:
    device, _ = register(system("test"), kind="gateway", owner="transit", label="Depot", public_id="depot")
    with pytest.raises(Invalid):
        record_positions(device, [message], NOW)
    assert Tracking().tick(now=NOW.timestamp()) == 0


def test_a_map_layer_that_is_not_declared_is_not_there(city: Path, client: Client) -> None:
    assert client.get("/map/layers/transit/stops.geojson").status_code == 200
    assert client.get("/map/layers/transit/drivers.geojson").status_code == 404


@pytest.mark.django_db
def test_only_a_gateway_speaks_for_other_vehicles() -> None:
    """A phone's or a bus's own device cannot put somebody else's bus on the map."""
    device, _ = register(system("test"), kind="phone", owner="transit", label="Bus 7", public_id="phone-7")
    at = NOW.timestamp()
    record_positions(device, [{"vehicle": "8", "lon": 1.0, "lat": 1.0, "at": at}], NOW)
    Tracking().tick(now=NOW.timestamp())
    assert VehicleState.objects.get().vehicle.public_id == "phone-7"
