"""The street network: routes, times and walks on OpenStreetMap. See README.md beside this file."""

from cityhall.engines.streets.graph import PROFILES, OsmError, Profile, StreetGraph
from cityhall.engines.streets.network import Network, Path, Snap, Step

__all__ = ["PROFILES", "Network", "OsmError", "Path", "Profile", "Snap", "Step", "StreetGraph"]
