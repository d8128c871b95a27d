"""Keys that are made once for a city and never leave its folder (`secrets.json`, readable by its owner only)."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FILE = "secrets.json"


def _web_push_keys() -> dict[str, str]:
    """A VAPID key pair (RFC 8292): P-256, both halves base64url without padding."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "private": base64.urlsafe_b64encode(private).rstrip(b"=").decode(),
        "public": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
    }


def read_secrets(folder: Path) -> dict[str, Any]:
    """The city's secrets, made on first use. Two processes starting at once get the same ones."""
    path = folder / FILE
    if not path.exists():
        made = {"secret_key": secrets.token_urlsafe(50), "web_push": _web_push_keys(), "openid_connect": []}
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
