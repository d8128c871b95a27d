"""Folders that only the city's user may look into, and whom else they let pass."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

ACL = "system.posix_acl_access"
ENTRY = struct.Struct("<HHI")
"""An entry of a POSIX access list in Linux (include/uapi/linux/posix_acl_xattr.h): kind, rights, user or group."""
OWNER, USER, GROUP, NAMED_GROUP, MASK, OTHERS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xFFFF_FFFF
OPEN = stat.S_IRGRP | stat.S_IWGRP | stat.S_IRWXO
"""What others may not. A group's right to pass is left out: it is where an access list shows."""


def is_open(folder: Path) -> bool:
    """Whether others than its user may look into a folder."""
    return bool(folder.stat().st_mode & OPEN)


def close(folder: Path) -> None:
    """Makes a folder its user's own, where this process may; `cityhall check` tells of one that stays open."""
    if is_open(folder) and folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)


def let_pass(path: Path, user: int) -> None:
    """Lets one user reach `path` through folders that are closed to others: pass, not look. As root.

    Raises PermissionError where the file system keeps no access lists.
    """
    for folder in path.parents:
        found = folder.stat()
        if found.st_mode & stat.S_IXOTH or found.st_uid == user:
            continue
        try:
            _add(folder, found.st_mode, user)
        except (OSError, AttributeError):
            raise PermissionError(
                f"{folder} is closed to the user that root starts the embedded database as. Keep the city elsewhere "
                "(/srv), start it as a user of its own, or name a database in DATABASE_URL."
            ) from None


def _add(folder: Path, mode: int, user: int) -> None:
    """Adds "this user may pass" to a folder's access list, made of its mode where it has none."""
    entries = {(OWNER, NOBODY): mode >> 6 & 7, (GROUP, NOBODY): mode >> 3 & 7, (OTHERS, NOBODY): mode & 7}
    if ACL in os.listxattr(folder):
        packed = os.getxattr(folder, ACL)
        entries = {(kind, who): rights for kind, rights, who in ENTRY.iter_unpack(packed[4:])}
    entries[USER, user] = entries.get((USER, user), 0) | 1
    entries[MASK, NOBODY] = entries.get((MASK, NOBODY), entries[GROUP, NOBODY]) | 1
    made = b"".join(ENTRY.pack(kind, rights, who) for (kind, who), rights in sorted(entries.items()))
    os.setxattr(folder, ACL, struct.pack("<I", 2) + made)
