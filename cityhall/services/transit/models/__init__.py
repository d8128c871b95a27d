"""State of the service, by subject: the timetable, the fleet on the road, what riders are told and what they keep."""

from cityhall.services.transit.models.alerts import Cancellation, Cause, Detour, Effect, Notice, ServiceAlert, Severity
from cityhall.services.transit.models.control import DailyQuality, DayTally, Episode
from cityhall.services.transit.models.corrections import BaseStation, StationState
from cityhall.services.transit.models.fleet import FixInbox, Receiver, StopCall, TripPrediction, Vehicle, VehicleState
from cityhall.services.transit.models.riders import Favourite, FollowedTrip, Guardian, LeaveAlarm, Pupil
from cityhall.services.transit.models.timetable import FeedVersion, Line, Stop

__all__ = [
    "BaseStation",
    "Cancellation",
    "Cause",
    "DailyQuality",
    "DayTally",
    "Detour",
    "Effect",
    "Episode",
    "Favourite",
    "FeedVersion",
    "FixInbox",
    "FollowedTrip",
    "Guardian",
    "LeaveAlarm",
    "Line",
    "Notice",
    "Pupil",
    "Receiver",
    "ServiceAlert",
    "Severity",
    "StationState",
    "Stop",
    "StopCall",
    "TripPrediction",
    "Vehicle",
    "VehicleState",
]
