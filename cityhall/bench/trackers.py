"""Trackers' messages with what they are asserted to say, and damaged ones: what our decoders make of them.

A file holds one JSON object a line: `protocol`, `encoding` ("hex", or "text" in ISO 8859-1), `message`, `asserts`
("null", "not_null", "position", "positions", "attributes", "attribute"), `expected`, and where the origin set something
before, `decoder_options`. A line with `stream_hex` instead says what must be cut out of a stream first:
`first_frame_hex`, null where more must come.
"""

from __future__ import annotations

import gzip
import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cityhall.bench import trackers_fuzz
from cityhall.engines.trackers import Message, Options, Position, Report, Unreadable, decode, frames, protocol
from cityhall.engines.trackers.values import KNOT, UNKNOWN

ASSERTS = frozenset({"null", "not_null", "position", "positions", "attributes", "attribute"})
DEGREES = 1e-5
"""How near a position must be to the asserted one, and half of its last digit more."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
SHOWN = 20
"""Broken assertions that are named."""


def run(files: Sequence[Path], *, fuzz: int = 0, seed: int = 1) -> dict[str, Any]:
    """Counts over all files; with several, also those of each. Raises OSError and ValueError for what is no such file.

    wrong: every assertion that does not hold, also a position where nothing must come; nothing: messages that say
    nothing; alarms and unknown: messages with an alarm, and with one whose code nobody knows.
    """
    read = [(path, list(_rows(path))) for path in files]
    parts = [(path, _count(rows)) for path, rows in read]
    total: Counter[str] = Counter()
    for _path, (counts, _names, _broken) in parts:
        total += counts
    names = sorted({name for _path, (_counts, found, _broken) in parts for name in found})
    result = _row(total, names, [one for _path, (_counts, _names, broken) in parts for one in broken])
    if len(files) > 1:
        result["files"] = [
            {"file": str(path)} | _row(counts, sorted(found), broken) for path, (counts, found, broken) in parts
        ]
    if fuzz:
        whole = [
            (row["protocol"], row["frame"], row["options"]) for _path, rows in read for row in rows if "frame" in row
        ]
        if not whole:
            raise ValueError("there is no message to damage: give --fuzz a file of messages, not only of streams.")
        result |= trackers_fuzz.run(whole, fuzz, seed)
    return result


def _row(counts: Counter[str], names: Sequence[str], broken: Sequence[str]) -> dict[str, Any]:
    keys = ("messages", "asserted", "right", "wrong", "nothing", "alarms", "unknown")
    return {"protocol": ",".join(names), **{key: counts[key] for key in keys}, "broken": list(broken[:SHOWN])}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The messages of a file. Raises ValueError that says which line is none."""
    reader: Any = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with reader(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                number += 1
                if line.strip():
                    yield _message(json.loads(line))
    except (ValueError, KeyError, TypeError, EOFError, gzip.BadGzipFile) as problem:
        raise ValueError(
            f"{path}, line {number or 1}: {problem}. Give one JSON object of a message a line."
        ) from problem
    if not number:
        raise ValueError(f"{path} is empty: give a file with one JSON object of a message a line.")


def _message(row: dict[str, Any]) -> dict[str, Any]:
    protocol(row["protocol"])
    if "stream_hex" in row:
        wanted = row["first_frame_hex"]
        return row | {
            "stream": bytes.fromhex(row["stream_hex"]),
            "first": None if wanted is None else bytes.fromhex(wanted),
        }
    if row["encoding"] not in ("hex", "text"):
        raise ValueError(f"the encoding {row['encoding']!r} is neither hex nor text")
    if row["asserts"] not in ASSERTS:
        raise ValueError(f"nothing is known of the assertion {row['asserts']!r}")
    text = row["message"]
    frame = bytes.fromhex(text) if row["encoding"] == "hex" else text.encode("latin-1")
    return row | {"frame": frame, "options": Options.of(row.get("decoder_options") or [])}


def _count(rows: Sequence[dict[str, Any]]) -> tuple[Counter[str], set[str], list[str]]:
    counts: Counter[str] = Counter()
    broken = []
    for row in rows:
        if "stream" in row:
            cut = frames(row["protocol"]).feed(row["stream"])
            holds = (cut[0] if cut else None) == row["first"]
            counts += Counter(messages=1, asserted=1, right=holds, wrong=not holds, nothing=not cut)
            if not holds:
                broken.append(row["stream_hex"][:40])
            continue
        try:
            message: Message | None = decode(row["protocol"], row["frame"], row["options"])
        except Unreadable:
            message = None
        reports = message.reports if message else ()
        holds = _holds(row, reports)
        asserted = not row.get("nothing_asserted", False)
        alarms = [alarm for report in reports for alarm in report.alarms]
        counts += Counter(
            messages=1,
            asserted=asserted,
            right=asserted and holds,
            wrong=not holds,
            nothing=not reports,
            alarms=bool(alarms),
            unknown=any(alarm.kind == UNKNOWN for alarm in alarms),
        )
        if not holds:
            broken.append(str(row.get("id", "")))
    return counts, {row["protocol"] for row in rows}, broken


def _holds(row: dict[str, Any], reports: Sequence[Report]) -> bool:
    asserts, expected = row["asserts"], row.get("expected") or {}
    if asserts == "null":
        return not reports
    if not reports:
        return False
    if asserts == "attribute":
        return all(_same(name, _attribute(reports, name), value) for name, value in expected["attribute"].items())
    if asserts == "attributes":
        return any(report.attributes or report.alarms for report in reports)
    if asserts == "not_null" or expected.get("location_checked") is False:
        return True
    placed = [report.position for report in reports if report.position]
    wanted = expected.get("position")
    return bool(placed) and all(map(_plausible, placed)) and (not wanted or _is_at(placed[0], wanted))


def _attribute(reports: Sequence[Report], name: str) -> Any:
    """The value of an attribute, of the first report that has it."""
    for report in reports:
        value: Any = report.attributes.get(name)
        if name == "alarm":
            value = ",".join(alarm.kind for alarm in report.alarms if alarm.kind != UNKNOWN) or None
        elif value is None and report.position and name in ("altitude", "course", "valid"):
            value = getattr(report.position, name)
        elif value is None and report.position and name == "speed" and report.position.speed is not None:
            value = report.position.speed / KNOT
        if value is not None:
            return value
    return None


def _same(name: str, found: Any, wanted: Any) -> bool:
    if name == "alarm" and found and isinstance(wanted, str):
        # Which of several came first means nothing.
        return set(found.split(",")) == set(wanted.split(","))
    if isinstance(wanted, bool) or isinstance(found, bool) or not isinstance(wanted, int | float):
        return bool(found == wanted)
    return isinstance(found, int | float) and math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-6)


def _plausible(position: Position) -> bool:
    timely = position.at is None or EARLIEST <= position.at <= time.time() + 366 * 86400
    return timely and abs(position.lat) <= 90 and abs(position.lon) <= 180


def _is_at(position: Position, wanted: dict[str, Any]) -> bool:
    """Whether a position is the asserted one: its time, validity and place, as far as they are."""
    if "time_utc" in wanted:
        at = datetime.fromisoformat(wanted["time_utc"]).replace(tzinfo=UTC).timestamp()
        if position.at is None or abs(position.at - at) > 0.5:
            return False
    if "valid" in wanted and position.valid != wanted["valid"]:
        return False
    return all(
        abs(getattr(position, name) - wanted[name]) <= DEGREES + 5e-6 for name in ("lat", "lon") if name in wanted
    )
