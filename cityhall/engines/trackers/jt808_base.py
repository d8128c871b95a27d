"""What every location of JT/T 808 (0x0200) has: alarms, state, place and time.

Source: JT/T 808-2019, 8.18 (tables 23 to 27), for the alarm bits also what trackers without a tachograph put there.
"""

from __future__ import annotations

from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.values import Draft, bit, moment

TAMPER_MODELS = frozenset({"G-360P", "G-508P"})
MOVEMENT_MODELS = frozenset({"AL300", "GL100"})
DOOR_MODELS = frozenset({"MV810G", "MV710G"})
_ALARMS = {
    0: "sos", 1: "overspeed", 2: "fatigueDriving", 3: "general", 4: "fault", 5: "gpsAntennaCut", 6: "gpsAntennaCut",
    7: "lowBattery", 8: "powerOff", 9: "fault", 10: "fault", 11: "fault", 12: "fault", 13: "overspeed",
    14: "fatigueDriving", 15: "vibration", 16: "tampering", 17: "tampering", 18: "lowBattery", 19: "parking",
    20: "geofence", 21: "geofence", 23: "geofence", 24: "fault", 25: "fuelLeak", 26: "general", 27: "general",
    28: "movement", 29: "accident", 30: "accident", 31: "door",
}  # fmt: skip
"""Every bit has a meaning by the standard; 22 (time on a stretch of road) is no alarm here."""


def alarms(draft: Draft, flags: int, model: str) -> None:
    """Notes what the 32 bits of alarms say."""
    for number in range(32):
        if not bit(flags, number):
            continue
        if model in TAMPER_MODELS:
            kind = {0: "removing", 4: "removing", 1: "tampering"}.get(number)
        elif model in MOVEMENT_MODELS:
            kind = "movement" if number == 16 else "sos" if number == 0 else None
        elif model == "VL300" and number in (29, 30):
            kind = None
        else:
            kind = _ALARMS.get(number)
        draft.alarm(kind, f"bit {number}")


def date(body: Cursor, zone: float) -> float | None:
    """Six bytes of BCD, of a clock that is `zone` seconds ahead of UTC."""
    return moment((body.bcd(1) for _part in range(6)), zone)


def state_and_place(body: Cursor, draft: Draft, model: str) -> None:
    """32 bits of state, latitude and longitude (1/1,000,000 of a degree)."""
    state = body.u32()
    draft.put(ignition=bit(state, 0), blocked=bit(state, 10), charge=bit(state, 26))
    if model == "G1C PRO":
        draft.put(motion=bit(state, 4))
    if model in DOOR_MODELS:
        draft.put(door=bit(state, 16))
    draft.valid = bit(state, 1)
    lat, lon = body.u32() / 1e6, body.u32() / 1e6
    draft.place(-lat if bit(state, 2) else lat, -lon if bit(state, 3) else lon)
