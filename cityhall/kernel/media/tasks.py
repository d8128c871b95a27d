"""Regular work on uploaded files."""

from __future__ import annotations

from django.db import close_old_connections
from procrastinate.contrib.django import app

from cityhall.kernel.media.storing import sweep


@app.periodic(cron="41 3 * * *", periodic_id="media.sweep")
@app.task(name="media.sweep", queueing_lock="media.sweep", pass_context=False)
def sweep_files(timestamp: int) -> None:
    """Removes files left by processes that were killed."""
    try:
        sweep()
    finally:
        close_old_connections()
