"""Putting a file in place whole: a reader, a crash or a power cut finds the old one or the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes `content` under another name beside `path`, on the disk for certain, and renames it.

    Raises OSError where it cannot be written; `path` is then as it was.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    on_disk(path.parent)


def on_disk(folder: Path) -> None:
    """Has the disk keep the names in `folder`: without this a rename may be undone by a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
