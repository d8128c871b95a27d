"""A push service (RFC 8030) on this machine, over TLS, with a browser's keys to read what it was sent."""

from __future__ import annotations

import ipaddress
import json
import ssl
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as a point, uncompressed."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class PushService(ThreadingHTTPServer):
    """`status` is what it answers. `messages` holds what it took: what the browser reads, and who the sender is."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.status = 201
        self.headers: dict[str, str] = {}
        self.body = b""
        self.requests = 0
        self.messages: list[dict[str, Any]] = []
        self.browser = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"
        self.certificate = _certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.server_address[1]}"

    @property
    def keys(self) -> dict[str, str]:
        """What the browser tells the city, so that it alone can read what it is sent."""
        return {"p256dh": base64url(raw(self.browser.public_key())), "auth": base64url(self.auth)}

    def read(self, body: bytes, headers: Any) -> dict[str, Any]:
        """What the browser reads (RFC 8291), and the sender's claims, checked against its key (RFC 8292)."""
        assert len(body) <= 4096
        assert headers["Content-Encoding"] == "aes128gcm"
        told = http_ece.decrypt(body, private_key=self.browser, auth_secret=self.auth, version="aes128gcm")
        scheme, _, values = headers["Authorization"].partition(" ")
        assert scheme == "vapid"
        signed = dict(value.strip().split("=", 1) for value in values.split(","))
        point = urlsafe_b64decode(signed["k"] + "==")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(signed["t"], key, algorithms=["ES256"], audience=self.origin)
        return {"told": json.loads(told), "claims": claims, "key": signed["k"], "ttl": int(headers["TTL"])}


class _Post(BaseHTTPRequestHandler):
    server: PushService

    def do_POST(self) -> None:
        self.server.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 201:
            self.server.messages.append(self.server.read(body, self.headers))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_arguments: Any) -> None:
        return


def _certificate(folder: Path) -> Path:
    """A certificate for localhost and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@contextmanager
def push_service(folder: Path) -> Iterator[PushService]:
    """A running service."""
    with PushService(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
