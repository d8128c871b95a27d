"""Original bytes in a file that only its own key opens, and of which every changed bit shows.

AES-256-GCM (NIST SP 800-38D) in pieces of 1 MiB, so that a recording is never whole in memory. A key opens one file
only, so the pieces' numbers do for nonces; the last one is marked, so that a cut file does not pass for a short one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

MAGIC = b"cityhall evidence 1\n"
CHUNK = 1 << 20
TAG = 16
FOLDER = "evidence"
"""In the city's folder, so that a backup has it."""


class Broken(Exception):
    """The file is not what was sealed, or this is not its key."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing gave: bytes of the original, SHA-256 (hex) of it and of the file."""

    size: int
    digest: str
    sealed_digest: str


def path_of(uid: UUID) -> Path:
    """Where a piece's file lies."""
    name = uid.hex
    # The end is what is random in them.
    return Path(settings.CITY_FOLDER) / FOLDER / name[-2:] / f"{name}.sealed"


def new_key() -> bytes:
    """32 random bytes."""
    return AESGCM.generate_key(256)


def seal(original: IO[bytes], target: IO[bytes], key: bytes, uid: UUID) -> Sealed:
    """Writes the sealed file."""
    cipher, size, plain, sealed = AESGCM(key), 0, hashlib.sha256(), hashlib.sha256(MAGIC)
    target.write(MAGIC)
    chunk, number = original.read(CHUNK), 0
    while True:
        following = original.read(CHUNK)
        size += len(chunk)
        plain.update(chunk)
        box = cipher.encrypt(_nonce(number, not following), chunk, uid.bytes)
        sealed.update(box)
        target.write(box)
        if not following:
            return Sealed(size, plain.hexdigest(), sealed.hexdigest())
        chunk, number = following, number + 1


def unseal(file: IO[bytes], key: bytes, uid: UUID) -> Iterator[bytes]:
    """The original, a MiB at a time. Raises Broken at the first part that is not as it was sealed."""
    cipher = AESGCM(key)
    if file.read(len(MAGIC)) != MAGIC:
        raise Broken("it does not begin as a sealed file does")
    box, number = file.read(CHUNK + TAG), 0
    while True:
        following = file.read(CHUNK + TAG)
        try:
            chunk = cipher.decrypt(_nonce(number, not following), box, uid.bytes)
        except (InvalidTag, ValueError):
            raise Broken(f"it is not as it was sealed, from byte {number * CHUNK} on") from None
        yield chunk
        if not following:
            return
        box, number = following, number + 1


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
