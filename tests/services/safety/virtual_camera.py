"""A camera that is none: ONVIF, pictures and HLS by real HTTP, with passwords that it checks, and faults to order.

Pictures want a digest (RFC 7616), ONVIF a UsernameToken (WSS UsernameToken Profile 1.0); the film is open. What it
films is numbered: of each segment and picture the bytes are known.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JPEG = b"\xff\xd8\xff\xe0"
SEGMENT_S = 4
REALM, NONCE = "camera", "dcd98b7102dd2f0e"
DEVICE, MEDIA = "http://www.onvif.org/ver10/device/wsdl", "http://www.onvif.org/ver10/media/wsdl"
SOAP = (
    '<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
    f' xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="{DEVICE}" xmlns:trt="{MEDIA}">'
    "<SOAP-ENV:Body>{}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
UNAUTHORISED = (
    "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value></SOAP-ENV:Code>"
    "<SOAP-ENV:Reason><SOAP-ENV:Text>Sender not Authorized</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>"
)


def segment(number: int) -> bytes:
    """A segment of the film: MPEG-TS begins with 0x47."""
    return b"\x47" + number.to_bytes(4, "big") * 200


def picture(number: int) -> bytes:
    return JPEG + number.to_bytes(4, "big") * 50


@dataclass
class VirtualCamera:
    """`clock` is the time that its film goes by, `ahead` by how much its own clock is wrong.

    `holds` is how many segments its playlist has, `forgotten` how many of them it has not any more. `fault` is what it
    does instead of answering: "redirect", "huge", "slow", "html", "dead".
    """

    user: str = "desk"
    password: str = "s3cret-Känguru"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ahead: timedelta = timedelta()
    holds: int = 10
    forgotten: int = 0
    fault: str = ""
    address: str = ""
    asked: list[str] = field(default_factory=list)
    pictures: int = 0
    nonces: set[str] = field(default_factory=set)

    def newest(self) -> int:
        """The number of the last segment that is whole."""
        return int(self.clock().timestamp()) // SEGMENT_S - 1

    def playlist(self) -> str:
        last = self.newest()
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{SEGMENT_S}", f"#EXT-X-MEDIA-SEQUENCE:{last - self.holds + 1}"]
        for number in range(last - self.holds + 1, last + 1):
            at = datetime.fromtimestamp(number * SEGMENT_S, UTC) + self.ahead
            lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at.isoformat()}", f"#EXTINF:{SEGMENT_S}.0,", f"s{number}.ts"]
        return "\n".join(lines) + "\n"

    def onvif(self, path: str, body: str) -> tuple[int, str]:
        """The answer to a message: only the time is told to anybody."""
        if "GetSystemDateAndTime" in body:
            return 200, SOAP.format(self._time())
        if not self._knows(body):
            return 400, SOAP.format(UNAUTHORISED)
        # As behind a gateway: it knows itself by another address.
        own = "http://192.168.1.64:8000"
        if path == "/onvif/device_service" and "GetCapabilities" in body:
            media = f"<tt:Media><tt:XAddr>{own}/onvif/media</tt:XAddr></tt:Media>"
            return 200, SOAP.format(
                f"<tds:GetCapabilitiesResponse><tds:Capabilities>{media}</tds:Capabilities></tds:GetCapabilitiesResponse>"
            )
        if path == "/onvif/media" and "GetProfiles" in body:
            return 200, SOAP.format(
                '<trt:GetProfilesResponse><trt:Profiles token="main&amp;1"/></trt:GetProfilesResponse>'
            )
        if path == "/onvif/media" and "<ProfileToken>main&amp;1</ProfileToken>" in body:
            port = self.address.rsplit(":", 1)[1]
            uri = (
                "rtsp://192.168.1.64:554/main" if "GetStreamUri" in body else f"http://192.168.1.64:{port}/picture.jpg"
            )
            return 200, SOAP.format(f"<trt:Response><trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri></trt:Response>")
        return 500, SOAP.format(UNAUTHORISED.replace("not Authorized", "asks for nothing known"))

    def _time(self) -> str:
        at = datetime.now(UTC) + self.ahead
        day = f"<tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day>"
        hour = f"<tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}</tt:Second>"
        both = f"<tt:Time>{hour}</tt:Time><tt:Date>{day}</tt:Date>"
        return f"<tds:SystemDateAndTime><tt:UTCDateTime>{both}</tt:UTCDateTime></tds:SystemDateAndTime>"

    def _knows(self, body: str) -> bool:
        """Whether the token is right, of now by its own clock (5 s), and new."""
        found = {
            name: re.search(rf"<{name}[^>]*>([^<]*)</{name}>", body)
            for name in ("Username", "Password", "Nonce", "Created")
        }
        if not all(found.values()):
            return False
        said = {name: one[1] for name, one in found.items() if one}
        age = abs(datetime.fromisoformat(said["Created"]) - datetime.now(UTC) - self.ahead)
        hashed = hashlib.sha1(b64decode(said["Nonce"]) + said["Created"].encode() + self.password.encode()).digest()
        right = said["Username"] == self.user and said["Password"] == b64encode(hashed).decode()
        fresh = said["Nonce"] not in self.nonces and age < timedelta(seconds=5)
        self.nonces.add(said["Nonce"])
        return right and fresh

    def lets_in(self, method: str, header: str) -> bool:
        """A digest by HTTP (RFC 7616, 3.4.1), with qop."""
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', header))
        if not header.startswith("Digest ") or said.get("username") != self.user or said.get("nonce") != NONCE:
            return False
        first, second = _md5(f"{self.user}:{REALM}:{self.password}"), _md5(f"{method}:{said['uri']}")
        return bool(said["response"] == _md5(f"{first}:{NONCE}:{said['nc']}:{said['cnonce']}:auth:{second}"))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    camera: VirtualCamera

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.camera.asked.append(self.path)
        status, answer = self.camera.onvif(self.path, body)
        self.say(status, answer.encode(), "application/soap+xml")

    def do_GET(self) -> None:
        camera = self.camera
        camera.asked.append(self.path)
        if camera.fault:
            self.fail(camera.fault)
        elif self.path == "/picture.jpg" and not camera.lets_in("GET", self.headers.get("Authorization", "")):
            self.say(
                401, b"", "text/plain", {"WWW-Authenticate": f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth"'}
            )
        elif self.path == "/picture.jpg":
            camera.pictures += 1
            old = {"Last-Modified": "Sat, 28 Nov 2026 12:00:00 GMT", "Date": "Sat, 28 Nov 2026 12:00:07 GMT"}
            self.say(200, picture(camera.pictures), "image/jpeg", old)
        elif self.path == "/film/live.m3u8":
            self.say(200, camera.playlist().encode(), "application/vnd.apple.mpegurl")
        elif (found := re.fullmatch(r"/film/s(\d+)\.ts", self.path)) and self.holds(int(found[1])):
            self.say(200, segment(int(found[1])), "video/mp2t")
        else:
            self.say(404, b"", "text/plain")

    def holds(self, number: int) -> bool:
        newest = self.camera.newest()
        return newest - self.camera.holds + self.camera.forgotten < number <= newest

    def fail(self, fault: str) -> None:
        if fault == "redirect":
            self.say(302, b"", "text/plain", {"Location": f"{self.camera.address}/secret"})
        elif fault == "html":
            self.say(200, b"<html><script>", "image/jpeg")
        elif fault == "dead":
            self.close_connection = True
        else:
            self.send_response_only(200)
            self.end_headers()
            # One never ends, the other never hurries.
            piece, pause = (JPEG + b"x" * 1_000_000, 0.0) if fault == "huge" else (b"\xff", 0.2)
            try:
                for _piece in range(200):
                    self.wfile.write(piece)
                    time.sleep(pause)
            except OSError:
                pass

    def say(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(camera: VirtualCamera) -> Iterator[VirtualCamera]:
    """The camera, on this machine, at its `address` until the end."""
    handler = type("Handler", (_Handler,), {"camera": camera})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    camera.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield camera
    finally:
        server.shutdown()
        server.server_close()
