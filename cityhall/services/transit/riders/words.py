"""Live values in words, the same on every page, in messages and on the board."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.riders.trips import Call

ON_TIME_S = 60
"""A bus less than this late or early is on time to whoever waits for it."""
CLOCK_MIN = 60
"""From here on people want the time of the clock, not minutes."""
_FIX = VehicleState.FixClass


def wait(call: Call, now: datetime) -> str:
    """How long until a departure: "now", "4 min", "4–6 min"; "" where the clock says more than the minutes."""
    low, high = call.low or call.departure, call.high or call.departure
    first = math.floor(max(0.0, (min(low, call.departure) - now).total_seconds()) / 60)
    last = math.ceil(max(0.0, (max(high, call.departure) - now).total_seconds()) / 60)
    if first >= CLOCK_MIN:
        return ""
    if not call.predicted:
        minutes = max(0, math.floor((call.departure - now).total_seconds() / 60))
        return _("now") if minutes == 0 else _("%(minutes)d min") % {"minutes": minutes}
    if last <= 1:
        return _("now")
    if first == last:
        return _("%(minutes)d min") % {"minutes": last}
    return _("%(first)d–%(last)d min") % {"first": first, "last": last}


def delay(seconds: int | None) -> str:
    """ "on time", "3 min late", "2 min early"; "" where nothing live is known."""
    if seconds is None:
        return ""
    if abs(seconds) < ON_TIME_S:
        return _("on time")
    minutes = max(1, round(abs(seconds) / 60))
    form = _("%(minutes)d min late") if seconds > 0 else _("%(minutes)d min early")
    return form % {"minutes": minutes}


def punctuality(seconds: int | None) -> str:
    """The same as one of "", "good", "late", "early", for a colour."""
    if seconds is None:
        return ""
    return "good" if abs(seconds) < ON_TIME_S else "late" if seconds > 0 else "early"


def away(stops: int | None, at_stop: bool = False) -> str:
    """ "at the stop", "next stop is this one", "2 stops away"; "" where that cannot be told."""
    if at_stop:
        return _("at the stop")
    if stops is None:
        return ""
    if stops == 0:
        return _("comes here next")
    return ngettext("%(stops)d stop away", "%(stops)d stops away", stops) % {"stops": stops}


def crowding(occupancy: int | None) -> str:
    """GTFS-Realtime OccupancyStatus in words; "" where it is not known."""
    known = {
        0: _("empty"),
        1: _("many seats free"),
        2: _("few seats free"),
        3: _("standing room only"),
        4: _("very crowded"),
        5: _("full"),
        6: _("takes nobody on"),
        8: _("takes nobody on"),
    }
    return known.get(occupancy if occupancy is not None else -1, "")


def fix(state: VehicleState) -> str:
    """How its place is known: "RTK fixed, to 0.3 m"."""
    known = {
        _FIX.SINGLE: _("plain GPS"),
        _FIX.DGNSS: _("corrected GPS (DGNSS)"),
        _FIX.RTK_FIXED: _("centimetre positioning (RTK fixed)"),
        _FIX.RTK_FLOAT: _("decimetre positioning (RTK float)"),
    }
    words = known.get(_FIX(state.fix_class), _("positioning of a kind not known"))
    return _("%(kind)s, true place within %(metres)s m") % {"kind": words, "metres": metres(state.accuracy_m)}


def metres(accuracy_m: float) -> str:
    """A radius with no more digits than it deserves."""
    return number_format(accuracy_m, 1 if accuracy_m < 3 else 0)


def lane(state: VehicleState) -> str:
    """Which lane it drives in, counted from the kerb; "" where that cannot be told."""
    if state.lane is None:
        return ""
    if state.lane == 0:
        return _("in the lane at the kerb")
    return _("in lane %(lane)d from the kerb") % {"lane": state.lane + 1}
