"""Journeys over a timetable: RAPTOR on flat arrays. See README.md beside this file."""

from cityhall.engines.timetable.footpaths import Footpaths, straight_footpaths
from cityhall.engines.timetable.journey import Journey, Ride, Walk
from cityhall.engines.timetable.query import Places, Router, Wishes
from cityhall.engines.timetable.timetable import Delay, Progress, Skip, Timetable

__all__ = [
    "Delay",
    "Footpaths",
    "Journey",
    "Places",
    "Progress",
    "Ride",
    "Router",
    "Skip",
    "Timetable",
    "Walk",
    "Wishes",
    "straight_footpaths",
]
