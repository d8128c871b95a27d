"""Playlists: what is in them, and what cannot be kept of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cityhall.engines.cameras.hls import Segment, Unreadable, linked, read

LIVE = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-28T12:00:00.500+01:00
#EXTINF:4.0,
a.m4s?x=1
#EXTINF:3.5,title
b.m4s
#EXT-X-DISCONTINUITY
#EXTINF:4,
c.m4s
"""
MASTER = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=640x360
low/live.m3u8
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="sound.m3u8"
#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=1,BANDWIDTH=2400000,CODECS="avc1.4d401f,mp4a.40.2"
high/live.m3u8
"""


def test_segments_have_numbers_lengths_and_the_cameras_times() -> None:
    found = read(LIVE)
    noon = datetime(2026, 11, 28, 11, 0, 0, 500_000, UTC)
    after = datetime(2026, 11, 28, 11, 0, 4, 500_000, UTC)
    assert found.segments == (
        Segment("a.m4s?x=1", 4.0, 41, noon, "init.mp4"),
        Segment("b.m4s", 3.5, 42, after, "init.mp4"),
        Segment("c.m4s", 4.0, 43, None, "init.mp4"),
    )
    assert (found.target_s, found.ended, found.variants) == (4.0, False, ())
    assert read(LIVE + "#EXT-X-ENDLIST\n").ended


def test_a_master_playlist_leads_to_its_best_variant() -> None:
    assert read(MASTER).variants == ("high/live.m3u8", "low/live.m3u8")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no playlist"),
        ("<html>", "no playlist"),
        (LIVE.replace("#EXTINF:4,", "#EXT-X-BYTERANGE:10@0\n#EXTINF:4,"), "one file"),
        (LIVE.replace('URI="init.mp4"', 'URI="init.mp4",BYTERANGE="9@0"'), "one file"),
        (LIVE.replace("#EXTINF:4.0,", '#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:4.0,'), "encrypted"),
        (LIVE.replace("#EXTINF:4.0,", "#EXTINF:1e9,"), "number"),
        (LIVE.replace(":41", ":-1"), "number"),
        ("#EXTM3U\n" + "#EXTINF:1,\nx.ts\n" * 5001, "too long"),
    ],
)
def test_what_cannot_be_kept_says_why(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(text)


def test_no_key_is_no_encryption() -> None:
    assert len(read(LIVE.replace("#EXTINF:4.0,", "#EXT-X-KEY:METHOD=NONE\n#EXTINF:4.0,")).segments) == 3


def test_every_address_is_made_ours_and_nothing_else() -> None:
    ours = linked(LIVE, lambda url: f"/ours/{url}")
    assert [line for line in ours.splitlines() if "ours" in line] == [
        '#EXT-X-MAP:URI="/ours/init.mp4"',
        "/ours/a.m4s?x=1",
        "/ours/b.m4s",
        "/ours/c.m4s",
    ]
    assert ours.replace("/ours/", "") == LIVE
    assert 'GROUP-ID="a",URI="/ours/sound.m3u8"' in linked(MASTER, lambda url: f"/ours/{url}")
