"""What is wrong with a polled feed by the field's own rules, so that officers can tell whoever makes it.

Judging keeps no vehicle out: what can be used of a feed with errors is used. It costs little however large a feed is
and however often it is asked for: at most MOST entities are looked at once in EVERY_S, the next ones the next time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from google.transit import gtfs_realtime_pb2 as rt

from cityhall.engines.gtfs_realtime import Reference, validate
from cityhall.kernel.errors import Unavailable
from cityhall.services.transit import timetables

EVERY_S = 60.0
MOST = 2_000


@lru_cache(maxsize=2)
def _reference_of(folder: Path) -> Reference:
    return Reference.of(timetables.service().schedule)


@dataclass(slots=True)
class Judge:
    """Looks at one source's answers, in turn."""

    before: Any = None
    judged_at: float = float("-inf")
    next_entity: int = 0

    def look(self, feed: Any, now: float) -> Counter[str]:
        """How often each rule is broken in a FeedMessage received at `now` (Unix seconds); {} where none is due."""
        before, self.before = self.before, feed
        if 0 <= now - self.judged_at < EVERY_S:
            return Counter()
        try:
            reference = _reference_of(timetables.service().folder)
        except Unavailable:
            return Counter()
        self.judged_at = now
        part = self._part(feed)
        found = validate(part, reference, now, before=before if part is feed else None)
        return Counter(finding.rule for finding in found)

    def _part(self, feed: Any) -> Any:
        """The feed, or of a large one as many entities as may be looked at, from where the last look ended."""
        count = len(feed.entity)
        if count <= MOST:
            return feed
        first = self.next_entity if self.next_entity < count else 0
        self.next_entity = first + MOST
        part = rt.FeedMessage()
        part.header.CopyFrom(feed.header)
        part.entity.extend(feed.entity[first : first + MOST])
        return part
