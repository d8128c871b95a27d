"""Cameras of the demo: a small server of this machine that shows made streets, on which cars and people go by.

A camera's picture is at `/<number>/picture.jpg`, its film at `/<number>/live.m3u8`, as a camera's own server would have
them: asked for, they are drawn.
"""

from __future__ import annotations

import io
import logging
import re
import threading
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from cityhall.simulator import clock, film
from cityhall.simulator.pictures import HORIZON, SIZE, street

log = logging.getLogger("cityhall.simulator")
PATH = re.compile(r"/(\d{1,4})/(picture\.jpg|live\.m3u8|(\d{1,12})\.ts)")
COLOURS = ((178, 40, 36), (36, 72, 140), (230, 226, 216), (52, 54, 58), (196, 150, 40))
COATS = ((40, 60, 90), (120, 44, 60), (60, 96, 64), (90, 84, 76))
CARS, WALKERS = 4, 5
SEGMENT_S, RATE, HELD = 4, 2, 12
"""A film's segments, its pictures a second, and how many segments are held: a camera remembers 48 s."""
FILM_SIZE = (480, 360)


@lru_cache(maxsize=32)
def _background(number: int) -> Image.Image:
    return street(np.random.default_rng([number, 7]))


def frame(number: int, at: float) -> Image.Image:
    """What camera `number` sees at a moment (Unix seconds): the same street always, and whoever goes by just then."""
    image = _background(number).copy()
    draw = ImageDraw.Draw(image)
    rng, width = np.random.default_rng([number, 8]), SIZE[0]
    for coat in range(WALKERS):
        pace, start, near = float(rng.uniform(12, 26)) * rng.choice((-1, 1)), rng.uniform(0, width), rng.uniform(0, 26)
        x = (start + pace * at) % (width + 40) - 20
        _walker(draw, x, HORIZON + 34 + near, COATS[coat % len(COATS)], at * pace / 9)
    for car in range(CARS):
        lane = car % 2
        pace, start = float(rng.uniform(70, 120)), float(rng.uniform(0, 4 * width))
        x = (start + (pace if lane else -pace) * at) % (4 * width) - 160
        _car(draw, x, 330 + 70 * lane, COLOURS[int(rng.integers(len(COLOURS)))])
    said = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    draw.rectangle((0, 0, width, 22), fill=(16, 18, 22))
    draw.text((8, 5), f"CAMERA {number}   {said}", fill=(240, 240, 240))
    return image


def _walker(draw: ImageDraw.ImageDraw, x: float, y: float, coat: tuple[int, int, int], step: float) -> None:
    swing = 5 * np.sin(step)
    draw.line((x, y + 26, x + swing, y + 44), fill=(40, 40, 46), width=4)
    draw.line((x, y + 26, x - swing, y + 44), fill=(40, 40, 46), width=4)
    draw.rounded_rectangle((x - 7, y + 6, x + 7, y + 30), 5, fill=coat)
    draw.ellipse((x - 6, y - 8, x + 6, y + 5), fill=(196, 160, 132))


def _car(draw: ImageDraw.ImageDraw, x: float, y: float, colour: tuple[int, int, int]) -> None:
    draw.rounded_rectangle((x, y, x + 130, y + 36), 10, fill=colour)
    draw.polygon([(x + 26, y), (x + 42, y - 24), (x + 92, y - 24), (x + 110, y)], fill=colour)
    draw.polygon([(x + 34, y), (x + 46, y - 18), (x + 88, y - 18), (x + 100, y)], fill=(150, 172, 186))
    for wheel in (x + 22, x + 88):
        draw.ellipse((wheel, y + 24, wheel + 24, y + 48), fill=(28, 28, 30))


def picture(number: int, at: float) -> bytes:
    """The same as a JPEG."""
    out = io.BytesIO()
    frame(number, at).save(out, "JPEG", quality=80)
    return out.getvalue()


def playlist(at: float) -> str:
    """What there is of a film at a moment (RFC 8216); segments are numbered by the time they begin at."""
    after = int(at) // SEGMENT_S
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SEGMENT_S}"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{after - HELD}")
    for number in range(after - HELD, after):
        began = datetime.fromtimestamp(number * SEGMENT_S, UTC)
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{began:%Y-%m-%dT%H:%M:%SZ}", f"#EXTINF:{SEGMENT_S}.0,", f"{number}.ts"]
    return "\n".join([*lines, ""])


@lru_cache(maxsize=64)
def segment(camera: int, number: int) -> bytes:
    """A segment of a camera's film."""
    images = [frame(camera, number * SEGMENT_S + place / RATE).resize(FILM_SIZE) for place in range(SEGMENT_S * RATE)]
    return film.segment(images, number * SEGMENT_S * RATE, RATE)


class _Handler(BaseHTTPRequestHandler):
    """Answers as a camera does."""

    server_version, sys_version = "demo-camera", ""

    def do_GET(self) -> None:
        found, at = PATH.fullmatch(self.path), clock.time()
        if found is None:
            self.send_error(404)
        elif found[3]:
            number = int(found[3])
            held = int(at) // SEGMENT_S - 2 * HELD <= number < int(at) // SEGMENT_S
            self._say(segment(int(found[1]), number), "video/mp2t", at) if held else self.send_error(404)
        elif found[2] == "live.m3u8":
            self._say(playlist(at).encode(), "application/vnd.apple.mpegurl", at)
        else:
            self._say(picture(int(found[1]), at), "image/jpeg", at)

    def _say(self, body: bytes, kind: str, at: float) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # Both by one clock, so that whoever asks knows how old it is.
        for name in ("Date", "Last-Modified"):
            self.send_header(name, formatdate(at, usegmt=True))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


def server(port: int) -> ThreadingHTTPServer:
    """The cameras' server, on this machine only. Raises OSError where the port is another's."""
    return ThreadingHTTPServer(("127.0.0.1", port), _Handler)


def live(stop: threading.Event, port: int) -> None:
    """Serves pictures until `stop` is set; nobody else's port is taken."""
    if not port:
        return
    try:
        cameras = server(port)
    except OSError as problem:
        log.warning("the demo's cameras show nothing: %r", problem)
        return
    cameras.daemon_threads = True
    threading.Thread(target=cameras.serve_forever, name="cameras", daemon=True).start()
    stop.wait()
    cameras.shutdown()
    cameras.server_close()
