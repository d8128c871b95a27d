"""RTCM 3 messages out of a stream, made and read with pyrtcm."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyrtcm import RTCMReader
from pyrtcm.rtcmhelpers import calc_crc24q, crc2bytes, len2bytes

from cityhall.engines.gnss.rtcm import LONGEST, CorrectionFrames, crc24q, message_type


def made(number: int, body: bytes = b"\x00" * 17) -> bytes:
    payload = (number << 4).to_bytes(2, "big") + body
    start = b"\xd3" + len2bytes(payload) + payload
    return start + crc2bytes(start)


@given(st.binary(max_size=300))
def test_the_crc_is_pyrtcms(data: bytes) -> None:
    assert crc24q(data) == calc_crc24q(data)


@given(
    number=st.sampled_from([1005, 1077, 1087, 1230]), body=st.binary(min_size=20, max_size=900), cut=st.integers(1, 500)
)
def test_frames_come_out_whole_whatever_the_pieces(number: int, body: bytes, cut: int) -> None:
    frame = made(number, body)
    stream, frames, found = frame * 3, CorrectionFrames(), []
    for place in range(0, len(stream), cut):
        found += frames.feed(stream[place : place + cut])
    assert found == [frame] * 3 and frames.malformed == 0
    assert message_type(found[0]) == number


def test_pyrtcm_reads_what_comes_out() -> None:
    (frame,) = CorrectionFrames().feed(made(1005))
    assert RTCMReader.parse(frame).identity == "1005"


@given(noise=st.lists(st.one_of(st.binary(max_size=300), st.sampled_from([b"\xd3", b"\xd3\x03\xff", b"\xd3\x00\x00"]))))
def test_a_good_message_after_garbage_comes_through(noise: list[bytes]) -> None:
    frames, found, good = CorrectionFrames(), [], made(1005)
    # A false start may wait for as much as the longest frame.
    for piece in [*noise, *[good] * (LONGEST // len(good) + 2)]:
        found += frames.feed(piece)
        assert len(frames.rest) < LONGEST
    assert good in found
