"""Cityhall: the award-winning services of smart cities, as one program any city can run."""

__version__ = "0.1.0"
