"""Whether a receipt may be given: it says that an urgent message is on the city's disk.

That is true only where the database waits for its disk at each commit (`synchronous_commit`), the disk is made to
write (`fsync`), and a page that was half written in a power cut is mended (`full_page_writes`; PostgreSQL,
chapter 20.5).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from cityhall.kernel.devices.declares import UrgentDoor
from cityhall.kernel.service import declared

SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
MEND = "Say `ALTER SYSTEM SET {} = on` to the server and reload it; of a role or a database, `ALTER ROLE ... RESET`."

# Of this connection, and what any role or the database itself has instead.
_OFF = """
SELECT name FROM pg_settings WHERE name = ANY(%(names)s) AND setting = 'off'
UNION SELECT split_part(own, '=', 1) FROM pg_db_role_setting, unnest(setconfig) AS own
WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND split_part(own, '=', 1) = ANY(%(names)s) AND lower(split_part(own, '=', 2)) IN ('off', 'false', 'no', '0')
ORDER BY 1
"""


def off() -> list[str]:
    """The settings by which a commit may be lost in a power cut."""
    with connection.cursor() as cursor:
        cursor.execute(_OFF, {"names": list(SETTINGS)})
        return [str(name) for (name,) in cursor.fetchall()]


def _takes_urgent() -> bool:
    return any(True for _owner, _door in declared(UrgentDoor))


def findings() -> Iterator[tuple[str, str, str]]:
    """(level, what, how to mend it), for `cityhall check`; nothing of a city that takes no urgent messages."""
    if not _takes_urgent():
        return
    found = off()
    for name in found:
        what = f"devices: a receipt would promise what a power cut takes away: {name} is off."
        yield "error", what, MEND.format(name)
    if not found:
        yield "ok", "devices: what has a receipt is on the database's disk.", ""


def require() -> None:
    """Lets a city that takes urgent messages begin only where receipts hold. Raises ValueError that says what to do."""
    for level, what, mend in findings():
        if level == "error":
            raise ValueError(f"{what} The city does not start like this. {mend}")
