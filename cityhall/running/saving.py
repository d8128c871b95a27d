"""`cityhall backup`: everything a city cannot make anew as one file, while the city is up."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

import cityhall
from cityhall.kernel import clock
from cityhall.kernel.city import read_city
from cityhall.kernel.city.secrets import FILE as SECRETS_FILE
from cityhall.kernel.files import placed
from cityhall.running import backups, postgres_tools
from cityhall.running.backups import DUMP, FILES, MANIFEST, SECRETS, Hashed, Manifest, Part
from cityhall.running.progress import Report

BEFORE = "backups"
"""Where in the city's folder `cityhall up` saves before it changes tables."""
LEFT_OUT = frozenset({"postgres", "derived", "static", BEFORE, SECRETS_FILE})
"""Of the city's folder: the database's own files, what is made from others, what is sealed."""
KEPT = 3
"""How many of those are kept, the latest."""
DRAFT = ".backup-"


def save(folder: Path, url: str, to: Path, passphrase: str, report: Report) -> Manifest:
    """Saves the city in `folder`, whose database's owner has the address `url`, as the file `to`.

    The database is as it was at one moment, and every file that it names is there. Without a passphrase the secrets
    are left out. Raises ValueError where `to` is there already or PostgreSQL's programs are missing, OSError where the
    disk is full; `to` is then not there.
    """
    to = to.absolute()
    if to.exists():
        raise ValueError(f"{to} is there already: name another file")
    city = read_city(folder / "city.toml")
    server = postgres_tools.server_major(url)
    tools = postgres_tools.find(server)
    sealed = backups.seal((folder / SECRETS_FILE).read_bytes(), passphrase) if passphrase else b""
    with _alone(folder), tempfile.TemporaryDirectory(prefix=DRAFT, dir=folder) as held:
        kept, dump = Path(held) / FILES, Path(held) / DUMP
        # Before and after: what the database names at its moment was there before, or is there still.
        report("files", 0.1)
        _hold(folder, kept, to)
        report("the database", 0.2)
        tools.run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", "--file", dump)
        _hold(folder, kept, to)
        report("writing", 0.6)
        parts: dict[str, Part] = {}
        # Always the same name: what was left by one that was killed is written over.
        with (
            placed(to, draft=to.with_name(f".{to.name}.part")) as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as bundle,
        ):
            for path in sorted(kept.rglob("*")):
                if path.is_file():
                    _add(bundle, f"{FILES}/{path.relative_to(kept).as_posix()}", path, parts)
            _add(bundle, DUMP, dump, parts)
            if sealed:
                _add_bytes(bundle, SECRETS, sealed, parts)
            made = clock.now().isoformat(timespec="seconds")
            manifest = Manifest(
                program=cityhall.__version__,
                city=city.slug,
                made=made,
                server=server,
                tools=tools.major,
                parts=dict(parts),
            )
            _add_bytes(bundle, MANIFEST, manifest.model_dump_json(indent=1).encode(), {})
    return manifest


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup of a city at a time; takes away what one left behind that was killed."""
    try:
        with FileLock(folder / ".backup.lock", timeout=0):
            for left in folder.glob(f"{DRAFT}*"):
                shutil.rmtree(left)
            yield
    except Timeout:
        raise ValueError(f"{folder.name} is being saved already: wait until that is done") from None


def _files(folder: Path, to: Path) -> Iterator[Path]:
    for top in folder.iterdir():
        if top.name in LEFT_OUT or top.name.startswith("."):
            continue
        for path in [top] if top.is_file() else top.rglob("*"):
            # What is being written has a dot before its name.
            if path.is_file() and not path.is_symlink() and not path.name.startswith(".") and path != to:
                yield path


def _hold(folder: Path, kept: Path, to: Path) -> None:
    """Holds the city's files by second names: without more disk, safe from deletion. Copies where that cannot be."""
    for path in _files(folder, to):
        held = kept / path.relative_to(folder)
        if held.exists():
            continue
        held.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.hardlink_to(path)
        except FileNotFoundError:
            # Deleted meanwhile.
            continue
        except OSError:
            shutil.copy2(path, held)


def _add(bundle: tarfile.TarFile, name: str, path: Path, parts: dict[str, Part]) -> None:
    with path.open("rb") as file:
        member = tarfile.TarInfo(name)
        member.size, member.mode = os.fstat(file.fileno()).st_size, 0o600
        member.mtime = int(os.fstat(file.fileno()).st_mtime)
        hashed = Hashed(file)
        bundle.addfile(member, hashed)
    parts[name] = hashed.part()


def _add_bytes(bundle: tarfile.TarFile, name: str, data: bytes, parts: dict[str, Part]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    hashed = Hashed(io.BytesIO(data))
    bundle.addfile(member, hashed)
    parts[name] = hashed.part()


def before_migrating(folder: Path, url: str, report: Report) -> Path:
    """Saves the city in its own folder before its tables change; gives the file. Raises as `save` does."""
    place = folder / BEFORE
    place.mkdir(mode=0o700, exist_ok=True)
    to = place / f"before-{cityhall.__version__}-{clock.now():%Y%m%dT%H%M%S}.tar"
    save(folder, url, to, os.environ.get(backups.PASSPHRASE, ""), report)
    # Only now, so that the last one is never taken away for one that could not be made.
    for old in sorted(place.glob("before-*.tar"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
    return to


def left_outside(folder: Path) -> list[str]:
    """What city.toml names that is not in a backup: files outside the city's folder, or links to such."""
    city = read_city(folder / "city.toml")
    named = [*city.gtfs, city.osm, city.zones, city.boundary]
    named += [
        value
        for table in city.options.values()
        for value in table.values()
        if isinstance(value, str) and value and (folder / value).is_file()
    ]
    inside = folder.resolve()
    return [name for name in named if name and not _is_saved(folder / name, inside)]


def _is_saved(path: Path, inside: Path) -> bool:
    """Whether a file is there by itself: a backup follows no link."""
    real = path.resolve()
    return not path.exists() or (real.is_relative_to(inside) and not path.is_symlink())
