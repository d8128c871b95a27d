"""The demo's gateway of text messages: a small server of this machine that takes what the city sends to telephones.

It is asked as a real one is: a POST of `{"id", "to", "text"}` with a name and a password (HTTP Basic), and the same
`id` again is the same message. Some of those who are written to write back, by the city's own door for gateways.
"""

from __future__ import annotations

import hmac
import json
import logging
import threading
import time
from base64 import b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy as np

log = logging.getLogger("cityhall.simulator")
NAME = "demo"
BACK = 0.5
"""Share of those who, told for the first time that their call is here, write back."""
THINKS_S = (6.0, 20.0)
WORDS = ("I am at the fountain", "Please hurry", "He has gone, I am still afraid", "Obrigada", "I cannot speak now")
KEPT, MOST_BYTES = 500, 64_000
LOOK_S = 1.0


@dataclass
class Telephones:
    """What was sent to whom. `due` are those who write back: when (`time.monotonic`), from which number, and what."""

    seed: int = 0
    messages: dict[str, tuple[str, str]] = field(default_factory=dict)
    """(number, words) by the city's id, the newest last."""
    due: list[tuple[float, str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, given: Any, now: float) -> bool:
        """Takes a message; False for what is none."""
        if not isinstance(given, dict):
            return False
        id, to, text = (given.get(name) for name in ("id", "to", "text"))
        if not (isinstance(id, str) and isinstance(to, str) and isinstance(text, str) and id and to):
            return False
        with self._lock:
            if id in self.messages:
                return True
            known = any(number == to for number, _text in self.messages.values())
            self.messages[id] = to, text
            while len(self.messages) > KEPT:
                del self.messages[next(iter(self.messages))]
            fate = np.random.default_rng([self.seed, *to.encode()])
            if not known and fate.random() < BACK:
                self.due.append((now + float(fate.uniform(*THINKS_S)), to, WORDS[int(fate.integers(len(WORDS)))]))
        return True

    def write_back(self, client: httpx.Client, gateway: tuple[str, str], now: float) -> int:
        """Brings the city what is due; gives how many. Raises httpx.HTTPError, and it is due still."""
        with self._lock:
            ready = [one for one in self.due if one[0] <= now]
        for one in ready:
            _at, number, words = one
            body = {"id": f"back-{number}-{_at:.3f}", "from": number, "text": words}
            client.post("/api/safety/sms", json=body, auth=gateway).raise_for_status()
            with self._lock:
                self.due.remove(one)
        return len(ready)


class Server(ThreadingHTTPServer):
    """The gateway's door, on this machine only. Raises OSError where the port is another's."""

    daemon_threads = True

    def __init__(self, port: int, password: str, telephones: Telephones) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.telephones = telephones
        self.login = "Basic " + b64encode(f"{NAME}:{password}".encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "demo-gateway", ""

    def do_POST(self) -> None:
        if not hmac.compare_digest(self.headers.get("Authorization", ""), self.server.login):
            self._say(401)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self._say(413)
            return
        try:
            given = json.loads(self.rfile.read(int(length)))
        except ValueError:
            given = None
        taken = self.path == "/send" and self.server.telephones.take(given, time.monotonic())
        self._say(200 if taken else 422)

    def _say(self, status: int) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


def live(address: str, stop: threading.Event, *, known: dict[str, Any], gateway: list[str], seed: int) -> None:
    """Takes and brings messages until `stop` is set. `known`: {"port", "password"}; nobody else's port is taken."""
    if not known:
        return
    telephones = Telephones(seed)
    try:
        server = Server(int(known["port"]), str(known["password"]), telephones)
    except OSError as problem:
        log.warning("the demo's gateway sends no text messages: %r", problem)
        return
    threading.Thread(target=server.serve_forever, name="gateway", daemon=True).start()
    with httpx.Client(base_url=address, timeout=20) as client:
        while not stop.wait(LOOK_S):
            try:
                if len(gateway) == 2:
                    telephones.write_back(client, (gateway[0], gateway[1]), time.monotonic())
            except httpx.HTTPError as problem:
                log.debug("text messages wait: %r", problem)
    server.shutdown()
    server.server_close()
