"""The files of a window while it is being kept: segments of HLS or pictures, each as it came, on the disk for certain.

Their names say all that is known of them, so whoever goes on after a crash needs nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import zipfile
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from cityhall.engines.cameras import hls, rtsp
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.files import placed, put
from cityhall.services.safety import camera_calls as calls
from cityhall.services.safety import cameras, streams
from cityhall.services.safety.models import Window

log = logging.getLogger("cityhall.safety")
FOLDER = "windows"
MOST_BYTES = 400_000_000
"""A window that is larger is cut there: it is a minute and a half."""
_NAME = re.compile(r"(?P<kind>[rspo])-(?P<number>\d+)-(?P<start>\d+)-(?P<ms>\d+)-(?P<said>\d+)\.\w+")
PART_S = 4.0
"""A stream is kept in files that are about so long, each of which a player can begin with."""
READ_S, REST = 0.9, timedelta(seconds=15)
"""How long a look at a stream listens; and a stream that failed is not tried again for so long: pictures are kept."""
_VARIANTS = 2
"""How deep a master playlist may lead to others."""


class Taken(Enum):
    """What a look at the camera gave: something or nothing new, or the last that the window needs."""

    SOME = "some"
    NOTHING = "nothing"
    ALL = "all"


class Parts:
    """What there is of a window. `late` is how long after its end a camera may still give what belongs to it."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.folder = Path(settings.CITY_FOLDER) / FOLDER / str(window.pk)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.late = timedelta()
        self._playlist = ""
        self._stream: streams.Stream | None = None
        self._rests: datetime | None = None
        self._units: list[bytes] = []
        self._since: datetime | None = None
        self._size = 0
        self._starts = self._numbers()

    def files(self) -> list[Path]:
        """What came, in its order."""
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def take(self, now: datetime) -> Taken:
        """Asks the camera once. What fails is no error: it is asked again."""
        if sum(path.stat().st_size for path in self.files()) > MOST_BYTES:
            return Taken.ALL
        camera = self.window.camera
        assert camera is not None
        # Where its film cannot be had or kept, its pictures are better than nothing.
        rests = self._rests is not None and now < self._rests
        ways = [
            (camera.hls_url, self._segments),
            ("" if rests else camera.rtsp_url, self._streamed),
            (camera.snapshot_url, self._picture),
        ]
        for way in [way for url, way in ways if url]:
            try:
                return way(now)
            except (CityhallError, hls.Unreadable) as problem:
                log.info("window %s: %r %s", self.window.pk, problem, getattr(problem, "__notes__", ""))
        return Taken.NOTHING

    def _streamed(self, now: datetime) -> Taken:
        """Listens for READ_S. Each file begins where a player can, with the stream's parameters before it."""
        assert self.window.camera is not None
        if now >= self.window.until:
            self.close(now)
            return Taken.ALL
        try:
            self._stream = self._stream or streams.Stream(self.window.camera)
            came = self._stream.units(READ_S)
        except CityhallError:
            self.close(now)
            self._rests = now + REST
            raise
        for unit in came:
            begins = rtsp.begins(self._stream.track.codec, unit)
            if self._since is None and not begins:
                continue
            whole = self._since is not None and (now - self._since).total_seconds() >= PART_S
            if begins and whole and not rtsp.begins(self._stream.track.codec, self._units[-1]):
                self._put(now)
            if self._since is None:
                self._since = now
            self._units.append(unit)
            self._size += len(unit)
            if self._size > calls.SEGMENT_BYTES:
                # More than any camera films in so short a time: it goes on at the next whole picture.
                self._put(now)
        return Taken.SOME if came else Taken.NOTHING

    def _put(self, now: datetime) -> None:
        """What came of the stream so far is a file: units as they came, each after a start code."""
        if self._since is None or self._stream is None:
            return
        track = self._stream.track
        body = b"".join(rtsp.START + unit for unit in (*track.opening, *self._units))
        number = sum(_named(path)["kind"] == "r" for path in self.files())
        ms = max(1, _millis(now) - _millis(self._since))
        put(self.folder / f"r-{number:012d}-{_millis(self._since)}-{ms}-0.{track.codec}", body)
        self._units, self._since, self._size = [], None, 0

    def close(self, now: datetime) -> None:
        """Lets the camera go, and puts away what came of it."""
        if self._stream is not None:
            self._put(now)
            self._stream.close()
            self._stream = None

    def _picture(self, now: datetime) -> Taken:
        assert self.window.camera is not None
        if now >= self.window.until:
            return Taken.ALL
        body = self._asked(self.window.camera.snapshot_url, calls.PICTURE_BYTES)
        ending = "png" if calls.picture_kind(body) == "image/png" else "jpg"
        put(self.folder / f"p-{len(self.files()):08d}-{_millis(now)}-0-0.{ending}", body)
        return Taken.SOME

    def _segments(self, now: datetime) -> Taken:
        url, playlist = self._read()
        self.late = timedelta(seconds=3 * playlist.target_s)
        known = self._numbers()
        self._reckon(playlist, now)
        taken = Taken.NOTHING
        for segment in playlist.segments:
            start = self._starts[segment.number]
            if start >= self.window.until or start + timedelta(seconds=segment.seconds) <= self.window.since:
                continue
            if segment.number in known or self._got(url, segment, start):
                taken = Taken.SOME
        newest = self._starts[playlist.segments[-1].number] if playlist.segments else now
        over = playlist.ended or (bool(playlist.segments) and newest >= self.window.until)
        return Taken.ALL if over and taken == Taken.SOME else taken

    def _numbers(self) -> dict[int, datetime]:
        """The segments that there are, and when each began."""
        every = [named for named in map(_named, self.files()) if named["kind"] == "s"]
        return {int(named["number"]): datetime.fromtimestamp(int(named["start"]) / 1000, UTC) for named in every}

    def _reckon(self, playlist: hls.Playlist, now: datetime) -> None:
        """Finds out when each segment began, by the city's clock: cameras' own are often wrong.

        The first that are seen are reckoned back from the newest, which has just ended; what follows begins where the
        one before it ends.
        """
        starts, end = {}, now
        for segment in reversed(playlist.segments):
            end = starts[segment.number] = end - timedelta(seconds=segment.seconds)
        seen = next((number for number in starts if number in self._starts), None)
        shift = self._starts[seen] - starts[seen] if seen is not None else timedelta()
        self._starts = {number: start + shift for number, start in starts.items()}

    def _got(self, url: str, segment: hls.Segment, start: datetime) -> bool:
        """Whether a segment could be had. One that the camera has just forgotten holds up none of those after it."""
        try:
            if segment.opening:
                self._opening(urljoin(url, segment.opening))
            body = self._asked(urljoin(url, segment.uri))
        except CityhallError as problem:
            log.info("window %s: segment %s: %r", self.window.pk, segment.number, problem)
            return False
        ending = "ts" if body[:1] == b"\x47" else "m4s"
        said = _millis(segment.at) if segment.at else 0
        name = f"s-{segment.number:012d}-{_millis(start)}-{round(segment.seconds * 1000)}-{said}.{ending}"
        put(self.folder / name, body)
        return True

    def _read(self) -> tuple[str, hls.Playlist]:
        """The address of the camera's media playlist, and that."""
        assert self.window.camera is not None
        url = self._playlist or self.window.camera.hls_url
        for _turn in range(_VARIANTS):
            answer = cameras.ask(self.window.camera, url, calls.PLAYLIST_BYTES)
            playlist = hls.read(answer.body.decode("utf-8", "replace"))
            if not playlist.variants:
                self._playlist = url
                return url, playlist
            url = urljoin(url, playlist.variants[0])
        raise hls.Unreadable("its playlists lead nowhere")

    def _asked(self, url: str, most: int = calls.SEGMENT_BYTES) -> bytes:
        assert self.window.camera is not None
        return cameras.ask(self.window.camera, url, most).body

    def _opening(self, url: str) -> None:
        """What must be read before the segments, once for each address."""
        number = int(hashlib.sha256(urlsplit(url).path.encode()).hexdigest()[:12], 16)
        if not any(self.folder.glob(f"o-{number:015d}-*")):
            put(self.folder / f"o-{number:015d}-0-0-0.mp4", self._asked(url))

    def bundle(self) -> Path | None:
        """All of it as one file: the originals, an index with their hashes, and a playlist; None where nothing came."""
        files = self.files()
        if not files:
            return None
        path = self.folder / "window.zip"
        with placed(path) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
            entries = []
            for file in files:
                bundle.write(file, file.name)
                entries.append(_entry(file))
            bundle.writestr("index.json", json.dumps(self._index(entries), indent=1, ensure_ascii=False))
            if playlist := _playlist(entries):
                bundle.writestr("playlist.m3u8", playlist)
        return path

    def _index(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        window, camera = self.window, self.window.camera
        return {
            "alert": window.alert_id,
            "camera": {"id": window.camera_id, "name": camera.name if camera else ""},
            "point": list(camera.point) if camera else None,
            "asked_for": {"from": window.since.isoformat(), "until": window.until.isoformat()},
            "files": entries,
        }


def _entry(path: Path) -> dict[str, Any]:
    """`from` is when it began by the city's clock, `camera_said` by the camera's own; `seconds` is 0 of a picture."""
    found = _named(path)
    entry: dict[str, Any] = {"file": path.name, "bytes": path.stat().st_size}
    with path.open("rb") as file:
        entry["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    if found["kind"] != "o":
        entry["from"] = _moment(found["start"])
        entry["seconds"] = int(found["ms"]) / 1000
        if int(found["said"]):
            entry["camera_said"] = _moment(found["said"])
    return entry


def _playlist(entries: list[dict[str, Any]]) -> str:
    """By which a player shows the segments one after the other (RFC 8216); "" for pictures."""
    films = [entry for entry in entries if entry["file"].startswith("s-")]
    if not films:
        return ""
    longest = max(entry["seconds"] for entry in films)
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{round(longest + 0.5)}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines += [f'#EXT-X-MAP:URI="{entry["file"]}"' for entry in entries if entry["file"].startswith("o-")][:1]
    for entry in films:
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{entry['from']}", f"#EXTINF:{entry['seconds']:.3f},", entry["file"]]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _named(path: Path) -> re.Match[str]:
    found = _NAME.fullmatch(path.name)
    assert found is not None, path.name
    return found


def _moment(millis: str) -> str:
    return datetime.fromtimestamp(int(millis) / 1000, UTC).isoformat(timespec="milliseconds")


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)
