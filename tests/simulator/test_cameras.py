"""The demo's cameras: a moving street with its time, by HTTP."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from cityhall.engines.cameras import hls
from cityhall.simulator import cameras


def test_a_street_stays_and_who_goes_by_moves() -> None:
    first, later, again = (np.asarray(cameras.frame(3, at), dtype=int) for at in (1000.0, 1003.0, 1000.0))
    assert (first == again).all()
    changed = (abs(first - later).sum(axis=2) > 30).mean()
    assert 0.005 < changed < 0.3
    assert (abs(first - np.asarray(cameras.frame(4, 1000.0), dtype=int)).sum(axis=2) > 30).mean() > 0.3


@contextmanager
def served() -> Iterator[str]:
    server = cameras.server(0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_pictures_come_by_http_with_their_age_and_nothing_else_does() -> None:
    with served() as address:
        answer = httpx.get(f"{address}/3/picture.jpg")
        assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
        assert answer.headers["Date"] == answer.headers["Last-Modified"]
        assert httpx.get(f"{address}/3/../etc/passwd").status_code == 404


def test_a_film_shows_the_pictures_one_after_the_other(tmp_path: Path) -> None:
    """What a decoder of others (FFmpeg, in OpenCV) reads is what was drawn, as far as half the colours say it."""
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "film.ts"
    # Where MPEG's clock goes round, and over two segments.
    path.write_bytes(b"".join(cameras.segment(3, number) for number in (50_000, 50_001)))
    film, shown = cv2.VideoCapture(str(path)), []
    while (read := film.read())[0]:
        shown.append(read[1][:, :, ::-1].astype(int))
    assert len(shown) == 2 * cameras.SEGMENT_S * cameras.RATE
    for place, image in enumerate(shown):
        drawn = cameras.frame(3, 50_000 * cameras.SEGMENT_S + place / cameras.RATE).resize(cameras.FILM_SIZE)
        assert abs(image - np.asarray(drawn)).mean() < 6


def test_a_playlist_holds_what_was_filmed_and_its_segments_are_there() -> None:
    found = hls.read(cameras.playlist(1_764_345_003.9))
    assert [one.number for one in found.segments] == list(range(441_086_238, 441_086_250))
    last = found.segments[-1]
    assert last.at is not None and last.at.timestamp() + last.seconds == 1_764_345_000
    with served() as address:
        now = hls.read(httpx.get(f"{address}/3/live.m3u8").text).segments[-1]
        assert httpx.get(f"{address}/3/{now.uri}").content == cameras.segment(3, now.number)
        assert httpx.get(f"{address}/3/{now.number + 5}.ts").status_code == 404, "it is not filmed yet"


def test_a_port_that_is_anothers_is_left_alone() -> None:
    other = cameras.server(0)
    stop = threading.Event()
    cameras.live(stop, other.server_address[1])
    cameras.live(stop, 0)
    other.server_close()
