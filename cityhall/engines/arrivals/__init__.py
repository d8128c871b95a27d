"""When vehicles will come: learned travel times, blended with the run as it goes. See README.md beside this file."""

from cityhall.engines.arrivals.model import Model, Predicted
from cityhall.engines.arrivals.onwards import Calls
from cityhall.engines.arrivals.predictor import Predictor
from cityhall.engines.arrivals.replay import Known, Memory, replay
from cityhall.engines.arrivals.trips import Traces, Trips, joined

__all__ = ["Calls", "Known", "Memory", "Model", "Predicted", "Predictor", "Traces", "Trips", "joined", "replay"]
