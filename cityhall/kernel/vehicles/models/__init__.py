"""State of the room. The tables keep the names that they had when they were the buses' own."""

from cityhall.kernel.vehicles.models.corrections import BaseStation, StationState
from cityhall.kernel.vehicles.models.fleet import (
    PUBLIC_SQL,
    WAS_PUBLIC_SQL,
    FixInbox,
    Receiver,
    Vehicle,
    VehicleState,
)

__all__ = [
    "PUBLIC_SQL",
    "WAS_PUBLIC_SQL",
    "BaseStation",
    "FixInbox",
    "Receiver",
    "StationState",
    "Vehicle",
    "VehicleState",
]
