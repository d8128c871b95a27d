"""What a service may declare of vehicles: by which rules what other systems send of them is judged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of a field by which a polled system's answers are judged.

    What breaks one is counted under the rule's name, a text that the regular expression `pattern` matches whole, and
    taken all the same. `home` is where the rules are explained.
    """

    pattern: str
    home: str
