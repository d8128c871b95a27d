"""What is kept as evidence: as it came, by whom it was had, until its time is over."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from cityhall.kernel.city.secrets import journal_key
from cityhall.kernel.deadlines.taker import take_due
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.evidence import actions, exporting, queries, sealing, sweeping
from cityhall.kernel.evidence.models import Custody, Evidence, Note, Seal
from cityhall.kernel.evidence.verify import Found, verify_all
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.privacy import erase as erase_person
from tests.kernel.evidence.conftest import FILM, film, officer

pytestmark = pytest.mark.django_db


def verified() -> Found:
    return verify_all(lambda what, share: None)


def steps(piece: Evidence) -> list[str]:
    return [line.what for line in Custody.objects.filter(evidence=piece)]


@pytest.mark.parametrize("size", [1, sealing.CHUNK - 1, sealing.CHUNK, sealing.CHUNK + 1, 2 * sealing.CHUNK])
def test_the_original_comes_back_as_it_was(size: int, tmp_path: Path) -> None:
    content = random.Random(size).randbytes(size)
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    ana = person_actor(officer("ana"))
    for piece in (film(content), film(path)):
        assert piece.digest == hashlib.sha256(content).hexdigest() and piece.size == size
        assert b"".join(actions.open_original(ana, piece)) == content
        sealed = sealing.path_of(piece.uid).read_bytes()
        assert hashlib.sha256(sealed).hexdigest() == piece.sealed_digest
        assert size < 16 or content[:16] not in sealed
    assert verified() == Found(2, [])


@given_settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.data())
def test_no_part_of_a_sealed_file_may_change(content: bytes, data: st.DataObject) -> None:
    key, uid, target = sealing.new_key(), uuid4(), io.BytesIO()
    sealing.seal(io.BytesIO(content), target, key, uid)
    sealed = bytearray(target.getvalue())
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    cut = data.draw(st.integers(0, len(sealed) - 1))
    whole = bytes(sealed)
    sealed[bit // 8] ^= 1 << bit % 8
    for broken in (bytes(sealed), whole[:cut], whole + b"\0"):
        with pytest.raises(sealing.Broken):
            b"".join(sealing.unseal(io.BytesIO(broken), key, uid))
    for other_key, other_uid in ((sealing.new_key(), uid), (key, uuid4())):
        with pytest.raises(sealing.Broken):
            b"".join(sealing.unseal(io.BytesIO(whole), other_key, other_uid))
    assert b"".join(sealing.unseal(io.BytesIO(whole), key, uid)) == content


def test_parts_of_a_sealed_file_may_not_change_places() -> None:
    key, uid, target = sealing.new_key(), uuid4(), io.BytesIO()
    sealing.seal(io.BytesIO(bytes(3 * sealing.CHUNK)), target, key, uid)
    whole, step = target.getvalue(), sealing.CHUNK + sealing.TAG
    begin = len(sealing.MAGIC)
    one, two, three = (whole[begin + at * step : begin + (at + 1) * step] for at in range(3))
    for order in ((two, one, three), (one, three), (one, two)):
        with pytest.raises(sealing.Broken):
            b"".join(sealing.unseal(io.BytesIO(whole[:begin] + b"".join(order)), key, uid))


def test_each_piece_of_which_one_bit_flipped_is_named() -> None:
    random.seed(15)
    pieces = [film(random.randbytes(random.randint(1, 5000)), f"alert:{number}") for number in range(60)]
    bad = {piece.pk for piece in random.sample(pieces, 25)}
    for piece in pieces:
        if piece.pk in bad:
            path = sealing.path_of(piece.uid)
            data = bytearray(path.read_bytes())
            bit = random.randrange(len(data) * 8)
            data[bit // 8] ^= 1 << bit % 8
            path.write_bytes(data)
    found = verified()
    assert {fault.piece for fault in found.broken} == bad
    assert (found.pieces, found.whole) == (60, 35)
    assert all("its file was changed" in {one.what for one in found.broken if one.piece == pk} for pk in bad)
    broken = next(piece for piece in pieces if piece.pk in bad)
    with pytest.raises(Conflict, match="not as it was kept"):
        actions.open_original(person_actor(officer("ana")), broken)


def without_protection(statement: str) -> None:
    """As somebody who owns the database, for the rest of this test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("evidence", "custody"):
            cursor.execute(f"ALTER TABLE evidence_{table} DISABLE TRIGGER USER")
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE evidence_evidence SET digest = repeat('0', 64)", "its row was changed"),
        ("UPDATE evidence_evidence SET subject = 'alert:13'", "its row was changed"),
        ("UPDATE evidence_custody SET by = 'person:999' WHERE what = 'handed_over'", "was changed"),
        ("UPDATE evidence_custody SET \"to\" = 'outside' WHERE what = 'handed_over'", "was changed"),
        ("DELETE FROM evidence_custody WHERE what = 'handed_over'", "a line of its custody was removed"),
        ("UPDATE evidence_custody SET event = gen_random_uuid() WHERE what = 'handed_over'", "does not know of line"),
        ("DELETE FROM evidence_seal", "its key is gone, though nobody erased it"),
        ("UPDATE evidence_seal SET key = sha256('a')", "its key does not open it"),
        ("DELETE FROM evidence_seal; DELETE FROM evidence_custody; DELETE FROM evidence_evidence", "removed from the"),
    ],
)
def test_what_somebody_changed_in_the_tables_is_named(harm: str, said: str) -> None:
    ana, rui = officer("ana"), officer("rui")
    piece = film()
    actions.hand_over(person_actor(ana), piece, to=rui)
    assert verified() == Found(1, [])
    without_protection(harm)
    found = verified()
    assert piece.pk in {fault.piece for fault in found.broken}
    assert any(said in fault.what for fault in found.broken)


@pytest.mark.parametrize("table", ["evidence", "custody"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id + 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_lets_nobody_change_what_is_kept(table: str, verb: str) -> None:
    film()
    name = f"evidence_{table}"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        # The tests empty tables; a city does not.
        cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER {table}_no_truncate")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb.format(name))


def test_who_had_it_when() -> None:
    ana, rui = officer("ana"), officer("rui")
    piece = film()
    actions.view(person_actor(ana), piece)
    actions.hand_over(person_actor(ana), piece, to=rui)
    actions.hand_over(person_actor(rui), piece, note="  Delegada Lima, 4th station, receipt 77 ")
    lines = queries.lines(piece)
    assert [str(line.what) for line in lines] == ["received", "looked at", "handed over", "handed over"]
    assert [(str(line.by), str(line.to)) for line in lines] == [
        ("the program", ""),
        ("ana", ""),
        ("ana", "rui"),
        ("rui", "somebody outside"),
    ]
    assert lines[-1].note == "Delegada Lima, 4th station, receipt 77"
    held = queries.held(piece)
    assert [one.holder for one in held] == ["system:camera", f"person:{rui.pk}", "outside"]
    assert [one.until for one in held] == [held[1].since, held[2].since, None]
    # No name and no note is in what cannot be forgotten.
    told = json.dumps([[one.subject, one.actor, one.data] for one in Entry.objects.filter(stream="evidence")])
    assert "Lima" not in told and "bus 7" not in told and piece.digest in told
    erase_person(system("test"), rui)
    assert "somebody whose account is erased" in {str(line.by) for line in queries.lines(piece)}


def test_only_who_may_can_do_anything_with_it() -> None:
    piece, ana = film(scope="zone:centro"), officer("ana", "zone:centro")
    north = person_actor(officer("rui", "zone:norte"))
    for actor in (ANONYMOUS, north):
        for act in (
            lambda who: actions.view(who, piece),
            lambda who: actions.open_original(who, piece),
            lambda who: actions.hand_over(who, piece, note="me"),
            lambda who: actions.prolong(who, piece, timezone.now() + timedelta(days=90), why="a case"),
            lambda who: exporting.export(who, [piece]),
        ):
            with pytest.raises(Denied):
                act(actor)
    assert steps(piece) == ["received"], "what was refused is no custody"
    actions.view(person_actor(ana), piece)
    with pytest.raises(Invalid, match="may not have it"):
        actions.hand_over(person_actor(ana), piece, to=officer("eva", "zone:norte"))
    with pytest.raises(Invalid, match="to whom"):
        actions.hand_over(person_actor(ana), piece, note=" ")
    with pytest.raises(Conflict):
        actions.erase(person_actor(ana), piece)
    letter = actions.keep("guards.letter", "a", b"x", name="", content_type="text/plain", actor=system("mail"))
    with pytest.raises(Denied):
        exporting.export(person_actor(ana), [piece, letter])
    assert steps(piece) == ["received", "viewed"]


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="declares"):
        actions.keep("guards.rumour", "a", b"x", name="a", content_type="", actor=system("a"))
    with pytest.raises(Invalid, match="nothing"):
        film(b"")
    assert not list((Path(settings.CITY_FOLDER) / sealing.FOLDER).rglob("*.sealed"))


def test_the_end_of_its_retention_destroys_the_key(django_capture_on_commit_callbacks: object) -> None:
    ana = person_actor(officer("ana"))
    piece, other = film(), film(subject="alert:13")
    actions.hand_over(ana, piece, note="Delegada Lima")
    copy = sealing.path_of(piece.uid).read_bytes()
    assert take_due(timezone.now() + timedelta(days=29)) == 0
    actions.prolong(ana, other, timezone.now() + timedelta(days=60), why="Process 8-2026")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert take_due(timezone.now() + timedelta(days=31)) == 1
    assert not Seal.objects.filter(evidence=piece).exists() and not Note.objects.filter(text__contains="Lima").exists()
    assert not sealing.path_of(piece.uid).exists()
    with pytest.raises(Missing, match="erased"):
        actions.open_original(ana, piece)
    with pytest.raises(Missing):
        exporting.export(ana, [piece])
    # Hashes and custody stay, and are in order; a copy of the file is of no use to anybody.
    assert steps(piece)[-1] == "erased" and queries.held(piece)[-1].until is not None
    assert FILM[:16] not in copy and verified() == Found(2, [])
    assert b"".join(actions.open_original(ana, other)) == FILM
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert take_due(timezone.now() + timedelta(days=61)) == 1


def test_it_is_kept_longer_only_for_a_reason_and_a_later_day() -> None:
    piece, ana = film(), person_actor(officer("ana"))
    for days, why in ((10, "a case"), (90, " "), (20_000, "a case")):
        with pytest.raises(Invalid):
            actions.prolong(ana, piece, timezone.now() + timedelta(days=days), why=why)
    actions.prolong(ana, piece, timezone.now() + timedelta(days=90), why="a case")
    assert steps(piece) == ["received", "prolonged"]


def test_an_export_is_whole_signed_and_says_who_made_it() -> None:
    ana = officer("ana")
    first, second = film(), film(b"other bytes", subject="../../etc")
    Seal.objects.filter(evidence=second).update(name="../../etc/pass wd")
    with exporting.export(person_actor(ana), [first, second]) as file, zipfile.ZipFile(file) as bundle:
        names = bundle.namelist()
        mark = bundle.read(exporting.WATERMARK).decode()
        text = bundle.read(exporting.MANIFEST)
        fingerprint, signature = bundle.read(exporting.SIGNATURE).decode().split()
        manifest = json.loads(text)
        for entry in manifest["pieces"]:
            assert hashlib.sha256(bundle.read(entry["file"])).hexdigest() == entry["sha256"]
        assert bundle.comment.decode() == mark
    assert all(".." not in name and not name.startswith("/") for name in names)
    assert f"ana (person:{ana.pk})" in mark and manifest["export"] in mark
    assert manifest["exported_by"] == f"person:{ana.pk}"
    public: Ed25519PublicKey = journal_key(Path(settings.CITY_FOLDER)).public_key()
    public.verify(bytes.fromhex(signature), text)
    assert hashlib.sha256(public.public_bytes_raw()).hexdigest() == fingerprint
    assert [line["what"] for line in manifest["pieces"][0]["custody"]] == ["received", "exported"]
    told = Entry.objects.filter(type="evidence.exported")
    assert {entry.data["export"] for entry in told} == {manifest["export"]} and told.count() == 2


def test_what_was_not_committed_leaves_no_file_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = film()
    with pytest.raises(RuntimeError), transaction.atomic():
        lost = film()
        raise RuntimeError
    draft = sealing.path_of(lost.uid).with_name(f".{lost.uid.hex}.sealed.x")
    draft.write_bytes(b"half")
    assert sealing.path_of(lost.uid).exists() and sweeping.sweep() == 0
    monkeypatch.setattr(sweeping, "ORPHAN_SECONDS", -1)
    assert sweeping.sweep() == 2
    assert not sealing.path_of(lost.uid).exists() and sealing.path_of(kept.uid).exists()
    assert verified() == Found(1, [])
