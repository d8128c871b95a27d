"""`cityhall bench trackers`: what it counts and refuses, and that its fuzz finds a decoder that answers anything."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhall import cli
from cityhall.bench import trackers, trackers_fuzz
from cityhall.engines.trackers import Message, Options, decode
from tests.engines.trackers import encoders as make

AT = 1_767_323_045.0


def row(frame: bytes, asserts: str, nothing: bool = False, **expected: Any) -> dict[str, Any]:
    return {
        "id": asserts,
        "protocol": "gt06",
        "encoding": "hex",
        "message": frame.hex(),
        "asserts": asserts,
        "expected": expected,
        "nothing_asserted": nothing,
    }


ALARM = make.gt06_alarm(AT, -30.03, -51.23, 1)
PLACE = {"time_utc": "2026-01-02 03:04:05.000", "valid": True, "lat": -30.03, "lon": -51.23}
ROWS = [
    row(ALARM, "position", position=PLACE),
    row(ALARM, "attribute", attribute={"alarm": "sos"}),
    row(make.gt06_alarm(AT, 1, 1, 0x7D), "not_null", nothing=True),
    row(make.gt06(0x01, bytes.fromhex("0867520001234567")), "null"),
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "\n".join(json.dumps(one) for one in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def bench(*words: object) -> dict[str, Any]:
    result = CliRunner().invoke(cli.app, ["bench", "trackers", *map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output.strip().splitlines()[-1]))


def test_every_assertion_is_counted(tmp_path: Path) -> None:
    told = bench("--messages", write(tmp_path / "a.jsonl", ROWS))
    assert told == {
        "protocol": "gt06", "messages": 4, "asserted": 3, "right": 3, "wrong": 0, "nothing": 1, "alarms": 3,
        "unknown": 1, "broken": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        row(ALARM, "null"),
        row(ALARM, "attribute", attribute={"alarm": "lowBattery"}),
        row(ALARM, "attribute", attribute={"alarm": None}),
        row(ALARM, "attribute", attribute={"fuel": 3}),
        row(ALARM, "position", position=PLACE | {"lat": -30.0302}),
        row(ALARM, "position", position=PLACE | {"valid": False}),
        row(ALARM, "position", position=PLACE | {"time_utc": "2026-01-02 03:04:06.000"}),
        row(make.gt06(0x01, bytes.fromhex("0867520001234567")), "position", nothing=True),
        row(make.gt06(0x13, bytes([0, 4, 3, 0, 2])), "position", nothing=True),
        row(b"xx", "not_null"),
    ],
)
def test_every_broken_assertion_is_wrong(tmp_path: Path, wrong: dict[str, Any]) -> None:
    told = bench("--messages", write(tmp_path / "a.jsonl", [*ROWS, wrong]))
    assert told["wrong"] == 1 and told["right"] == 3 and told["broken"] == [wrong["id"]]


def test_several_files_are_told_together_and_each(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.jsonl", ROWS[:1]), write(tmp_path / "b.jsonl.gz", ROWS[1:])
    told = bench("--messages", one, "--messages", other)
    assert told["messages"] == 4 and [part["messages"] for part in told["files"]] == [1, 3]


@pytest.mark.parametrize(
    "text", ["", "no json", '{"protocol": "gt06"}', json.dumps(ROWS[0] | {"protocol": "morse"}), '[1, 2]',
             json.dumps(ROWS[0] | {"message": "zz"}), json.dumps(ROWS[0] | {"asserts": "hope"})]
)  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    for file in (path, tmp_path / "nowhere.jsonl", tmp_path):
        result = CliRunner().invoke(cli.app, ["bench", "trackers", "--messages", str(file), "--json"])
        assert result.exit_code == 2 and "Traceback" not in result.output
        assert str(file).rsplit("/", 1)[-1] in result.output.replace("\n", "")


def test_streams_are_cut_and_counted_too(tmp_path: Path) -> None:
    def stream(content: bytes, frame: bytes | None) -> dict[str, Any]:
        first = None if frame is None else frame.hex()
        return {"protocol": "gt06", "stream_hex": content.hex(), "first_frame_hex": first}

    rows = [stream(b"noise" + ALARM + ALARM, ALARM), stream(ALARM[:20], None), stream(ALARM, None)]
    told = bench("--messages", write(tmp_path / "a.jsonl", [*rows, ROWS[0]]), "--fuzz", 10)
    assert (told["messages"], told["asserted"], told["right"], told["wrong"], told["nothing"]) == (4, 4, 3, 1, 1)


def test_the_fuzz_is_repeatable_and_finds_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    told = [bench("--messages", path, "--fuzz", 3000, "--seed", 5) for _time in range(2)]
    for one in told:
        one.pop("fuzz_s")
    assert told[0] == told[1]
    assert (told[0]["fuzzed"], told[0]["crashes"], told[0]["acks_of_unread"]) == (3000, 0, 0) and told[0]["read"] > 100


def test_the_fuzz_finds_a_decoder_that_answers_damaged_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(name: str, frame: bytes, options: Options) -> Message:
        return replace(decode(name, frame, options), acknowledgement=b"ok")

    monkeypatch.setattr(trackers_fuzz, "decode", trusting)
    assert trackers_fuzz.run([("gt06", ALARM, Options())], 300, 1)["acks_of_unread"] > 50


def test_the_fuzz_finds_a_decoder_that_stumbles(monkeypatch: pytest.MonkeyPatch) -> None:
    def clumsy(name: str, frame: bytes, options: Options) -> Message:
        if len(frame) < 20:
            raise IndexError
        return decode(name, frame, options)

    monkeypatch.setattr(trackers_fuzz, "decode", clumsy)
    assert trackers_fuzz.run([("gt06", ALARM, Options())], 300, 1)["crashes"] > 5


def test_options_of_the_origin_are_used(tmp_path: Path) -> None:
    frame = make.gt06(0x13, bytes.fromhex("560604f0830c"))
    plain = row(frame, "attribute", attribute={"power": None})
    told = row(frame, "attribute", attribute={"power": 13.1}) | {"decoder_options": ["model=LW4G-4B"]}
    assert trackers.run([write(tmp_path / "a.jsonl", [told])])["wrong"] == 0
    assert trackers.run([write(tmp_path / "a.jsonl", [plain])])["wrong"] == 0
    with pytest.raises(ValueError, match="colour"):
        trackers.run([write(tmp_path / "a.jsonl", [told | {"decoder_options": ["colour=red"]}])])
