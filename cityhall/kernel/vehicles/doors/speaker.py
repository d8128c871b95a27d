"""One receiver that is speaking: its frames become fixes, or are counted with the reason why not."""

from __future__ import annotations

from cityhall.engines.gnss import Epochs, Position, nav_pvt
from cityhall.kernel.vehicles.doors.directory import Known
from cityhall.kernel.vehicles.doors.handover import Batch
from cityhall.kernel.vehicles.fixes import Fix, fault
from cityhall.kernel.vehicles.models import Receiver

RATE_HZ = 12.0
"""Fixes a second that one receiver may send: 10 Hz, and a little for clocks and bursts."""
BURST = 30.0


class Speaker:
    """The state of one receiver from message to message: a few hundred bytes."""

    __slots__ = ("_positions", "epochs", "filled_at", "known", "tokens", "ubx")

    def __init__(self, known: Known) -> None:
        self.known = known
        self.ubx = known.protocol == Receiver.Protocol.UBX
        self.epochs = Epochs()
        self.tokens = BURST
        self.filled_at = 0.0
        self._positions: list[Position] = []

    def hear(self, frame: bytes, now: float, batch: Batch) -> None:
        """Takes one NMEA sentence or UBX frame, received at `now` (Unix seconds).

        Frames of the protocol that the receiver is not registered for are passed over: many send both.
        """
        if frame[:1] == b"$":
            if not self.ubx:
                self.epochs.feed(frame, now, self._positions)
                if self._positions or self.epochs.faults:
                    self._take(now, batch)
        elif self.ubx:
            found = nav_pvt(frame)
            if isinstance(found, Position):
                self._positions.append(found)
                self._take(now, batch)
            elif found:
                batch.drops[self.known.public_id, found] += 1

    def flush(self, now: float, batch: Batch) -> bool:
        """Gives up an epoch whose last sentence did not come in time; False while it still waits."""
        self.epochs.flush(now, self._positions)
        self._take(now, batch)
        return not self.epochs.open

    def close(self, now: float, batch: Batch) -> None:
        """Gives out the epoch that is open."""
        self.epochs.close(self._positions)
        self._take(now, batch)

    def _take(self, now: float, batch: Batch) -> None:
        device = self.known.public_id
        for position in self._positions:
            self.tokens = min(BURST, self.tokens + max(0.0, now - self.filled_at) * RATE_HZ)
            self.filled_at = now
            if self.tokens < 1:
                batch.drops[device, "rate"] += 1
                continue
            self.tokens -= 1
            fix = Fix(self.known.vehicle, device, *position)
            why = fault(fix, now)
            if why:
                batch.drops[device, why] += 1
            else:
                batch.fixes.append(fix)
                batch.heard.add(self.known.pk)
        self._positions.clear()
        if self.epochs.faults:
            for reason, number in self.epochs.faults.items():
                batch.drops[device, reason] += number
            self.epochs.faults.clear()
