"""Doors of this service: positions from another system's GTFS-Realtime."""
