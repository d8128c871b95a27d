"""Jobs whose worker died or stands still are taken up again; what is done is forgotten after a while.

Every job may run twice: a worker can be killed after it did the work and before it said so. So each looks first whether
there is still something to do.
"""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction

log = logging.getLogger("cityhall.work")
HEARTBEAT_S = 5.0
"""How often a worker says that it lives."""
STILL_S = 20.0
"""Without a word for so long it is taken for dead."""
EVERY_S = 5.0
MOST_ATTEMPTS = 3
"""A job that so many workers did not survive is given up, and the log says so."""
KEEP_DAYS = 7
"""Days that jobs which were done are kept; those that failed a month, for whoever looks into it."""

# Locked, so that of two workers who look at once one takes it up.
_ABANDONED = """
SELECT job.id, job.task_name, job.attempts FROM procrastinate_jobs AS job
LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND (worker.id IS NULL OR worker.last_heartbeat < now() - %s * interval '1 second')
ORDER BY job.id LIMIT 100 FOR UPDATE OF job SKIP LOCKED
"""
_AGAIN = "SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)"
_GIVE_UP = "SELECT procrastinate_finish_job_v1(%s, 'failed', false)"
_FORGET = """
DELETE FROM procrastinate_jobs AS job USING (
    SELECT job_id, max(at) AS at FROM procrastinate_events GROUP BY job_id
) AS last
WHERE last.job_id = job.id AND (
    job.status IN ('succeeded', 'cancelled', 'aborted') AND last.at < now() - %(days)s * interval '1 day'
    OR job.status = 'failed' AND last.at < now() - interval '30 days'
)
"""


def run(stop: threading.Event) -> None:
    """Looks until `stop` is set; an outage of the database is waited for."""
    while not stop.wait(EVERY_S):
        try:
            take_up()
        except (DatabaseError, InterfaceError) as problem:
            log.warning("abandoned jobs wait for the database: %s", type(problem).__name__)
        finally:
            connection.close()


def take_up(still_s: float = STILL_S) -> int:
    """Puts back every job whose worker has not been heard of for so long; gives how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ABANDONED, [still_s])
        found = cursor.fetchall()
        for number, name, attempts in found:
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
