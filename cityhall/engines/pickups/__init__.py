"""The recycling service's routes: the evening's plan, what may still be offered, one more job, and a check of all."""

from cityhall.engines.pickups.checking import check
from cityhall.engines.pickups.insertion import Offer, insert, offers, serve
from cityhall.engines.pickups.model import (
    ALWAYS,
    FOREVER,
    NO_WAY,
    Job,
    Plan,
    Problem,
    Route,
    Stop,
    Unloading,
    Unserved,
    Vehicle,
    Window,
)
from cityhall.engines.pickups.planning import SearchError, plan
from cityhall.engines.pickups.schedule import followed

__all__ = [
    "ALWAYS",
    "FOREVER",
    "NO_WAY",
    "Job",
    "Offer",
    "Plan",
    "Problem",
    "Route",
    "SearchError",
    "Stop",
    "Unloading",
    "Unserved",
    "Vehicle",
    "Window",
    "check",
    "followed",
    "insert",
    "offers",
    "plan",
    "serve",
]
