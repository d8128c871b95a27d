"""What the city was told, and what it said yes to."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Told and acknowledged things by their kind; several threads write into it."""

    told: dict[str, set[str]] = field(default_factory=dict)
    acknowledged: dict[str, dict[str, str]] = field(default_factory=dict)
    """By kind and token: what the city called it."""
    answers: Counter[int] = field(default_factory=Counter)
    """Answers by HTTP status; 0: none came."""
    wrong: list[str] = field(default_factory=list)
    """Answers that none of us may get: a defect's 500, a refusal of what is right."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, kind: str, token: str) -> None:
        """About to be told."""
        with self._lock:
            self.told.setdefault(kind, set()).add(token)

    def acknowledge(self, kind: str, token: str, name: str = "") -> None:
        """The city said yes."""
        with self._lock:
            self.acknowledged.setdefault(kind, {})[token] = name

    def answer(self, status: int, what: str = "", *, wrong: bool = False) -> None:
        """An answer came, or none (0)."""
        with self._lock:
            self.answers[status] += 1
            if (wrong or status == 500) and len(self.wrong) < 200:
                self.wrong.append(f"{status} {what}"[:300])

    def count(self, kind: str) -> int:
        """How many were acknowledged."""
        return len(self.acknowledged.get(kind, {}))
