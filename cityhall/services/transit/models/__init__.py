"""State of the service, by subject: the timetable, the fleet on the road, and what was seen of it."""

from cityhall.services.transit.models.corrections import BaseStation, StationState
from cityhall.services.transit.models.fleet import FixInbox, Receiver, StopCall, TripPrediction, Vehicle, VehicleState
from cityhall.services.transit.models.timetable import FeedVersion, Line, Stop

__all__ = [
    "BaseStation",
    "FeedVersion",
    "FixInbox",
    "Line",
    "Receiver",
    "StationState",
    "Stop",
    "StopCall",
    "TripPrediction",
    "Vehicle",
    "VehicleState",
]
