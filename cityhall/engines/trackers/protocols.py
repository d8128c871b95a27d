"""The protocols by name: what cuts their streams, and what reads their frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cityhall.engines.trackers import gt06, h02, jt808, queclink, small, suntech, teltonika, tk103, watch
from cityhall.engines.trackers.framing import (
    Frames,
    Gt06Frames,
    H02Frames,
    LineFrames,
    QueclinkFrames,
    SuntechFrames,
    TeltonikaFrames,
    Tk103Frames,
    TopinFrames,
    WatchFrames,
)  # fmt: skip
from cityhall.engines.trackers.jt808_frames import Jt808Frames
from cityhall.engines.trackers.values import Message, Options, Unreadable


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol. `port` is the one that is usual for it; `datagrams`: it is spoken over UDP as well."""

    name: str
    decode: Callable[[bytes, Options], Message]
    frames: Callable[[], Frames]
    port: int
    datagrams: bool = False


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("gt06", gt06.decode, Gt06Frames, 5023),
        Protocol("suntech", suntech.decode, SuntechFrames, 5011),
        Protocol("queclink", queclink.decode, QueclinkFrames, 5004, datagrams=True),
        Protocol("teltonika", teltonika.decode, TeltonikaFrames, 5027, datagrams=True),
        Protocol("jt808", jt808.decode, Jt808Frames, 5015),
        Protocol("watch", watch.decode, WatchFrames, 5093),
        Protocol("h02", h02.decode, H02Frames, 5013, datagrams=True),
        Protocol("tk103", tk103.decode, Tk103Frames, 5002, datagrams=True),
        Protocol("gotop", small.gotop, LineFrames, 5009),
        Protocol("its", small.its, LineFrames, 5180),
        Protocol("topin", small.topin, TopinFrames, 5199),
    )
}
ALIASES = {"queclink_gl200": "queclink", "queclink_gl200_text": "queclink", "gl200": "queclink", "huabao": "jt808"}
"""Other names of them."""
_NONE = Options()


def protocol(name: str) -> Protocol:
    """The protocol of that name. Raises ValueError for one that is not known."""
    found = PROTOCOLS.get(ALIASES.get(name, name))
    if found is None:
        raise ValueError(f"no protocol of trackers is called {name!r}: use {', '.join(sorted(PROTOCOLS))}.")
    return found


def decode(name: str, frame: bytes, options: Options = _NONE) -> Message:
    """What a frame says. Raises Unreadable where it says nothing that could be read, and nothing else."""
    read = protocol(name).decode
    try:
        return read(frame, options)
    except Unreadable:
        raise
    except (ValueError, IndexError, KeyError, ArithmeticError) as problem:
        raise Unreadable(f"{type(problem).__name__}: {problem}") from problem


def frames(name: str) -> Frames:
    """What cuts one connection's stream."""
    return protocol(name).frames()
