"""State of the service, by subject: the timetable, the fleet on the road, what was seen of it, what riders are told."""

from cityhall.services.transit.models.corrections import BaseStation, StationState
from cityhall.services.transit.models.alerts import Cancellation, Cause, Detour, Effect, Notice, ServiceAlert, Severity
from cityhall.services.transit.models.fleet import FixInbox, Receiver, StopCall, TripPrediction, Vehicle, VehicleState
from cityhall.services.transit.models.timetable import FeedVersion, Line, Stop

__all__ = [
    "BaseStation",
    "Cancellation",
    "Cause",
    "Detour",
    "Effect",
    "FeedVersion",
    "FixInbox",
    "Line",
    "Notice",
    "Receiver",
    "StationState",
    "ServiceAlert",
    "Severity",
    "Stop",
    "StopCall",
    "TripPrediction",
    "Vehicle",
    "VehicleState",
]
