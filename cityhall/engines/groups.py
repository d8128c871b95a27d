"""What is compiled together before a city is loaded (`ready.py`): names only, for whoever must load no library."""

from __future__ import annotations

GROUPS = ("positioning", "journeys")
"""They take about equally long; each can be a process of its own."""
