"""What a start has made is set aside from the collector of cycles, and what comes later is still collected."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from cityhall.kernel.work import collector


@pytest.fixture
def as_before() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


class Thing:
    """Part of a cycle."""

    def __init__(self) -> None:
        self.own = self


def test_what_the_start_made_is_set_aside_and_the_rest_is_collected(
    as_before: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "SETTLED_S", (0.0, 0.0))
    collector.wait()
    assert not gc.isenabled()
    kept = [Thing() for _number in range(100)]
    stop = threading.Event()
    thread = threading.Thread(target=collector.settle, args=(stop,))
    thread.start()
    while not gc.isenabled() or not gc.get_freeze_count():
        pass
    stop.set()
    thread.join()
    assert gc.get_freeze_count() > 100 and len(kept) == 100
    later = weakref.ref(Thing())
    gc.collect()
    assert later() is None
