"""`cityhall check`: what of a city is misconfigured, and how to mend it.

Each look is by itself: one that fails becomes a finding, and the others still tell what they see.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import cityhall
from cityhall.kernel import private

Level = Literal["ok", "warning", "error"]
FREE_MB = 1024
BUILT = Path(cityhall.__file__).parent / "web" / "static" / "cityhall" / "manifest.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was seen; `mend` says what to do, "" where all is well."""

    level: Level
    what: str
    mend: str = ""


def findings(folder: Path) -> Iterator[Finding]:
    """Everything there is to say about the city in `folder`, which holds a city.toml."""
    from cityhall.kernel.city import read_city
    from cityhall.kernel.city.file import CityFileError
    from cityhall.kernel.database import database
    from cityhall.kernel.program_role import as_owner
    from cityhall.kernel.service import ServiceError, enabled
    from cityhall.running.loading import prepare_django

    try:
        city = read_city(folder / "city.toml")
        enabled(city.services)
    except CityFileError as problem:
        # Nothing else can be looked at without it.
        yield Finding("error", f"{problem.path}, line {problem.line}: {problem.what}", problem.mend)
        return
    except ServiceError as problem:
        yield Finding("error", str(problem), "Mend `services` in city.toml.")
        return
    yield Finding("ok", f"city.toml: {city.name}, {len(city.services)} services, {', '.join(city.languages)}.")
    yield from _files(folder)
    try:
        with database(folder):
            prepare_django(folder)
            with as_owner():
                yield from _inside()
    except Exception as problem:
        yield Finding(
            "error",
            f"the database does not answer: {_first_line(problem)}",
            "Mend DATABASE_URL, or take it away to use the embedded server.",
        )
    yield from _outside()


def _files(folder: Path) -> Iterator[Finding]:
    if BUILT.exists():
        yield Finding("ok", "the front end is built.")
    else:
        yield Finding("error", "the front end is not built: pages would have no style and no map.", "Run script/setup.")
    if os.access(folder, os.W_OK):
        free = shutil.disk_usage(folder).free // 2**20
        if free < FREE_MB:
            yield Finding("warning", f"only {free} MB are free on the disk of {folder}.", "Make room before it fills.")
        else:
            yield Finding("ok", f"{folder} can be written; {free // 1024} GB are free.")
    else:
        yield Finding("error", f"{folder} cannot be written.", "Give the folder to the user who runs Cityhall.")
    if private.is_open(folder):
        yield Finding("error", f"{folder} can be looked into by other users.", f"Run chmod 700 {folder}.")
    secrets = folder / "secrets.json"
    if secrets.exists() and secrets.stat().st_mode & 0o077:
        yield Finding("error", f"{secrets} can be read by other users.", f"Run chmod 600 {secrets}.")


def _inside() -> Iterator[Finding]:
    """With Django ready and the database running."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from cityhall.kernel import database, program_role
    from cityhall.kernel.service import Check, declared
    from cityhall.web.assets import missing

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    kind = "the city's own server" if "host=" not in os.environ["DATABASE_URL"] else "the embedded server"
    number = int(version.split(".")[0])
    if number < 14:
        yield Finding("error", f"PostgreSQL {version} is too old.", "Use PostgreSQL 14 or newer.")
    else:
        yield Finding("ok", f"PostgreSQL {version} answers ({kind}).")
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield Finding(
            "warning", f"{len(waiting)} changes of the tables wait.", "They are made when the city starts: cityhall up."
        )
        return
    yield from (Finding("warning", *fault) for fault in (*database.faults(), *program_role.faults()))
    for slug, name in missing() if BUILT.exists() else ():
        yield Finding(
            "error",
            f"{slug} declares {name}, which is not among the static files.",
            "Name a file of the package's static/ folder, or run script/setup for one that is built.",
        )
    for service, item in declared(Check):
        yield from _service(item.action, service.slug)


def _service(path: str, slug: str) -> Iterator[Finding]:
    from cityhall.kernel.service import resolve

    try:
        for level, what, mend in resolve(path)():
            yield Finding(level, what, mend)
    except Exception as problem:
        yield Finding("error", f"{slug} could not be looked at: {_first_line(problem)}", f"Run cityhall load {slug}.")


def _outside() -> Iterator[Finding]:
    """What runs elsewhere, where it is named."""
    looks: tuple[tuple[str, int, str], ...] = (
        ("NATS_URL", 4222, "events are not relayed to other machines"),
        ("MQTT_URL", 1883, "devices come in by HTTP only"),
        ("SMS_URL", 443, "no text message is sent"),
        ("EMAIL_URL", 587, "mails are written to the city's folder"),
    )
    for variable, port, without in looks:
        url = os.environ.get(variable, "")
        if not url:
            yield Finding("ok", f"{variable} is not set: {without}.")
            continue
        parts = urlsplit(url)
        yield _reach(variable, parts.hostname or "", parts.port or port)
    address = os.environ.get("CITYHALL_URL", "")
    if address and not address.startswith("https://") and "localhost" not in address and "127.0.0.1" not in address:
        yield Finding(
            "warning",
            "CITYHALL_URL is not https: passwords and positions would cross the network in the clear.",
            "Put a web server with a certificate before it, and name its https address.",
        )
    if os.environ.get("CITYHALL_DEBUG") == "1":
        yield Finding("warning", "CITYHALL_DEBUG is on: error pages show the inside.", "Take it away in production.")


def _reach(variable: str, host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=3):
            return Finding("ok", f"{variable}: {host}:{port} answers.")
    except OSError as problem:
        return Finding(
            "error", f"{variable}: {host}:{port} does not answer ({problem}).", f"Start it there, or mend {variable}."
        )


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or problem.__class__.__name__).splitlines()[0]
