"""Whoever owns the database rewrites history: cuts its end, takes a stream out whole, puts something in.

The attacker here knows how the chain is made and computes it himself, with nothing of ours; whether the past is another
one is told by comparing the rows.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core import mail
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from cityhall import cli
from cityhall.kernel.journal import anchors, append
from cityhall.kernel.journal.room import ROOM
from cityhall.kernel.journal.sealer import seal_all
from cityhall.kernel.service import resolve
from cityhall.kernel.work.declares import Task

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack]
Row = dict[str, Any]
COLUMNS = "entry id stream type source subject actor time data transaction sequence position hash".split()
SAID = "stream id type source subject actor time data".split()
STREAMS = ("money", "roads", "trees")


def read() -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM journal_entry ORDER BY position")
        return [dict(zip(COLUMNS, row, strict=True)) | {"data": json.loads(row[8])} for row in cursor.fetchall()]


def said(rows: list[Row], up_to: int) -> list[list[Any]]:
    """What history tells up to a position."""
    return [[row[name] for name in SAID] for row in rows if row["position"] <= up_to]


def write(rows: list[Row]) -> None:
    """Puts these rows in the place of all, as the owner of the database can."""
    names, marks = ", ".join(COLUMNS), ", ".join(["%s"] * len(COLUMNS))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE journal_entry")
        for row in rows:
            values = [Jsonb(row[name]) if name == "data" else row[name] for name in COLUMNS]
            cursor.execute(f"INSERT INTO journal_entry ({names}) VALUES ({marks})", values)


def heads(rows: list[Row], whole: bytes) -> None:
    """Every head as if these rows were all there ever was."""
    ends = {row["stream"]: (row["sequence"], row["hash"]) for row in rows} | {"": (len(rows), whole)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM journal_head")
        for stream, (sequence, digest) in ends.items():
            cursor.execute("INSERT INTO journal_head VALUES (%s, %s, %s)", [stream, sequence, digest])


def chained(rows: list[Row]) -> bytes:
    """Numbers and hashes as the sealer would have given them; the hash of the whole."""
    ends: dict[str, tuple[int, bytes]] = {}
    whole = bytes(32)
    for position, row in enumerate(rows, 1):
        sequence, before = ends.get(row["stream"], (0, bytes(32)))
        moment = row["time"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        names = ("type", "source", "subject", "actor")
        fields = [str(row["id"]), row["stream"], sequence + 1, *(row[name] for name in names), moment, row["data"]]
        text = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
        row |= {"entry": position, "sequence": sequence + 1, "position": position}
        row["hash"] = hashlib.sha256(before + text).digest()
        ends[row["stream"]] = (sequence + 1, row["hash"])
        whole = hashlib.sha256(whole + row["hash"]).digest()
    return whole


def happen(streams: list[str]) -> None:
    for number, stream in enumerate(streams):
        with transaction.atomic():
            append(stream, "test.paid", {"cents": 100 + number, "b": [1, "x"], "a": None}, subject=f"bill:{number}")
    seal_all()


def start_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE journal_entry, journal_head")


def command(*arguments: object) -> Result:
    with patch("cityhall.commands.journal.opened", lambda data, city: nullcontext()):
        return CliRunner().invoke(cli.app, ["journal", *map(str, arguments)])


def verified(*arguments: object) -> dict[str, Any]:
    done = command("verify", "--json", *arguments)
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    assert done.exit_code == (0 if found["ok"] else 1), done.output
    return found


def deed(what: str, rows: list[Row], one: int, other: int) -> list[Row]:
    """A deed on the rows as they are; numbers and hashes stay."""
    rows = deepcopy(rows)
    here, there = rows[one], rows[other]
    if what == "change":
        here["data"]["cents"] += 1
    elif what == "another's name":
        here["actor"] = "person:7"
    elif what == "remove":
        rows.remove(here)
    elif what == "cut the tail":
        del rows[one:]
    elif what == "remove a stream":
        rows = [row for row in rows if row["stream"] != here["stream"]]
    elif what == "put in":
        last = max(row["sequence"] for row in rows if row["stream"] == here["stream"])
        new = here | {"id": uuid4(), "entry": 999, "sequence": last + 1, "position": len(rows) + 1}
        rows.insert(one, new)
    elif what == "another order":
        # Within a stream each takes the other's place in it as well.
        names = ["position", "sequence"] if here["stream"] == there["stream"] else ["position"]
        for name in names:
            here[name], there[name] = there[name], here[name]
        rows.sort(key=lambda row: row["position"])
    return rows


DEEDS = ("nothing", "change", "another's name", "remove", "cut the tail", "remove a stream", "put in", "another order")


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.sampled_from(STREAMS), min_size=2, max_size=8),
    after=st.lists(st.sampled_from(STREAMS), max_size=3),
    what=st.sampled_from(DEEDS),
    one=st.integers(0, 99),
    other=st.integers(0, 99),
    thorough=st.booleans(),
)
def test_no_change_of_what_stood_before_an_anchor_stays_hidden(
    tmp_path: Path, before: list[str], after: list[str], what: str, one: int, other: int, thorough: bool
) -> None:
    start_anew()
    happen(before)
    anchor = tmp_path / "anchor.json"
    assert command("anchor", "--to", anchor).exit_code == 0
    happen(after)
    then = read()
    now = deed(what, then, one % len(then), other % len(then))
    if thorough:
        heads(now, chained(now))
    write(now)
    past_is_as_it_was = said(now, len(before)) == said(then, len(before))
    everything_is = said(now, len(then) + 1) == said(then, len(then) + 1)
    # Who computes everything anew is not found out by the database alone; by the anchor, if the past is another one.
    assert verified()["ok"] == (thorough or everything_is)
    assert verified("--against", anchor)["ok"] == (past_is_as_it_was and (thorough or everything_is))


def test_the_tail_is_cut_and_the_streams_head_set_back(tmp_path: Path) -> None:
    happen(["money", "roads", "money", "money"])
    rows = read()
    with connection.cursor() as cursor:
        write(rows[:2])
        cursor.execute("UPDATE journal_head SET sequence = 1, hash = %s WHERE stream = 'money'", [rows[0]["hash"]])
    found = verified()
    assert not found["ok"]
    assert [(one["stream"], one["event"]) for one in found["faults"]] == [("", 3)]


def test_a_stream_is_removed_with_its_head(tmp_path: Path) -> None:
    happen(["money", "roads", "money"])
    anchor = tmp_path / "anchor.json"
    command("anchor", "--to", anchor)
    rows = [row for row in read() if row["stream"] != "roads"]
    write(rows)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM journal_head WHERE stream = 'roads'")
    assert [(one["stream"], one["event"]) for one in verified()["faults"]] == [("", 2)]
    heads(rows, chained(rows))
    write(rows)
    assert verified()["ok"]
    named = {one["stream"]: one["what"] for one in verified("--against", anchor)["faults"]}
    assert "whole stream was removed" in named["roads"] and "money" not in named and "" in named


def test_a_second_event_in_one_place(tmp_path: Path) -> None:
    """Who owns the table takes its constraints away first, and leaves the chain's own hashes in place."""
    happen(["money", "money"])
    rows = read()
    forged = rows[0] | {"id": uuid4(), "entry": 999, "position": 3, "data": {"cents": 1}}
    whole = hashlib.sha256(hashlib.sha256(bytes(32) + rows[0]["hash"]).digest() + rows[1]["hash"]).digest()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE journal_entry DROP CONSTRAINT journal_sequence_once")
        try:
            write([*rows, forged])
            heads([*rows], whole)
            digest = hashlib.sha256(whole + forged["hash"]).digest()
            cursor.execute("UPDATE journal_head SET sequence = 3, hash = %s WHERE stream = ''", [digest])
            assert [one["id"] for one in verified()["faults"]] == [str(forged["id"])]
        finally:
            write(rows)
            cursor.execute("ALTER TABLE journal_entry ADD CONSTRAINT journal_sequence_once UNIQUE (stream, sequence)")


def test_a_journal_of_a_version_without_a_hash_of_the_whole_goes_on(tmp_path: Path) -> None:
    happen(["money", "roads"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE journal_head SET hash = %s WHERE stream = ''", [bytes(32)])
    assert verified()["ok"]
    early = tmp_path / "early.json"
    command("anchor", "--to", early)
    happen(["money"])
    rows = read()
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM journal_head WHERE stream = ''")
        assert bytes(cursor.fetchone()[0]) == chained(rows)
    assert verified("--against", early)["ok"]


def test_an_anchor_is_changed_or_forged(tmp_path: Path) -> None:
    happen(["money", "roads"])
    anchor, fake = tmp_path / "anchor.json", tmp_path / "fake.json"
    told = json.loads(command("anchor", "--to", anchor, "--json").output.splitlines()[-1])
    text = anchor.read_bytes()
    assert (
        told["position"] == 2
        and hashlib.sha256(bytes.fromhex(json.loads(text)["key"])).hexdigest() == (told["fingerprint"])
    )
    for old, new in ((b'"position": 2', b'"position": 1'), (b'"money"', b'"moneY"'), (b"}", b', "more": 1}')):
        assert text.replace(old, new) != text
        fake.write_bytes(text.replace(old, new))
        refused = command("verify", "--against", fake)
        assert refused.exit_code == 1 and isinstance(refused.exception, anchors.AnchorError)
    forger = Ed25519PrivateKey.generate()
    forged = anchors.make(forger, "testville")
    fake.write_bytes(forged.text())
    assert isinstance(command("verify", "--against", fake).exception, anchors.AnchorError)
    words = " ".join(forged.fingerprint[at : at + 4].upper() for at in range(0, 64, 4))
    assert verified("--against", fake, "--fingerprint", words)["ok"]
    assert isinstance(command("verify", "--against", anchor, "--fingerprint", words).exception, anchors.AnchorError)


def test_every_day_an_anchor_leaves_the_city(settings: Any) -> None:
    settings.CITY = replace(settings.CITY, anchor_to="auditor@example.org")
    happen(["money", "roads", "money"])
    (task,) = (item for item in ROOM.declares if isinstance(item, Task))
    resolve(task.action)()
    (file,) = (Path(settings.CITY_FOLDER) / "anchors").glob("*-3.json")
    try:
        (letter,) = mail.outbox
        ((name, content, kind),) = letter.attachments
        assert letter.to == ["auditor@example.org"] and kind == "application/json" and name.endswith("-3.json")
        assert (content.encode() if isinstance(content, str) else content) == file.read_bytes()
        assert verified("--against", file)["ok"]
    finally:
        file.unlink()


def test_a_city_of_a_version_without_a_key_gets_one_and_keeps_it(settings: Any, tmp_path: Path) -> None:
    settings.CITY_FOLDER = tmp_path
    older = {"secret_key": "of then", "web_push": {"private": "a", "public": "b"}, "openid_connect": []}
    (tmp_path / "secrets.json").write_text(json.dumps(older))
    told = [json.loads(command("anchor", "--json").output.splitlines()[-1])["fingerprint"] for _ in range(2)]
    assert told[0] == told[1]
    kept = json.loads((tmp_path / "secrets.json").read_text())
    assert {name: kept[name] for name in older} == older
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
