"""State of the service, by subject: the timetable, the fleet on the road, and what riders keep."""

from cityhall.services.transit.models.fleet import FixInbox, Receiver, StopCall, TripPrediction, Vehicle, VehicleState
from cityhall.services.transit.models.riders import Favourite, FollowedTrip, Guardian, LeaveAlarm, Pupil
from cityhall.services.transit.models.timetable import FeedVersion, Line, Stop

__all__ = [
    "Favourite",
    "FeedVersion",
    "FixInbox",
    "FollowedTrip",
    "Guardian",
    "LeaveAlarm",
    "Line",
    "Pupil",
    "Receiver",
    "Stop",
    "StopCall",
    "TripPrediction",
    "Vehicle",
    "VehicleState",
]
