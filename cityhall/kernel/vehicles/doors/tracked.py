"""One tracker that is speaking: its messages become fixes and alarms, or are counted with the reason why not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from cityhall.engines.trackers import Alarm, Message, Options, Report
from cityhall.kernel import clock
from cityhall.kernel.vehicles.doors.directory import Known
from cityhall.kernel.vehicles.doors.handover import Batch
from cityhall.kernel.vehicles.doors.presses import KIND, Press
from cityhall.kernel.vehicles.fixes import Fix, fault

RATE_HZ, BURST = 12.0, 300.0
"""Fixes a second, and how many at once: a device that was without a network sends what it kept."""
PRESS_HZ, PRESS_BURST = 0.5, 20.0
"""The same of alarms."""
SINGLE = 1
"""GGA quality of a fix of which nothing more is known."""
DAY_S = 86400.0
STATE_S = 600.0
"""What has not changed is said again after so long: a tracker says it with each position."""
STEP = 5
"""So many per cent of the battery are a change."""
OPENED = frozenset({"tampering", "removing"})
CUT = {"powerCut": False, "powerOff": False, "powerRestored": True}
LOW = frozenset({"lowBattery", "lowPower"})
BUCKET_S = 600
"""Where a device's clock tells nothing, the same message within this time is one sent again."""


class Allowance:
    """So many a second, and some at once."""

    __slots__ = ("burst", "filled_at", "rate", "tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.tokens, self.filled_at = rate, burst, burst, 0.0

    def spend(self, now: float) -> bool:
        """Whether there is one left."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Answer:
    """What a tracker waits for, sent when everything of its message is where it belongs. Of the event loop's thread."""

    __slots__ = ("_content", "_write", "left")

    def __init__(self, write: Callable[[bytes], None], content: bytes) -> None:
        self._write, self._content = write, content
        self.left = 0

    def done(self) -> None:
        """One part is committed."""
        self.left -= 1
        self.send()

    def send(self) -> None:
        """Sends, where nothing is left."""
        if self.left == 0 and self._content:
            self._write(self._content)


class Tracked:
    """The state of one tracker from message to message."""

    __slots__ = ("_fixes", "_presses", "_told", "_told_at", "known", "options")

    def __init__(self, known: Known) -> None:
        self.known = known
        self.options = options_of(known)
        self._fixes = Allowance(RATE_HZ, BURST)
        self._presses = Allowance(PRESS_HZ, PRESS_BURST)
        self._told: dict[str, Any] = {}
        self._told_at = float("-inf")

    def fixes(self, message: Message, now: float, batch: Batch) -> list[Fix]:
        """The fixes of a message that can be taken; the others are counted."""
        device, found = self.known.public_id, list[Fix]()
        for report in message.reports:
            position = report.position
            if position is None:
                continue
            fix = Fix(
                self.known.vehicle,
                device,
                position.at if position.at is not None else float("nan"),
                position.lon,
                position.lat,
                SINGLE,
                float("nan"),
                float("nan") if position.speed is None else position.speed,
                float("nan") if position.course is None else position.course,
            )
            why = "no_fix" if not position.valid else fault(fix, now)
            if not why and not self._fixes.spend(now):
                why = "rate"
            if why:
                batch.drops[device, why] += 1
            else:
                found.append(fix)
        return found

    def state(self, message: Message, now: float) -> dict[str, Any] | None:
        """What the tracker says of itself, as a heartbeat; None where it says nothing, or nothing new."""
        said = state_of(message)
        if not said:
            return None
        rough = said | ({"battery": said["battery"] // STEP} if "battery" in said else {})
        news = any(self._told.get(name) != value for name, value in rough.items())
        if not news and now - self._told_at < STATE_S:
            return None
        self._told, self._told_at = self._told | rough, now
        return {"kind": "heartbeat", **said}

    def presses(
        self, message: Message, frame: bytes, kinds: frozenset[str], now: float, taken: Callable[[], None], batch: Batch
    ) -> tuple[list[Press], int]:
        """(the alarms of a message that are urgent, how many more may not be taken now)."""
        found, refused = list[Press](), 0
        for report in message.reports:
            for alarm in report.alarms:
                if alarm.kind not in kinds:
                    continue
                if self._presses.spend(now):
                    found.append(self._press(message, report, alarm, frame, now, taken))
                else:
                    refused += 1
                    batch.drops[self.known.public_id, "rate"] += 1
        return found, refused

    def _press(
        self, message: Message, report: Report, alarm: Alarm, frame: bytes, now: float, taken: Callable[[], None]
    ) -> Press:
        at, position = report.at, report.position
        said: dict[str, Any] = {
            "kind": KIND,
            "id": key_of(self.known.protocol, message, report, alarm, frame, now),
            # The service's own word for a panic button; all else it knows by the alarm's own name, or not at all.
            "type": "panic" if alarm.kind == "sos" else alarm.kind,
            "alarm": alarm.kind,
            "code": alarm.code,
            "protocol": self.known.protocol,
            "vehicle": self.known.vehicle,
            "at": at,
        }
        if position is not None and position.valid:
            said |= {"lon": position.lon, "lat": position.lat}
        sent_at = round((now if at is None else at) * 1000)
        return Press(self.known.pk, said["id"], said, sent_at, clock.now(), taken)


def state_of(message: Message) -> dict[str, Any]:
    """Battery in per cent, that it is low, whether somebody opened the device, whether it has power: what is said."""
    said: dict[str, Any] = {}
    for report in message.reports:
        level, opened = report.attributes.get("batteryLevel"), report.attributes.get("tamper")
        if isinstance(level, int | float) and not isinstance(level, bool) and 0 <= level <= 100:
            said["battery"] = round(level)
        if isinstance(opened, bool):
            said["tamper"] = opened
        for alarm in report.alarms:
            if alarm.kind in OPENED:
                said["tamper"] = True
            elif alarm.kind in LOW:
                said["low"] = True
            elif alarm.kind in CUT:
                said["power"] = CUT[alarm.kind]
    return said


def key_of(protocol: str, message: Message, report: Report, alarm: Alarm, frame: bytes, now: float) -> str:
    """What tells an alarm from the device's others, and is the same when the device sends it again.

    Its serial number and the device's time. Where the clock tells nothing (none, or a day off: it may stand still), the
    frame itself and ten minutes of ours: better two of one press than one lost.
    """
    at = report.at
    if at is not None and abs(at - now) < DAY_S:
        told = f"{message.serial}:{round(at * 1000)}"
    else:
        told = f"{message.serial}:{hashlib.sha256(frame).hexdigest()[:16]}:{int(now // BUCKET_S)}"
    code = hashlib.sha256(f"{alarm.kind}:{alarm.code}".encode()).hexdigest()[:8]
    return f"{protocol}:{told}:{code}"[:64]


def options_of(known: Known) -> Options:
    """What is known of a tracker that its frames do not say; words that nobody knows are passed over."""
    words = []
    for word in known.words:
        try:
            Options.of([word])
        except ValueError:
            continue
        words.append(word)
    return Options.of(words)
