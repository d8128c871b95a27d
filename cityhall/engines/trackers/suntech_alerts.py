"""The alerts and emergencies of Suntech by number (ST300 Protocol, alert and emergency tables; Universal Protocol)."""

from __future__ import annotations

from cityhall.engines.trackers.values import UNKNOWN, Draft

_EMERGENCIES = {1: "sos", 2: "parking", 3: "powerCut", 5: "door", 6: "door", 7: "movement", 8: "vibration"}
_ALERTS = {
    1: "overspeed", 3: "gpsAntennaCut", 5: "geofenceExit", 6: "geofenceEnter", 8: "gpsAntennaCut", 14: "lowBattery",
    15: "vibration", 16: "accident", 40: "powerRestored", 41: "powerCut", 42: "sos", 46: "hardAcceleration",
    47: "hardBraking", 48: "hardCornering", 50: "jamming", 132: "door",
}  # fmt: skip
_NOTICES = frozenset({0, 2, 4, 9, 10, 11, 12, 33, 34, 44, 59})
"""Ends of alerts, sleep, ignition, a driver's key: known, and no alarms."""


def alert(draft: Draft, code: int) -> None:
    """Notes an alert by its number."""
    draft.alarm(_ALERTS.get(code, None if code in _NOTICES else UNKNOWN), f"alert {code}")


def emergency(draft: Draft, code: int) -> None:
    draft.alarm(_EMERGENCIES.get(code, UNKNOWN), f"emergency {code}")
