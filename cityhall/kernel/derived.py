"""Things made from the city's data that can be made anew: the street graph, the basemap, timetables.

Each lives in a folder named after what it was made from. It is built beside, then put in place by one rename and a
one-line pointer, so a reader sees the old one or the new one, never half of either, and a failed build changes
nothing. Processes notice a new pointer by its time stamp.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings

KEPT = 2
"""Old builds kept beside the current one: a process may still be reading from them."""


def digest(files: Iterable[Path], *salt: str) -> str:
    """Twelve hexadecimal digits that change with the content of any of `files` or with `salt`."""
    total = hashlib.sha256()
    for word in salt:
        total.update(word.encode() + b"\0")
    for path in files:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:12]


def _root() -> Path:
    folder = Path(settings.DERIVED)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def current(kind: str) -> Path | None:
    """The folder now in use for `kind`, None before the first build."""
    try:
        name = (_root() / f"{kind}.current").read_text().strip()
    except FileNotFoundError:
        return None
    folder = _root() / name
    return folder if folder.is_dir() else None


def build(kind: str, stamp: str, make: Callable[[Path], None]) -> Path:
    """Has `make` fill a new folder for `kind` unless one with this `stamp` is there, then makes it the current one.

    What `make` raises passes through, with the one in use left as it was. Two processes that build the same thing
    wait for one another.
    """
    from filelock import FileLock

    folder = _root() / f"{kind}-{stamp}"
    with FileLock(_root() / f".{kind}.lock"):
        if not folder.is_dir():
            _clear(kind)
            draft = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=_root()))
            try:
                make(draft)
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        _point(kind, folder.name)
        _sweep(kind, folder)
    return folder


def _clear(kind: str) -> None:
    """Takes away what builds of this kind left that were killed; whoever holds its lock is the only one who builds."""
    for left in _root().glob(f".{kind}-{'?' * 8}"):
        shutil.rmtree(left, ignore_errors=True)


def _point(kind: str, name: str) -> None:
    pointer = _root() / f"{kind}.current"
    if pointer.exists() and pointer.read_text().strip() == name:
        return
    draft = pointer.with_suffix(f".{os.getpid()}")
    draft.write_text(name + "\n")
    draft.replace(pointer)


def _sweep(kind: str, keep: Path) -> None:
    others = [
        path
        for path in _root().glob(f"{kind}-*")
        if path != keep and path.is_dir() and len(path.name) == len(keep.name)
    ]
    for path in sorted(others, key=lambda folder: folder.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
