"""The journeys' JSON, name by name and value by value, as programs have had it since the first edition."""

from __future__ import annotations

import json
from pathlib import Path

from django.test import Client

SAMPLE = Path(__file__).parent / "journeys.json"
QUESTION = {"from": "-51.2320,-30.0300", "to": "-51.2150,-30.0465", "date": "2019-05-15", "time": "08:00"}


def test_the_answer_is_what_it_was(city: Path, client: Client) -> None:
    answer = client.get("/api/transit/journeys", QUESTION)
    assert json.dumps(answer.json(), indent=1, ensure_ascii=False) + "\n" == SAMPLE.read_text(encoding="utf-8")
