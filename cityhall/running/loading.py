"""Everything a city's folder must hold before its doors open: tables, places, basemap, each service's own data."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

from cityhall.running.progress import Report


def prepare_django(folder: Path) -> None:
    """Makes Django ready for the city in `folder`; its database must be known (`DATABASE_URL`) by now."""
    os.environ["CITYHALL_CITY"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityhall.settings")
    import django

    looked = gc.isenabled()
    # What is imported is there to stay: to look for garbage in it again and again takes a tenth of the time.
    gc.disable()
    try:
        django.setup()
    finally:
        if looked:
            gc.enable()


def migrate(report: Report) -> None:
    """Brings the tables up to this program's version, as their owner, and the program's own role with them."""
    from cityhall.kernel import program_role

    with program_role.as_owner():
        _migrate(report)
        program_role.settle()


def changes() -> int:
    """How many changes of tables that are there already wait; 0 for a database that has none yet."""
    from django.db import connection

    if not _unknown():
        return 0
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if not executor.loader.applied_migrations:
        return 0
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _unknown() -> bool:
    """Whether there is a migration whose name the database has not noted: a look at names, where none is read.

    A plan takes all of them imported and put in order, which is half of a start in which nothing is to be done.
    """
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    applied = set(MigrationRecorder(connection).applied_migrations())
    for app in apps.get_app_configs():
        where, _chosen = MigrationLoader.migrations_module(app.label)
        spec = find_spec(where) if where else None
        for found in iter_modules((spec.submodule_search_locations if spec else None) or []):
            if not found.ispkg and found.name[0] not in "_~" and (app.label, found.name) not in applied:
                return True
    return False


def _migrate(report: Report) -> None:
    from django.core.management import call_command
    from django.db import ProgrammingError, connection
    from psycopg.errors import InsufficientPrivilege

    if not _unknown():
        return
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    report(f"{len(plan)} changes", 0.1)
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except ProgrammingError as problem:
        if not isinstance(problem.__cause__, InsufficientPrivilege):
            raise
        raise ValueError(
            f"{len(plan)} changes of the tables wait, and this role may not make them: set DATABASE_URL to the owner's "
            f"address, or run `cityhall up` where it is known ({problem})"
        ) from problem


def load(
    begin: Callable[[str], Report], only: str = "", compiled: Callable[[], None] = lambda: None
) -> list[tuple[str, str, str]]:
    """Reads the city's files, each in a step of its own. What fails leaves the former data in service.

    `compiled` waits until what this needs of what is compiled beside (running/compiling.py) is there. Gives what the
    services have to tell of what they read: (level, what, mend), as their checks do.
    """
    from cityhall.kernel.places import loading as places
    from cityhall.kernel.service import Load, declared, resolve
    from cityhall.web import basemap

    if only in ("", "places"):
        places.load(begin("Streets and places"))
        basemap.load(begin("Basemap"))
    # Only now: a processor that waits here is one that compiles.
    begin("Compiling")("once after installing", 0.5)
    compiled()
    told: list[tuple[str, str, str]] = []
    for service, item in declared(Load):
        if only in ("", service.slug):
            told += resolve(item.action)(begin(str(service.name))) or ()
    places.load_service_names(begin("Names to search"))
    return told


def renew(begin: Callable[[str], Report]) -> None:
    """After an upgrade: loads again what an earlier version of this program had made of the city's files."""
    from cityhall.kernel.service import Load, declared, resolve

    for service, item in declared(Load):
        if item.outdated and resolve(item.outdated)():
            resolve(item.action)(begin(str(service.name)))
