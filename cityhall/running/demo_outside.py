"""What the demo's processes must know before the first of them starts: where its simulated gateway of messages is.

And what an earlier version did not write into the demo's own `city.toml`. It imports nothing large: `cityhall demo`
itself, which only looks after the others, does this.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import tomllib
from pathlib import Path

HOST = "127.0.0.1"
FILE = "gateway.json"
SERVERS = f'servers = ["{HOST}"]     # the demo\'s cameras are drawn by the simulator, on this machine'
SECTION = "[service.safety]"


def before_start(folder: Path) -> None:
    """Names the gateway in SMS_URL, unless whoever starts the demo has named one. Raises OSError."""
    _mend(folder / "city.toml")
    known = gateway(folder)
    known["port"] = free(int(known.get("port", 0)))
    known.setdefault("password", secrets.token_urlsafe(16))
    file = folder / FILE
    file.touch(mode=0o600)
    file.write_text(json.dumps(known))
    os.environ.setdefault("SMS_URL", f"http://demo:{known['password']}@{HOST}:{known['port']}/send")


def gateway(folder: Path) -> dict[str, int | str]:
    """What is known of the gateway, {"port", "password"}; nothing before its first start."""
    try:
        found: dict[str, int | str] = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found


def free(port: int) -> int:
    """The port where nobody has it, else one that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _mend(file: Path) -> None:
    """A demo that was made before its cameras were is told that they are on this machine."""
    try:
        text = file.read_text(encoding="utf-8")
        city = tomllib.loads(text)
    except (OSError, ValueError):
        # Whoever starts the city says what is wrong with it.
        return
    safety = city.get("service", {}).get("safety", {})
    if "safety" not in city.get("services", []) or "servers" in safety or "camera_hosts" in safety:
        return
    lines = text.splitlines()
    where = next((place for place, line in enumerate(lines) if line.split("#")[0].strip() == SECTION), None)
    if where is None:
        lines += ["", SECTION, SERVERS]
    else:
        lines.insert(where + 1, SERVERS)
    mended = "\n".join(lines) + "\n"
    tomllib.loads(mended)
    file.write_text(mended, encoding="utf-8")
