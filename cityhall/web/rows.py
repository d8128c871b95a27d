"""A line of a list that the shell shows for a service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Row:
    """Something with a page: `at` is when it was or will be, in UTC; `waits`: something waits for the reader there.

    `delete` is the address of a POST that takes it away and leads back, "" for what is not deleted from a list.
    """

    name: str
    url: str
    detail: str = ""
    icon: str = ""
    at: datetime | None = None
    waits: bool = False
    delete: str = ""
