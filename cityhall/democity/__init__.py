"""The demo city: a coastal city with a river, made from a seed, the same every time."""

from cityhall.democity.make import DemoCity, make

__all__ = ["DemoCity", "make"]
