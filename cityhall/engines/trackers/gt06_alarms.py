"""The alarm codes of GT06 (Concox/Jimi GT06 Protocol 1.8.1, 5.3; JM-VL03, JM-LL301 and LW protocols, alarm tables).

What a code is called follows the names that are common to all protocols here. Some makers have given a code another
meaning, and only the model tells which. Followed closely: Traccar's Gt06ProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

from cityhall.engines.trackers.values import UNKNOWN, Draft, bits

NT_MODELS = frozenset({"NT11", "NT20", "NT26", "NT40", "NT46", "VL100", "XT40"})
"""Devices whose position packets (0x22, 0x25) also have a state, hours and power."""
VL_MODELS = frozenset({"VL103", "LL303", "VL512", "G18"})

_ALARMS = {
    0x01: "sos", 0x02: "powerCut", 0x03: "vibration", 0x04: "geofenceEnter", 0x05: "geofenceExit", 0x06: "overspeed",
    0x09: "vibration", 0x0C: "tampering", 0x0E: "lowBattery", 0x0F: "lowBattery", 0x11: "powerOff", 0x13: "tampering",
    0x14: "door", 0x15: "powerOff", 0x18: "removing", 0x19: "lowBattery", 0x1A: "hardBraking", 0x1B: "hardCornering",
    0x23: "fallDown", 0x25: "tampering", 0x26: "hardAcceleration", 0x27: "hardBraking", 0x28: "hardBraking",
    0x29: "hardAcceleration", 0x2A: "hardCornering", 0x2B: "hardCornering", 0x2C: "accident", 0x2E: "hardCornering",
    0x30: "jamming", 0x32: "tampering", 0x33: "lock", 0x34: "unlock", 0x53: "fuelLeak", 0x5B: "temperature",
    0x5C: "temperature", 0xC9: "idle", 0x0107: "jamming", 0x010B: "jamming",
}  # fmt: skip
_BY_MODEL = {
    "LW": {0x18: "accident", 0x19: "hardAcceleration"},
    "SEEWORLD": {0x28: "hardCornering", 0x29: "accident"},
    "VL": {0x09: "tow", 0x28: "powerOff", 0x30: "hardBraking"},
}
_NOTICES = frozenset({0x00, 0x0A, 0x0B, 0x0D, 0x10, 0x12, 0x20, 0xFE, 0xFF})
"""Known, and no alarms: nothing, GPS lost and found, first fix, another SIM, flight mode, deep sleep, ignition."""

_STATES = {1: "vibration", 2: "powerCut", 3: "lowBattery", 4: "sos", 6: "geofence", 7: "removing"}
"""Bits 3 to 5 of the terminal information; 0 is none."""

_CAMERA = {
    0x0E: "lowPower", 0x76: "temperature", 0x80: "vibration", 0x87: "overspeed", 0x88: "powerCut",
    0x90: "hardAcceleration", 0x91: "hardBraking", 0x92: "hardCornering", 0x93: "accident",
}  # fmt: skip
_CAMERA_NOTICES = frozenset({0x00, 0x69, 0xFE, 0xFF})
"""0x69: a picture or film was asked for."""

_MODULES = {
    0x10: "door", 0x12: "removing", 0x14: "geofenceEnter", 0x15: "geofenceExit", 0x16: "temperature",
    0x1A: "lowBattery", 0x1B: "overspeed", 0x1C: "powerOn", 0x1D: "powerOff", 0x20: "vibration", 0x21: "powerCut",
    0x23: "tampering",
}  # fmt: skip
_MODULE_NOTICES = frozenset({0x00, 0x11, 0x13, 0x17, 0x18, 0x19, 0x1E, 0x1F, 0x22})


def family(model: str) -> str:
    """The family of a model whose codes differ, "" for all others."""
    if model in VL_MODELS:
        return "VL"
    return "LW" if model.startswith("LW") else model if model in _BY_MODEL else ""


def alarm(draft: Draft, code: int, model: str) -> None:
    """Notes what an alarm byte says."""
    kind = _BY_MODEL.get(family(model), {}).get(code) or _ALARMS.get(code)
    _note(draft, kind, code, _NOTICES)


def state_alarm(draft: Draft, state: int, overspeed: bool) -> None:
    """Notes what the terminal information says; of one variant 7 is over speed."""
    code = bits(state, 3, 6)
    if code:
        draft.alarm("overspeed" if overspeed and code == 7 else _STATES.get(code, UNKNOWN), f"state {code}")


def camera_alarm(draft: Draft, code: int, placed: bool) -> None:
    """Notes the event of a camera (0x95). 0x01 is the panic button where the packet has a place."""
    kind = ("sos" if placed else "general") if code == 1 else _CAMERA.get(code)
    _note(draft, kind, code, _CAMERA_NOTICES)


def module_alarm(draft: Draft, code: int) -> None:
    """Notes the event of a modular packet (0x70, module 0x34)."""
    _note(draft, _MODULES.get(code), code, _MODULE_NOTICES)


def _note(draft: Draft, kind: str | None, code: int, notices: frozenset[int]) -> None:
    if kind is None and code not in notices:
        kind = UNKNOWN
    draft.alarm(kind, f"0x{code:02x}")
