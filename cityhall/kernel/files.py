"""Files: put in place whole, so that a reader, a crash or a power cut finds the old one or the new; and unpacked."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

PACKED = b"\x1f\x8b"
"""How what gzip has packed begins (RFC 1952, 2.3.1)."""


@contextmanager
def placed(path: Path, mode: int = 0o600, draft: Path | None = None) -> Iterator[IO[bytes]]:
    """A file to write to, which is put in place of `path` at the block's end: on the disk for certain, or not at all.

    It is written under another name beside it; `draft` is that name, where what was left by a process that was killed
    is to be written over. Raises OSError where it cannot be written; `path` is then as it was.
    """
    if draft is None:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        draft = Path(name)
    else:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    on_disk(path.parent)


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes `content` as a whole, as `placed` does."""
    with placed(path, mode) as file:
        file.write(content)


def on_disk(folder: Path) -> None:
    """Has the disk keep the names in `folder`: without this a rename may be undone by a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """An open file from its beginning, as what is in it where gzip has packed it. Reading it raises what gzip does."""
    packed = file.read(len(PACKED)) == PACKED
    file.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if packed else file
