"""Defects that the program does not have, put into a started city's processes: whoever looks for such must find them.

Python imports this file in each process by itself where its folder is on PYTHONPATH; CITYHALL_FAULTS_MUTANT names one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from queue import SimpleQueue
from typing import Any

LATE_S = 0.2


def receipt_before_commit(urgent: Any) -> None:
    """What was taken is answered at once, and committed a moment later."""
    take = urgent.take

    def early(*given: Any, **more: Any) -> Any:
        told: SimpleQueue[Any] = SimpleQueue()

        def work() -> None:
            from django.db import connection, transaction

            try:
                with transaction.atomic():
                    told.put(take(*given, **more))
                    time.sleep(LATE_S)
            except Exception as problem:
                told.put(problem)
            finally:
                connection.close()

        threading.Thread(target=work).start()
        outcome = told.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    urgent.take = early


def asynchronous_commit(urgent: Any) -> None:
    """It is answered after the commit, which has not waited for the disk."""
    take = urgent.take

    def unflushed(*given: Any, **more: Any) -> Any:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        return take(*given, **more)

    urgent.take = unflushed


def pid_client_id(mqtt: Any) -> None:
    """The broker knows a process by its number: what is owed to one that was killed waits for nobody."""
    client = mqtt.broker_client
    mqtt.broker_client = lambda url, name, **more: client(url, f"{name}-{os.getpid()}", **more)


def points_beside(points: Any) -> None:
    """The points of a weighing are posted under no key of its own, and before it is there."""
    earn = points.earn

    def early(_uid: Any, *given: Any, **more: Any) -> None:
        def work() -> None:
            from uuid import uuid4

            from django.db import connection

            try:
                earn(uuid4(), *given, **more)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        time.sleep(LATE_S)

    points.earn = early


def points_after(points: Any) -> None:
    """The points of a weighing are posted when it is there, a moment later."""
    earn = points.earn

    def late(*given: Any, **more: Any) -> None:
        from django.db import transaction

        def work() -> None:
            time.sleep(LATE_S)
            earn(*given, **more)

        transaction.on_commit(work)

    points.earn = late


MUTANTS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "receipt_before_commit": ("cityhall.kernel.devices.urgent", receipt_before_commit),
    "asynchronous_commit": ("cityhall.kernel.devices.urgent", asynchronous_commit),
    "points_beside": ("cityhall.services.recycling.points", points_beside),
    "points_after": ("cityhall.services.recycling.points", points_after),
    "pid_client_id": ("cityhall.kernel.devices.mqtt", pid_client_id),
}


class Changed(MetaPathFinder):
    """Finds the one module as ever, and changes it once it is there."""

    def __init__(self, module: str, change: Callable[[Any], None]) -> None:
        self.module, self.change = module, change

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == self.module else None
        if spec is None or spec.loader is None:
            return None
        self._wrap(spec.loader)
        return spec

    def _wrap(self, loader: Loader) -> None:
        execute = loader.exec_module

        def changed(module: Any) -> None:
            execute(module)
            self.change(module)

        loader.exec_module = changed  # type: ignore[method-assign]


if chosen := os.environ.get("CITYHALL_FAULTS_MUTANT"):
    sys.meta_path.insert(0, Changed(*MUTANTS[chosen]))
