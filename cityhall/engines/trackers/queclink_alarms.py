"""Which of Queclink's reports are alarms (@Track protocols, event reports)."""

from __future__ import annotations

import re

from cityhall.engines.trackers.queclink_places import Line
from cityhall.engines.trackers.values import UNKNOWN, Draft

_BY_KIND = {
    "SOS": "sos", "SPD": "overspeed", "TOW": "tow", "IDL": "idle", "PNA": "powerOn", "PFA": "powerOff",
    "EPN": "powerRestored", "MPN": "powerRestored", "EPF": "powerCut", "MPF": "powerCut", "BPL": "lowBattery",
    "STT": "movement", "SWG": "geofence", "TMP": "temperature", "TEM": "temperature", "JDR": "jamming",
    "JDS": "jamming", "CRA": "accident",
}  # fmt: skip
_BEHAVIOUR = {0: "hardBraking", 1: "hardAcceleration", 2: "hardCornering", 3: "hardBraking", 4: "hardAcceleration"}


def alarms(line: Line, draft: Draft, known: bool) -> None:
    """Notes the alarm that a report is."""
    kind = line.kind
    if kind in _BY_KIND:
        draft.alarm(_BY_KIND[kind], f"GT{kind}")
    elif kind == "HBM":
        sort = line.at(2)
        if re.fullmatch("[0-9A-Fa-f]{1,2}", sort):
            draft.alarm(_BEHAVIOUR.get(int(sort, 16) % 16, UNKNOWN), f"GTHBM {sort}")
    elif kind == "DAR" and line.at(1) == "1":
        draft.alarm("fatigueDriving", "GTDAR 1")
    elif not known:
        draft.alarm(UNKNOWN, f"GT{kind}")
