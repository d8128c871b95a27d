"""The city this program serves, as its `city.toml` says."""

from cityhall.kernel.city.file import City, CityFileError, read_city

__all__ = ["City", "CityFileError", "read_city"]
