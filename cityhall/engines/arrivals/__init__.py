"""When vehicles will come: learned travel times, blended with the run as it goes. See README.md beside this file."""

from cityhall.engines.arrivals.model import Model, Predicted
from cityhall.engines.arrivals.replay import Known, Memory, replay
from cityhall.engines.arrivals.trips import Traces, Trips, joined

__all__ = ["Known", "Memory", "Model", "Predicted", "Traces", "Trips", "joined", "replay"]
