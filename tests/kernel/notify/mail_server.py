"""A small mail server (RFC 5321) on this machine: it keeps what it is sent, or refuses as it is told."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

FINE = b"250 fine"


class MailServer(socketserver.ThreadingTCPServer):
    """`answer` is what it says to each recipient: 250, or a refusal for now (4yz) or for good (5yz)."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.answer = FINE
        self.mails: list[EmailMessage] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say(b"220 test")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT":
                self._say(self.server.answer)
            elif verb == b"DATA":
                self._say(b"354 go on")
                self._take()
            elif verb == b"QUIT":
                return self._say(b"221 bye")
            else:
                self._say(FINE)

    def _take(self) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            # A dot in front was doubled by the sender (RFC 5321, section 4.5.2).
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.mails.append(message_from_bytes(b"".join(lines), _class=EmailMessage, policy=policy.default))
        self._say(FINE)

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A running server."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
