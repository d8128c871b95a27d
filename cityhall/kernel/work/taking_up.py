"""Jobs whose worker died or stands still are taken up again; what is done is forgotten after a while.

A worker can be killed after it did the work and before it said so. Where a job says that it may run twice, it does;
where it does not it is set aside, and `cityhall check` tells of it.
"""

from __future__ import annotations

import logging
import threading

from django.db import IntegrityError, connection, transaction

from cityhall.kernel.work.jobs import may_run_twice
from cityhall.kernel.work.regular import look_every

log = logging.getLogger("cityhall.work")
HEARTBEAT_S = 5.0
"""How often a worker says that it lives."""
STILL_S = 20.0
"""Without a word for so long it is taken for dead."""
EVERY_S = 5.0
MOST_ATTEMPTS = 3
"""A job that so many workers did not survive is given up, and the log says so."""
KEEP_DAYS = 7
"""Days that jobs which were done are kept; those that failed or were set aside a month, for whoever looks into it."""

# After the database's clock was ahead and has come back: a worker that died meanwhile would be heard of until then, and
# what is to be tried again would wait for then; no pause is over two hours.
_FROM_AHEAD = (
    "UPDATE procrastinate_workers SET last_heartbeat = now() WHERE last_heartbeat > now() + interval '20 seconds'",
    "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND attempts > 0"
    " AND scheduled_at > now() + interval '3 hours'",
)
# Locked, so that of two workers who look at once one takes it up.
_ABANDONED = """
SELECT job.id, job.task_name, job.attempts FROM procrastinate_jobs AS job
LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND (worker.id IS NULL OR worker.last_heartbeat < now() - %s * interval '1 second')
ORDER BY job.id LIMIT 100 FOR UPDATE OF job SKIP LOCKED
"""
_AGAIN = "SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)"
_SET_ASIDE = "SELECT procrastinate_finish_job_v1(%s, 'aborted', false)"
_GIVE_UP = "SELECT procrastinate_finish_job_v1(%s, 'failed', false)"
_FORGET = """
DELETE FROM procrastinate_jobs AS job USING (
    SELECT job_id, max(at) AS at FROM procrastinate_events GROUP BY job_id
) AS last
WHERE last.job_id = job.id AND (
    job.status IN ('succeeded', 'cancelled') AND last.at < now() - %(days)s * interval '1 day'
    OR job.status IN ('failed', 'aborted') AND last.at < now() - interval '30 days'
)
"""


def run(stop: threading.Event) -> None:
    """Looks until `stop` is set; an outage of the database is waited for."""
    look_every(EVERY_S, "whoever takes up abandoned jobs", take_up, stop)


def take_up(still_s: float = STILL_S) -> int:
    """Puts back or sets aside every job whose worker has not been heard of for so long; gives how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _FROM_AHEAD:
            cursor.execute(statement)
        cursor.execute(_ABANDONED, [still_s])
        found = cursor.fetchall()
        for number, name, attempts in found:
            if not may_run_twice(name):
                log.error("job %s %s was left by its worker and may not run twice: it is set aside", number, name)
                cursor.execute(_SET_ASIDE, [number])
                continue
            if attempts >= MOST_ATTEMPTS:
                log.error("job %s %s is given up: %s workers did not survive it", number, name, attempts)
                cursor.execute(_GIVE_UP, [number])
                continue
            log.warning("job %s %s was left by its worker and is done again", number, name)
            try:
                with transaction.atomic():
                    cursor.execute(_AGAIN, [number])
            except IntegrityError:
                # Another of its kind waits already (`queueing_lock`), and one is enough.
                cursor.execute(_GIVE_UP, [number])
    return len(found)


def forget_old() -> None:
    """Every hour: removes jobs that are over (manifest `Task`)."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"days": KEEP_DAYS})
