"""RTSP and RTP: what came whole is told from what has not, and packets are put together to what was coded."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.cameras import rtsp

SDP = """v=0
a=control:*
m=audio 0 RTP/AVP 0
a=rtpmap:0 PCMU/8000
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHg==,aM4=
a=control:trackID=1
m=video 0 RTP/AVP 97
a=rtpmap:97 H265/90000
"""
H264 = rtsp.Track("rtsp://cam/main/trackID=1", "h264", 96, (b"\x67\x42\xc0\x1e", b"\x68\xce"))


def packet(number: int, body: bytes, payload: int = 96, head: int = 0x80) -> bytes:
    return bytes([head, payload]) + (number & 0xFFFF).to_bytes(2, "big") + bytes(8) + body


def split(unit: bytes, size: int, codec: str) -> list[bytes]:
    """As a camera does, written from the standards (RFC 6184, 5.8; RFC 7798, 4.4.3)."""
    if codec == "h264":
        head, kind, rest = bytes([unit[0] & 0xE0 | 28]), unit[0] & 0x1F, unit[1:]
    else:
        head, kind, rest = bytes([unit[0] & 0x81 | 49 << 1, unit[1]]), unit[0] >> 1 & 0x3F, unit[2:]
    parts = [rest[at : at + size] for at in range(0, len(rest), size)]
    last = len(parts) - 1
    return [head + bytes([0x80 * (n == 0) | 0x40 * (n == last) | kind]) + part for n, part in enumerate(parts)]


def test_the_first_stream_of_pictures_is_taken() -> None:
    assert rtsp.track(SDP, "rtsp://cam/main/") == H264
    named = SDP.replace("a=control:trackID=1", "a=control:rtsp://cam/other")
    assert rtsp.track(named, "rtsp://cam/main").control == "rtsp://cam/other"
    later = rtsp.track(SDP.replace("m=video 0 RTP/AVP 96", "m=text 0 RTP/AVP 96"), "rtsp://cam/x")
    assert (later.codec, later.payload) == ("h265", 97)


@pytest.mark.parametrize("said", ["", "m=video 0 RTP/AVP 26\n", SDP.replace("H264", "JPEG").replace("H265", "VP8")])
def test_what_has_no_such_stream_says_so(said: str) -> None:
    with pytest.raises(rtsp.Unreadable):
        rtsp.track(said, "rtsp://cam/main")


@pytest.mark.parametrize("codec", ["h264", "h265"])
@given(
    bodies=st.lists(st.binary(min_size=4, max_size=300), min_size=1, max_size=6),
    size=st.integers(2, 120),
    first=st.integers(0, 65_535),
)
def test_units_come_out_as_they_were_coded(codec: str, bodies: list[bytes], size: int, first: int) -> None:
    head = b"\x65" if codec == "h264" else b"\x26\x01"
    units = [head + body for body in bodies]
    pieces = [piece for unit in units for piece in split(unit, size, codec)]
    putting = rtsp.Units(rtsp.Track("x", codec, 96, ()))
    assert [one for n, piece in enumerate(pieces) for one in putting.add(packet(first + n, piece))] == units
    assert putting.lost == 0
    # One that misses a packet is left out, and only that.
    gone = len(split(units[0], size, codec)) - 1
    putting = rtsp.Units(rtsp.Track("x", codec, 96, ()))
    came = [one for n, piece in enumerate(pieces) if n != gone for one in putting.add(packet(first + n, piece))]
    assert came == units[1:] and putting.lost == (0 < gone < len(pieces) - 1)


def test_several_in_one_packet_with_extension_and_padding() -> None:
    both = b"\x18" + b"\x00\x02\x67\x42" + b"\x00\x03\x68\xce\x01"
    putting = rtsp.Units(H264)
    extended = packet(7, b"\xbe\xde\x00\x01abcd" + both + b"\x00\x00\x03", head=0x80 | 0x10 | 0x20)
    assert putting.add(extended) == [b"\x67\x42", b"\x68\xce\x01"]
    assert putting.add(packet(8, b"\x65\x01", payload=97)) == [] == putting.add(b"\x80"), "not ours, and none"


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_whatever_comes_it_is_no_crash(packets: list[bytes]) -> None:
    for codec in ("h264", "h265"):
        putting = rtsp.Units(rtsp.Track("x", codec, 96, ()))
        for number, body in enumerate(packets):
            for unit in [*putting.add(body), *putting.add(packet(number, body))]:
                assert rtsp.begins(codec, unit) in (True, False)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_answers_and_packets_are_told_apart_however_they_are_cut(cuts: list[int]) -> None:
    body = b"v=0\r\n$\r\n\r\n"
    whole = (
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body
        + b"$\x00\x00\x03abc"
        + b"$\x01\x00\x02xx"
        + b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n"
        + b"RTSP/1.0 401 No\r\nWWW-Authenticate: Digest\r\n\r\n"
    )
    buffer, came = bytearray(), []
    for cut in [*cuts, len(whole)]:
        buffer += whole[:cut]
        whole = whole[cut:]
        came += list(rtsp.taken(buffer))
    assert came == [
        rtsp.Response(200, {"cseq": "1", "content-length": str(len(body))}, body),
        b"abc",
        rtsp.Response(401, {"www-authenticate": "Digest"}, b""),
    ]


def test_a_password_goes_as_a_digest_only() -> None:
    said = rtsp.authorization('Digest realm="c", nonce="n", opaque="o"', "ana", "pw", "DESCRIBE", "rtsp://cam/x")
    ours = hashlib.md5(b"ana:c:pw").hexdigest()
    wanted = hashlib.md5(f"{ours}:n:{hashlib.md5(b'DESCRIBE:rtsp://cam/x').hexdigest()}".encode()).hexdigest()
    assert f'response="{wanted}"' in said and 'opaque="o"' in said and "pw" not in said
    for other in ('Basic realm="c"', 'Digest realm="c"', 'Digest nonce="n", algorithm=SHA-512'):
        with pytest.raises(rtsp.Unreadable):
            rtsp.authorization(other, "ana", "pw", "DESCRIBE", "rtsp://cam/x")
    with pytest.raises(rtsp.Unreadable):
        rtsp.request("DESCRIBE", "rtsp://cam/x\r\nEvil: 1", 1, {})
