"""As the role that a city's program runs as: it keeps, hands over and erases, and cannot touch what is kept."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege
from typer.testing import CliRunner

from cityhall import cli
from cityhall.commands import evidence
from cityhall.kernel.evidence import actions, sealing
from cityhall.kernel.evidence.models import Custody, Seal
from cityhall.kernel.evidence.verify import Found, verify_all
from cityhall.kernel.people.actors import person_actor, system
from tests.conftest import speak_as_owner, speak_as_program
from tests.kernel.evidence.conftest import film, officer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def as_program() -> Iterator[None]:
    speak_as_program()
    try:
        yield
    finally:
        speak_as_owner()


def test_what_the_program_does_and_what_it_may_not(as_program: None) -> None:
    ana, piece = person_actor(officer("ana")), film()
    actions.view(ana, piece)
    actions.hand_over(ana, piece, note="Delegada Lima")
    actions.prolong(ana, piece, timezone.now() + timedelta(days=50), why="a case")
    for statement in (
        "UPDATE evidence_evidence SET digest = ''",
        "DELETE FROM evidence_evidence",
        "TRUNCATE evidence_evidence CASCADE",
        "UPDATE evidence_custody SET by = 'person:1'",
        "DELETE FROM evidence_custody",
        "ALTER TABLE evidence_custody DISABLE TRIGGER ALL",
    ):
        with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert isinstance(refused.value.__cause__, InsufficientPrivilege), statement
    actions.erase(system("retention"), piece)
    assert not Seal.objects.exists() and not sealing.path_of(piece.uid).exists()
    assert Custody.objects.count() == 5
    assert verify_all(lambda what, share: None) == Found(1, [])


def test_the_command_names_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "opened", lambda data, city: nullcontext())
    pieces = [film(random.randbytes(100), f"alert:{number}") for number in range(5)]
    good = CliRunner().invoke(cli.app, ["evidence", "verify", "--json"])
    assert good.exit_code == 0
    assert json.loads(good.stdout.splitlines()[-1]) == {"pieces": 5, "whole": 5, "broken": []}
    sealing.path_of(pieces[3].uid).unlink()
    bad = CliRunner().invoke(cli.app, ["evidence", "verify", "--json"])
    assert bad.exit_code == 1
    told = json.loads(bad.stdout.splitlines()[-1])
    assert told["pieces"] == 5 and told["whole"] == 4
    assert told["broken"] == [
        {"id": pieces[3].pk, "kind": "guards.film", "subject": "alert:3", "what": ["its file is gone"]}
    ]
    said = CliRunner().invoke(cli.app, ["evidence", "verify"])
    assert said.exit_code == 1 and "its file is gone" in said.output


def test_what_is_erased_while_it_is_looked_at_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = film(), film(subject="alert:13")
    of_file = sealing.digest_of

    def erased_meanwhile(path: Path) -> str:
        monkeypatch.setattr(sealing, "digest_of", of_file)
        other = Thread(target=elsewhere)
        other.start()
        other.join()
        return of_file(path)

    def elsewhere() -> None:
        try:
            actions.erase(system("retention"), second)
            # One that comes meanwhile is not looked at, nor missed.
            film(subject="alert:14")
        finally:
            connection.close()

    monkeypatch.setattr(sealing, "digest_of", erased_meanwhile)
    found = verify_all(lambda what, share: None)
    assert found == Found(2, []) and not sealing.path_of(second.uid).exists()
    sealing.path_of(first.uid).write_bytes(b"")
    assert {fault.piece for fault in verify_all(lambda what, share: None).broken} == {first.pk}
