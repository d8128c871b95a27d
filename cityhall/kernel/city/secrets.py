"""Keys that are made once for a city and never leave its folder (`secrets.json`, readable by its owner only)."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cityhall.kernel.files import put

FILE = "secrets.json"
JOURNAL = "journal_key"


def _web_push_keys() -> dict[str, str]:
    """A VAPID key pair (RFC 8292): P-256, both halves base64url without padding."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "private": base64.urlsafe_b64encode(private).rstrip(b"=").decode(),
        "public": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
    }


def _new_journal_key() -> str:
    """An Ed25519 key (RFC 8032), its 32 bytes in base64url."""
    return base64.urlsafe_b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def read_secrets(folder: Path) -> dict[str, Any]:
    """The city's secrets, made on first use. Two processes starting at once get the same ones."""
    path = folder / FILE
    if not path.exists():
        made = {
            "secret_key": secrets.token_urlsafe(50),
            "web_push": _web_push_keys(),
            "openid_connect": [],
            JOURNAL: _new_journal_key(),
        }
        draft = folder / f".{FILE}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(made, file, indent=2)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def journal_key(folder: Path) -> Ed25519PrivateKey:
    """What the city signs its journal's anchors with. A city made by a version that had none gets one now."""
    path = folder / FILE
    kept = read_secrets(folder)
    if JOURNAL not in kept:
        from filelock import FileLock

        with FileLock(folder / f".{FILE}.lock"):
            kept = read_secrets(folder)
            if JOURNAL not in kept:
                kept[JOURNAL] = _new_journal_key()
                put(path, json.dumps(kept, indent=2).encode())
    return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(kept[JOURNAL]))
