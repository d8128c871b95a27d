"""Requests and bodies of NTRIP."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.gnss.ntrip import Chunks, Mount, Request, RequestError, chunk, read_request, sourcetable

LOGIN = "Authorization: Basic " + base64.b64encode(b"rx-1:key:with colons").decode()


@pytest.mark.parametrize(
    ("lines", "request_"),
    [
        (
            ["GET /BASE HTTP/1.1", "Host: x:2101", "Ntrip-Version: Ntrip/2.0", LOGIN],
            Request("read", "BASE", 2, "rx-1", "key:with colons"),
        ),
        (
            ["GET /BASE HTTP/1.0", "User-Agent: NTRIP old/1", LOGIN],
            Request("read", "BASE", 1, "rx-1", "key:with colons"),
        ),
        (["GET / HTTP/1.0"], Request("read", "", 1)),
        (["SOURCE secret /BASE", "Source-Agent: NTRIP x"], Request("send", "BASE", 1, "", "secret")),
        (
            ["POST /BASE HTTP/1.1", "ntrip-version: NTRIP/2.0", LOGIN, "Transfer-Encoding: chunked"],
            Request("send", "BASE", 2, "rx-1", "key:with colons", chunked=True),
        ),
        (["GET /BASE HTTP/1.1", "Authorization: Basic ####"], Request("read", "BASE", 1)),
    ],
)
def test_requests_of_both_versions(lines: list[str], request_: Request) -> None:
    assert read_request("\r\n".join(lines).encode()) == request_


@pytest.mark.parametrize(
    "head", [b"", b"GET", b"GET / HTTP/9", b"GET / HTTP/1.1\r\nno colon", b"PUT / HTTP/1.1", b"\xff\x00"]
)
def test_what_is_no_request(head: bytes) -> None:
    with pytest.raises(RequestError):
        read_request(head)


@given(st.one_of(st.binary(max_size=300), st.text("GETPOSURC /HTP1.0\r\nNtrip:Basic=", max_size=200).map(str.encode)))
def test_nothing_but_a_refusal_comes_of_garbage(head: bytes) -> None:
    with contextlib.suppress(RequestError):
        read_request(head)


@given(pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=6), cut=st.integers(1, 50))
def test_a_chunked_body_is_what_was_put_in(pieces: list[bytes], cut: int) -> None:
    stream = b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    body, found = Chunks(), b""
    for place in range(0, len(stream), cut):
        found += body.feed(stream[place : place + cut])
    assert found == b"".join(pieces) and body.ended


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_garbage_for_chunks_is_refused_or_passed_on(pieces: list[bytes]) -> None:
    body = Chunks()
    with contextlib.suppress(RequestError):
        for piece in pieces:
            body.feed(piece)


def test_the_list_of_stations_has_its_19_fields() -> None:
    table = sourcetable([Mount("BASE", "the; harbour", "KOR", 126.5312, 33.4996, (1005, 1077), 4000)], "Cityhall")
    record, end, _empty = table.decode().split("\r\n")
    fields = record.split(";")
    assert end == "ENDSOURCETABLE" and len(fields) == 19
    assert fields[:4] == ["STR", "BASE", "the, harbour", "RTCM 3"] and fields[9:11] == ["33.50", "126.53"]
