"""Handing fixes on, in a thread that must not end while the doors are open."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from cityhall.kernel.vehicles.doors import handover
from cityhall.kernel.vehicles.doors.handover import Batch, Handover

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_bad_batch_does_not_shut_the_doors(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[Any] = []
    arrived = threading.Event()

    def submit(fixes: list[Any], at: Any) -> None:
        if fixes == ["bad"]:
            raise LookupError("no such thing")
        taken.extend(fixes)
        arrived.set()

    monkeypatch.setattr(handover.inbox, "submit", submit)
    with Handover(lambda: None, 3600.0) as handing:
        for fix in ("bad", "good"):
            handing.put(Batch(fixes=[fix]))  # type: ignore[list-item]
        assert arrived.wait(10)
    assert taken == ["good"] and "no such thing" in caplog.text
