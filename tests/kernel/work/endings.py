"""Parts that end before their time, and a service that runs one of them in a process of the city."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

from cityhall.kernel import service
from cityhall.kernel.service import Service
from cityhall.kernel.work.declares import Runner


def _note() -> None:
    """Each start of the process leaves a line."""
    with Path(os.environ["STARTS"]).open("a") as file:
        file.write(f"{os.getpid()}\n")


def raises(stop: threading.Event) -> None:
    _note()
    raise LookupError("the map of sea monsters is lost")


def returns(stop: threading.Event) -> None:
    _note()


def hangs(stop: threading.Event) -> None:
    """Fails, and leaves a thread behind that never stops."""
    threading.Thread(target=threading.Event().wait, name="deaf", daemon=False).start()
    raises(stop)


def jobs_end(stop: threading.Event) -> None:
    """The worker's loop of jobs comes to an end as if by itself."""
    from procrastinate import App

    async def nothing(self: App, **options: object) -> None:
        return None

    _note()
    App.run_worker_async = nothing  # type: ignore[method-assign]
    stop.wait()


def main(part: str, ending: str) -> None:
    """Runs a part of a city whose only service has a runner that ends so."""
    runner = Runner("odd", f"{__name__}:{ending}", part=part)  # type: ignore[arg-type]
    made = Service("odd", "Odd", "", "cityhall.services.odd", declares=(runner,))
    service.city_services = lambda: (made,)
    from cityhall.running.processes import run_part

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run_part(part, host="127.0.0.1", port=port, workers=1)


if __name__ == "__main__":
    import django

    django.setup()
    main(*sys.argv[1:])
