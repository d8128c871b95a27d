"""State of the service, by subject: the timetable, the fleet on the road, what riders are told and what they keep."""

from cityhall.services.transit.models.alerts import Cancellation, Cause, Detour, Effect, Notice, ServiceAlert, Severity
from cityhall.services.transit.models.control import DailyQuality, DayTally, Episode
from cityhall.services.transit.models.fleet import StopCall, TripPrediction, VehicleState
from cityhall.services.transit.models.riders import Favourite, FollowedTrip, Guardian, LeaveAlarm, Pupil, WalkingWish
from cityhall.services.transit.models.timetable import FeedVersion, Line, Stop

__all__ = [
    "Cancellation",
    "Cause",
    "DailyQuality",
    "DayTally",
    "Detour",
    "Effect",
    "Episode",
    "Favourite",
    "FeedVersion",
    "FollowedTrip",
    "Guardian",
    "LeaveAlarm",
    "Line",
    "Notice",
    "Pupil",
    "ServiceAlert",
    "Severity",
    "Stop",
    "StopCall",
    "TripPrediction",
    "VehicleState",
    "WalkingWish",
]
