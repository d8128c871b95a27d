"""Reading a text frame field by field."""

from __future__ import annotations

from collections.abc import Sequence

from cityhall.engines.trackers.cursor import Short


class Fields:
    """The fields of a text frame in order. Raises Short beyond the last."""

    __slots__ = ("place", "values")

    def __init__(self, values: Sequence[str], place: int = 0) -> None:
        self.values = values
        self.place = place

    @property
    def left(self) -> int:
        """Fields not yet read."""
        return len(self.values) - self.place

    def peek(self, offset: int = 0) -> str:
        """A field that is not read yet."""
        if not 0 <= self.place + offset < len(self.values):
            raise Short("a field is wanted, and none is left")
        return self.values[self.place + offset]

    def next(self) -> str:
        value = self.peek()
        self.place += 1
        return value

    def skip(self, number: int = 1) -> None:
        self.place += number

    def integer(self, base: int = 10) -> int:
        return int(self.next(), base)

    def number(self) -> float:
        return float(self.next())

    def maybe(self, base: int = 10) -> int | None:
        """A whole number, None where the field is empty."""
        value = self.next()
        return int(value, base) if value else None

    def maybe_number(self) -> float | None:
        value = self.next()
        return float(value) if value else None

    def rest(self) -> Sequence[str]:
        """All that are left."""
        place, self.place = self.place, len(self.values)
        return self.values[place:]
