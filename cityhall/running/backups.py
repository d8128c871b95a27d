"""A backup: one tar of the database, the city's files and its secrets, sealed; its manifest comes last.

| name | what |
|---|---|
| `files/...` | the city's folder as it was, but for what can be made anew |
| `database.dump` | the database, in pg_dump's own format |
| `secrets.sealed` | secrets.json under a passphrase: scrypt (RFC 7914) and AES-256-GCM; may be left out |
| `manifest.json` | of which city and version, and the SHA-256 and size of each of the others |

The manifest is the last that is written, so a backup that was cut short has none and is refused.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILES, DUMP, SECRETS, MANIFEST = "files", "database.dump", "secrets.sealed", "manifest.json"
PASSPHRASE = "CITYHALL_PASSPHRASE"
SHORTEST = 12
"""Characters of a passphrase: whoever finds a backup can try as long as they like."""
COST = 2**17
"""scrypt's N, with r = 8: 128 MiB and about half a second for each try."""
_BOUND_TO = b"cityhall secrets 1"


class BackupError(ValueError):
    """A backup cannot be used, or not with this passphrase."""


class Part(BaseModel):
    """One file of a backup: bytes, and SHA-256 in hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """What a backup says of itself. `server` and `tools` are major versions of PostgreSQL; `made` is of ISO 8601."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Literal["cityhall.backup"] = "cityhall.backup"
    version: Literal[1] = 1
    program: str
    city: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    made: str
    server: int
    tools: int
    parts: dict[str, Part]


class Hashed:
    """A file that is read once, by whoever copies it, with its SHA-256 and size counted meanwhile."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest, self._size = file, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        data = self._file.read(size)
        self._digest.update(data)
        self._size += len(data)
        return data

    def part(self) -> Part:
        """What was read until now."""
        return Part(size=self._size, sha256=self._digest.hexdigest())


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=COST, r=8, p=1).derive(passphrase.encode())


def seal(secrets: bytes, passphrase: str) -> bytes:
    """Secrets under a passphrase: 16 bytes of salt, 12 of nonce, and what AES-256-GCM gives.

    Raises BackupError for a passphrase that is too short.
    """
    if len(passphrase) < SHORTEST:
        raise BackupError(f"the passphrase is too short: take {SHORTEST} characters or more, some words that are yours")
    salt, nonce = os.urandom(16), os.urandom(12)
    return salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, secrets, _BOUND_TO)


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """The secrets again. Raises BackupError where the passphrase is another one."""
    salt, nonce, rest = sealed[:16], sealed[16:28], sealed[28:]
    try:
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, rest, _BOUND_TO)
    except (InvalidTag, ValueError):
        raise BackupError("this is not the passphrase that the backup's secrets were sealed with") from None


def checked(path: Path) -> Manifest:
    """Reads a whole backup and compares each part with the manifest.

    Raises BackupError where anything is missing, changed, cut off or more than there should be.
    """
    found: dict[str, Part] = {}
    manifest = None
    try:
        with tarfile.open(path, "r:") as bundle:
            for member in bundle:
                file = bundle.extractfile(member) if member.isfile() else None
                if file is None or member.name in found or manifest is not None or not _safe(member.name):
                    raise BackupError(f"{path} is no backup: {member.name!r} does not belong in one")
                if member.name == MANIFEST:
                    manifest = Manifest.model_validate_json(file.read())
                    continue
                hashed = Hashed(file)
                while hashed.read(1 << 20):
                    pass
                found[member.name] = hashed.part()
    except (tarfile.TarError, EOFError, ValidationError) as problem:
        raise BackupError(f"{path} is no whole backup: {str(problem).splitlines()[0]}") from None
    if manifest is None:
        raise BackupError(f"{path} is no whole backup: its end is missing")
    wrong = sorted(name for name in found | manifest.parts if found.get(name) != manifest.parts.get(name))
    if wrong or DUMP not in found or f"{FILES}/city.toml" not in found:
        raise BackupError(f"{path} is damaged: {', '.join(wrong[:5]) or 'it has no city'} is not as it was saved")
    return manifest


def _safe(name: str) -> bool:
    path = PurePosixPath(name)
    inside = len(path.parts) > 1 and path.parts[0] == FILES and ".." not in path.parts and path.as_posix() == name
    return inside or name in (DUMP, SECRETS, MANIFEST)
