"""`cityhall restore`: a saved city in a folder of its own, on this machine or another one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import psycopg

from cityhall.kernel.city.secrets import FILE as SECRETS_FILE
from cityhall.kernel.database import EMBEDDED, embedded, postmaster
from cityhall.kernel.files import on_disk, put
from cityhall.running import backups, postgres_tools
from cityhall.running.backups import DUMP, FILES, SECRETS, BackupError, Manifest
from cityhall.running.progress import Report, console

DRAFT = ".restore-"


def restore(path: Path, folder: Path, manifest: Manifest, secrets: bytes, report: Report) -> None:
    """Makes `folder` the city that `path` holds, whose `manifest` was `checked`; the folder is whole or not there.

    The database is the one at `DATABASE_URL`, which must be empty, or else the embedded one. Raises ValueError where
    a city is there already or PostgreSQL's programs are missing.
    """
    vacant(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear_left(folder.parent)
    # A short name: the embedded server's socket lies in it.
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=folder.parent))
    draft.chmod(0o755)
    working = os.open(draft, os.O_RDONLY)
    fcntl.flock(working, fcntl.LOCK_EX)
    try:
        report("files", 0.1)
        dump = draft / DUMP
        _unpack(path, draft, dump)
        put(draft / SECRETS_FILE, secrets)
        report("the database", 0.4)
        if url := os.environ.get("DATABASE_URL"):
            _fill(url, dump, manifest)
        else:
            with embedded(draft / EMBEDDED) as url:
                _fill(url, dump, manifest)
        dump.unlink()
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
        on_disk(folder.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    finally:
        os.close(working)


def clear_left(cities: Path) -> None:
    """Takes away, and names, what restores left in the cities' folder that were killed, and ends their servers.

    One that is at work has its folder locked, by the operating system. A database at DATABASE_URL was filled in one
    transaction, of which nothing is left.
    """
    for left in cities.glob(f"{DRAFT}*"):
        try:
            descriptor = os.open(left, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
        console.print(f"[yellow]{left} was left by a restore that was killed: it is taken away", soft_wrap=True)
        server = postmaster.postmaster((left / EMBEDDED).resolve())
        if server is not None:
            server.kill()
            postmaster.clear((left / EMBEDDED).resolve())
        shutil.rmtree(left, ignore_errors=True)


def vacant(folder: Path) -> None:
    """Raises BackupError where `folder` holds anything."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder} is there already: restore into another folder, with --city or --data")


def secrets_of(path: Path, manifest: Manifest, passphrase: str) -> bytes:
    """The secrets in a backup. Raises BackupError where it has none or the passphrase is another one."""
    if SECRETS not in manifest.parts:
        raise BackupError("this backup was made without secrets: give the city's secrets.json with --secrets")
    with tarfile.open(path, "r:") as bundle:
        file = bundle.extractfile(SECRETS)
        assert file is not None
        return backups.unseal(file.read(), passphrase)


def _unpack(path: Path, draft: Path, dump: Path) -> None:
    with tarfile.open(path, "r:") as bundle:
        for member in bundle:
            inside = PurePosixPath(member.name)
            if inside.parts[0] == FILES:
                target = draft.joinpath(*inside.parts[1:])
            elif member.name == DUMP:
                target = dump
            else:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            file = bundle.extractfile(member)
            assert file is not None
            with target.open("xb") as writing:
                shutil.copyfileobj(file, writing, 1 << 20)
                writing.flush()
                os.fsync(writing.fileno())
            os.utime(target, (member.mtime, member.mtime))


def _fill(url: str, dump: Path, manifest: Manifest) -> None:
    major = postgres_tools.server_major(url)
    if major < manifest.server:
        raise BackupError(f"the backup is of PostgreSQL {manifest.server}, this server is {major}: take a newer one")
    with psycopg.connect(url, connect_timeout=10) as asking:
        row = asking.execute("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").fetchone()
    assert row is not None
    if row[0]:
        raise BackupError(f"the database at DATABASE_URL has {row[0]} tables: name an empty one")
    tools = postgres_tools.find(manifest.tools)
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    tools.run("pg_restore", url, *options, dump)
